package store

import (
	"context"

	"latchkey/keys"
)

// DiscardLink takes back the link of a key that waits to be opened. It returns NotFound when there is no
// such key, Conflict when no link of it waits, and Forbidden when the actor may not renew tokens. It asks
// nothing about the key's roles: it only takes access away.
func (s *Store) DiscardLink(ctx context.Context, by keys.Actor, id keys.KeyID) (key keys.Key, err error) {
	if err := by.Require(keys.RenewAPIToken); err != nil {
		return keys.Key{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := t.tokenEvent(ctx, &k, keys.EventDiscard, "", nil); err != nil {
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
