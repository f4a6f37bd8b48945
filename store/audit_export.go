package store

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
)

// ExportedEvent is a row of the audit log as an export has it: one JSON object a line, with every column of
// the row, so that the chain can be followed without the database.
type ExportedEvent struct {
	Seq        int64  `json:"seq"`
	ID         string `json:"id"`
	At         int64  `json:"at"` // microseconds since 1970 in UTC
	AccountID  string `json:"account_id"`
	ActorKind  string `json:"actor_kind"`
	ActorID    string `json:"actor_id"`
	Actor      string `json:"actor"`
	Action     string `json:"action"`
	ObjectKind string `json:"object_kind"`
	ObjectID   string `json:"object_id"`
	Object     string `json:"object"`
	IP         string `json:"ip"`
	RequestID  string `json:"request_id"`
	Result     string `json:"result"`
	Alarm      bool   `json:"alarm"`
	// Details is a JSON object as the database keeps it: its text is part of the chain.
	Details string `json:"details"`
	Prev    string `json:"prev"`
	Hash    string `json:"hash"`
	Sums    string `json:"sums"`
}

// ExportAudit calls write with each event of the audit log after a place, as a line of JSON without its line
// end, in the order of the log, as it is at one moment. It returns the end of what it wrote, which is the
// zero head when there was nothing. An error of write ends it.
func (s *Store) ExportAudit(ctx context.Context, after int64, write func(line []byte) error) (head AuditHead, err error) {
	err = s.readAll(ctx, func(ctx context.Context, t *tx) error {
		_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
			e, err := scanExported(row)
			if err != nil {
				return none, err
			}
			line, err := json.Marshal(e)
			if err != nil {
				return none, err
			}
			head = AuditHead{Seq: e.Seq, Hash: e.Hash}
			return none, write(line)
		}, `
			SELECT seq, id, at, account_id, actor_kind, actor_id, actor, action, object_kind, object_id,
				object, ip, request_id, result, alarm, details, prev, hash, sums
			FROM audit WHERE seq > $1 ORDER BY seq`, after)
		return err
	})
	return head, err
}

func scanExported(row scanner) (e ExportedEvent, err error) {
	err = row.Scan(&e.Seq, &e.ID, &e.At, &e.AccountID, &e.ActorKind, &e.ActorID, &e.Actor, &e.Action, &e.ObjectKind, &e.ObjectID,
		&e.Object, &e.IP, &e.RequestID, &e.Result, &e.Alarm, &e.Details, &e.Prev, &e.Hash, &e.Sums)
	return e, err
}

// row is the event as the table has it.
func (e ExportedEvent) row() auditRow {
	return auditRow{
		seq: e.Seq, id: e.ID, at: e.At, accountID: e.AccountID, actorKind: e.ActorKind, actorID: e.ActorID, actor: e.Actor,
		action: e.Action, objectKind: e.ObjectKind, objectID: e.ObjectID, object: e.Object, ip: e.IP, requestID: e.RequestID,
		result: e.Result, alarm: e.Alarm, details: e.Details, prev: e.Prev, hash: e.Hash, sums: e.Sums,
	}
}

// newerEvents follows the chain of an export and returns the events after a head, which must be in it or
// right before its first event. A refusal says what is wrong with the export.
func newerEvents(export func(func(ExportedEvent) error) error, head AuditHead) (newer []ExportedEvent, err error) {
	var v auditVerifier
	first, joined, last := true, head.Seq == 0, int64(0)
	err = export(func(e ExportedEvent) error {
		stored := storedRow{seq: e.Seq, placed: true, values: e.row().values(), hash: e.Hash, sums: e.Sums}
		if first { // an export may leave out what an earlier one had
			v.before = storedRow{seq: e.Seq - 1, values: make([]string, len(auditColumns)), hash: e.Prev}
			joined = joined || e.Seq == head.Seq+1 && e.Prev == head.Hash
		}
		first, last = false, e.Seq
		v.next(stored)
		if len(v.damage) > 0 {
			return refused("the export of the audit log is damaged: %s; nothing was restored. Export it anew, or restore without it", v.damage[0])
		}
		if len(v.moved) > 0 {
			return refused("the export of the audit log is damaged: row %d is not in its place; nothing was restored. Export it anew, or restore without it", v.moved[0].seq)
		}
		joined = joined || e.Seq == head.Seq && e.Hash == head.Hash
		if e.Seq > head.Seq {
			newer = append(newer, e)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case first:
		return nil, refused("the export of the audit log is empty; nothing was restored. Export it anew, or restore without it")
	case last <= head.Seq:
		return nil, refused("the export ends with row %s of the audit log, and the backup has %s; nothing was restored. Give an export that was made after the backup, or restore without one",
			strconv.FormatInt(last, 10), strconv.FormatInt(head.Seq, 10))
	case !joined:
		return nil, refused("the export does not go on where the backup's audit log ends, with row %d; nothing was restored. Give an export of the same installation, or restore without one", head.Seq)
	}
	return slices.Clip(newer), nil
}
