package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// refusalsPerMinute is how many rows of refusals an account's audit log takes in one minute.
const refusalsPerMinute = 100

// RecordRefusals writes refusals that were counted since the last call: one event for equal ones,
// with their number. Strangers cause them, so an account's log takes at most 100 of these events a
// minute, besides alarms. What is more is only counted, in the database, and becomes one event
// refusals.more with the first call, for whatever account, in a later minute; so call it regularly, with
// an empty map too.
func (s *Store) RecordRefusals(ctx context.Context, refusals map[keys.Refusal]int) error {
	return s.change(ctx, keys.Actor{Kind: keys.ActorSystem}, func(ctx context.Context, t *tx) error {
		// The batches of two nodes lock the accounts' rows in the same order: all of them, here.
		if _, err := t.exec(ctx, `UPDATE head SET seq = seq WHERE id = 1`); err != nil {
			return err
		}
		minute := t.at.Unix() / 60
		if err := t.closeMinutes(ctx, minute); err != nil {
			return err
		}
		for _, batch := range byAccount(refusals) {
			if err := t.recordBatch(ctx, minute, batch); err != nil {
				return err
			}
		}
		if len(t.events) == 0 && len(refusals) == 0 {
			return errUnchanged
		}
		return nil
	})
}

// closeMinutes writes what was only counted in minutes that are over.
func (t *tx) closeMinutes(ctx context.Context, minute int64) error {
	type surplus struct {
		accountID string
		more      int64
	}
	over, err := list(ctx, t, func(row scanner) (o surplus, err error) {
		err = row.Scan(&o.accountID, &o.more)
		return o, err
	}, `DELETE FROM refusal_limit WHERE minute < $1 RETURNING account_id, more`, minute)
	if err != nil {
		return err
	}
	for _, o := range over {
		if o.more > 0 {
			t.record(keys.AuditEvent{
				AccountID: o.accountID, Action: keys.ActionMoreRefusals, Result: resultRefused, Details: map[string]any{"more": o.more},
			})
		}
	}
	return nil
}

// refusalBatch is what one account had refused, the most frequent first.
type refusalBatch struct {
	accountID string
	refusals  []countedRefusal
}

type countedRefusal struct {
	keys.Refusal
	count int
}

func byAccount(refusals map[keys.Refusal]int) (batches []refusalBatch) {
	all := make([]countedRefusal, 0, len(refusals))
	for r, count := range refusals {
		all = append(all, countedRefusal{r, count})
	}
	slices.SortFunc(all, func(a, b countedRefusal) int {
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), b.count-a.count,
			strings.Compare(string(a.Action), string(b.Action)), strings.Compare(a.IP, b.IP))
	})
	for i, r := range all {
		if i == 0 || r.AccountID != all[i-1].AccountID {
			batches = append(batches, refusalBatch{accountID: r.AccountID})
		}
		last := &batches[len(batches)-1]
		last.refusals = append(last.refusals, r)
	}
	return batches
}

// recordBatch writes an account's alarms, and as many of its other refusals as the minute still takes,
// and counts the rest.
func (t *tx) recordBatch(ctx context.Context, minute int64, batch refusalBatch) error {
	var alarms, others []countedRefusal
	for _, r := range batch.refusals {
		if r.Alarm {
			alarms = append(alarms, r)
		} else {
			others = append(others, r)
		}
	}
	if err := t.recordAll(ctx, alarms); err != nil || len(others) == 0 {
		return err
	}
	var written int
	err := t.row(ctx, `
		INSERT INTO refusal_limit (account_id, minute, written, more) VALUES ($1, $2, 0, 0)
		ON CONFLICT (account_id) DO UPDATE SET minute = refusal_limit.minute
		RETURNING written`, batch.accountID, minute).Scan(&written)
	if err != nil {
		return err
	}
	room := min(refusalsPerMinute-written, len(others))
	if err := t.recordAll(ctx, others[:room]); err != nil {
		return err
	}
	more := 0
	for _, r := range others[room:] {
		more += r.count
	}
	_, err = t.exec(ctx, `
		UPDATE refusal_limit SET written = written + $2, more = more + $3 WHERE account_id = $1`, batch.accountID, room, more)
	return err
}

func (t *tx) recordAll(ctx context.Context, refusals []countedRefusal) error {
	for _, r := range refusals {
		e := r.event()
		if r.Key != "" {
			k, err := t.keyOfID(ctx, r.AccountID, r.Key)
			if err != nil && keys.KindOf(err) != keys.KindNotFound {
				return err
			}
			e.ActorKind, e.ActorID, e.ObjectKind, e.ObjectID, e.Object = keys.ActorNobody, "", objectKey, string(r.Key), k.Name
		}
		if r.User != "" {
			emails, err := list(ctx, t, scanText, `SELECT email FROM app_user WHERE account_id = $1 AND id = $2`, r.AccountID, r.User)
			if err != nil {
				return err
			}
			e.ObjectKind, e.ObjectID, e.Object = objectUser, r.User, strings.Join(emails, "")
		}
		t.record(e)
	}
	return nil
}

func (r countedRefusal) event() keys.AuditEvent {
	kind := keys.ActorNobody
	if r.ActorID != "" {
		kind = keys.ActorUser
	}
	details := map[string]any{"count": r.count, "route": note(r.Route)}
	if r.Detail != "" {
		details["detail"] = note(r.Detail)
	}
	return keys.AuditEvent{
		AccountID: r.AccountID, ActorKind: kind, ActorID: r.ActorID, Actor: r.Actor, IP: r.IP, Action: r.Action,
		Result: cmp.Or(r.Reason, resultRefused), Alarm: r.Alarm, Details: details,
	}
}
