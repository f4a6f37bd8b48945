package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Digest is a SHA-256 digest. Digests may be stored; they are still no business
// of any page, log or audit row.
type Digest [sha256.Size]byte

// Sum returns the SHA-256 of content, which need not be a secret.
func Sum(content []byte) Digest { return sha256.Sum256(content) }

// DigestOf returns the digest that [Digest.Bytes] gave, or an error when b does
// not have exactly 32 bytes.
func DigestOf(b []byte) (Digest, error) {
	if len(b) != sha256.Size {
		return Digest{}, fmt.Errorf("malformed digest: %d bytes in place of %d", len(b), sha256.Size)
	}
	return Digest(b), nil
}

// Equal reports whether d and o are the same, in a time that does not depend on
// where they differ.
func (d Digest) Equal(o Digest) bool { return subtle.ConstantTimeCompare(d[:], o[:]) == 1 }

// Bytes returns the 32 bytes of d in a slice that the caller owns.
func (d Digest) Bytes() []byte { return append([]byte(nil), d[:]...) }

// EqualText reports whether a and b are the same text, in a time that does not
// depend on where they differ.
func EqualText(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// SumReader returns the SHA-256 of everything that r gives until its end, or the error of r.
func SumReader(r io.Reader) (Digest, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return Digest{}, err
	}
	return Digest(sum.Sum(nil)), nil
}
