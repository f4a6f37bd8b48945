package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
)

// NewExternalKey is what a form says of a key of another account.
type NewExternalKey struct {
	// ID is the key, and Owner the slug of the account that it belongs to.
	ID    keys.KeyID
	Owner string
	// Roles are the slugs of the roles that it gets.
	Roles []string
}

// AddExternalKey gives a key of another account roles of the actor's account. It returns Invalid when the
// key or its owner cannot be one, when the owner has no such key or is the actor's own account, when the key
// was added already, or when a role is unknown; and Forbidden when the actor may not edit keys or does not
// hold what a role gives. It tells nothing of another account but whether it has the key.
func (s *Store) AddExternalKey(ctx context.Context, by keys.Actor, in NewExternalKey) (added keys.ExternalKey, err error) {
	in.ID, in.Owner = keys.KeyID(keys.NormalName(string(in.ID))), keys.NormalName(in.Owner)
	if err := in.check(by); err != nil {
		return keys.ExternalKey{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		roles, err := t.grantable(ctx, in.Roles)
		if err != nil {
			return err
		}
		key, err := t.lockForeign(ctx, in)
		if err != nil {
			return err
		}
		added = keys.ExternalKey{
			ID: key.ID, Owner: in.Owner, Roles: roles, AddedAt: t.at, AddedBy: t.by.Email, Active: key.Active(), Version: 1,
		}
		return t.insertExternal(ctx, account, key, &added)
	})
	if err != nil {
		return keys.ExternalKey{}, err
	}
	return added, nil
}

func (in NewExternalKey) check(by keys.Actor) error {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return err
	}
	if err := checkText(append([]string{string(in.ID), in.Owner}, in.Roles...)...); err != nil {
		return err
	}
	return keys.CheckExternalKey(in.ID, in.Owner, by.Account)
}

// lockForeign returns the key of another account without roles and tokens, and makes its deletion wait
// until the grant is made. Its version stays: for its owner nothing happens.
func (t *tx) lockForeign(ctx context.Context, in NewExternalKey) (keyRow, error) {
	k, err := scanKey(t.row(ctx, `
		UPDATE api_key SET version = version
		WHERE app_key = $1 AND deleted_at IS NULL AND account_id = (SELECT id FROM account WHERE slug = $2) AND account_id <> $3
		RETURNING `+keyColumns, string(in.ID), in.Owner, t.by.AccountID))
	if errors.Is(err, sql.ErrNoRows) {
		return keyRow{}, keys.Problem("key", keys.ReasonExternalUnknown)
	}
	return k, err
}

// insertExternal writes a grant of the account, which is locked. When there is one, it is a problem of the
// field "key".
func (t *tx) insertExternal(ctx context.Context, account keys.Account, key keyRow, x *keys.ExternalKey) error {
	var known bool
	err := t.row(ctx, `
		SELECT EXISTS (SELECT 1 FROM external_key WHERE account_id = $1 AND key_id = $2)`, account.ID, key.id).Scan(&known)
	if err != nil {
		return err
	}
	if known {
		return keys.Problem("key", keys.ReasonExternalAdded)
	}
	if x.Number, err = t.numbers(ctx, 1); err != nil {
		return err
	}
	id := newID()
	_, err = t.exec(ctx, `
		INSERT INTO external_key (id, number, account_id, account_number, key_id, key_number, added_at, added_by, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)`,
		id, x.Number, account.ID, account.Number, key.id, key.Number, t.at.UnixMicro(), x.AddedBy)
	if err != nil {
		return err
	}
	t.record(externalEvent(keys.ActionExternalAdded, *x, map[string]any{"roles": roleSlugs(x.Roles)}))
	return t.insertExternalRoles(ctx, id, x.Roles)
}
