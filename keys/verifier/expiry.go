package verifier

import (
	"time"

	"latchkey/keys"
)

// expiryDay says which tokens of an account are past their duration while one local day lasts. An
// expiry is the beginning of a local day, so within a day none comes or goes: one comparison with the
// token's creation decides, and no token's own expiry is kept anywhere.
type expiryDay struct {
	// begin and end are the day's bounds in Unix seconds, and from the first creation that is not past.
	begin, end int64
	from       uint32
}

// past says whether a token that was made in a second is past its duration, and not let in for it.
func (a *account) past(created uint32, now time.Time) bool {
	if !a.settings.EnforceExpiry {
		return false
	}
	second := now.Unix()
	day := a.day.Load()
	if day == nil || second < day.begin || second >= day.end {
		day = a.newDay(now)
		a.day.Store(day)
	}
	return created < day.from
}

func (a *account) newDay(now time.Time) *expiryDay {
	owner := keys.Account{}.With(a.settings)
	begin, end := owner.Day(now)
	return &expiryDay{begin: begin.Unix(), end: end.Unix(), from: secondOf(owner.Cutoff(now).UnixMicro())}
}
