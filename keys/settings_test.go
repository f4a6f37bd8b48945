package keys_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/keys"
)

func TestCheckSettings(t *testing.T) {
	for name, c := range map[string]struct {
		duration keys.Duration
		zone     string
		want     string
	}{
		"3 months":           {months(3), "UTC", ""},
		"6 months":           {months(6), "UTC", ""},
		"2 months":           {months(2), "UTC", "invalid: duration (duration=duration)"},
		"12 months":          {months(12), "UTC", "invalid: duration (duration=duration)"},
		"no month":           {months(0), "UTC", "invalid: duration (duration=duration)"},
		"no unit":            {keys.Duration{Amount: 30}, "UTC", "invalid: duration (duration=duration)"},
		"another unit":       {keys.Duration{Unit: "weeks", Amount: 30}, "UTC", "invalid: duration (duration=duration)"},
		"6 days":             {days(6), "UTC", "invalid: days (days=days)"},
		"7 days":             {days(7), "UTC", ""},
		"730 days":           {days(730), "UTC", ""},
		"731 days":           {days(731), "UTC", "invalid: days (days=days)"},
		"no day":             {days(0), "UTC", "invalid: days (days=days)"},
		"days before today":  {days(-30), "UTC", "invalid: days (days=days)"},
		"a zone":             {months(3), "Pacific/Kiritimati", ""},
		"the machine's zone": {months(3), "Local", "invalid: zone-unknown (zone=zone-unknown)"},
		"no zone":            {months(3), "", "invalid: zone-unknown (zone=zone-unknown)"},
		"an unknown zone":    {months(3), "Europe/Atlantis", "invalid: zone-unknown (zone=zone-unknown)"},
		"both wrong":         {days(6), "Local", "invalid: days (days=days, zone=zone-unknown)"},
	} {
		for _, enforced := range []bool{true, false} {
			got := ""
			if err := keys.CheckSettings(keys.Settings{Duration: c.duration, EnforceExpiry: enforced, Zone: c.zone}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s: %q, not %q", name, got, c.want)
			}
		}
	}
}

func TestWithGivesAnAccountSettingsAndChangesNothingElse(t *testing.T) {
	before := keys.Account{ID: "id", Number: 4, Slug: "acme", Zone: "UTC", Duration: months(3), EnforceExpiry: true, SettingsVersion: 2, KeyCount: 7}
	settings := keys.Settings{Duration: days(30), EnforceExpiry: false, Zone: "Europe/Berlin"}
	after := before.With(settings)
	if after.Settings() != settings || after.With(before.Settings()) != before {
		t.Errorf("got %+v", after)
	}
}

// The database judges tokens by Cutoff, everything else by Expiry: they say the same.
func TestCutoffAgreesWithExpiry(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	judged := 0
	for _, name := range oddZones {
		for _, d := range oddDurations {
			account := keys.Account{Zone: name, Duration: d}
			for range 12 {
				now := randomMoment(random)
				cutoff := account.Cutoff(now)
				judge := func(created time.Time) {
					judged++
					past := !now.Before(d.Expiry(created, account.Location()))
					if past != created.Before(cutoff) {
						t.Fatalf("%s, %v, now %s, cutoff %s: made at %s, past = %v", name, d, now, cutoff, created, past)
					}
				}
				judge(cutoff.Add(-time.Microsecond))
				judge(cutoff)
				judge(cutoff.Add(time.Microsecond))
				judge(now)
				judge(now.AddDate(-2, -11, 0))
				for range 8 {
					judge(cutoff.Add(time.Duration(random.Int64N(int64(96*time.Hour)) - int64(48*time.Hour))))
					judge(now.Add(-time.Duration(random.Int64N(int64(900 * 24 * time.Hour)))))
				}
			}
		}
	}
	if judged < 10_000 {
		t.Errorf("only %d tokens were judged", judged)
	}
}

