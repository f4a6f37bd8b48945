package store

import (
	"context"

	"latchkey/keys"
)

// DeleteOldToken ends the old token of an open renewal: from then on only the new one comes in, and
// the renewal cannot be undone. It returns NotFound when there is no such key, Conflict when it has no
// old token, and Forbidden when the actor may not edit keys.
func (s *Store) DeleteOldToken(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.Key{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := t.tokenEvent(ctx, &k, keys.EventDeleteOld, "", nil); err != nil {
			return err
		}
		key = k.Key
		return nil
	})
	if err != nil {
		return keys.Key{}, err
	}
	return key, nil
}
