package store

import (
	"context"

	"latchkey/keys"
)

// CompleteRenewal ends the question of a renewal: with keepOld the old token lives on until it is
// deleted by hand, without it the old token ends now. It returns NotFound when there is no such key,
// Conflict when the renewal, named by the number of its new token, is not open, and Forbidden when
// the actor may not renew tokens.
func (s *Store) CompleteRenewal(ctx context.Context, by keys.Actor, id keys.KeyID, renewal int64, keepOld bool) (key keys.Key, err error) {
	if err := by.Require(keys.RenewAPIToken); err != nil {
		return keys.Key{}, err
	}
	event, choice := keys.EventNow, "now"
	if keepOld {
		event, choice = keys.EventLater, "later"
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if number, open := k.OpenRenewal(t.at); !open || number != renewal {
			return keys.Conflict(keys.ReasonRenewalOver)
		}
		if err := t.tokenEvent(ctx, &k, event, keys.ActionRenewCompleted, map[string]any{"old_token": choice}); err != nil {
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
