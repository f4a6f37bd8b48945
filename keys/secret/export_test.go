package secret

// Derive is what a Passwords hashes with.
type Derive = func(password, salt []byte, passes, memory uint32, lanes uint8, keyLength uint32) []byte

// SetDerive replaces Argon2id, for tests of everything around it.
func (p *Passwords) SetDerive(d Derive) { p.derive = d }

// Base62Of and CrockfordOf are what becomes of one random byte.
var (
	Base62Of    = base62Of
	CrockfordOf = crockfordOf
)

// ParsePasswordHash parses phc and writes it again.
func ParsePasswordHash(phc string) (string, error) {
	h, err := parseHash(phc)
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// ShortestPieces returns the length of the shortest word, phrase or run of the
// embedded list and the number of its entries.
func ShortestPieces() (shortest, entries int) {
	shortest = 1 << 10
	var visit func(t *wordTree, depth int)
	visit = func(t *wordTree, depth int) {
		for _, identity := range t.words {
			if identity != glue {
				shortest, entries = min(shortest, depth), entries+1
			}
		}
		for _, branch := range t.next {
			visit(branch.tree, depth+1)
		}
	}
	visit(&commonWords().words, 0)
	visit(&commonWords().plain, 0)
	return shortest, entries
}
