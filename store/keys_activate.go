package store

import (
	"context"

	"latchkey/keys"
)

// ActivateKey makes a key active and says whether it was inactive. It returns NotFound when there is
// no such key, and Forbidden when the actor may not edit keys or does not hold what the key's roles
// give. The account is locked for the sake of its roles.
func (s *Store) ActivateKey(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, changed bool, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.Key{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		if _, err := t.lockAccount(ctx); err != nil {
			return err
		}
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := by.MayGrant(k.Roles); err != nil {
			return err
		}
		if err := t.setStatus(ctx, &k, keys.StatusActive); err != nil {
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
