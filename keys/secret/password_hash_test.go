package secret_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

type hashVector struct{ Password, Key, PHC string }

// hashVectors are those of the reference implementation of Argon2.
func hashVectors(t testing.TB) []hashVector {
	t.Helper()
	var list []hashVector
	content, err := os.ReadFile("testdata/password_hashes.json")
	if err == nil {
		err = json.Unmarshal(content, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 6 {
		t.Fatalf("%d vectors, want at least 6", len(list))
	}
	return list
}

func TestVerifyKnowsTheReferenceVectors(t *testing.T) {
	p := secret.NewPasswords()
	for _, v := range hashVectors(t) {
		key, err := hex.DecodeString(v.Key)
		if err != nil || !strings.HasSuffix(v.PHC, "$"+base64.RawStdEncoding.EncodeToString(key)) {
			t.Errorf("vector %s does not hold its key %s", v.PHC, v.Key)
		}
		if ok, _, err := p.Verify(t.Context(), v.PHC, v.Password); !ok || err != nil {
			t.Errorf("Verify(%s, %q) = %v, %v", v.PHC, v.Password, ok, err)
		}
	}
	for _, wrong := range []string{"", "passwore", "Password", "password ", "password\x00"} {
		if ok, rehash, err := p.Verify(t.Context(), hashVectors(t)[1].PHC, wrong); ok || rehash || err != nil {
			t.Errorf("Verify(%q) = %v, %v, %v", wrong, ok, rehash, err)
		}
	}
}

func TestHashIsVerifiedAndSalted(t *testing.T) {
	p := secret.NewPasswords()
	const password = "violet kettle sings at dawn"
	shape := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[0-9A-Za-z+/]{22}\$[0-9A-Za-z+/]{43}$`)
	one, err := p.Hash(t.Context(), password)
	if err != nil || !shape.MatchString(one) {
		t.Fatalf("Hash = %q, %v", one, err)
	}
	other, err := p.Hash(t.Context(), password)
	if err != nil || other == one {
		t.Errorf("two hashes of one password: %q and %q, %v", one, other, err)
	}
	if ok, rehash, err := p.Verify(t.Context(), one, password); !ok || rehash || err != nil {
		t.Errorf("Verify = %v, %v, %v; want true, false, nil", ok, rehash, err)
	}
	if ok, rehash, err := p.Verify(t.Context(), one, password+"!"); ok || rehash || err != nil {
		t.Errorf("Verify of a wrong password = %v, %v, %v", ok, rehash, err)
	}
	if p.Ran() != 4 {
		t.Errorf("Ran = %d, want 4", p.Ran())
	}
}

// call is what reached Argon2id.
type call struct {
	Password       string
	SaltLength     int
	Passes, Memory uint32
	Lanes          uint8
	KeyLength      uint32
}

// recorded returns a Passwords whose hash is key(n), and the calls it gets.
func recorded(key func(n uint32) []byte) (*secret.Passwords, *[]call) {
	p, calls := secret.NewPasswords(), &[]call{}
	p.SetDerive(func(password, salt []byte, passes, memory uint32, lanes uint8, n uint32) []byte {
		*calls = append(*calls, call{Password: string(password), SaltLength: len(salt), Passes: passes, Memory: memory, Lanes: lanes, KeyLength: n})
		return key(n)
	})
	return p, calls
}

func zeros(n uint32) []byte { return make([]byte, n) }
func ones(n uint32) []byte  { return bytes.Repeat([]byte{1}, int(n)) }

func TestAnUnknownUserCostsTheSameWorkAndIsNeverRight(t *testing.T) {
	for _, key := range []func(uint32) []byte{zeros, ones} {
		p, calls := recorded(key)
		stored, err := p.Hash(t.Context(), "the right password")
		if err != nil {
			t.Fatal(err)
		}
		if ok, _, err := p.Verify(t.Context(), stored, "some password"); !ok || err != nil {
			t.Fatalf("Verify = %v, %v", ok, err)
		}
		ran := p.Ran()
		ok, rehash, err := p.Verify(t.Context(), "", "some password")
		if ok || rehash || err != nil {
			t.Errorf("Verify of an unknown user = %v, %v, %v", ok, rehash, err)
		}
		if p.Ran() != ran+1 || !reflect.DeepEqual((*calls)[1], (*calls)[2]) {
			t.Errorf("a known user costs %+v, an unknown one %+v (Ran %d, then %d)", (*calls)[1], (*calls)[2], ran, p.Ran())
		}
	}
}

func TestThePasswordIsHashedAsReceived(t *testing.T) {
	p, calls := recorded(zeros)
	for i, password := range []string{" spaces ", "é", "e\u0301", "ﬁ", "a\x00b", "\xff", strings.Repeat("x", 5000), ""} {
		if _, err := p.Hash(t.Context(), password); err != nil || (*calls)[i].Password != password {
			t.Errorf("%q was hashed as %q, %v", password, (*calls)[i].Password, err)
		}
	}
}

func stored(memory, passes, lanes, salt, key int) string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memory, passes, lanes,
		base64.RawStdEncoding.EncodeToString(zeros(uint32(salt))), base64.RawStdEncoding.EncodeToString(zeros(uint32(key))))
}

func TestVerifyAsksForARehashWhenTheHashIsWeaker(t *testing.T) {
	for phc, want := range map[string]bool{
		stored(19456, 2, 1, 16, 32):  false,
		stored(19455, 2, 1, 16, 32):  true,
		stored(131072, 1, 1, 16, 32): true,
		stored(19456, 2, 1, 15, 32):  true,
		stored(19456, 2, 1, 16, 31):  true,
		stored(19457, 3, 2, 17, 33):  false,
	} {
		p, _ := recorded(zeros)
		if ok, rehash, err := p.Verify(t.Context(), phc, "any"); !ok || rehash != want || err != nil {
			t.Errorf("Verify(%s) = %v, %v, %v; want rehash %v", phc, ok, rehash, err, want)
		}
		p, _ = recorded(ones)
		if ok, rehash, err := p.Verify(t.Context(), phc, "any"); ok || rehash || err != nil {
			t.Errorf("Verify(%s) of a wrong password = %v, %v, %v", phc, ok, rehash, err)
		}
	}
}

func TestStoredNumbersAtTheBoundsAreUsed(t *testing.T) {
	for _, n := range [][5]int{{131072, 16, 16, 64, 64}, {8, 1, 1, 8, 16}, {128, 1, 16, 8, 16}} {
		p, calls := recorded(zeros)
		ok, _, err := p.Verify(t.Context(), stored(n[0], n[1], n[2], n[3], n[4]), "pw")
		want := []call{{"pw", n[3], uint32(n[1]), uint32(n[0]), uint8(n[2]), uint32(n[4])}}
		if !ok || err != nil || !reflect.DeepEqual(*calls, want) {
			t.Errorf("%v: %v, %v, calls %+v", n, ok, err, *calls)
		}
	}
}

func TestAMalformedOrOversizeStoredHashIsRefusedWithoutWork(t *testing.T) {
	good := stored(19456, 2, 1, 16, 32)
	replace := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	bad := []string{
		stored(131073, 2, 1, 16, 32), stored(4294967295, 2, 1, 16, 32), stored(4294967296+19456, 2, 1, 16, 32),
		stored(19456, 17, 1, 16, 32), stored(19456, 4294967295, 1, 16, 32), stored(19456, 0, 1, 16, 32),
		stored(19456, 2, 17, 16, 32), stored(19456, 2, 0, 16, 32), stored(19456, 2, 257, 16, 32),
		stored(0, 2, 1, 16, 32), stored(7, 2, 1, 16, 32), stored(127, 2, 16, 16, 32), stored(-1, 2, 1, 16, 32),
		stored(19456, 2, 1, 7, 32), stored(19456, 2, 1, 0, 32), stored(19456, 2, 1, 65, 32),
		stored(19456, 2, 1, 16, 0), stored(19456, 2, 1, 16, 15), stored(19456, 2, 1, 16, 65),
		replace("argon2id", "argon2i"), replace("argon2id", "argon2d"), replace("argon2id", "Argon2id"),
		replace("v=19", "v=16"), replace("v=19$", ""), replace("m=", "m=0"), replace("m=", "m=+"), replace("t=2,p=1", "p=1,t=2"),
		replace("p=1", "p=1,p=1"), replace("p=1", "p=1,keyid=YQ"), replace(",p=1", ""), replace("m=", "M="),
		good + "=", good + "\n", good + "$", " " + good, good[1:], "$", "$$$$$", "x",
		good[:len(good)-1] + "B", // loose last bits
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	}
	for _, phc := range bad {
		p, calls := recorded(zeros)
		ok, rehash, err := p.Verify(t.Context(), phc, "any")
		if ok || rehash || !errors.Is(err, secret.ErrStoredHash) {
			t.Errorf("Verify(%q) = %v, %v, %v; want ErrStoredHash", phc, ok, rehash, err)
		}
		if p.Ran() != 0 || len(*calls) != 0 {
			t.Errorf("Verify(%q) did %d hashes", phc, len(*calls))
		}
		if err != nil && len(phc) > 5 && strings.Contains(err.Error(), phc[len(phc)-5:]) {
			t.Errorf("the error quotes the hash: %v", err)
		}
	}
	if _, err := secret.ParsePasswordHash(good); err != nil {
		t.Errorf("the hash that the bad ones are made from is refused: %v", err)
	}
}

func TestAPanicInAHashGivesItsPlaceBack(t *testing.T) {
	p := secret.NewPasswords()
	p.SetDerive(func(_, _ []byte, _, _ uint32, _ uint8, _ uint32) []byte { panic("out of luck") })
	ctx, cancel := context.WithCancel(t.Context())
	for range 5 {
		func() {
			defer func() { _ = recover() }()
			_, _ = p.Hash(ctx, "any")
		}()
	}
	cancel()
	if p.Ran() != 5 {
		t.Errorf("Ran = %d, want 5", p.Ran())
	}
}

func FuzzParsePasswordHash(f *testing.F) {
	seeds := []string{"", stored(19456, 2, 1, 16, 32), stored(131073, 2, 1, 16, 32), stored(8, 1, 1, 8, 16)}
	for _, v := range hashVectors(f) {
		seeds = append(seeds, v.PHC, strings.Replace(v.PHC, "m=", "m=0", 1))
	}
	if slices.Index(seeds, "") != 0 || len(seeds) < 16 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, phc string) {
		again, err := secret.ParsePasswordHash(phc)
		if err != nil && !errors.Is(err, secret.ErrStoredHash) {
			t.Fatalf("%q: %v", phc, err)
		}
		if err == nil && again != phc {
			t.Fatalf("%q is accepted and written as %q", phc, again)
		}
	})
}
