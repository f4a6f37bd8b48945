package store

import (
	"context"
	"time"

	"latchkey/keys"
)

// ReviewKeys is what an admin looks through after a restore.
type ReviewKeys struct {
	// Count is how many keys of the account are active, and Keys the first of them, the newest first, each
	// with its last use.
	Count int
	Keys  []ReviewKey
	// External is how many external keys of the account are active.
	External int
}

// ReviewKey is an active key with its last use.
type ReviewKey struct {
	keys.Key
	LastUse keys.LastUse
}

// ReviewKeys returns the active keys of the actor's account, at most limit of them. It returns Forbidden
// when the actor may not edit keys.
func (s *Store) ReviewKeys(ctx context.Context, by keys.Actor, limit int) (found ReviewKeys, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return ReviewKeys{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		found = ReviewKeys{}
		rows, err := t.activeKeys(ctx, by.AccountID)
		if err != nil {
			return err
		}
		external, err := t.activeExternal(ctx, by.AccountID)
		if err != nil {
			return err
		}
		found.Count, found.External = len(rows), len(external)
		for _, k := range rows[:min(limit, len(rows))] {
			if err := t.completeKey(ctx, &k); err != nil {
				return err
			}
			usage, err := t.lastUses(ctx, k)
			if err != nil {
				return err
			}
			found.Keys = append(found.Keys, ReviewKey{k.Key, usage.Last})
		}
		return nil
	})
	return found, err
}

// activeKeys are the active keys of an account without roles and tokens, the newest first.
func (t *tx) activeKeys(ctx context.Context, accountID string) ([]keyRow, error) {
	return list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key
		WHERE account_id = $1 AND deleted_at IS NULL AND status = 'active' ORDER BY created_at DESC, number DESC`, accountID)
}

// ConfirmReview ends the review of the actor's account that began at since, so that its active keys and
// external keys may come in again, and returns how many these are. It returns Conflict when that review has ended, and
// Forbidden when the actor may not edit keys or does not hold what the roles of the active keys give: to
// confirm a key is to activate it.
func (s *Store) ConfirmReview(ctx context.Context, by keys.Actor, since time.Time) (confirmed int, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return 0, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		if !account.UnderReview() || !account.ReviewSince.Equal(since) {
			return keys.Conflict(keys.ReasonReviewEnded)
		}
		held, err := t.rolesWhere(ctx, `role.id IN (
			SELECT api_key_role.role_id FROM api_key_role JOIN api_key ON api_key.id = api_key_role.key_id
			WHERE api_key.account_id = $1 AND api_key.deleted_at IS NULL AND api_key.status = 'active')`, account.ID)
		if err != nil {
			return err
		}
		if err := by.MayGrant(held); err != nil {
			return err
		}
		external, err := t.activeExternal(ctx, account.ID)
		if err != nil {
			return err
		}
		for _, x := range external {
			if err := by.MayGrant(x.Roles); err != nil {
				return err
			}
		}
		active, err := t.activeKeys(ctx, account.ID)
		if err != nil {
			return err
		}
		confirmed = len(active) + len(external)
		t.record(keys.AuditEvent{
			Action: keys.ActionReviewConfirmed, ObjectKind: objectAccount, ObjectID: account.ID, Object: account.Slug,
			Details: map[string]any{"keys": confirmed, "since": since.UnixMicro()},
		})
		_, err = t.exec(ctx, `UPDATE account SET review_since = NULL WHERE id = $1`, account.ID)
		return err
	})
	return confirmed, err
}
