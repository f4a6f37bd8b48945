package keys

import "time"

// The bounds of a custom token duration, in days.
const (
	MinDays = 7
	MaxDays = 730
)

// Settings are what the admins of an account set for all of its keys.
type Settings struct {
	// Duration is how long a token is valid, counted from its own creation.
	Duration Duration
	// EnforceExpiry says that a token past its duration is refused, not only marked.
	EnforceExpiry bool
	// Zone is the IANA name of the time zone in which the account's days begin and end.
	Zone string
}

// Settings returns the account's settings.
func (a Account) Settings() Settings {
	return Settings{Duration: a.Duration, EnforceExpiry: a.EnforceExpiry, Zone: a.Zone}
}

// With returns the account with other settings.
func (a Account) With(s Settings) Account {
	a.Duration, a.EnforceExpiry, a.Zone = s.Duration, s.EnforceExpiry, s.Zone
	return a
}

// CheckSettings returns an Invalid error for the fields "duration", "days" and "zone" that break a
// rule: 3 or 6 months, or MinDays to MaxDays days, and a zone of the zone database.
func CheckSettings(s Settings) error {
	return Problems(checkDuration(s.Duration), CheckZone(s.Zone))
}

func checkDuration(d Duration) error {
	switch {
	case d.Unit == Months && (d.Amount == 3 || d.Amount == 6):
		return nil
	case d.Unit == Days && d.Amount >= MinDays && d.Amount <= MaxDays:
		return nil
	case d.Unit == Days:
		return Problem("days", ReasonDays)
	}
	return Problem("duration", ReasonDuration)
}

// Cutoff returns the moment that parts an account's tokens now: those made before it are past their
// duration, those made at it or later are not. It is what lets the database judge many tokens by one
// comparison. It is exact to the microsecond, the precision of stored times.
func (a Account) Cutoff(now time.Time) time.Time {
	loc := a.Location()
	// Expiry is monotone in the creation time, so a binary search finds the border. No duration is
	// shorter than a day or longer than three years.
	past, fresh := now.AddDate(-3, 0, 0).UnixMicro(), now.UnixMicro()+1
	for fresh-past > 1 {
		middle := past + (fresh-past)/2
		if now.Before(a.Duration.Expiry(time.UnixMicro(middle), loc)) {
			fresh = middle
		} else {
			past = middle
		}
	}
	return time.UnixMicro(fresh).UTC()
}

// SoonCutoff returns the moment that parts an account's tokens now by how long they last: those made before
// it carry a mark, that they should be renewed soon or are past their duration, and those made at it or later
// carry none. It is exact to the microsecond.
func (a Account) SoonCutoff(now time.Time) time.Time {
	loc := a.Location()
	year, month, day := now.In(loc).Date()
	return a.Cutoff(startOfDay(year, month, day+RenewSoon+1, loc).Add(-time.Microsecond))
}

// ValidFrom returns the earliest creation of a token that comes in now: Cutoff, or the zero time when
// the account does not enforce expiry and every age comes in.
func (a Account) ValidFrom(now time.Time) time.Time {
	if !a.EnforceExpiry {
		return time.Time{}
	}
	return a.Cutoff(now)
}
