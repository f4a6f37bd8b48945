package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"latchkey/keys"
)

// feedLimit is how many rows of the change log are followed. With more of them it is cheaper to load
// everything.
const feedLimit = 10_000

// FollowFeed returns what changed after a mark, as it is at one moment. When nothing did, it costs one
// short query.
func (s *Store) FollowFeed(ctx context.Context, after keys.FeedMark) (changes keys.FeedChanges, err error) {
	err = s.followed(ctx, func(ctx context.Context, t *tx) error {
		beat, err := t.beatShown(ctx)
		if err != nil {
			return err
		}
		changes = keys.FeedChanges{Mark: after, Beat: beat}
		log, complete, err := t.changesAfter(ctx, after)
		switch {
		case err != nil:
			return err
		case !complete:
			changes = keys.FeedChanges{Lost: true, Beat: beat}
			changes.Forked, err = t.forked(ctx, after)
			return err
		case len(log) == 0:
			return nil
		}
		for _, c := range log {
			changes.Branch = append(changes.Branch, c.FeedMark)
		}
		changes.Mark = log[len(log)-1].FeedMark
		if tellsOfAccounts(log) {
			if changes.Accounts, err = t.feedAccounts(ctx, changedAccounts, after.Seq); err != nil {
				return err
			}
		}
		changes.Keys, err = t.changedKeys(ctx, log)
		return err
	})
	if err != nil {
		return keys.FeedChanges{}, err
	}
	return changes, nil
}

// changeRow is a row of the change log.
type changeRow struct {
	keys.FeedMark
	objectKind, objectID string
}

func scanChange(row scanner) (c changeRow, err error) {
	err = row.Scan(&c.Seq, &c.EventID, &c.objectKind, &c.objectID)
	return c, err
}

// changesAfter are the rows of the change log after a mark, and whether they lead on from it: the row
// of the mark is there, and there are not too many after it.
func (t *tx) changesAfter(ctx context.Context, after keys.FeedMark) (log []changeRow, complete bool, err error) {
	log, err = list(ctx, t, scanChange, `
		SELECT seq, event_id, object_kind, object_id FROM change_log WHERE seq >= $1 ORDER BY seq LIMIT $2`, after.Seq, feedLimit+2)
	if err != nil {
		return nil, false, err
	}
	if after == (keys.FeedMark{}) {
		complete, err = t.fromTheBeginning(ctx, log)
		return log, complete && len(log) <= feedLimit, err
	}
	if len(log) == 0 || log[0].FeedMark != after {
		return nil, false, nil
	}
	return log[1:], len(log)-1 <= feedLimit, nil
}

// forked says whether the database does not know a change that a reader took in: its log ends before it, or has
// another one in its place. A log whose beginning was swept away has not forked.
func (t *tx) forked(ctx context.Context, after keys.FeedMark) (forked bool, err error) {
	if after == (keys.FeedMark{}) {
		return false, nil
	}
	err = t.row(ctx, `
		SELECT COALESCE((SELECT MAX(seq) FROM change_log), 0) < $1
			OR EXISTS (SELECT 1 FROM change_log WHERE seq = $1 AND event_id <> $2)
			OR (EXISTS (SELECT 1 FROM change_log WHERE seq < $1) AND NOT EXISTS (SELECT 1 FROM change_log WHERE seq = $1))`,
		after.Seq, after.EventID).Scan(&forked)
	return forked, err
}

// fromTheBeginning says whether the change log still begins where it began, which is with the first
// account.
func (t *tx) fromTheBeginning(ctx context.Context, log []changeRow) (whole bool, err error) {
	if len(log) == 0 {
		return true, nil
	}
	err = t.row(ctx, `
		SELECT COALESCE($1 = (SELECT seq FROM audit WHERE action = $2 ORDER BY seq LIMIT 1), FALSE)`,
		log[0].Seq, string(keys.ActionAccountCreated)).Scan(&whole)
	return whole, err
}

// tellsOfAccounts says whether rows of the change log tell of an account, of a role or of a resource.
func tellsOfAccounts(log []changeRow) bool {
	return slices.ContainsFunc(log, func(c changeRow) bool {
		return c.objectKind == objectAccount || c.objectKind == objectRole || c.objectKind == objectResource
	})
}

// changedAccounts are the ids of the accounts that changed, or whose roles or catalogue did, after the
// number $1.
const changedAccounts = `SELECT account_id FROM change_log WHERE seq > $1 AND object_kind IN ('account', 'role', 'resource')`

// feedChunk is how many keys one query asks for.
const feedChunk = 200

