package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

func TestEveryBase62CharacterIsEquallyLikely(t *testing.T) {
	counts, refused := map[byte]int{}, 0
	for b := range 256 {
		c, ok := secret.Base62Of(byte(b))
		if !ok {
			refused++
			if b < 248 {
				t.Errorf("byte %d is thrown away", b)
			}
			continue
		}
		counts[c]++
		if c != alphabet[b%62] {
			t.Errorf("byte %d gives %q, want %q", b, c, alphabet[b%62])
		}
	}
	if refused != 8 || len(counts) != 62 {
		t.Errorf("%d bytes are thrown away and %d characters occur, want 8 and 62", refused, len(counts))
	}
	for c, n := range counts {
		if n != 4 {
			t.Errorf("%q comes from %d bytes, want 4", c, n)
		}
	}
}

func TestEveryCrockfordCharacterIsEquallyLikely(t *testing.T) {
	counts := map[byte]int{}
	for b := range 256 {
		counts[secret.CrockfordOf(byte(b))]++
	}
	for _, c := range []byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
		if counts[c] != 8 {
			t.Errorf("%q comes from %d bytes, want 8", c, counts[c])
		}
	}
	if len(counts) != 32 {
		t.Errorf("%d characters occur, want 32", len(counts))
	}
}

// Each text holds every character of its alphabet somewhere: a character that
// is missing at a place in so many has a chance below 10^-13.
func TestRandomTextsHaveTheirShapeAndUseTheWholeAlphabetAtEveryPlace(t *testing.T) {
	for _, test := range []struct {
		name  string
		make  func() string
		shape string
		each  int
	}{
		{"nonce", secret.NewNonce, `^[0-9A-Za-z]{22}$`, 62},
		{"key suffix", secret.NewKeySuffix, `^[0-9A-HJKMNP-TV-Z]{8}$`, 32},
		{"password", secret.NewPassword, `^[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){4}$`, 32},
		{"token body", func() string { return secret.New(secret.KindToken).Reveal()[4:47] }, `^[0-9A-Za-z]{43}$`, 62},
	} {
		t.Run(test.name, func(t *testing.T) {
			shape := regexp.MustCompile(test.shape)
			seen, places := map[string]bool{}, map[int]map[byte]bool{}
			for range 3000 {
				text := test.make()
				if !shape.MatchString(text) {
					t.Fatalf("%q does not match %s", text, shape)
				}
				seen[text] = true
				for at := range len(text) {
					if places[at] == nil {
						places[at] = map[byte]bool{}
					}
					places[at][text[at]] = true
				}
			}
			if len(seen) < 2999 { // key suffixes may collide, one pair in 240,000 runs
				t.Errorf("%d different texts of 3,000", len(seen))
			}
			for at, characters := range places {
				if len(characters) != test.each && !characters['-'] {
					t.Errorf("%d characters at place %d, want %d", len(characters), at, test.each)
				}
			}
		})
	}
}

func TestValidNonceTakesTheShapeOnly(t *testing.T) {
	good := secret.NewNonce()
	if !secret.ValidNonce(good) {
		t.Errorf("%q is not valid", good)
	}
	for _, bad := range []string{"", good[1:], good + "0", good[1:] + "_", good[1:] + "\x00", " " + good[1:], good[2:] + "é", strings.Repeat("/", 22), strings.Repeat(":", 22), strings.Repeat("@", 22), strings.Repeat("[", 22), strings.Repeat("`", 22), strings.Repeat("{", 22)} {
		if secret.ValidNonce(bad) {
			t.Errorf("%q is valid", bad)
		}
	}
}
