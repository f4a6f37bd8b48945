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

// lookAtClock logs that the clock went back, once, and returns whether it is still behind.
func (s *Server) lookAtClock() bool {
	behind, news := s.clock.look(s.now())
	if news {
		s.log.Warn("clock.backwards", "latest", time.UnixMicro(s.clock.latest.Load()).UTC(), "now", s.now().UTC())
	}
	return behind
}
