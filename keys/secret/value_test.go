package secret_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

const (
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sampleToken = "lkt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3S93G3"
)

var kinds = []secret.Kind{
	secret.KindToken, secret.KindLink, secret.KindSession, secret.KindSetup, secret.KindDevice,
}

type vector struct {
	Body, Text, SHA256 string
	Kind               secret.Kind
}

func vectors(t testing.TB) []vector {
	t.Helper()
	var list []vector
	content, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(content, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 4 {
		t.Fatalf("%d vectors, want at least 4", len(list))
	}
	return list
}

func TestVectors(t *testing.T) {
	digests := 0
	for _, want := range vectors(t) {
		v, err := secret.Parse(want.Kind, want.Text)
		if err != nil {
			t.Errorf("Parse(%q, %q): %v", want.Kind, want.Text, err)
			continue
		}
		if v.Reveal() != want.Text || v.Kind() != want.Kind || v.Hint() != want.Text[49:] || v.IsZero() {
			t.Errorf("%s came back as %q, kind %q, hint %q, zero %v", want.Text, v.Reveal(), v.Kind(), v.Hint(), v.IsZero())
		}
		if !strings.HasPrefix(want.Text, string(want.Kind)+want.Body) {
			t.Errorf("vector %s does not hold its body %s", want.Text, want.Body)
		}
		if want.SHA256 != "" {
			digests++
			if got := hex.EncodeToString(v.Digest().Bytes()); got != want.SHA256 {
				t.Errorf("digest of %s is %s, want %s", want.Text, got, want.SHA256)
			}
		}
	}
	if digests == 0 {
		t.Error("no vector has a digest")
	}
}

func TestNewMakesWellFormedDifferentSecretsOfEveryKind(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kinds {
		for range 200 {
			v := secret.New(k)
			text := v.Reveal()
			if !wellFormed(k, text) {
				t.Fatalf("New(%q) made %q", k, text)
			}
			if again, err := secret.Parse(k, text); err != nil || again.Reveal() != text {
				t.Fatalf("Parse(%q, %q) = %q, %v", k, text, again.Reveal(), err)
			}
			if seen[text] {
				t.Fatalf("%q was made twice", text)
			}
			seen[text] = true
		}
	}
}

func TestNewRefusesAnUndeclaredKind(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error(`New("lkx_") did not panic`)
		}
	}()
	secret.New("lkx_")
}

func TestParseRefusesEveryOneCharacterEdit(t *testing.T) {
	count := 0
	for at := 4; at < len(sampleToken); at++ {
		for _, c := range []byte(alphabet) {
			if c == sampleToken[at] {
				continue
			}
			count++
			refuse(t, secret.KindToken, sampleToken[:at]+string(c)+sampleToken[at+1:])
		}
	}
	if count != 2989 {
		t.Errorf("%d edits, want 2,989", count)
	}
}

func TestParseAcceptsOneSpellingOnly(t *testing.T) {
	edits := []string{
		"", "lkt_", " " + sampleToken, sampleToken + " ", sampleToken + "\n", sampleToken + "\x00",
		strings.ToUpper(sampleToken), strings.ToLower(sampleToken), sampleToken[:52], sampleToken + "0",
		sampleToken + sampleToken, `"` + sampleToken + `"`, sampleToken[4:], "Bearer " + sampleToken,
		"lkt_" + strings.Repeat("é", 24) + "0", strings.Replace(sampleToken, "_", "-", 1),
	}
	for at := range len(sampleToken) {
		edits = append(edits, sampleToken[:at]+sampleToken[at+1:]) // one character less
		for b := range 256 {
			c := string([]byte{byte(b)})
			if c != sampleToken[at:at+1] {
				edits = append(edits, sampleToken[:at]+c+sampleToken[at+1:])
			}
			edits = append(edits, sampleToken[:at]+c+sampleToken[at:]) // one more
		}
		if at > 0 && sampleToken[at] != sampleToken[at-1] { // two swapped
			edits = append(edits, sampleToken[:at-1]+sampleToken[at:at+1]+sampleToken[at-1:at]+sampleToken[at+1:])
		}
	}
	for _, edit := range edits {
		refuse(t, secret.KindToken, edit)
	}
}

