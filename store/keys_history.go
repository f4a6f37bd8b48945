package store

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/keys"
)

// KeyHistory returns what happened to a key of the actor's account and to its tokens, the newest
// first, at most limit events. Refused verifications are not among them: there may be very many. It
// returns NotFound when there is no such key.
func (s *Store) KeyHistory(ctx context.Context, by keys.Actor, id keys.KeyID, limit int) (events []keys.AuditEvent, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		k, err := t.keyOfID(ctx, by.AccountID, id)
		if err != nil {
			return err
		}
		// Each half asks the index for the object. With OR between them, SQLite would read all events of the
		// account.
		events, err = list(ctx, t, scanHistory, `
			SELECT `+historyColumns+` FROM audit
			WHERE account_id = $1 AND object_kind = 'key' AND object_id = $2 AND action <> 'verify.refused'
			UNION ALL
			SELECT `+historyColumns+` FROM audit
			WHERE account_id = $1 AND object_kind = 'token' AND action <> 'verify.refused' AND object_id IN (
				SELECT CAST(number AS TEXT) FROM api_token WHERE key_id = $3)
			ORDER BY seq DESC LIMIT $4`, by.AccountID, string(id), k.id, limit)
		return err
	})
	return events, err
}

// KeyAlarm returns the newest alarm about a key of the actor's account that is not older than since, and
// whether there is one. It returns NotFound when there is no such key.
func (s *Store) KeyAlarm(ctx context.Context, by keys.Actor, id keys.KeyID, since time.Time) (alarm keys.AuditEvent, found bool, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return keys.AuditEvent{}, false, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.keyOfID(ctx, by.AccountID, id); err != nil {
			return err
		}
		all, err := list(ctx, t, scanHistory, `
			SELECT `+historyColumns+` FROM audit
			WHERE alarm AND account_id = $1 AND object_kind = 'key' AND object_id = $2 AND at >= $3
			ORDER BY seq DESC LIMIT 1`, by.AccountID, string(id), since.UnixMicro())
		if found = len(all) > 0; found {
			alarm = all[0]
		}
		return err
	})
	return alarm, found, err
}

// KeyChange returns the number of the newest change of a key of the actor's account, or of a token of it, that
// verifiers must know of, as Nodes counts changes. It returns NotFound when there is no such key.
func (s *Store) KeyChange(ctx context.Context, by keys.Actor, id keys.KeyID) (change int64, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return 0, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		k, err := t.keyOfID(ctx, by.AccountID, id)
		if err != nil {
			return err
		}
		// As above, each half asks the index for the object.
		return t.row(ctx, `
			SELECT COALESCE(MAX(seq), 0) FROM (
				SELECT seq FROM audit
				WHERE account_id = $1 AND object_kind = 'key' AND object_id = $2 AND action <> 'verify.refused' AND result = $4
				UNION ALL
				SELECT seq FROM audit
				WHERE account_id = $1 AND object_kind = 'token' AND action <> 'verify.refused' AND result = $4 AND object_id IN (
					SELECT CAST(number AS TEXT) FROM api_token WHERE key_id = $3)
			) AS changes`, by.AccountID, string(id), k.id, resultOK).Scan(&change)
	})
	return change, err
}

const historyColumns = `seq, at, actor_kind, actor, action, object_kind, object_id, ip, result, alarm, details`

func scanHistory(row scanner) (e keys.AuditEvent, err error) {
	var at int64
	var details string
	err = row.Scan(&e.Seq, &at, &e.ActorKind, &e.Actor, &e.Action, &e.ObjectKind, &e.ObjectID, &e.IP, &e.Result, &e.Alarm, &details)
	if err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	return e, json.Unmarshal([]byte(details), &e.Details)
}
