package keys_test

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"latchkey/keys"
)

func TestExpiryIsMidnightAfterTheLastDay(t *testing.T) {
	for name, c := range map[string]struct {
		zone     string
		duration keys.Duration
		created  string
		want     string
	}{
		"three months":                       {"UTC", months(3), "2026-09-12T10:00:00Z", "2026-12-13T00:00:00Z"},
		"the first moment of a day":          {"UTC", months(3), "2026-09-12T00:00:00Z", "2026-12-13T00:00:00Z"},
		"the last moment of a day":           {"UTC", months(3), "2026-09-12T23:59:59Z", "2026-12-13T00:00:00Z"},
		"a month without the day":            {"UTC", months(3), "2025-11-30T10:00:00Z", "2026-03-01T00:00:00Z"},
		"a month without the day, leap year": {"UTC", months(3), "2027-11-30T10:00:00Z", "2028-03-01T00:00:00Z"},
		"29 February and three months":       {"UTC", months(3), "2028-02-29T10:00:00Z", "2028-05-30T00:00:00Z"},
		"29 February and half a year":        {"UTC", months(6), "2028-02-29T10:00:00Z", "2028-08-30T00:00:00Z"},
		"to 29 February":                     {"UTC", months(3), "2027-11-29T10:00:00Z", "2028-03-01T00:00:00Z"},
		"30 November of the local day, east": {"Pacific/Kiritimati", months(3), "2025-11-29T10:01:00Z", "2026-02-28T10:00:00Z"},
		"30 November of the local day, west": {"Pacific/Pago_Pago", months(3), "2025-12-01T10:59:00Z", "2026-03-01T11:00:00Z"},
		"29 February and a year":             {"UTC", months(12), "2028-02-29T10:00:00Z", "2029-03-01T00:00:00Z"},
		"over the end of a year":             {"UTC", months(6), "2026-10-31T10:00:00Z", "2027-05-01T00:00:00Z"},
		"days":                               {"UTC", days(7), "2026-12-28T10:00:00Z", "2027-01-05T00:00:00Z"},
		"the local day counts, west":         {"Pacific/Pago_Pago", days(7), "2026-09-12T10:00:00Z", "2026-09-19T11:00:00Z"},
		"the local day counts, east":         {"Pacific/Kiritimati", days(7), "2026-09-12T10:00:00Z", "2026-09-20T10:00:00Z"},
		"a minute before midnight, west":     {"Pacific/Pago_Pago", days(7), "2026-09-12T10:59:00Z", "2026-09-19T11:00:00Z"},
		"a minute after midnight, west":      {"Pacific/Pago_Pago", days(7), "2026-09-12T11:01:00Z", "2026-09-20T11:00:00Z"},
		"a minute before midnight, east":     {"Pacific/Kiritimati", days(7), "2026-09-12T09:59:00Z", "2026-09-19T10:00:00Z"},
		"a minute after midnight, east":      {"Pacific/Kiritimati", days(7), "2026-09-12T10:01:00Z", "2026-09-20T10:00:00Z"},
		"a minute before the spring day":     {"Europe/Berlin", days(7), "2026-03-28T22:59:00Z", "2026-04-04T22:00:00Z"},
		"a minute after its midnight":        {"Europe/Berlin", days(7), "2026-03-28T23:01:00Z", "2026-04-05T22:00:00Z"},
		"the last minute of the spring day":  {"Europe/Berlin", days(7), "2026-03-29T21:59:00Z", "2026-04-05T22:00:00Z"},
		"a minute after the spring day":      {"Europe/Berlin", days(7), "2026-03-29T22:01:00Z", "2026-04-06T22:00:00Z"},
		"a minute before the autumn day":     {"Europe/Berlin", days(7), "2026-10-24T21:59:00Z", "2026-10-31T23:00:00Z"},
		"a minute into the autumn day":       {"Europe/Berlin", days(7), "2026-10-24T22:01:00Z", "2026-11-01T23:00:00Z"},
		"the last minute of the autumn day":  {"Europe/Berlin", days(7), "2026-10-25T22:59:00Z", "2026-11-01T23:00:00Z"},
		"a minute after the autumn day":      {"Europe/Berlin", days(7), "2026-10-25T23:01:00Z", "2026-11-02T23:00:00Z"},
		"ends on the spring change":          {"Europe/Berlin", days(7), "2026-03-21T10:00:00Z", "2026-03-28T23:00:00Z"},
		"ends after the spring change":       {"Europe/Berlin", days(8), "2026-03-21T10:00:00Z", "2026-03-29T22:00:00Z"},
		"ends after the autumn change":       {"Europe/Berlin", days(8), "2026-10-17T10:00:00Z", "2026-10-25T23:00:00Z"},
		"a day whose midnight is skipped":    {"America/Santiago", days(7), "2026-08-29T12:00:00Z", "2026-09-06T04:00:00Z"},
		"a day whose midnight comes twice":   {"America/Havana", days(7), "2026-10-24T12:00:00Z", "2026-11-01T04:00:00Z"},
		"a day that the zone leaves out":     {"Pacific/Apia", days(7), "2011-12-22T12:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.duration.Expiry(moment(t, c.created), zone(t, c.zone))
			if !got.Equal(moment(t, c.want)) {
				t.Errorf("expires %s, not %s", got.UTC().Format(time.RFC3339), c.want)
			}
		})
	}
}

