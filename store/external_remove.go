package store

import (
	"context"

	"latchkey/keys"
)

// RemoveExternalKey takes from an external key everything that it may do in the actor's account. It returns
// the key as it was, NotFound when there is no such external key, and Forbidden when the actor may not edit
// keys.
func (s *Store) RemoveExternalKey(ctx context.Context, by keys.Actor, id keys.KeyID) (x keys.ExternalKey, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.ExternalKey{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		if _, err := t.lockAccount(ctx); err != nil {
			return err
		}
		found, err := t.lockExternal(ctx, id)
		if err != nil {
			return err
		}
		x = found.ExternalKey
		t.record(externalEvent(keys.ActionExternalRemoved, x, map[string]any{"roles": roleSlugs(x.Roles)}))
		return t.deleteExternal(ctx, found.id)
	})
	if err != nil {
		return keys.ExternalKey{}, err
	}
	return x, nil
}

func (t *tx) deleteExternal(ctx context.Context, externalID string) error {
	if err := t.setExternalRoles(ctx, externalID, nil); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM external_key WHERE id = $1`, externalID)
	return err
}

// endGrants takes from a locked key that is being deleted what other accounts let it do. Each of them learns
// that its external key is gone, and nothing of who deleted it, or from where.
func (t *tx) endGrants(ctx context.Context, k keyRow) error {
	type grant struct{ id, accountID string }
	ended, err := list(ctx, t, func(row scanner) (g grant, err error) {
		err = row.Scan(&g.id, &g.accountID)
		return g, err
	}, `UPDATE external_key SET version = version + 1 WHERE key_id = $1 RETURNING id, account_id`, k.id)
	if err != nil {
		return err
	}
	for _, g := range ended {
		roles, err := t.rolesOfExternal(ctx, g.id)
		if err != nil {
			return err
		}
		event := externalEvent(keys.ActionExternalRemoved, keys.ExternalKey{ID: k.ID, Owner: t.by.Account},
			map[string]any{"roles": roleSlugs(roles), "reason": "deleted by its owner"})
		event.AccountID, event.ActorKind = g.accountID, keys.ActorSystem
		t.record(event)
		if err := t.deleteExternal(ctx, g.id); err != nil {
			return err
		}
	}
	return nil
}
