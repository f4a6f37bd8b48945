package keys

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of refusal an error is. The web layer makes a status of it.
type Kind string

// The kinds of refusals.
const (
	// KindInvalid: what was typed breaks a rule; Problems say which field and why.
	KindInvalid Kind = "invalid"
	// KindMalformed: what came is not something that a form of ours sends.
	KindMalformed Kind = "malformed"
	// KindNotFound: there is no such thing in the actor's account.
	KindNotFound Kind = "not-found"
	// KindConflict: the thing is not in the state that the change needs.
	KindConflict Kind = "conflict"
	// KindGone: there was such a thing, and it is over; At says since when.
	KindGone Kind = "gone"
	// KindForbidden: the actor may not do that.
	KindForbidden Kind = "forbidden"
	// KindTooMany: too many attempts; RetryAfter says when to come again.
	KindTooMany Kind = "too-many"
	// KindUnavailable: the database could not do it, and nothing was changed.
	KindUnavailable Kind = "unavailable"
	// KindUnknown: the answer of a commit was lost, so it may or may not have been saved.
	KindUnknown Kind = "unknown-outcome"
)

// Reason names why something was refused. It is the id of a sentence in the catalogue of words.
type Reason string

// The reasons for refusals.
const (
	ReasonAccountEmpty      Reason = "account-empty"
	ReasonAccountSlug       Reason = "account-slug"
	ReasonAccountTaken      Reason = "account-taken"
	ReasonAccountNotFound   Reason = "account-not-found"
	ReasonZoneUnknown       Reason = "zone-unknown"
	ReasonEmailEmpty        Reason = "email-empty"
	ReasonEmailMalformed    Reason = "email-malformed"
	ReasonEmailTaken        Reason = "email-taken"
	ReasonUserNotFound      Reason = "user-not-found"
	ReasonNameEmpty         Reason = "name-empty"
	ReasonNameLong          Reason = "name-long"
	ReasonRoleUnknown       Reason = "role-unknown"
	ReasonRoleNotFound      Reason = "role-not-found"
	ReasonRoleChanged       Reason = "role-changed"
	ReasonRoleBuiltIn       Reason = "role-built-in"
	ReasonRoleInUse         Reason = "role-in-use"
	ReasonRoleNameEmpty     Reason = "role-name-empty"
	ReasonRoleNameTaken     Reason = "role-name-taken"
	ReasonDescriptionLong   Reason = "description-long"
	ReasonLastAdministrator Reason = "last-administrator"
	ReasonResourceUnknown   Reason = "resource-unknown"
	ReasonResourceSlug      Reason = "resource-slug"
	ReasonResourceReserved  Reason = "resource-reserved"
	ReasonResourceTaken     Reason = "resource-taken"
	ReasonResourceNameEmpty Reason = "resource-name-empty"
	ReasonProductEmpty      Reason = "product-empty"
	ReasonProductReserved   Reason = "product-reserved"
	ReasonKeyNotFound       Reason = "key-not-found"
	ReasonKeyChanged        Reason = "key-changed"
	ReasonNotUnderstood     Reason = "not-understood"
	ReasonRenewalOpen       Reason = "renewal-open"
	ReasonRenewalOver       Reason = "renewal-over"
	ReasonNothingToUndo     Reason = "nothing-to-undo"
	ReasonNoOldToken        Reason = "no-old-token"
	ReasonOldTokenChoice    Reason = "old-token-choice"
	ReasonDuration          Reason = "duration"
	ReasonDays              Reason = "days"
	ReasonSettingsChanged   Reason = "settings-changed"
	ReasonReviewEnded       Reason = "review-ended"
	ReasonKeysWouldStop     Reason = "keys-would-stop"
	ReasonSetupClosed       Reason = "setup-closed"
	ReasonSetupCode         Reason = "setup-code"
	ReasonLoginThrottled    Reason = "login-throttled"
	ReasonLoginLocked       Reason = "login-locked"
	ReasonPermissionMissing Reason = "permission-missing"
	ReasonEscalation        Reason = "escalation"
	ReasonNotSaved          Reason = "not-saved"
	ReasonOutcomeUnknown    Reason = "outcome-unknown"
	ReasonNotText           Reason = "not-text"
	ReasonNonce             Reason = "form-nonce"
	ReasonCursor            Reason = "cursor"
	ReasonPasswordChanged   Reason = "password-changed"
	ReasonSessionEnded      Reason = "session-ended"
	ReasonSessionNotFound   Reason = "session-not-found"
	ReasonLanguageUnknown   Reason = "language-unknown"
	ReasonThemeUnknown      Reason = "theme-unknown"
	ReasonLinkNotFound      Reason = "link-not-found"
	ReasonLinkUsed          Reason = "link-used"
	ReasonLinkExpired       Reason = "link-expired"
	ReasonLinkVoided        Reason = "link-voided"
	ReasonLinkWaits         Reason = "link-waits"
	ReasonNoLink            Reason = "no-link"
	ReasonLinkKeyInactive   Reason = "link-key-inactive"
	ReasonLinkThrottled     Reason = "link-throttled"
	// Why a key of another account is not added.
	ReasonExternalKeyEmpty    Reason = "external-key-empty"
	ReasonExternalKeyFormat   Reason = "external-key-format"
	ReasonExternalOwnerEmpty  Reason = "external-owner-empty"
	ReasonExternalOwnerFormat Reason = "external-owner-format"
	ReasonExternalOwn         Reason = "external-own"
	ReasonExternalUnknown     Reason = "external-unknown"
	ReasonExternalAdded       Reason = "external-added"
	ReasonLinkNotOpen         Reason = "link-not-open"
	ReasonUserChanged         Reason = "user-changed"
	ReasonUserInactive        Reason = "user-inactive"
	ReasonOwnPassword         Reason = "own-password"
	ReasonSelfLockout         Reason = "self-lockout"
)