func TestParseRefusesOtherCharactersThoughTheChecksumIsRight(t *testing.T) {
	for b := range 256 {
		c := string([]byte{byte(b)})
		if strings.Contains(alphabet, c) {
			continue
		}
		body := "lkt_" + strings.Repeat("0", 42) + c
		refuse(t, secret.KindToken, body+checksumByBigNumbers(body))
	}
}

func TestParseRefusesASecretOfAnotherKind(t *testing.T) {
	for _, k := range kinds {
		text := secret.New(k).Reveal()
		for _, other := range append(kinds, "lkx_", "") {
			if other != k {
				refuse(t, other, text)
			}
		}
	}
	body := "lkx_" + strings.Repeat("0", 43)
	refuse(t, "lkx_", body+checksumByBigNumbers(body))
}

func TestParseErrorDoesNotQuoteTheText(t *testing.T) {
	_, err := secret.Parse(secret.KindLink, sampleToken)
	if err == nil || strings.Contains(err.Error(), sampleToken[4:12]) {
		t.Errorf("error is %v", err)
	}
}

func TestZeroValueHoldsNothing(t *testing.T) {
	var v secret.Value
	if !v.IsZero() || v.Reveal() != "" || v.Hint() != "" || v.Kind() != "" || fmt.Sprint(v) != "" {
		t.Errorf("zero value: %v %q %q %q %q", v.IsZero(), v.Reveal(), v.Hint(), v.Kind(), fmt.Sprint(v))
	}
}

func FuzzParse(f *testing.F) {
	seeds := 0
	for _, v := range vectors(f) {
		f.Add(string(v.Kind), v.Text)
		f.Add(string(v.Kind), v.Text[:52])
		f.Add("lks_", v.Text)
		seeds += 3
	}
	for _, k := range kinds {
		f.Add(string(k), secret.New(k).Reveal())
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		k := secret.Kind(kind)
		v, err := secret.Parse(k, text)
		if accepted := err == nil; accepted != wellFormed(k, text) {
			t.Fatalf("Parse(%q, %q): %v, but well-formed is %v", kind, text, err, wellFormed(k, text))
		}
		if err != nil {
			if !errors.Is(err, secret.ErrMalformed) || !v.IsZero() {
				t.Fatalf("Parse(%q, %q) = %v, %v", kind, text, v, err)
			}
			return
		}
		if v.Reveal() != text || v.Kind() != k {
			t.Fatalf("Parse(%q, %q) reveals %q of kind %q", kind, text, v.Reveal(), v.Kind())
		}
	})
}

// refuse fails the test when text parses as a secret of kind k.
func refuse(t *testing.T, k secret.Kind, text string) {
	t.Helper()
	if v, err := secret.Parse(k, text); !errors.Is(err, secret.ErrMalformed) || !v.IsZero() {
		t.Errorf("Parse(%q, %q) = %v, %v; want ErrMalformed", k, text, v, err)
	}
}

var shape = regexp.MustCompile(`^lk[tlsud]_[0-9A-Za-z]{49}$`)

// wellFormed is the package doc's definition, written once more in another way.
func wellFormed(k secret.Kind, text string) bool {
	return len(k) == 4 && strings.HasPrefix(text, string(k)) && !strings.HasSuffix(text, "\n") &&
		shape.MatchString(text) && checksumByBigNumbers(text[:47]) == text[47:]
}

func checksumByBigNumbers(body string) string {
	digits := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))).Text(62)
	swapped := strings.Map(func(r rune) rune { // math/big counts 0-9 a-z A-Z
		switch {
		case r >= 'a':
			return r - 'a' + 'A'
		case r >= 'A':
			return r - 'A' + 'a'
		}
		return r
	}, digits)
	return strings.Repeat("0", 6-len(swapped)) + swapped
}

func TestParseDigestAgreesWithParse(t *testing.T) {
	good := secret.New(secret.KindToken).Reveal()
	for _, s := range []string{good, good[:52], good + "x", "lkl_" + good[4:], strings.Replace(good, good[10:11], "-", 1), ""} {
		value, err := secret.Parse(secret.KindToken, s)
		digest, digestErr := secret.ParseDigest(secret.KindToken, s)
		if !errors.Is(digestErr, err) || err == nil && digest != value.Digest() || err != nil && digest != (secret.Digest{}) {
			t.Errorf("Parse says %v and ParseDigest %v", err, digestErr)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = secret.ParseDigest(secret.KindToken, good) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
