package store

import (
	"context"

	"latchkey/keys"
)

// DeactivateKey makes a key inactive and says whether it was active. It returns NotFound when there
// is no such key, and Forbidden when the actor may not edit keys.
func (s *Store) DeactivateKey(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, changed bool, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.Key{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := t.setStatus(ctx, &k, keys.StatusInactive); err != nil {
			return err
		}
		key, changed, err = t.saved(k)
		return err
	})
	if err != nil {
		return keys.Key{}, false, err
	}
	return key, changed, nil
}
