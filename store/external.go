package store

import (
	"context"

	"latchkey/keys"
)

// A key is external to an account that gave it roles and that it does not belong to. The account that gave
// them is the only one whose audit log tells of it, and the only one that sees it: the key's owner learns
// nothing. A grant goes with its key.

// externalRow is an external key with its internal id.
type externalRow struct {
	id string
	keys.ExternalKey
}

// externalColumns are those of external_key joined with api_key and with account, which is the owner.
const externalColumns = `external_key.id, external_key.number, api_key.app_key, account.slug, api_key.status, external_key.added_at,
	external_key.added_by, external_key.version`

const externalTables = `external_key JOIN api_key ON api_key.id = external_key.key_id JOIN account ON account.id = api_key.account_id`

func scanExternal(row scanner) (x externalRow, err error) {
	var status keys.Status
	var added int64
	err = row.Scan(&x.id, &x.Number, &x.ID, &x.Owner, &status, &added, &x.AddedBy, &x.Version)
	x.Active, x.AddedAt = status == keys.StatusActive, fromMicros(added)
	return x, err
}

// ExternalKey returns an external key of the actor's account with its roles, or NotFound.
func (s *Store) ExternalKey(ctx context.Context, by keys.Actor, id keys.KeyID) (keys.ExternalKey, error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return keys.ExternalKey{}, err
	}
	var found externalRow
	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		found, err = t.externalOfID(ctx, by.AccountID, id)
		return err
	})
	return found.ExternalKey, err
}

// externalOfID is an external key of an account with its roles, or NotFound.
func (t *tx) externalOfID(ctx context.Context, accountID string, id keys.KeyID) (externalRow, error) {
	x, err := scanExternal(t.row(ctx, `
		SELECT `+externalColumns+` FROM `+externalTables+`
		WHERE external_key.account_id = $1 AND api_key.app_key = $2 AND api_key.deleted_at IS NULL`, accountID, string(id)))
	if err != nil {
		return externalRow{}, orNotFound(err, keys.ReasonKeyNotFound)
	}
	x.Roles, err = t.rolesOfExternal(ctx, x.id)
	return x, err
}

// rolesOfExternal are the roles of an external key in the order of their names.
func (t *tx) rolesOfExternal(ctx context.Context, externalID string) ([]keys.Role, error) {
	return t.rolesWhere(ctx, `role.id IN (SELECT role_id FROM external_key_role WHERE external_id = $1)`, externalID)
}

// lockExternal returns an external key of the actor's account, with its roles, and makes every other change
// of it wait until this one has ended. It returns NotFound when there is none.
func (t *tx) lockExternal(ctx context.Context, id keys.KeyID) (externalRow, error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return externalRow{}, err
	}
	t.saw = true
	var locked string
	err := t.row(ctx, `
		UPDATE external_key SET version = version + 1
		WHERE account_id = $1 AND key_id = (SELECT id FROM api_key WHERE app_key = $2)
		RETURNING id`, t.by.AccountID, string(id)).Scan(&locked)
	if err != nil {
		return externalRow{}, orNotFound(err, keys.ReasonKeyNotFound)
	}
	return t.externalOfID(ctx, t.by.AccountID, id)
}

// setExternalRoles replaces the roles of an external key.
func (t *tx) setExternalRoles(ctx context.Context, externalID string, roles []keys.Role) error {
	if _, err := t.exec(ctx, `DELETE FROM external_key_role WHERE external_id = $1`, externalID); err != nil {
		return err
	}
	return t.insertExternalRoles(ctx, externalID, roles)
}

// insertExternalRoles gives roles to an external key that has none.
func (t *tx) insertExternalRoles(ctx context.Context, externalID string, roles []keys.Role) error {
	for _, r := range roles {
		_, err := t.exec(ctx, `
			INSERT INTO external_key_role (external_id, role_id, role_number) VALUES ($1, $2, $3)`, externalID, r.ID, r.Number)
		if err != nil {
			return err
		}
	}
	return nil
}

func externalEvent(action keys.Action, x keys.ExternalKey, details map[string]any) keys.AuditEvent {
	all := map[string]any{"owner": x.Owner}
	for name, value := range details {
		all[name] = value
	}
	return keys.AuditEvent{Action: action, ObjectKind: objectExternal, ObjectID: string(x.ID), Object: string(x.ID), Details: all}
}