// changedKeys returns the keys that rows of the change log tell of, whole. It asks for them by their ids:
// of a join with the change log, whose newest rows no statistics know, PostgreSQL may make a walk through
// all keys.
func (t *tx) changedKeys(ctx context.Context, log []changeRow) (changed []keys.FeedKey, err error) {
	var ids, tokens []any
	for _, c := range log {
		switch c.objectKind {
		case objectKey, objectExternal:
			ids = append(ids, c.objectID)
		case objectToken:
			number, err := strconv.ParseInt(c.objectID, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("change %d is of no token: %w", c.Seq, err)
			}
			tokens = append(tokens, number)
		}
	}
	for chunk := range slices.Chunk(tokens, feedChunk) {
		owners, err := list(ctx, t, scanText, `
			SELECT api_key.app_key FROM api_token JOIN api_key ON api_key.id = api_token.key_id
			WHERE api_token.number IN (`+places(1, len(chunk))+`)`, chunk...)
		if err != nil {
			return nil, err
		}
		for _, id := range owners {
			ids = append(ids, id)
		}
	}
	for chunk := range slices.Chunk(distinct(ids), feedChunk) {
		some, err := t.feedKeys(ctx, chunk)
		if err != nil {
			return nil, err
		}
		changed = append(changed, some...)
	}
	return changed, nil
}

func distinct(ids []any) (all []any) {
	seen := make(map[any]bool, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	}
	return all
}

// feedKeys returns the keys of some ids, whole.
func (t *tx) feedKeys(ctx context.Context, ids []any) ([]keys.FeedKey, error) {
	rows, err := list(ctx, t, scanFeedKey, `
		SELECT `+feedKeyColumns+` FROM api_key WHERE app_key IN (`+places(1, len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	found := make([]keys.FeedKey, len(rows))
	place := make(map[int64]*keys.FeedKey, len(rows))
	for i, row := range rows {
		found[i].FeedKeyRow = row
		place[row.Number] = &found[i]
	}
	if err := t.addFeedRoles(ctx, ids, place); err != nil {
		return nil, err
	}
	if err := t.addFeedGrants(ctx, ids, place); err != nil {
		return nil, err
	}
	return found, t.addFeedTokens(ctx, ids, place)
}

func scanFeedKey(row scanner) (keys.FeedKeyRow, error) {
	var number, flags int64
	var id string
	err := row.Scan(&number, &id, &flags)
	return feedKeyOf(number, id, flags), err
}

func (t *tx) addFeedRoles(ctx context.Context, ids []any, to map[int64]*keys.FeedKey) error {
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var key, role int64
		if err := row.Scan(&key, &role); err != nil {
			return none, err
		}
		if k, ok := to[key]; ok {
			k.Roles = append(k.Roles, role)
		}
		return none, nil
	}, `
		SELECT api_key_role.key_number, api_key_role.role_number
		FROM api_key JOIN api_key_role ON api_key_role.key_id = api_key.id
		WHERE api_key.app_key IN (`+places(1, len(ids))+`)
		ORDER BY api_key_role.role_number`, ids...)
	return err
}

func (t *tx) addFeedGrants(ctx context.Context, ids []any, to map[int64]*keys.FeedKey) error {
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var key, account, role int64
		if err := row.Scan(&key, &account, &role); err != nil {
			return none, err
		}
		if k, ok := to[key]; ok {
			k.Grants = withGrant(k.Grants, account, role)
		}
		return none, nil
	}, `
		SELECT `+feedExternalColumns+`
		FROM api_key JOIN `+feedExternal+` ON external_key.key_id = api_key.id
		WHERE api_key.app_key IN (`+places(1, len(ids))+`)
		ORDER BY external_key.account_number, external_key_role.role_number`, ids...)
	return err
}

// withGrant adds a row of feedExternalColumns to the grants of one key.
func withGrant(grants []keys.FeedGrant, account, role int64) []keys.FeedGrant {
	if len(grants) == 0 || grants[len(grants)-1].Account != account {
		grants = append(grants, keys.FeedGrant{Account: account})
	}
	if role != 0 {
		last := &grants[len(grants)-1]
		last.Roles = append(last.Roles, role)
	}
	return grants
}

// addFeedTokens adds all tokens of the keys, however long ago they ended. To leave out the old ones would be to
// compare this node's clock with that of the node which ended them, and a reader in whose index a token lives
// must be told of its end.
func (t *tx) addFeedTokens(ctx context.Context, ids []any, to map[int64]*keys.FeedKey) error {
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var key, number, created, ended int64
		var digest []byte
		if err := row.Scan(&key, &number, &digest, &created, &ended); err != nil {
			return none, err
		}
		token, err := feedTokenOf(key, number, digest, created, ended)
		if err != nil {
			return none, fmt.Errorf("token %d: %w", number, err)
		}
		if k, ok := to[key]; ok {
			k.Tokens = append(k.Tokens, token)
		}
		return none, nil
	}, `
		SELECT `+feedTokenColumns+`
		FROM api_key JOIN api_token ON api_token.key_id = api_key.id
		WHERE api_key.app_key IN (`+places(1, len(ids))+`)
		ORDER BY api_token.number`, ids...)
	return err
}
