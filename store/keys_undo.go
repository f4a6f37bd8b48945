package store

import (
	"context"

	"latchkey/keys"
)

// UndoRenewal ends the new token of an open renewal, or the link for it, so that the key is as it was before. It returns
// NotFound when there is no such key, Conflict when no renewal is open, and Forbidden when the actor
// may not renew tokens. It asks nothing about the key's roles: it only takes access away.
func (s *Store) UndoRenewal(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, err error) {
	if err := by.Require(keys.RenewAPIToken); err != nil {
		return keys.Key{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := t.tokenEvent(ctx, &k, keys.EventUndo, keys.ActionRenewUndone, nil); err != nil {
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
