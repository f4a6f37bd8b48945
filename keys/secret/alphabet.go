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

// inBase62 says which bytes are of the alphabet.
var inBase62 = func() (in [256]bool) {
	for _, c := range []byte(base62) {
		in[c] = true
	}
	return in
}()

func isBase62(s string) bool {
	all := true
	for i := range len(s) {
		all = all && inBase62[s[i]]
	}
	return all
}