func TestExpiryIsMonotone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range oddZones {
		loc := zone(t, name)
		for i := range 2_000 {
			earlier := randomMoment(random)
			within := []time.Duration{2 * time.Second, 2 * time.Hour, 72 * time.Hour}[i%3]
			later := earlier.Add(time.Duration(random.Int64N(int64(within))))
			for _, d := range oddDurations {
				if d.Expiry(later, loc).Before(d.Expiry(earlier, loc)) {
					t.Fatalf("%s %v: made at %s it lives longer than made at %s", name, d, earlier, later)
				}
			}
		}
	}
}

func TestJudge(t *testing.T) {
	account := keys.Account{Zone: "UTC", Duration: keys.DefaultDuration}
	created := moment(t, "2026-09-12T10:00:00Z") // the last day is 12 December
	for name, c := range map[string]struct {
		enforced bool
		now      string
		left     int
		standing keys.Standing
	}{
		"just made":                   {true, "2026-09-12T10:00:00Z", 91, keys.StandingFine},
		"15 days left":                {true, "2026-11-27T23:59:59Z", 15, keys.StandingFine},
		"14 days left":                {true, "2026-11-28T00:00:00Z", 14, keys.StandingFine},
		"the last 14 days":            {true, "2026-11-29T00:00:00Z", 13, keys.StandingRenewSoon},
		"the last day":                {true, "2026-12-12T23:59:59Z", 0, keys.StandingRenewSoon},
		"past it, enforced":           {true, "2026-12-13T00:00:00Z", -1, keys.StandingExpired},
		"long past it, enforced":      {true, "2027-12-13T00:00:00Z", -366, keys.StandingExpired},
		"past it, not enforced":       {false, "2026-12-13T00:00:00Z", -1, keys.StandingOutdated},
		"just under 3 months past it": {false, "2027-03-12T23:59:59Z", -90, keys.StandingOutdated},
		"3 months past it":            {false, "2027-03-13T00:00:00Z", -91, keys.StandingLongPast},
	} {
		t.Run(name, func(t *testing.T) {
			account.EnforceExpiry = c.enforced
			got := account.Judge(created, moment(t, c.now))
			if got.DaysLeft != c.left || got.Standing != c.standing {
				t.Errorf("%d days left and %s, not %d and %s", got.DaysLeft, got.Standing, c.left, c.standing)
			}
		})
	}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
