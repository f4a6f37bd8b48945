package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// Kind says what a secret is for. Its text is the secret's four-character
// prefix.
type Kind string

// The kinds of secrets.
const (
	// KindToken marks the token that an API key's holder sends.
	KindToken Kind = "lkt_"
	// KindLink marks the secret of a single-access link.
	KindLink Kind = "lkl_"
	// KindSession marks the id of a browser session.
	KindSession Kind = "lks_"
	// KindSetup marks the code that claims a fresh instance.
	KindSetup Kind = "lku_"
	// KindDevice marks the cookie of a browser that has signed in before.
	KindDevice Kind = "lkd_"
)

const (
	prefixLength   = 4
	bodyLength     = 43
	checksumLength = 6
	textLength     = prefixLength + bodyLength + checksumLength
	hintLength     = 4
)

// ErrMalformed is what [Parse] returns for every text that is not a well-formed
// secret of the wanted kind. It never quotes the text.
var ErrMalformed = errors.New("malformed secret")

// Value is a secret in the clear. Whatever prints, marshals or logs it gets the
// redacted form, such as "lkt_…93G3". The zero Value holds no secret and its
// redacted form is empty. Values cannot be compared with ==; compare their
// digests.
type Value struct {
	_ [0]func() // forbids ==, which is not constant in time

	// A pointer, because fmt cannot call the methods of a Value that sits in an
	// unexported field of another struct: it then prints an address, where a
	// string would be printed in the clear.
	text *string
}

// New returns a fresh random secret of kind k. It panics when k is not one of
// the declared kinds.
func New(k Kind) Value {
	if !k.known() {
		panic("secret: unknown kind " + strconv.Quote(string(k)))
	}
	body := string(k) + randomBase62(bodyLength)
	text := body + encodeSum(checksum(body))
	return Value{text: &text}
}

// Parse returns the secret written in s, or [ErrMalformed] when s differs in
// any way from the only spelling of a secret of kind k.
func Parse(k Kind, s string) (Value, error) {
	if !k.spells(s) {
		return Value{}, ErrMalformed
	}
	return Value{text: &s}, nil
}

// ParseDigest returns the digest of the secret that [Parse] would return, or
// [ErrMalformed] like it. It allocates nothing, for those who only look the
// digest up.
func ParseDigest(k Kind, s string) (Digest, error) {
	if !k.spells(s) {
		return Digest{}, ErrMalformed
	}
	var text [textLength]byte
	copy(text[:], s)
	return Sum(text[:]), nil
}

// spells says whether s is a well-formed secret of this kind.
func (k Kind) spells(s string) bool {
	if !k.known() || len(s) != textLength || s[:prefixLength] != string(k) || !isBase62(s[prefixLength:]) {
		return false
	}
	sum, ok := decodeSum(s[textLength-checksumLength:])
	return ok && sum == checksum(s[:textLength-checksumLength])
}

// Reveal returns the secret in the clear, or "" for the zero Value. It is the
// only way to the text.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// Digest returns the SHA-256 of the whole text: what the database holds in
// place of the secret.
func (v Value) Digest() Digest { return Sum([]byte(v.Reveal())) }

// Hint returns the last four characters, which may be stored and shown so that
// people can tell secrets apart. They belong to the checksum. The zero Value
// has the hint "".
func (v Value) Hint() string {
	if v.text == nil {
		return ""
	}
	return (*v.text)[textLength-hintLength:]
}

// Kind returns the kind, or "" for the zero Value.
func (v Value) Kind() Kind {
	if v.text == nil {
		return ""
	}
	return Kind((*v.text)[:prefixLength])
}

// IsZero reports whether v holds no secret.
func (v Value) IsZero() bool { return v.text == nil }

// String returns the redacted form.
func (v Value) String() string {
	if v.text == nil {
		return ""
	}
	return string(v.Kind()) + "…" + v.Hint()
}

// GoString returns the redacted form, for %#v.
func (v Value) GoString() string { return "secret.Value(" + strconv.Quote(v.String()) + ")" }

// Format writes the redacted form for every verb. Without it a verb that does
// not fit a string, such as %d, would print the fields of v.
func (v Value) Format(f fmt.State, verb rune) {
	text := v.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		text = v.GoString()
	case verb == 'q':
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // fmt.State reports no errors that a formatter could act on
}

// MarshalText returns the redacted form, for JSON, XML and the like. There is
// no way back: no text unmarshals into a Value.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue returns the redacted form, for slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

func (k Kind) known() bool {
	switch k {
	case KindToken, KindLink, KindSession, KindSetup, KindDevice:
		return true
	}
	return false
}
