package verifier

import (
	"log/slog"
	"testing"
	"time"
	"unsafe"
)

// sleeper is a machine that can sleep, which Go's monotonic clock does not notice.
type sleeper struct {
	*testing.T
	start            time.Time
	awake, slept, by time.Duration
	asked            int
}

// now is as time.Now after the machine has been awake and has slept so long. The wall clock was set by so much.
func (s *sleeper) now() time.Time {
	s.Helper()
	now := s.start.Add(s.awake + s.slept + s.by)
	// The second word of a time that has a monotonic reading is that reading.
	words := (*[2]int64)(unsafe.Pointer(&now))
	words[1] -= int64(s.slept + s.by)
	if now.Sub(s.start) != s.awake || now.Round(0).Sub(s.start.Round(0)) != s.awake+s.slept+s.by {
		s.Fatal("a time.Time is not what this test takes it for")
	}
	return now
}

func (s *sleeper) sinceBoot() time.Duration {
	s.asked++
	return time.Hour + s.awake + s.slept
}

func TestAnIndexAgesWhileTheMachineSleeps(t *testing.T) {
	const bound = DefaultMaxStaleness
	for name, c := range map[string]struct {
		awake, slept, set time.Duration
		want              Code
		asked             bool
	}{
		"awake for the whole bound":               {bound, 0, 0, CodeValid, false},
		"awake for longer":                        {bound + 1, 0, 0, CodeUnavailable, false},
		"asleep for the rest of the bound":        {time.Second, bound - time.Second, 0, CodeValid, true},
		"asleep for longer":                       {time.Second, bound, 0, CodeUnavailable, true},
		"asleep, and the wall clock went back":    {time.Second, bound, -24 * time.Hour, CodeUnavailable, true},
		"awake, and the wall clock was set ahead": {time.Second, 0, 24 * time.Hour, CodeValid, true},
		"awake, and the wall clock was set back":  {time.Second, 0, -24 * time.Hour, CodeValid, true},
		"awake, and the wall clock was corrected": {time.Second, 0, 999 * time.Millisecond, CodeValid, false},
	} {
		s := &sleeper{T: t, start: time.Now()}
		w := newWorld()
		token := w.add(2)
		w.account.Settings.EnforceExpiry = false
		v := New(w, w, Options{Now: s.now, SinceBoot: s.sinceBoot, Log: slog.New(slog.DiscardHandler)})
		must(t, v.Load(t.Context()))
		s.awake, s.slept, s.by, s.asked = c.awake, c.slept, c.set, 0
		if got := v.Verify(Request{Token: token}, someone).Code; got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if (s.asked > 0) != c.asked {
			t.Errorf("%s: the slow clock was asked %d times", name, s.asked)
		}
		if got := v.State(); got.Current != (c.want == CodeValid) || got.Age != c.awake+c.slept {
			t.Errorf("%s: the state says %s, and that it is current: %v", name, got.Age, got.Current)
		}
		must(t, v.CatchUp(t.Context()))
		if got := v.Verify(Request{Token: token}, someone).Code; got != CodeValid {
			t.Errorf("%s: after the next look at the feed: got %s, want %s", name, got, CodeValid)
		}
	}
}

func TestWithoutAClockOfTheBootTheMonotonicOneCounts(t *testing.T) {
	s := &sleeper{T: t, start: time.Now()}
	w := newWorld()
	v := New(w, w, Options{Now: s.now, Log: slog.New(slog.DiscardHandler)})
	must(t, v.Load(t.Context()))
	s.awake, s.slept = time.Second, time.Hour
	if got := v.State().Age; got != time.Second {
		t.Errorf("after a second and a sleep the proof is %s old", got)
	}
}
