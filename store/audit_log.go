package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"latchkey/keys"
)

// AuditFilter says which events of an account's audit log are wanted. Its zero fields want everything.
type AuditFilter struct {
	// Actor is the email or the command of who did it, in full.
	Actor string
	// Action is what happened.
	Action keys.Action
	// Target is to what it happened: a key's id, which stands for its tokens too, or the name of anything,
	// in full.
	Target string
	// From and Until are the first moment, and the first moment after.
	From, Until time.Time
	// Alarms wants alarms alone.
	Alarms bool
}

// AuditAsk says which page of the audit log is wanted. Without a cursor it is the newest.
type AuditAsk struct {
	AuditFilter
	// After asks for the events older than the cursor, Before for those newer than it.
	After, Before string
	// Limit is the length of a page.
	Limit int
}

// LoggedEvent is an event of the audit log.
type LoggedEvent struct {
	keys.AuditEvent
	// Key is the key that it is about, or whose token it is about, or empty. KeyName is that key's name
	// now, and empty when the key is gone.
	Key     keys.KeyID
	KeyName string
}

// AuditPage is a page of the audit log.
type AuditPage struct {
	// Events are the page's events, the newest first.
	Events []LoggedEvent
	// Newer and Older are the cursors of the pages before and after this one, or empty.
	Newer, Older string
}

// AuditLog returns a page of the account's audit log, the newest first. Where a cursor leaves a page of
// the newest events or less, it is the first page in full. It returns Malformed when a cursor is not one
// of ours or the filter is not text, and Forbidden when the actor may not view the audit log. What it
// costs does not depend on how far down the page is.
func (s *Store) AuditLog(ctx context.Context, by keys.Actor, ask AuditAsk) (page AuditPage, err error) {
	after, before, err := ask.cursors()
	if err := cmp.Or(by.Require(keys.ViewAuditLog), err, ask.check()); err != nil {
		return AuditPage{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		q, err := t.auditQuery(ctx, by.AccountID, ask.AuditFilter)
		if err != nil {
			return err
		}
		if page, err = t.auditPage(ctx, q, ask.Limit, after, before); err != nil {
			return err
		}
		return t.nameKeys(ctx, by.AccountID, page.Events)
	})
	return page, err
}

func (a AuditAsk) cursors() (after, before eventCursor, err error) {
	if a.After != "" {
		after, err = parseEventCursor(a.After)
	} else if a.Before != "" {
		before, err = parseEventCursor(a.Before)
	}
	return after, before, err
}

func (t *tx) auditPage(ctx context.Context, q auditQuery, limit int, after, before eventCursor) (page AuditPage, err error) {
	var newer, older bool
	if before != (eventCursor{}) {
		page.Events, err = t.eventsOf(ctx, q, before, false, limit+1)
		if newer = len(page.Events) > limit; newer {
			page.Events, older = page.Events[:limit], true
			slices.Reverse(page.Events)
		} else {
			page.Events = nil // it is read anew below, so that it is full
		}
	}
	if err == nil && !newer {
		page.Events, err = t.eventsOf(ctx, q, after, true, limit+1)
		newer = after != (eventCursor{})
		older = len(page.Events) > limit
		page.Events = page.Events[:min(limit, len(page.Events))]
	}
	if err != nil || len(page.Events) == 0 {
		return page, err
	}
	if newer {
		page.Newer = eventCursorOf(page.Events[0]).String()
	}
	if older {
		page.Older = eventCursorOf(page.Events[len(page.Events)-1]).String()
	}
	return page, nil
}

// EachEvent calls do with each event of the account's audit log that a filter wants, the newest first, as
// they are at one moment. It holds few of them in memory. An error of do ends it, and is what it returns.
// It returns Malformed when the filter is not text, and Forbidden when the actor may not view the audit
// log.
func (s *Store) EachEvent(ctx context.Context, by keys.Actor, filter AuditFilter, do func(LoggedEvent) error) error {
	if err := cmp.Or(by.Require(keys.ViewAuditLog), filter.check()); err != nil {
		return err
	}
	return s.readAll(ctx, func(ctx context.Context, t *tx) error {
		q, err := t.auditQuery(ctx, by.AccountID, filter)
		if err != nil {
			return err
		}
		var last eventCursor
		for more := true; more; {
			chunk, err := t.eventsOf(ctx, q, last, true, keyChunk)
			if err != nil || len(chunk) == 0 {
				return err
			}
			if err := t.nameKeys(ctx, by.AccountID, chunk); err != nil {
				return err
			}
			for _, e := range chunk {
				if err := do(e); err != nil {
					return err
				}
			}
			last, more = eventCursorOf(chunk[len(chunk)-1]), len(chunk) == keyChunk
		}
		return nil
	})
}

// CountEvents returns how many events of the account's audit log a filter wants. Its refusals are those of
// EachEvent.
func (s *Store) CountEvents(ctx context.Context, by keys.Actor, filter AuditFilter) (n int, err error) {
	if err := cmp.Or(by.Require(keys.ViewAuditLog), filter.check()); err != nil {
		return 0, err
	}
	err = s.readAll(ctx, func(ctx context.Context, t *tx) error {
		q, err := t.auditQuery(ctx, by.AccountID, filter)
		if err != nil {
			return err
		}
		n = 0
		for _, part := range q.parts {
			var some int
			if err := t.row(ctx, `SELECT count(*) FROM audit WHERE `+part.text, part.args...).Scan(&some); err != nil {
				return err
			}
			n += some
		}
		return nil
	})
	return n, err
}

// AuditAlarms returns the newest alarm about each object of the account since a moment, the newest first.
// It looks at no more than the newest alarms, so that what it costs is bounded. It returns Forbidden when
// the actor may not view the audit log.
func (s *Store) AuditAlarms(ctx context.Context, by keys.Actor, since time.Time) (alarms []LoggedEvent, err error) {
	if err := by.Require(keys.ViewAuditLog); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		q, err := t.auditQuery(ctx, by.AccountID, AuditFilter{Alarms: true, From: since})
		if err != nil {
			return err
		}
		if alarms, err = t.eventsOf(ctx, q, eventCursor{}, true, keyChunk); err != nil {
			return err
		}
		seen := map[[3]string]bool{}
		alarms = slices.DeleteFunc(alarms, func(e LoggedEvent) bool {
			about := [3]string{string(e.Action), e.ObjectKind, e.ObjectID}
			known := seen[about]
			seen[about] = true
			return known
		})
		return t.nameKeys(ctx, by.AccountID, alarms)
	})
	return alarms, err
}

func (f AuditFilter) check() error { return checkText(f.Actor, string(f.Action), f.Target) }
