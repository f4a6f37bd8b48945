package store

import (
	"context"

	"latchkey/keys"
)

// Key returns a key of the actor's account with its roles, live tokens and newest link, or NotFound.
func (s *Store) Key(ctx context.Context, by keys.Actor, id keys.KeyID) (keys.Key, error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return keys.Key{}, err
	}
	var found keyRow
	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		if found, err = t.keyOfID(ctx, by.AccountID, id); err != nil {
			return err
		}
		return t.completeKey(ctx, &found)
	})
	return found.Key, err
}

// keyOfID returns a key of an account without roles and tokens, or NotFound.
func (t *tx) keyOfID(ctx context.Context, accountID string, id keys.KeyID) (keyRow, error) {
	k, err := scanKey(t.row(ctx, `
		SELECT `+keyColumns+` FROM api_key WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL`,
		accountID, string(id)))
	return k, orNotFound(err, keys.ReasonKeyNotFound)
}

// keyRow is a key with its internal id.
type keyRow struct {
	id string
	keys.Key
}

const keyColumns = `id, number, app_key, name, status, created_at, created_by, version`

func scanKey(row scanner) (k keyRow, err error) {
	var created int64
	err = row.Scan(&k.id, &k.Number, &k.ID, &k.Name, &k.Status, &created, &k.CreatedBy, &k.Version)
	k.CreatedAt = fromMicros(created)
	return k, err
}

// lockKey returns a key of the actor's account, complete, and makes every other change of it wait
// until this one has ended. It returns NotFound when there is none.
func (t *tx) lockKey(ctx context.Context, id keys.KeyID) (keyRow, error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return keyRow{}, err
	}
	t.saw = true
	k, err := scanKey(t.row(ctx, `
		UPDATE api_key SET version = version + 1
		WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL
		RETURNING `+keyColumns, t.by.AccountID, string(id)))
	if err != nil {
		return keyRow{}, orNotFound(err, keys.ReasonKeyNotFound)
	}
	return k, t.completeKey(ctx, &k)
}

// completeKey adds to a key its roles, its live tokens and its newest link.
func (t *tx) completeKey(ctx context.Context, k *keyRow) (err error) {
	if k.Roles, err = t.rolesOfKey(ctx, k.id); err != nil {
		return err
	}
	k.Tokens, err = list(ctx, t, scanToken, `
		SELECT number, hint, created_at FROM api_token
		WHERE key_id = $1 AND state = 'live' ORDER BY number DESC`, k.id)
	if err != nil {
		return err
	}
	k.Link, err = t.linkOfKey(ctx, k.id)
	return err
}

func scanToken(row scanner) (token keys.Token, err error) {
	var created int64
	err = row.Scan(&token.Number, &token.Hint, &created)
	token.CreatedAt = fromMicros(created)
	return token, err
}

// setRoles replaces the roles of a key.
func (t *tx) setRoles(ctx context.Context, k keyRow, roles []keys.Role) error {
	if _, err := t.exec(ctx, `DELETE FROM api_key_role WHERE key_id = $1`, k.id); err != nil {
		return err
	}
	return t.insertRoles(ctx, k, roles)
}

// insertRoles gives roles to a key that has none.
func (t *tx) insertRoles(ctx context.Context, k keyRow, roles []keys.Role) error {
	for _, r := range roles {
		_, err := t.exec(ctx, `
			INSERT INTO api_key_role (key_id, role_id, key_number, role_number) VALUES ($1, $2, $3, $4)`, k.id, r.ID, k.Number, r.Number)
		if err != nil {
			return err
		}
	}
	return t.noteRoles(ctx, k.id)
}

// setStatus gives a key a status, if it has the other one.
func (t *tx) setStatus(ctx context.Context, k *keyRow, status keys.Status) error {
	if k.Status == status {
		return nil
	}
	k.Status = status
	action := keys.ActionKeyDeactivated
	if status == keys.StatusActive {
		action = keys.ActionKeyActivated
	}
	t.record(keyEvent(action, k.Key, nil))
	_, err := t.exec(ctx, `UPDATE api_key SET status = $2 WHERE id = $1`, k.id, string(status))
	return err
}

// saved returns a locked key after its change, and whether there was one. Without one it returns
// errUnchanged, which takes the lock's version back.
func (t *tx) saved(k keyRow) (keys.Key, bool, error) {
	if len(t.events) == 0 {
		k.Version--
		return k.Key, false, errUnchanged
	}
	return k.Key, true, nil
}

func keyEvent(action keys.Action, k keys.Key, details map[string]any) keys.AuditEvent {
	return keys.AuditEvent{Action: action, ObjectKind: objectKey, ObjectID: string(k.ID), Object: k.Name, Details: details}
}