func TestCutoffIsALocalMidnight(t *testing.T) {
	for name, c := range map[string]struct {
		zone     string
		duration keys.Duration
		now      string
		want     string
	}{
		"three months":             {"UTC", months(3), "2026-12-13T00:00:00Z", "2026-09-13T00:00:00Z"},
		"a moment before":          {"UTC", months(3), "2026-12-12T23:59:59Z", "2026-09-12T00:00:00Z"},
		"several days end at once": {"UTC", months(3), "2026-03-01T00:00:00Z", "2025-12-01T00:00:00Z"},
		"the day before those end": {"UTC", months(3), "2026-02-28T23:59:59Z", "2025-11-28T00:00:00Z"},
		"west":                     {"Pacific/Pago_Pago", days(7), "2026-09-20T11:00:00Z", "2026-09-13T11:00:00Z"},
		"east":                     {"Pacific/Kiritimati", days(7), "2026-09-20T10:00:00Z", "2026-09-13T10:00:00Z"},
		"over the spring change":   {"Europe/Berlin", days(7), "2026-04-01T22:00:00Z", "2026-03-25T23:00:00Z"},
		"over the autumn change":   {"Europe/Berlin", days(7), "2026-10-28T23:00:00Z", "2026-10-21T22:00:00Z"},
	} {
		account := keys.Account{Zone: c.zone, Duration: c.duration}
		if got := account.Cutoff(moment(t, c.now)); !got.Equal(moment(t, c.want)) {
			t.Errorf("%s: %s, not %s", name, got.Format(time.RFC3339Nano), c.want)
		}
	}
}

func TestEveryAgeComesInUnlessExpiryIsEnforced(t *testing.T) {
	account := keys.Account{Zone: "UTC", Duration: days(7)}
	now := moment(t, "2026-09-12T10:00:00Z")
	if from := account.ValidFrom(now); !from.IsZero() {
		t.Errorf("not enforced: from %s", from)
	}
	account.EnforceExpiry = true
	if from := account.ValidFrom(now); !from.Equal(account.Cutoff(now)) || !from.Equal(moment(t, "2026-09-05T00:00:00Z")) {
		t.Errorf("enforced: from %s", from)
	}
}

// A duration is of the account, not of a token: what a shorter one ends, a longer one brings back.
func TestAShorterDurationEndsATokenAndALongerOneBringsItBack(t *testing.T) {
	created, now := moment(t, "2026-09-12T10:00:00Z"), moment(t, "2026-10-12T10:00:00Z")
	account := keys.Account{Zone: "UTC", EnforceExpiry: true}
	for _, step := range []struct {
		duration keys.Duration
		standing keys.Standing
		comesIn  bool
	}{
		{months(3), keys.StandingFine, true},
		{days(29), keys.StandingExpired, false},
		{days(30), keys.StandingRenewSoon, true}, // its last day
		{days(7), keys.StandingExpired, false},
		{months(6), keys.StandingFine, true},
		{days(730), keys.StandingFine, true},
	} {
		account = account.With(keys.Settings{Duration: step.duration, EnforceExpiry: true, Zone: "UTC"})
		got := account.Judge(created, now).Standing
		if in := !created.Before(account.ValidFrom(now)); got != step.standing || in != step.comesIn {
			t.Errorf("%v: %s and comes in = %v, not %s and %v", step.duration, got, in, step.standing, step.comesIn)
		}
	}
}

