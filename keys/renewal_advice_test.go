package keys_test

import (
	"testing"
	"time"

	"latchkey/keys"
)

func TestWhenTheOldTokenIsSafeToDelete(t *testing.T) {
	now := time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)
	never := keys.LastUse{}
	ago := func(d time.Duration) keys.LastUse { return keys.LastUse{At: now.Add(-d), IP: "203.0.113.7"} }
	const day = 24 * time.Hour
	for _, c := range []struct {
		name         string
		old, renewed keys.LastUse
		need         keys.OldTokenNeed
		// safeIn is how long it is until the old token is safe to delete, where that is known.
		safeIn time.Duration
	}{
		{"neither was ever used", never, never, keys.NeedUnknown, 0},
		{"only the old one is used", ago(time.Minute), never, keys.NeedUntilMove, 0},
		{"only the old one was used, long ago", ago(90 * day), never, keys.NeedUntilMove, 0},
		{"both are used", ago(0), ago(0), keys.NeedUntilQuiet, day},
		{"the old one was used an hour ago", ago(time.Hour), ago(time.Minute), keys.NeedUntilQuiet, 23 * time.Hour},
		{"the new one was used before the old one", ago(time.Hour), ago(9 * day), keys.NeedUntilQuiet, 23 * time.Hour},
		{"the old one was used a moment less than a day ago", ago(day - time.Minute), ago(time.Minute), keys.NeedUntilQuiet, time.Minute},
		{"the old one was used a day ago", ago(day), ago(time.Minute), keys.NeedNone, 0},
		{"the old one was used last week", ago(7 * day), ago(day), keys.NeedNone, 0},
		{"only the new one is used", never, ago(time.Minute), keys.NeedNone, 0},
		{"only the new one was used, long ago", never, ago(90 * day), keys.NeedNone, 0},
		{"the verifier's clock is ahead", ago(-time.Minute), ago(time.Minute), keys.NeedUntilQuiet, day + time.Minute},
	} {
		got := keys.AdviseRenewal(c.old, c.renewed, now)
		if got.Need != c.need {
			t.Errorf("%s: %q, want %q", c.name, got.Need, c.need)
		}
		want := time.Time{}
		if c.safeIn != 0 {
			want = now.Add(c.safeIn)
		}
		if !got.SafeFrom.Equal(want) {
			t.Errorf("%s: safe from %s, want %s", c.name, got.SafeFrom, want)
		}
	}
}

// What is safe stays safe as time passes, and what waits for quiet becomes safe at the very moment that
// was named.
func TestTheOldTokenBecomesSafeWhenItWasSaid(t *testing.T) {
	used := time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)
	old, renewed := keys.LastUse{At: used}, keys.LastUse{At: used.Add(-time.Hour)}
	from := keys.AdviseRenewal(old, renewed, used).SafeFrom
	for minutes := range 3 * 24 * 60 {
		now := used.Add(time.Duration(minutes) * time.Minute)
		safe := keys.AdviseRenewal(old, renewed, now).Need == keys.NeedNone
		if safe == now.Before(from) {
			t.Fatalf("%s: safe is %v, and it was said to be from %s", now, safe, from)
		}
	}
}

func TestAUseIsWithinATimeUntilTheTimeIsOver(t *testing.T) {
	now := time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]bool{-time.Hour: true, 0: true, time.Hour - 1: true, time.Hour: false, 2 * time.Hour: false} {
		if got := (keys.LastUse{At: now.Add(-ago)}).Within(time.Hour, now); got != want {
			t.Errorf("a use %s ago is within an hour: %v", ago, got)
		}
	}
	if (keys.LastUse{}).Within(time.Hour, now) {
		t.Error("no use is within an hour")
	}
}
