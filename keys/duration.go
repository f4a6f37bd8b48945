package keys

import "time"

// DurationUnit is what a token duration counts.
type DurationUnit string

// The units of a token duration.
const (
	Months DurationUnit = "months"
	Days   DurationUnit = "days"
)

// Duration is how long a token is valid: a number of calendar months or of days.
type Duration struct {
	Unit   DurationUnit
	Amount int
}

// DefaultDuration is the duration of a new account: three months.
var DefaultDuration = Duration{Unit: Months, Amount: 3}

// RenewSoon is how many days before its end a token is marked to be renewed.
const RenewSoon = 14

// Expiry returns the first moment at which a token is past its duration: midnight in loc after the
// local day (creation + duration). Months are calendar months, and a day that the month does not
// have becomes the month's last day: 30 November + 3 months is 28 or 29 February. Where a zone skips
// midnight, it is the first moment of that day.
//
// It is monotone: a token that was created later never expires earlier.
func (d Duration) Expiry(created time.Time, loc *time.Location) time.Time {
	year, month, day := d.lastDay(created.In(loc))
	return startOfDay(year, month, day+1, loc)
}

// lastDay is the last local day on which a token is valid.
func (d Duration) lastDay(created time.Time) (int, time.Month, int) {
	year, month, day := created.Date()
	if d.Unit == Days {
		return time.Date(year, month, day+d.Amount, 12, 0, 0, 0, time.UTC).Date()
	}
	// time.AddDate turns 30 November + 3 months into 2 March, so the month is clamped by hand.
	first := time.Date(year, month+time.Month(d.Amount), 1, 12, 0, 0, 0, time.UTC)
	longest := first.AddDate(0, 1, -1).Day()
	return first.Year(), first.Month(), min(day, longest)
}

// startOfDay is the first moment of a local day, or of the day after where the zone skips the whole
// day. time.Date may answer with a moment of the day before when the zone skips midnight, which some
// zones do in spring, and with either of two moments when midnight comes twice.
func startOfDay(year int, month time.Month, day int, loc *time.Location) time.Time {
	want := dayNumber(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
	start := time.Date(year, month, day, 0, 0, 0, 0, loc)
	for dayNumber(start) < want {
		start = start.Add(quarter)
	}
	for dayNumber(start.Add(-quarter)) >= want {
		start = start.Add(-quarter)
	}
	return start
}

// Day returns the first moment of the account's local day that holds now, and the first one of the next
// day. Where the clocks are put back over midnight and now is in the part that comes again, it is the
// second that holds now. Within it no token of the account comes to its expiry.
func (a Account) Day(now time.Time) (begin, end time.Time) {
	loc := a.Location()
	year, month, day := now.In(loc).Date()
	begin, end = startOfDay(year, month, day, loc), startOfDay(year, month, day+1, loc)
	if now.Before(begin) || !now.Before(end) {
		begin = now.Truncate(time.Second)
		end = begin.Add(time.Second)
	}
	return begin, end
}

// quarter divides every change of clocks that a zone has made since 1972.
const quarter = 15 * time.Minute

// dayNumber counts local days, whatever the clocks did between them.
func dayNumber(t time.Time) int {
	year, month, day := t.Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Standing says where a token stands in its duration.
type Standing string

// The standings of a token.
const (
	StandingFine      Standing = "fine"
	StandingRenewSoon Standing = "renew-soon"
	StandingExpired   Standing = "expired"
	StandingOutdated  Standing = "outdated"
	StandingLongPast  Standing = "long-past"
)

// Validity is what a page says of a token's duration.
type Validity struct {
	// Expiry is the first moment past the duration.
	Expiry time.Time
	// DaysLeft is the number of local days that the token is still valid after today: 0 on its last
	// day, negative from the first day past it on.
	DaysLeft int
	// Standing is the mark that the token carries.
	Standing Standing
}

// Judge returns how a token of an account stands at a moment. Past the duration it is Expired when
// the account enforces expiry; else Outdated, and LongPast from three months past its end on.
func (a Account) Judge(created, now time.Time) Validity {
	loc := a.Location()
	expiry := a.Duration.Expiry(created, loc)
	v := Validity{Expiry: expiry, DaysLeft: dayNumber(expiry) - dayNumber(now.In(loc)) - 1}
	switch {
	case now.Before(expiry) && v.DaysLeft < RenewSoon:
		v.Standing = StandingRenewSoon
	case now.Before(expiry):
		v.Standing = StandingFine
	case a.EnforceExpiry:
		v.Standing = StandingExpired
	case now.Before(a.Duration.longPast(created, loc)):
		v.Standing = StandingOutdated
	default:
		v.Standing = StandingLongPast
	}
	return v
}

// longPast is three calendar months after the expiry.
func (d Duration) longPast(created time.Time, loc *time.Location) time.Time {
	last := Duration{Unit: Months, Amount: 3}
	if d.Unit == Months {
		return Duration{Unit: Months, Amount: d.Amount + 3}.Expiry(created, loc)
	}
	year, month, day := d.lastDay(created.In(loc))
	return last.Expiry(startOfDay(year, month, day, loc), loc)
}
