package web

import (
	"sync/atomic"
	"time"
)

// clockSlack is how far back a clock may go without a word: clocks are corrected all the time.
const clockSlack = time.Second

// clockWatch notices that the clock went back. Tokens that only a clock which was too early has expired are
// valid again then, and what is written down has times that were there before: somebody should know.
type clockWatch struct {
	latest atomic.Int64 // microseconds since 1970
	behind atomic.Bool
	// away says that the clock was too far from the database's.
	away atomic.Bool
}

// look takes the time, and returns whether it is behind one that was seen before, and whether that is news.
func (w *clockWatch) look(now time.Time) (behind, news bool) {
	at, latest := now.UnixMicro(), w.latest.Load()
	if at > latest {
		w.latest.CompareAndSwap(latest, at) // whoever was faster saw about the same time
	}
	behind = latest-at > clockSlack.Microseconds()
	return behind, w.behind.Swap(behind) != behind && behind
}

// maxClockOffset is how far the clock may be away from the database's. Tokens end by the database's, but what
// this machine writes down has its own time.
const maxClockOffset = 60 * time.Second

// clockAilments is what is wrong with the clock.
func (s *Server) clockAilments(h Health) (reasons []string) {
	if s.lookAtClock() {
		reasons = append(reasons, "the clock is behind a time that it showed before")
	}
	if s.lookAtOffset(h.ClockOffset) {
		reasons = append(reasons, "the clock is more than 60s away from the database's")
	}
	return reasons
}

// lookAtOffset logs that the clock is too far from the database's, once, and returns whether it is.
func (s *Server) lookAtOffset(offset time.Duration) bool {
	away := offset.Abs() > maxClockOffset
	if s.clock.away.Swap(away) != away && away {
		s.log.Warn("clock.offset", "offset", offset.String(), "now", s.now().UTC())
	}
	return away
}

// lookAtClock logs that the clock went back, once, and returns whether it is still behind.
func (s *Server) lookAtClock() bool {
	behind, news := s.clock.look(s.now())
	if news {
		s.log.Warn("clock.backwards", "latest", time.UnixMicro(s.clock.latest.Load()).UTC(), "now", s.now().UTC())
	}
	return behind
}
