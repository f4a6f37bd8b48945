package store

import (
	"cmp"
	"context"
	"slices"

	"latchkey/keys"
)

// KeyChoice says which of an account's keys are wanted. The zero choice is all of them. Everything that
// goes through many keys takes its condition from here.
type KeyChoice struct {
	// IDs are the only keys that are wanted, unless there are none. What is no key of the account, or no
	// key at all, is left out without a word.
	IDs []keys.KeyID
}

// condition is the choice as a part of a WHERE, and its arguments. The first argument is the account.
func (c KeyChoice) condition(accountID string) (text string, args []any) {
	text, args = `account_id = $1 AND deleted_at IS NULL`, []any{accountID}
	if len(c.IDs) == 0 {
		return text, args
	}
	for _, id := range c.IDs {
		args = append(args, string(id))
	}
	return text + ` AND app_key IN (` + places(2, len(c.IDs)) + `)`, args
}

// CountKeys returns how many keys of the actor's account a choice holds. It returns Forbidden when the
// actor may not view keys.
func (s *Store) CountKeys(ctx context.Context, by keys.Actor, choice KeyChoice) (n int, err error) {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return 0, err
	}
	err = s.read(ctx, func(t *tx) error {
		if len(choice.IDs) == 0 {
			// The account counts its keys, so that nobody has to go through them.
			return orNotFound(t.row(ctx, `SELECT key_count FROM account WHERE id = $1`, by.AccountID).Scan(&n), keys.ReasonAccountNotFound)
		}
		condition, args := choice.condition(by.AccountID)
		return t.row(ctx, `SELECT count(*) FROM api_key WHERE `+condition, args...).Scan(&n)
	})
	return n, err
}

// keyChunk is how many keys EachKey holds in memory.
const keyChunk = 200

// EachKey calls do with each chosen key of the actor's account, the newest first, with its roles and live
// tokens, as they are at one moment. It holds few of them in memory. An error of do ends it, and is what
// it returns. It returns Forbidden when the actor may not view keys.
func (s *Store) EachKey(ctx context.Context, by keys.Actor, choice KeyChoice, do func(keys.Key) error) error {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return err
	}
	return s.read(ctx, func(t *tx) error {
		roles, err := t.accountRoles(ctx, by.AccountID)
		if err != nil {
			return err
		}
		condition, args := choice.condition(by.AccountID)
		for chunk, more := []keyRow(nil), true; more; {
			if chunk, err = t.keysAfter(ctx, condition, args, chunk); err != nil {
				return err
			}
			if err := t.completeKeys(ctx, roles, chunk); err != nil {
				return err
			}
			for _, k := range chunk {
				if err := do(k.Key); err != nil {
					return err
				}
			}
			more = len(chunk) == keyChunk
		}
		return nil
	})
}

// keysAfter are the keys for which a condition holds and that follow those of a chunk in the list.
func (t *tx) keysAfter(ctx context.Context, condition string, args []any, chunk []keyRow) ([]keyRow, error) {
	args = slices.Clone(args)
	if len(chunk) > 0 {
		last := cursorOf(chunk[len(chunk)-1])
		condition += ` AND (created_at, id) < (` + places(len(args)+1, 2) + `)`
		args = append(args, last.created, last.id)
	}
	return list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key WHERE `+condition+`
		ORDER BY created_at DESC, id DESC LIMIT `+places(len(args)+1, 1), append(args, keyChunk)...)
}

// completeKeys adds to keys their roles, out of all roles of the account, and their live tokens.
func (t *tx) completeKeys(ctx context.Context, roles []keys.Role, all []keyRow) error {
	if len(all) == 0 {
		return nil
	}
	// The query has as many places for every chunk, so that it is prepared once: what is left over asks for
	// the last key again.
	at, ids := make(map[string]int, len(all)), make([]any, keyChunk)
	for i := range ids {
		ids[i] = all[min(i, len(all)-1)].id
	}
	for i, k := range all {
		at[k.id] = i
	}
	rank := make(map[string]int, len(roles))
	for i, r := range roles {
		rank[r.ID] = i
	}
	held, err := list(ctx, t, scanHeld, `
		SELECT key_id, role_id FROM api_key_role WHERE key_id IN (`+places(1, keyChunk)+`)`, ids...)
	if err != nil {
		return err
	}
	slices.SortFunc(held, func(a, b heldRole) int { return cmp.Compare(rank[a.roleID], rank[b.roleID]) })
	for _, h := range held {
		k := &all[at[h.keyID]]
		k.Roles = append(k.Roles, roles[rank[h.roleID]])
	}
	tokens, err := list(ctx, t, scanKeyToken, `
		SELECT key_id, number, hint, created_at FROM api_token
		WHERE key_id IN (`+places(1, keyChunk)+`) AND state = 'live' ORDER BY number DESC`, ids...)
	for _, token := range tokens {
		k := &all[at[token.keyID]]
		k.Tokens = append(k.Tokens, token.Token)
	}
	return err
}
