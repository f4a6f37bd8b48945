package verifier

import (
	"time"

	"latchkey/keys"
)

// Code is what a verification comes to.
type Code uint8

// The codes, in the order in which a verification meets them.
const (
	// CodeUnavailable says that the index is not loaded, or may be older than the bound: nobody can know.
	CodeUnavailable Code = iota
	// CodeMissing says that there were no credentials.
	CodeMissing
	// CodeMalformed says that the credentials were ambiguous or incomplete.
	CodeMalformed
	// CodeUnknown says that there is no such token, that it belongs to another key than the one presented
	// beside it, or to a key that has no say in the guarded account.
	CodeUnknown
	// CodeDeleted says that the token's key was deleted. Callers of the guarded API get the answer of
	// CodeUnknown.
	CodeDeleted
	// CodeRotated says that the token was replaced, or its renewal undone.
	CodeRotated
	// CodeExpired says that the token is past its duration and that the account enforces it.
	CodeExpired
	// CodeInactive says that the key is not active.
	CodeInactive
	// CodeForbidden says that the key may come in, but not use the resource.
	CodeForbidden
	// CodeValid says: come in.
	CodeValid

	codes = int(CodeValid) + 1
)

// String returns the code as introspection and metrics spell it, such as VALID.
func (c Code) String() string {
	return [codes]string{
		"UNAVAILABLE", "MISSING", "MALFORMED", "UNKNOWN", "DELETED", "ROTATED", "EXPIRED", "INACTIVE", "FORBIDDEN", "VALID",
	}[c]
}

// OwnAccount as Request.Account guards the account of the presented key itself.
const OwnAccount = "*"

// Request is what a verification is asked. It holds no header that was not understood.
type Request struct {
	// Token is the presented token, as it came.
	Token string
	// Key is the key's id that was presented beside the token, or empty when the token came alone.
	Key string
	// Account is the slug of the account whose API is guarded. Empty, it is the verifier's own; a slug
	// that no account has lets nobody in. A key of another account comes in as far as the guarded one has
	// given it roles.
	Account string
	// Resource is what the caller wants to use, or empty when it is enough to come in. Nobody is granted
	// a text that cannot be a resource.
	Resource string
}

// Verdict is the answer to a Request. It says what was true at one moment between the call and the
// return. Its methods may be called at any later time.
type Verdict struct {
	Code Code
	// Retiring says that the token is the old one of an open renewal.
	Retiring bool

	key     *keyRecord
	token   *tokenRecord
	owner   *account
	guarded *account
	roles   *roleSet
}

// KeyID returns the id of the key that the token belongs to, or "" when the token is unknown.
func (v Verdict) KeyID() keys.KeyID {
	if v.key == nil {
		return ""
	}
	return v.key.id(v.owner)
}

// Account returns the slug of the guarded account, or "" when there is none.
func (v Verdict) Account() string {
	if v.guarded == nil {
		return ""
	}
	return v.guarded.slug
}

// Roles returns the slugs of the key's roles in the guarded account, sorted. The caller must not change it.
func (v Verdict) Roles() []string {
	if v.roles == nil {
		return nil
	}
	return v.roles.slugs
}

// Resources returns the slugs of what the key may use there, sorted. The caller must not change it.
func (v Verdict) Resources() []string {
	if v.roles == nil {
		return nil
	}
	return v.roles.resources
}

// Expiry returns when the token ends by its duration, and false when it does not because the account
// that it belongs to does not enforce it, or when the token is unknown.
func (v Verdict) Expiry() (time.Time, bool) {
	if v.token == nil || !v.owner.settings.EnforceExpiry {
		return time.Time{}, false
	}
	return v.owner.settings.Duration.Expiry(time.Unix(int64(v.token.created), 0), v.owner.zone), true
}
