package secret

import "crypto/rand"

const (
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// base62Of returns the character for a random byte, or false when the byte must
// be thrown away: 256 is no multiple of 62, so taking the eight bytes from 248
// on would make the first eight characters more likely than the others.
func base62Of(b byte) (byte, bool) {
	if b >= 248 {
		return 0, false
	}
	return base62[b%62], true
}

func crockfordOf(b byte) byte { return crockford[b%32] }

func randomBase62(n int) string {
	text := make([]byte, 0, n)
	var random [64]byte
	for {
		_, _ = rand.Read(random[:]) // never fails: the program ends when the system has no randomness
		for _, b := range random {
			if len(text) == n {
				return string(text)
			}
			if c, ok := base62Of(b); ok {
				text = append(text, c)
			}
		}
	}
}

func randomCrockford(n int) string {
	text := make([]byte, n)
	_, _ = rand.Read(text) // never fails, as above
	for i, b := range text {
		text[i] = crockfordOf(b)
	}
	return string(text)
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
