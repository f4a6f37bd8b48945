package store

import (
	"context"
	"strings"

	"latchkey/keys"
)

// KeyChoice says which of an account's keys are wanted. The zero choice is all of them, the newest first.
type KeyChoice struct {
	KeyFind
	// IDs are the only keys that are wanted, unless there are none. What is no key of the account, or no
	// key at all, is left out without a word.
	IDs []keys.KeyID
}

// all says whether the choice leaves no key out.
func (c KeyChoice) all() bool { return len(c.IDs) == 0 && !c.Filtered() }

// choose makes a search of a choice of the actor's keys. It also returns the account's roles, which the search
// may be about.
func (t *tx) choose(ctx context.Context, by keys.Actor, choice KeyChoice) (q keyQuery, roles []keys.Role, account keys.Account, err error) {
	account, err = scanAccount(t.row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, by.AccountID))
	if err != nil {
		return keyQuery{}, nil, keys.Account{}, orNotFound(err, keys.ReasonAccountNotFound)
	}
	if roles, err = t.accountRoles(ctx, account.ID); err != nil {
		return keyQuery{}, nil, keys.Account{}, err
	}
	q = choice.query(account, roles, t.at)
	if len(choice.IDs) > 0 {
		ids := make([]any, len(choice.IDs))
		for i, id := range choice.IDs {
			ids[i] = string(id)
		}
		q.and(`app_key IN (?`+strings.Repeat(", ?", len(ids)-1)+`)`, ids...)
	}
	return q, roles, account, nil
}

// CountKeys returns how many keys of the actor's account a choice holds. It returns Forbidden when the
// actor may not view keys.
func (s *Store) CountKeys(ctx context.Context, by keys.Actor, choice KeyChoice) (n int, err error) {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return 0, err
	}
	if err := choice.check(); err != nil {
		return 0, err
	}
	err = s.readAll(ctx, func(ctx context.Context, t *tx) error {
		q, _, account, err := t.choose(ctx, by, choice)
		if err != nil || choice.all() {
			// The account counts its keys, so that nobody has to go through them.
			n = account.KeyCount
			return err
		}
		counted, err := listOnce(ctx, t, scanNumber, `SELECT count(*) FROM api_key WHERE `+q.where, q.args...)
		if err == nil {
			n = int(counted[0])
		}
		return err
	})
	return n, err
}

// keyChunk is how many keys EachKey holds in memory.
const keyChunk = 200

// EachKey calls do with each chosen key of the actor's account, in the order of the choice, with its roles and
// live tokens, as they are at one moment. It holds few of them in memory. An error of do ends it, and is what
// it returns. It returns Forbidden when the actor may not view keys.
func (s *Store) EachKey(ctx context.Context, by keys.Actor, choice KeyChoice, do func(keys.Key) error) error {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return err
	}
	if err := choice.check(); err != nil {
		return err
	}
	return s.readAll(ctx, func(ctx context.Context, t *tx) error {
		q, roles, _, err := t.choose(ctx, by, choice)
		if err != nil {
			return err
		}
		var place *cursor
		for more := true; more; {
			chunk, err := t.beyond(ctx, q, place, true, keyChunk)
			if err != nil {
				return err
			}
			complete, err := t.completePage(ctx, chunk, roles, keyChunk)
			if err != nil {
				return err
			}
			for _, k := range complete {
				if err := do(k); err != nil {
					return err
				}
			}
			if more = len(chunk) == keyChunk; more {
				place = &chunk[keyChunk-1].at
			}
		}
		return nil
	})
}