// FieldProblem says what is wrong with one field of a form.
type FieldProblem struct {
	Field  string
	Reason Reason
}

// Error is a refusal: what sort, why, and what it concerns. Its text is for logs; the words for
// people are made from Reason and Details. Cause goes to the log only.
type Error struct {
	Kind       Kind
	Reason     Reason
	Details    map[string]string
	Problems   []FieldProblem
	RetryAfter time.Duration
	// At is when what is gone ended.
	At    time.Time
	Cause error
}

// Error returns the refusal for logs. Whoever makes one sees to it that Cause holds neither a secret
// nor what a person typed.
func (e *Error) Error() string {
	text := string(e.Kind)
	if e.Reason != "" {
		text += ": " + string(e.Reason)
	}
	var fields []string
	for _, p := range e.Problems {
		fields = append(fields, p.Field+"="+string(p.Reason))
	}
	if len(fields) > 0 {
		text += " (" + strings.Join(fields, ", ") + ")"
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of a refusal anywhere in err's chain, or "" when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// ReasonOf returns the reason of a refusal anywhere in err's chain, or "" when there is none.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// Problem returns an Invalid error about one field.
func Problem(field string, reason Reason) error {
	return &Error{Kind: KindInvalid, Reason: reason, Problems: []FieldProblem{{Field: field, Reason: reason}}}
}

// Problems joins the Invalid errors among errs into one, in order, so that a form shows all of its
// problems at once. An error of another kind comes back alone; no error at all comes back as nil.
func Problems(errs ...error) error {
	all := &Error{Kind: KindInvalid}
	for _, err := range errs {
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != KindInvalid {
			return err
		}
		all.Problems = append(all.Problems, e.Problems...)
	}
	if len(all.Problems) == 0 {
		return nil
	}
	all.Reason = all.Problems[0].Reason
	return all
}

// NotFound returns an error that says that there is no such thing in the actor's account.
func NotFound(reason Reason) error { return &Error{Kind: KindNotFound, Reason: reason} }

// Malformed returns an error that says that what came is not something that a form of ours sends.
func Malformed(reason Reason) error { return &Error{Kind: KindMalformed, Reason: reason} }

// Conflict returns an error that says that the thing is not in the state that the change needs.
func Conflict(reason Reason) error { return &Error{Kind: KindConflict, Reason: reason} }

// Gone returns an error that says that there was such a thing, and that it ended at a moment.
func Gone(reason Reason, at time.Time) error { return &Error{Kind: KindGone, Reason: reason, At: at} }

// Forbidden returns an error that says that the actor may not do that. Details are pairs of a name
// and a value for the words.
func Forbidden(reason Reason, details ...string) error {
	return &Error{Kind: KindForbidden, Reason: reason, Details: pairs(details)}
}

// TooMany returns an error that says to come again later.
func TooMany(reason Reason, after time.Duration) error {
	return &Error{Kind: KindTooMany, Reason: reason, RetryAfter: after}
}

// Unavailable returns an error that says that the database could not do it and nothing was changed.
func Unavailable(cause error) error {
	return &Error{Kind: KindUnavailable, Reason: ReasonNotSaved, Cause: cause}
}

// OutcomeUnknown returns an error that says that a change may or may not have been saved.
func OutcomeUnknown(cause error) error {
	return &Error{Kind: KindUnknown, Reason: ReasonOutcomeUnknown, Cause: cause}
}

func pairs(list []string) map[string]string {
	if len(list)%2 != 0 {
		panic(fmt.Sprintf("keys: details come in pairs, got %d", len(list)))
	}
	m := make(map[string]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}