// Not enforced, a token past its duration is outdated: renewing is recommended from its end on, and
// highly recommended from three calendar months later on.
func TestATokenIsOutdatedFromItsEndAndLongPastFromThreeMonthsLater(t *testing.T) {
	for name, c := range map[string]struct {
		zone           string
		duration       keys.Duration
		created        string
		outdated, long string
	}{
		"months":                            {"UTC", months(3), "2026-09-12T10:00:00Z", "2026-12-13T00:00:00Z", "2027-03-13T00:00:00Z"},
		"half a year":                       {"UTC", months(6), "2026-09-12T10:00:00Z", "2027-03-13T00:00:00Z", "2027-06-13T00:00:00Z"},
		"a short month lies between":        {"UTC", months(3), "2026-11-30T10:00:00Z", "2027-03-01T00:00:00Z", "2027-05-31T00:00:00Z"},
		"days":                              {"UTC", days(7), "2026-09-12T10:00:00Z", "2026-09-20T00:00:00Z", "2026-12-20T00:00:00Z"},
		"days, to the end of a month":       {"UTC", days(7), "2026-11-23T10:00:00Z", "2026-12-01T00:00:00Z", "2027-03-01T00:00:00Z"},
		"days, west":                        {"Pacific/Pago_Pago", days(7), "2026-09-12T10:59:00Z", "2026-09-19T11:00:00Z", "2026-12-19T11:00:00Z"},
		"days, east":                        {"Pacific/Kiritimati", days(7), "2026-09-12T10:01:00Z", "2026-09-20T10:00:00Z", "2026-12-20T10:00:00Z"},
		"days, the clocks change meanwhile": {"Europe/Berlin", days(7), "2026-09-12T10:00:00Z", "2026-09-19T22:00:00Z", "2026-12-19T23:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			account, created := keys.Account{Zone: c.zone, Duration: c.duration}, moment(t, c.created)
			standing := func(at time.Time) keys.Standing { return account.Judge(created, at).Standing }
			outdated, long := moment(t, c.outdated), moment(t, c.long)
			for at, want := range map[time.Time]keys.Standing{
				outdated.Add(-time.Microsecond): keys.StandingRenewSoon,
				outdated:                        keys.StandingOutdated,
				long.Add(-time.Microsecond):     keys.StandingOutdated,
				long:                            keys.StandingLongPast,
				long.AddDate(10, 0, 0):          keys.StandingLongPast,
			} {
				if got := standing(at); got != want {
					t.Errorf("at %s it is %s, not %s", at, got, want)
				}
			}
			if first := standing(created); first != keys.StandingFine && first != keys.StandingRenewSoon {
				t.Errorf("just made it is %s", first)
			}
			account.EnforceExpiry = true
			if standing(outdated) != keys.StandingExpired || standing(long) != keys.StandingExpired {
				t.Error("enforced, it is not expired")
			}
		})
	}
}

func months(n int) keys.Duration { return keys.Duration{Unit: keys.Months, Amount: n} }

func days(n int) keys.Duration { return keys.Duration{Unit: keys.Days, Amount: n} }

// oddZones are the ends of the world, offsets of a quarter and of half an hour, changes of half an
// hour and of two, and changes that skip or repeat midnight, or a whole day.
var oddZones = []string{
	"UTC", "Pacific/Pago_Pago", "Pacific/Kiritimati", "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/Santiago",
	"America/Havana", "America/Asuncion", "America/Nuuk", "America/Scoresbysund", "America/Caracas", "Atlantic/Azores",
	"Australia/Lord_Howe", "Australia/Eucla", "Pacific/Chatham", "Pacific/Apia", "Pacific/Norfolk", "Asia/Kathmandu",
	"Asia/Kolkata", "Asia/Tehran", "Asia/Beirut", "Asia/Gaza", "Asia/Amman", "Asia/Pyongyang", "Africa/Cairo",
	"Africa/Casablanca", "Antarctica/Troll", "Antarctica/Casey",
}

var oddDurations = []keys.Duration{months(3), months(6), days(7), days(8), days(91), days(365), days(730)}

// randomMoment is one from 2011 to 2030, every other one close to a full hour, where clocks change.
func randomMoment(random *rand.Rand) time.Time {
	at := time.Unix(1_300_000_000+random.Int64N(600_000_000), random.Int64N(1_000_000)*1_000).UTC()
	if random.IntN(2) == 0 {
		return at
	}
	return at.Truncate(time.Hour).Add(time.Duration(random.Int64N(int64(2*time.Second))/1_000*1_000) - time.Second)
}
