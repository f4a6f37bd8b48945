package secret

const keySuffixLength = 8

// NewKeySuffix returns the random last part of a key's public id: 8 characters
// of Crockford's base 32 in upper case, which can be read aloud. It is not
// secret and may collide: the database decides whether it is taken.
func NewKeySuffix() string { return randomCrockford(keySuffixLength) }
