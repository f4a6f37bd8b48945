package keys

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// KeyID is the public id of an API key, `appkey-{account}-{8 Crockford base32, upper case}`. It is
// not secret, never changes and is never given to another key.
type KeyID string

// NewKeyID puts a key's id together from the account's slug and a suffix of secret.NewKeySuffix.
func NewKeyID(account, suffix string) KeyID { return KeyID("appkey-" + account + "-" + suffix) }

var keyID = regexp.MustCompile(`^appkey-[a-z0-9]{3,20}-[0-9A-HJKMNP-TV-Z]{8}$`)

// ParseKeyID returns the key id in text, or NotFound when text cannot be one.
func ParseKeyID(text string) (KeyID, error) {
	if !keyID.MatchString(text) {
		return "", NotFound(ReasonKeyNotFound)
	}
	return KeyID(text), nil
}

// Status says whether a key may come in at all.
type Status string

// The two statuses of a key. There is no third one: a deleted key is gone.
const (
	StatusActive   Status = "active"
	StatusInactive Status = "inactive"
)

// Key is the public half of an integration's credential, with its roles and its live tokens.
type Key struct {
	// ID is the public id.
	ID KeyID
	// Number is the key's stable integer for machines.
	Number int64
	// Name says which integration uses the key.
	Name string
	// Status says whether the key may come in.
	Status Status
	// Roles are what the key may do, in the order of their names.
	Roles []Role
	// Tokens are the live tokens, the newest first: none, one or two.
	Tokens []Token
	// Link is the newest single-access link of the key, whatever became of it, or the zero link when it never
	// had one. Only one link of a key waits at a time.
	Link Link
	// CreatedAt is when the key was generated.
	CreatedAt time.Time
	// CreatedBy is the email of the user who generated it.
	CreatedBy string
	// Version counts the changes of the key. An edit names the version that it was made from.
	Version int64
}

// Active says whether the key may come in.
func (k Key) Active() bool { return k.Status == StatusActive }

// MaxName is the greatest length of a key's name, in code points.
const MaxName = 64

// NormalName returns a key's name as it is kept: without white space at its ends.
func NormalName(name string) string { return strings.TrimFunc(name, unicode.IsSpace) }

// CheckName returns an Invalid error for the field "name" when the normal form of a name is empty
// or longer than MaxName code points.
func CheckName(name string) error {
	switch length := utf8.RuneCountInString(name); {
	case length == 0:
		return Problem("name", ReasonNameEmpty)
	case length > MaxName:
		return Problem("name", ReasonNameLong)
	}
	return nil
}

// IsText says whether both databases can keep s as text: valid UTF-8 without NUL. SQLite takes what
// is not, PostgreSQL refuses it, so it is refused before either sees it.
func IsText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
