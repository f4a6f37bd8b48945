package keys

import "time"

// OldTokenQuiet is how long the old token of a renewal must go unused before it counts as no longer
// needed. It is long enough to meet an integration that works once a day.
const OldTokenQuiet = 24 * time.Hour

// OldTokenNeed says whether the old token of a renewal is still needed, as far as its use shows.
type OldTokenNeed string

// The needs for an old token.
const (
	// NeedUnknown means that neither token was ever used: nothing shows which one the integration has.
	NeedUnknown OldTokenNeed = "unknown"
	// NeedUntilMove means that the new token was never used: the integration still has the old one.
	NeedUntilMove OldTokenNeed = "until-move"
	// NeedUntilQuiet means that the new token is in use, and that the old one was used in the last
	// OldTokenQuiet, too.
	NeedUntilQuiet OldTokenNeed = "until-quiet"
	// NeedNone means that the new token is in use and the old one no longer: it is safe to delete.
	NeedNone OldTokenNeed = "none"
)

// RenewalAdvice says which of the two tokens of an open renewal is still used, and when the old one is
// safe to delete.
type RenewalAdvice struct {
	Need OldTokenNeed
	// SafeFrom is when the old token is safe to delete if it is not used again until then. It is the
	// zero time unless Need is NeedUntilQuiet.
	SafeFrom time.Time
}

// AdviseRenewal returns what the last uses of the two tokens of a renewal say at a moment. A use of the
// old token counts even when it was before the renewal: whoever made it yesterday may come back today.
func AdviseRenewal(old, renewed LastUse, now time.Time) RenewalAdvice {
	switch {
	case renewed.Never() && old.Never():
		return RenewalAdvice{Need: NeedUnknown}
	case renewed.Never():
		return RenewalAdvice{Need: NeedUntilMove}
	case old.Within(OldTokenQuiet, now):
		return RenewalAdvice{Need: NeedUntilQuiet, SafeFrom: old.At.Add(OldTokenQuiet)}
	default:
		return RenewalAdvice{Need: NeedNone}
	}
}
