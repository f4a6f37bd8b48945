package secret

const nonceLength = 22

// NewNonce returns a fresh random form nonce: 22 characters, 131 bits. It makes
// a form count once and is no credential.
func NewNonce() string { return randomBase62(nonceLength) }

// ValidNonce reports whether s has the shape of a form nonce.
func ValidNonce(s string) bool { return len(s) == nonceLength && isBase62(s) }
