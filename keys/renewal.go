package keys

import (
	"slices"
	"time"
)

// RenewalEvent is something that happens to the tokens of a key, or to the key around them.
type RenewalEvent string

// The events of the renewal table.
const (
	// EventRenew gives the key a second live token.
	EventRenew RenewalEvent = "renew"
	// EventLater completes a renewal and keeps the old token until it is deleted by hand.
	EventLater RenewalEvent = "complete-later"
	// EventNow completes a renewal and ends the old token.
	EventNow RenewalEvent = "complete-now"
	// EventDeleteOld ends the old token of a renewal that was kept open.
	EventDeleteOld RenewalEvent = "delete-old-token"
	// EventUndo ends the new token, so that the key is as it was before the renewal.
	EventUndo RenewalEvent = "undo"
	// EventDeactivate and EventActivate change the key's status and none of its tokens.
	EventDeactivate RenewalEvent = "deactivate"
	EventActivate   RenewalEvent = "activate"
	// EventDelete ends the key with every token.
	EventDelete RenewalEvent = "delete"
)

// RenewalState is the part of a key that the renewal table is about.
type RenewalState struct {
	// Status says whether the tokens come in.
	Status Status
	// Deleted says that the key is gone for ever.
	Deleted bool
	// Tokens are the live tokens, the newest first: one when the key is steady, two while a renewal
	// is open. A token that an event has just made has no number and no hint yet.
	Tokens []Token
}

// Renewal returns the key's place in the renewal table.
func (k Key) Renewal() RenewalState {
	return RenewalState{Status: k.Status, Tokens: slices.Clone(k.Tokens)}
}

// Renewing says whether a renewal is open: an old and a new token live side by side.
func (k Key) Renewing() bool { return len(k.Tokens) == 2 }

// After returns the state that an event at a moment leads to, or Conflict with the reason when the
// table has no such arrow; the state is then what it was. Which tokens come in is Verifying's answer.
//
//	steady  (A)     renew             overlap (A old, B new)
//	overlap (A, B)  complete Later    overlap
//	overlap (A, B)  complete Now      steady (B)
//	overlap (A, B)  delete old token  steady (B)
//	overlap (A, B)  undo              steady (A)
//	any             deactivate        the same, inactive
//	any             activate          the same, active
//	any             delete            gone
func (s RenewalState) After(event RenewalEvent, now time.Time) (RenewalState, error) {
	if s.Deleted {
		return s, NotFound(ReasonKeyNotFound)
	}
	next := RenewalState{Status: s.Status, Tokens: slices.Clone(s.Tokens)}
	switch event {
	case EventDeactivate:
		next.Status = StatusInactive
	case EventActivate:
		next.Status = StatusActive
	case EventDelete:
		next = RenewalState{Status: s.Status, Deleted: true}
	case EventRenew:
		if len(s.Tokens) != 1 {
			return s, Conflict(ReasonRenewalOpen)
		}
		next.Tokens = append([]Token{{CreatedAt: now}}, next.Tokens...)
	default:
		return s.close(event)
	}
	return next, nil
}

// close is After for the events that need an open renewal.
func (s RenewalState) close(event RenewalEvent) (RenewalState, error) {
	reasons := map[RenewalEvent]Reason{
		EventLater: ReasonRenewalOver, EventNow: ReasonRenewalOver,
		EventUndo: ReasonNothingToUndo, EventDeleteOld: ReasonNoOldToken,
	}
	reason, known := reasons[event]
	switch {
	case !known:
		return s, Malformed(ReasonRenewalOver)
	case len(s.Tokens) != 2:
		return s, Conflict(reason)
	}
	lives := map[RenewalEvent][]Token{
		EventLater: s.Tokens, EventNow: s.Tokens[:1], EventDeleteOld: s.Tokens[:1], EventUndo: s.Tokens[1:],
	}
	return RenewalState{Status: s.Status, Tokens: slices.Clone(lives[event])}, nil
}

// Verifying returns the tokens that come in, if their duration allows it: all live ones of an active
// key, and none of an inactive or deleted one.
func (s RenewalState) Verifying() []Token {
	if s.Deleted || s.Status != StatusActive {
		return nil
	}
	return slices.Clone(s.Tokens)
}
