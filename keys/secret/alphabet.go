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

// notBase62 is the value of a byte that is not of the alphabet.
const notBase62 = 0x80

// valueInBase62 is the value of each byte as a digit, or notBase62.
var valueInBase62 = func() (values [256]uint8) {
	for i := range values {
		values[i] = notBase62
	}
	for value, c := range []byte(base62) {
		values[c] = uint8(value)
	}
	return values
}()

func isBase62(s string) bool {
	var all uint8
	for i := range len(s) {
		all |= valueInBase62[s[i]]
	}
	return all < notBase62
}
