package keys

import (
	"testing"
	"time"
)

// SoonCutoff must agree with Judge on both of its sides, in zones that change their clocks and at any hour.
func TestSoonCutoffAgreesWithTheMarks(t *testing.T) {
	checked := 0
	for _, zone := range []string{"UTC", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe"} {
		for _, duration := range []Duration{{Months, 3}, {Months, 6}, {Days, 7}, {Days, 14}, {Days, 15}, {Days, 730}} {
			a := Account{Zone: zone, Duration: duration, EnforceExpiry: true}
			for hours := 0; hours < 24*400; hours += 101 {
				now := time.Date(2026, 1, 1, hours, 13, 0, 1000, time.UTC)
				border := a.SoonCutoff(now)
				if border.Before(now) || border.Equal(now) {
					if got := a.Judge(border, now).Standing; got != StandingFine {
						t.Fatalf("%s %v at %s: a token of the border is %s", zone, duration, now, got)
					}
				}
				before := border.Add(-time.Microsecond)
				if got := a.Judge(before, now).Standing; got == StandingFine {
					t.Fatalf("%s %v at %s: a token before the border, of %s, is %s", zone, duration, now, before, got)
				}
				checked++
			}
		}
	}
	t.Logf("%d borders", checked)
}
