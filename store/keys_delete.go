package store

import (
	"context"

	"latchkey/keys"
)

// DeleteKey deletes a key for ever and revokes its tokens. What stays is a row that keeps its id
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
		t.record(keyEvent(keys.ActionKeyDeleted, key, map[string]any{"roles": roleSlugs(key.Roles)}))
		if err := t.revokeTokens(ctx, k, "key deleted"); err != nil {
			return err
		}
		if err := t.setRoles(ctx, k.id, nil); err != nil {
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

// revokeTokens ends every live token of a key.
func (t *tx) revokeTokens(ctx context.Context, k keyRow, reason string) error {
	for _, token := range k.Tokens {
		t.record(tokenEvent(keys.ActionTokenRevoked, k.Key, token, map[string]any{"reason": reason}))
	}
	_, err := t.exec(ctx, `
		UPDATE api_token SET state = 'revoked', revoked_at = $2, reason = $3 WHERE key_id = $1 AND state = 'live'`,
		k.id, t.at.UnixMicro(), reason)
	return err
}
