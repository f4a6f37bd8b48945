package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// PickKeys returns the keys of the actor's account that have these ids, with their roles and live tokens, in
// the order of the ids. An id of no key of the account is left out.
func (s *Store) PickKeys(ctx context.Context, by keys.Actor, ids []keys.KeyID) (found []keys.Key, err error) {
	args := []any{by.AccountID}
	for _, id := range ids {
		if _, err := keys.ParseKeyID(string(id)); err == nil {
			args = append(args, string(id))
		}
	}
	if len(args) == 1 {
		return nil, nil
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		roles, err := t.accountRoles(ctx, by.AccountID)
		if err != nil {
			return err
		}
		scan := func(row scanner) (k foundKey, err error) {
			k.keyRow, err = scanKey(row)
			return k, err
		}
		rows, err := listOnce(ctx, t, scan, `SELECT `+keyColumns+` FROM api_key
			WHERE account_id = $1 AND app_key IN (`+places(2, len(args)-1)+`) AND deleted_at IS NULL`, args...)
		if err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b foundKey) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
		found, err = t.completePage(ctx, rows, roles, len(rows))
		return err
	})
	return found, err
}
