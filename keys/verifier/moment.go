package verifier

import "time"

// moment is a time by the clocks of this machine.
type moment struct {
	at time.Time
	// sinceBoot is what Options.SinceBoot said.
	sinceBoot time.Duration
}

func (v *Verifier) moment() (m moment) {
	if v.options.SinceBoot != nil {
		m.sinceBoot = v.options.SinceBoot()
	}
	m.at = v.options.Now()
	return m
}

// clocksApart is by how much the wall clock may be corrected without a question why.
const clocksApart = time.Second

// passed is how much time has passed since a moment. The clock by which Go takes a difference stands still while
// the machine sleeps; the wall clock does not, but it can also be set. Where the two differ, SinceBoot decides. It
// is not asked always, since a system call takes as long as a verification.
func (v *Verifier) passed(since *moment, now time.Time) time.Duration {
	passed := now.Sub(since.at)
	wall := time.Duration(now.UnixNano() - since.at.UnixNano())
	if v.options.SinceBoot == nil || (wall-passed).Abs() < clocksApart {
		return passed
	}
	return max(passed, v.options.SinceBoot()-since.sinceBoot)
}
