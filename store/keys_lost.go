package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// DeactivateLost makes a key inactive of which a node knew something to be over that the database does not
// know to be, and raises an alarm about it in the key's account. It does nothing to a key that is gone or
// inactive, nor when the token is over after all, nor when somebody has activated the key since. It says
// whether it did something. AfterCommit is not called: the caller is who waits for it, and takes the change in itself.
func (s *Store) DeactivateLost(ctx context.Context, lost keys.LostRevocation) (done bool, err error) {
	account, err := s.accountOfKey(ctx, lost.Key)
	if keys.KindOf(err) == keys.KindNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = s.change(ctx, keys.Actor{Kind: keys.ActorSystem, AccountID: account}, func(ctx context.Context, t *tx) error {
		t.unheld, done = true, false
		k, err := t.lockKey(ctx, lost.Key)
		if keys.KindOf(err) == keys.KindNotFound {
			return errUnchanged
		}
		if err != nil {
			return err
		}
		needed, err := t.stillLost(ctx, k, lost)
		if err != nil || !needed {
			return orUnchanged(err)
		}
		e := keyEvent(keys.ActionKeyDeactivated, k.Key, map[string]any{"reason": keys.ReasonLost, "change": lost.Change})
		e.Alarm = true
		t.record(e)
		_, err = t.exec(ctx, `UPDATE api_key SET status = $2 WHERE id = $1`, k.id, string(keys.StatusInactive))
		done = true
		return err
	})
	return done && err == nil, err
}

// accountOfKey is the id of the account of a key, or NotFound.
func (s *Store) accountOfKey(ctx context.Context, id keys.KeyID) (account string, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		account, err = scanText(t.row(ctx, `SELECT account_id FROM api_key WHERE app_key = $1 AND deleted_at IS NULL`, string(id)))
		return orNotFound(err, keys.ReasonKeyNotFound)
	})
	return account, err
}

// stillLost says whether a locked key would let in what was over.
func (t *tx) stillLost(ctx context.Context, k keyRow, lost keys.LostRevocation) (needed bool, err error) {
	if k.Status == keys.StatusInactive {
		return false, nil
	}
	if lost.Token != 0 {
		for _, token := range k.Tokens {
			if token.Number == lost.Token {
				return true, nil
			}
		}
		return false, nil
	}
	since, err := t.activatedOutside(ctx, k.ID, lost.Branch)
	return !since, err
}

// activatedOutside says whether a key was activated by a change that is not of a branch. To compare times would be
// to compare the clocks of two nodes.
func (t *tx) activatedOutside(ctx context.Context, id keys.KeyID, branch keys.FeedBranch) (bool, error) {
	activated, err := list(ctx, t, scanMark, `
		SELECT seq, id FROM audit
		WHERE account_id = $1 AND object_kind = $2 AND object_id = $3 AND action = $4`,
		t.by.AccountID, objectKey, string(id), string(keys.ActionKeyActivated))
	return slices.ContainsFunc(activated, func(m keys.FeedMark) bool { return !branch.Has(m) }), err
}

func scanMark(row scanner) (m keys.FeedMark, err error) {
	err = row.Scan(&m.Seq, &m.EventID)
	return m, err
}
