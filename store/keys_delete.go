package store

import (
	"context"

	"latchkey/keys"
)

// DeleteKey deletes a key for ever, revokes its tokens, and ends what other accounts let it do. What stays is a row that keeps its id
// from being used again, and its history. It returns the key as it was, NotFound when there is no such
// key, and Forbidden when the actor may not edit keys.
func (s *Store) DeleteKey(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.Key{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		key = k.Key
		details := map[string]any{"roles": roleSlugs(key.Roles)}
		if err := t.tokenEvent(ctx, &k, keys.EventDelete, keys.ActionKeyDeleted, details); err != nil {
			return err
		}
		if err := t.setRoles(ctx, k, nil); err != nil {
			return err
		}
		if err := t.endGrants(ctx, k); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE api_key SET deleted_at = $2 WHERE id = $1`, k.id, t.at.UnixMicro()); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE account SET key_count = key_count - 1 WHERE id = $1`, account.ID)
		return err
	})
	if err != nil {
		return keys.Key{}, err
	}
	return key, nil
}
