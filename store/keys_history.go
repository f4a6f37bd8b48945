package store

import (
	"context"
	"encoding/json"

	"latchkey/keys"
)

// KeyHistory returns what happened to a key of the actor's account and to its tokens, the newest
// first, at most limit events. It returns NotFound when there is no such key.
func (s *Store) KeyHistory(ctx context.Context, by keys.Actor, id keys.KeyID, limit int) (events []keys.AuditEvent, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(t *tx) error {
		k, err := scanKey(t.row(ctx, `
			SELECT `+keyColumns+` FROM api_key WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL`,
			by.AccountID, string(id)))
		if err != nil {
			return orNotFound(err, keys.ReasonKeyNotFound)
		}
		events, err = list(ctx, t, scanHistory, `
			SELECT at, actor_kind, actor, action, object_kind, object_id, ip, result, alarm, details FROM audit
			WHERE account_id = $1 AND (
				(object_kind = 'key' AND object_id = $2) OR (object_kind = 'token' AND object_id IN (
					SELECT CAST(number AS TEXT) FROM api_token WHERE key_id = $3)))
			ORDER BY seq DESC LIMIT $4`, by.AccountID, string(id), k.id, limit)
		return err
	})
	return events, err
}

func scanHistory(row scanner) (e keys.AuditEvent, err error) {
	var at int64
	var details string
	err = row.Scan(&at, &e.ActorKind, &e.Actor, &e.Action, &e.ObjectKind, &e.ObjectID, &e.IP, &e.Result, &e.Alarm, &details)
	if err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	return e, json.Unmarshal([]byte(details), &e.Details)
}
