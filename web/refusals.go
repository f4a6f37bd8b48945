package web

import (
	"context"
	"sync"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// maxRefusals bounds what is counted between two flushes; further kinds share one entry.
const maxRefusals = 1000

// refusals counts what strangers can cause. Writing a row for each would let them fill the disk.
type refusals struct {
	mu      sync.Mutex
	counted map[keys.Refusal]int
}

func newRefusals() *refusals { return &refusals{counted: map[keys.Refusal]int{}} }

func (r *refusals) add(one keys.Refusal, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.counted[one]; !known && len(r.counted) >= maxRefusals {
		one = keys.Refusal{Action: keys.ActionMoreRefusals}
	}
	r.counted[one] += n
}

func (r *refusals) take() map[keys.Refusal]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.counted
	r.counted = map[keys.Refusal]int{}
	return taken
}

// refuse counts a refusal for the audit log.
func (s *Server) refuse(c echo.Context, who keys.Actor, action keys.Action, reason string) {
	s.refusals.add(keys.Refusal{
		Action: action, AccountID: who.AccountID, ActorID: who.UserID, Actor: who.Email,
		IP: c.RealIP(), Route: c.Request().Method + " " + c.Path(), Reason: reason,
	}, 1)
}

// FlushRefusals writes what was counted since the last flush. What cannot be written is kept for the
// next one.
func (s *Server) FlushRefusals(ctx context.Context) {
	taken := s.refusals.take()
	if len(taken) == 0 {
		return
	}
	s.recordRefusals(ctx, taken)
}

func (s *Server) recordRefusals(ctx context.Context, taken map[keys.Refusal]int) {
	if err := s.store.RecordRefusals(ctx, taken); err != nil {
		s.log.Error("refusals could not be written", "error", err)
		for one, n := range taken {
			s.refusals.add(one, n)
		}
	}
}
