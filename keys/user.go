package keys

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// User is a person who signs in. A user belongs to one account; the email is unique on the
// installation.
type User struct {
	// ID is the user's internal id, a UUIDv7. Number is the user's stable integer, which names them in
	// addresses.
	ID     string
	Number int64
	// AccountID is the account that the user belongs to.
	AccountID string
	// Account is the slug of that account.
	Account string
	// Email is the address in the form of NormalEmail.
	Email string
	// Roles are what the user may do in the console.
	Roles []Role
	// Status says whether the user may sign in at all.
	Status UserStatus
	// HasPassword says whether a password was ever set. Without one nobody signs in as the user.
	HasPassword bool
	// Version counts the changes of the user's roles. An edit names the version that it was made from.
	Version int64
	// CreatedAt is when the user was made.
	CreatedAt time.Time
	// LastSignInAt is the latest sign-in, or the zero time.
	LastSignInAt time.Time
	// Locked says that too many failed sign-ins from unknown browsers were seen: only a browser
	// that signed in before gets in until `latchkey user unlock`.
	Locked bool
}

// UserStatus says whether a user may sign in.
type UserStatus string

// The statuses of a user.
const (
	UserActive   UserStatus = "active"
	UserInactive UserStatus = "inactive"
)

// Active says whether the user may sign in, once they have a password.
func (u User) Active() bool { return u.Status == UserActive }

// MaxEmail is the longest email that is accepted, in bytes (RFC 5321 §4.5.3.1.3 less the brackets).
const MaxEmail = 254

// NormalEmail returns the form in which an email is kept and compared: trimmed and lower case.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// CheckEmail returns an Invalid error for the field "email" when the normal form of an email is
// empty, too long, or not an address such as ana@acme.example.
func CheckEmail(email string) error {
	if email == "" {
		return Problem("email", ReasonEmailEmpty)
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || len(email) > MaxEmail || !utf8.ValidString(email) || !IsText(email) {
		return Problem("email", ReasonEmailMalformed)
	}
	return nil
}
