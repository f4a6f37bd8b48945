package keys

import (
	"slices"
	"time"
)

// RenewalEvent is something that happens to the tokens of a key, or to the key around them.
type RenewalEvent string

// The events of the renewal table.
const (
	// EventRenew gives the key a further live token at once.
	EventRenew RenewalEvent = "renew"
	// EventRenewByLink makes a link that gives the key a further live token when it is opened.
	EventRenewByLink RenewalEvent = "renew-by-link"
	// EventOpen opens the link: its token is made.
	EventOpen RenewalEvent = "open-link"
	// EventDiscard takes the link back.
	EventDiscard RenewalEvent = "discard-link"
	// EventLater completes a renewal and keeps the old token until it is deleted by hand.
	EventLater RenewalEvent = "complete-later"
	// EventNow completes a renewal and ends the old token.
	EventNow RenewalEvent = "complete-now"
	// EventDeleteOld ends the old token of a renewal that was kept open.
	EventDeleteOld RenewalEvent = "delete-old-token"
	// EventUndo ends the new token or its link, so that the key is as it was before the renewal.
	EventUndo RenewalEvent = "undo"
	// EventDeactivate and EventActivate change the key's status and none of its tokens.
	EventDeactivate RenewalEvent = "deactivate"
	EventActivate   RenewalEvent = "activate"
	// EventDelete ends the key with every token and its link.
	EventDelete RenewalEvent = "delete"
)

// RenewalState is the part of a key that the renewal table is about.
type RenewalState struct {
	// Status says whether the tokens come in.
	Status Status
	// Deleted says that the key is gone for ever.
	Deleted bool
	// Tokens are the live tokens, the newest first. A token that an event has just made has no hint yet,
	// and no number unless a link had drawn it.
	Tokens []Token
	// Link is the key's newest link, or the zero link. It counts while it waits; one that was opened, taken
	// back or has expired is as good as none. A link that an event has just made has no id yet.
	Link Link
}

// Renewal returns the key's place in the renewal table.
func (k Key) Renewal() RenewalState {
	return RenewalState{Status: k.Status, Tokens: slices.Clone(k.Tokens), Link: k.Link}
}

// Renewing says whether an old and a new token live side by side.
func (k Key) Renewing() bool { return len(k.Tokens) == 2 }

// Pending says whether the key has a token and, at a moment, a link that waits to be opened for the next.
func (k Key) Pending(now time.Time) bool { return len(k.Tokens) == 1 && k.Link.Waits(now) }

// OpenRenewal returns the number of the new token of the renewal that is open at a moment, whether that
// token lives already or its link waits, and false when none is open.
func (k Key) OpenRenewal(now time.Time) (number int64, open bool) {
	switch {
	case k.Renewing():
		return k.Tokens[0].Number, true
	case k.Pending(now):
		return k.Link.Token, true
	}
	return 0, false
}

// After returns the state that an event at a moment leads to, or Conflict with the reason when the
// table has no such arrow; the state is then what it was. Which tokens come in is Verifying's answer.
// That a link expires needs no event: it stops to wait.
//
//	steady  (A)       renew              overlap (A old, B new)
//	steady  (A)       renew by link      pending (A, link waits)
//	pending           open link          overlap
//	pending           undo               steady (A), link void
//	pending           discard link       steady (A), link void
//	pending           complete Later     pending
//	pending           complete Now       waiting (link waits, no token)
//	overlap (A, B)    complete Later     overlap
//	overlap (A, B)    complete Now       steady (B)
//	overlap (A, B)    delete old token   steady (B)
//	overlap (A, B)    undo               steady (A)
//	waiting           open link          steady (B)
//	waiting           discard link       no token, link void
//	no token          renew              steady (B)
//	no token          renew by link      waiting
//	any               deactivate         the same, inactive
//	any               activate           the same, active
//	any               delete             gone, link void
//
// The link of an inactive key cannot be opened; it goes on waiting.
func (s RenewalState) After(event RenewalEvent, now time.Time) (RenewalState, error) {
	if s.Deleted {
		return s, NotFound(ReasonKeyNotFound)
	}
	next := RenewalState{Status: s.Status, Tokens: slices.Clone(s.Tokens), Link: s.Link}
	switch event {
	case EventDeactivate:
		next.Status = StatusInactive
	case EventActivate:
		next.Status = StatusActive
	case EventDelete:
		next = RenewalState{Status: s.Status, Deleted: true}
	case EventRenew, EventRenewByLink:
		return s.renew(event, now)
	case EventOpen, EventDiscard:
		return s.useLink(event, now)
	default:
		return s.close(event, now)
	}
	return next, nil
}

// renew is After for the events that begin a renewal or give a key without a token one.
func (s RenewalState) renew(event RenewalEvent, now time.Time) (RenewalState, error) {
	switch {
	case s.Link.Waits(now):
		return s, Conflict(ReasonLinkWaits)
	case len(s.Tokens) > 1:
		return s, Conflict(ReasonRenewalOpen)
	}
	next := RenewalState{Status: s.Status, Tokens: slices.Clone(s.Tokens), Link: s.Link}
	if event == EventRenew {
		next.Tokens = append([]Token{{CreatedAt: now}}, next.Tokens...)
		return next, nil
	}
	next.Link = NewLink(LinkKey, now)
	if len(s.Tokens) == 1 {
		next.Link.Kind = LinkRenewal
	}
	return next, nil
}

// useLink is After for the events that need a link that waits.
func (s RenewalState) useLink(event RenewalEvent, now time.Time) (RenewalState, error) {
	switch {
	case !s.Link.Waits(now):
		return s, Conflict(ReasonNoLink)
	case event == EventOpen && len(s.Tokens) > 1:
		return s, Conflict(ReasonRenewalOpen)
	case event == EventOpen && s.Status != StatusActive:
		return s, Conflict(ReasonLinkKeyInactive)
	}
	next := RenewalState{Status: s.Status, Tokens: slices.Clone(s.Tokens)}
	if event == EventOpen {
		next.Tokens = append([]Token{{Number: s.Link.Token, CreatedAt: now}}, next.Tokens...)
	}
	return next, nil
}

// close is After for the events that need an open renewal.
func (s RenewalState) close(event RenewalEvent, now time.Time) (RenewalState, error) {
	reasons := map[RenewalEvent]Reason{
		EventLater: ReasonRenewalOver, EventNow: ReasonRenewalOver,
		EventUndo: ReasonNothingToUndo, EventDeleteOld: ReasonNoOldToken,
	}
	reason, known := reasons[event]
	pending, overlap := len(s.Tokens) == 1 && s.Link.Waits(now), len(s.Tokens) == 2
	switch {
	case !known:
		return s, Malformed(ReasonRenewalOver)
	case pending && event == EventDeleteOld:
		return s, Conflict(ReasonLinkWaits)
	case !pending && !overlap:
		return s, Conflict(reason)
	}
	next := RenewalState{Status: s.Status, Tokens: slices.Clone(s.Tokens), Link: s.Link}
	switch {
	case event == EventLater:
	case pending && event == EventNow:
		next.Tokens = nil
	case pending: // undo
		next.Link = Link{}
	case event == EventUndo:
		next.Tokens = next.Tokens[1:]
	default:
		next.Tokens = next.Tokens[:1]
	}
	return next, nil
}

// Verifying returns the tokens that come in, if their duration allows it: all live ones of an active
// key, and none of an inactive or deleted one.
func (s RenewalState) Verifying() []Token {
	if s.Deleted || s.Status != StatusActive {
		return nil
	}
	return slices.Clone(s.Tokens)
}
