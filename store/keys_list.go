package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"latchkey/keys"
)

// KeyAsk says which page of the list is wanted. Without a cursor it is the first.
type KeyAsk struct {
	// After asks for the keys older than the cursor, Before for those newer than it.
	After, Before string
	// Limit is the length of a page.
	Limit int
}

// KeyPage is a page of the list of keys.
type KeyPage struct {
	// Keys are the page's keys, the newest first, with their roles and live tokens, and with their links
	// while these wait.
	Keys []keys.Key
	// Total is how many keys the account has.
	Total int
	// Newer and Older are the cursors of the pages before and after this one, or empty.
	Newer, Older string
	// Fallback says that the cursor led nowhere, as no key is left on that side of it, and that this is
	// the first page instead.
	Fallback bool
}

// Keys returns a page of the account's keys, the newest first. A cursor stays good when its key is
// deleted. Where a cursor leaves nothing to show, it is the first page, and Fallback says so; where it
// leaves a page of the newest keys or less, it is the first page in full. It returns Malformed when a
// cursor is not one of ours. What it costs depends neither on
// the number of keys nor on how far down the page is.
func (s *Store) Keys(ctx context.Context, by keys.Actor, ask KeyAsk) (page KeyPage, err error) {
	err = s.read(ctx, func(t *tx) error {
		rows, err := t.keyRows(ctx, by.AccountID, ask)
		if err != nil {
			return err
		}
		page = rows.page()
		if err := t.completePage(ctx, by.AccountID, rows.keys); err != nil {
			return err
		}
		for _, k := range rows.keys {
			page.Keys = append(page.Keys, k.Key)
		}
		return orNotFound(t.row(ctx, `SELECT key_count FROM account WHERE id = $1`, by.AccountID).Scan(&page.Total),
			keys.ReasonAccountNotFound)
	})
	return page, err
}

// keyRows are the rows of a page, whether there are more on either side of it, and whether the cursor
// led nowhere.
type keyRows struct {
	keys                   []keyRow
	newer, older, fallback bool
}

func (r keyRows) page() (p KeyPage) {
	p.Fallback = r.fallback
	if r.newer {
		p.Newer = cursorOf(r.keys[0]).String()
	}
	if r.older {
		p.Older = cursorOf(r.keys[len(r.keys)-1]).String()
	}
	return p
}

func (t *tx) keyRows(ctx context.Context, accountID string, ask KeyAsk) (keyRows, error) {
	var found keyRows
	var err error
	switch {
	case ask.After != "":
		found, err = t.olderKeys(ctx, accountID, ask)
	case ask.Before != "":
		found, err = t.newerKeys(ctx, accountID, ask)
	}
	if err != nil || len(found.keys) > 0 {
		return found, err
	}
	found.keys, err = list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key
		WHERE account_id = $1 AND deleted_at IS NULL
		ORDER BY created_at DESC, id DESC LIMIT $2`, accountID, ask.Limit+1)
	found.older = found.cut(ask.Limit)
	return found, err
}

// cut takes off the row past the page, which is only there to say whether there are more.
func (r *keyRows) cut(limit int) (more bool) {
	more = len(r.keys) > limit
	r.keys = r.keys[:min(limit, len(r.keys))]
	return more
}

func (t *tx) olderKeys(ctx context.Context, accountID string, ask KeyAsk) (found keyRows, err error) {
	c, err := parseCursor(ask.After)
	if err != nil {
		return keyRows{}, err
	}
	found.keys, err = list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key
		WHERE account_id = $1 AND deleted_at IS NULL AND (created_at, id) < ($2, $3)
		ORDER BY created_at DESC, id DESC LIMIT $4`, accountID, c.created, c.id, ask.Limit+1)
	if err != nil || len(found.keys) == 0 {
		return keyRows{fallback: true}, err
	}
	found.older = found.cut(ask.Limit)
	first := cursorOf(found.keys[0])
	err = t.row(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM api_key WHERE account_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3))`,
		accountID, first.created, first.id).Scan(&found.newer)
	return found, err
}

// newerKeys are the page before a cursor, or nothing where that is the first page: it is read anew,
// so that it is full.
func (t *tx) newerKeys(ctx context.Context, accountID string, ask KeyAsk) (found keyRows, err error) {
	c, err := parseCursor(ask.Before)
	if err != nil {
		return keyRows{}, err
	}
	found.keys, err = list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key
		WHERE account_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3)
		ORDER BY created_at, id LIMIT $4`, accountID, c.created, c.id, ask.Limit+1)
	if found.newer = found.cut(ask.Limit); err != nil || !found.newer {
		return keyRows{fallback: len(found.keys) == 0}, err
	}
	slices.Reverse(found.keys)
	last := cursorOf(found.keys[len(found.keys)-1])
	err = t.row(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM api_key WHERE account_id = $1 AND deleted_at IS NULL AND (created_at, id) < ($2, $3))`,
		accountID, last.created, last.id).Scan(&found.older)
	return found, err
}

// completePage adds roles, live tokens and waiting links to keys that follow one another in the list. It asks for
// the range that they span, so that the text of the query is the same for every page.
func (t *tx) completePage(ctx context.Context, accountID string, page []keyRow) error {
	if len(page) == 0 {
		return nil
	}
	first, last := cursorOf(page[0]), cursorOf(page[len(page)-1])
	span := []any{accountID, last.created, last.id, first.created, first.id}
	all, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return err
	}
	held, err := list(ctx, t, scanHeld, `
		SELECT api_key_role.key_id, api_key_role.role_id
		FROM api_key JOIN api_key_role ON api_key_role.key_id = api_key.id
		WHERE api_key.account_id = $1 AND api_key.deleted_at IS NULL
			AND (api_key.created_at, api_key.id) >= ($2, $3) AND (api_key.created_at, api_key.id) <= ($4, $5)`, span...)
	if err != nil {
		return err
	}
	tokens, err := list(ctx, t, scanKeyToken, `
		SELECT api_token.key_id, api_token.number, api_token.hint, api_token.created_at
		FROM api_key JOIN api_token ON api_token.key_id = api_key.id AND api_token.state = 'live'
		WHERE api_key.account_id = $1 AND api_key.deleted_at IS NULL
			AND (api_key.created_at, api_key.id) >= ($2, $3) AND (api_key.created_at, api_key.id) <= ($4, $5)
		ORDER BY api_token.number DESC`, span...)
	if err != nil {
		return err
	}
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+`
		FROM api_key JOIN link ON link.key_id = api_key.id AND link.opened_at IS NULL AND link.voided_at IS NULL AND link.expires_at > $6
		WHERE api_key.account_id = $1 AND api_key.deleted_at IS NULL
			AND (api_key.created_at, api_key.id) >= ($2, $3) AND (api_key.created_at, api_key.id) <= ($4, $5)`, append(span, t.at.UnixMicro())...)
	if err != nil {
		return err
	}
	for i, k := range page {
		for _, l := range links {
			if l.keyID == k.id {
				page[i].Link = l.Link
			}
		}
		for _, r := range all {
			if slices.Contains(held, heldRole{k.id, r.ID}) {
				page[i].Roles = append(page[i].Roles, r)
			}
		}
		for _, token := range tokens {
			if token.keyID == k.id {
				page[i].Tokens = append(page[i].Tokens, token.Token)
			}
		}
	}
	return nil
}

type heldRole struct{ keyID, roleID string }

func scanHeld(row scanner) (h heldRole, err error) {
	err = row.Scan(&h.keyID, &h.roleID)
	return h, err
}

type keyToken struct {
	keyID string
	keys.Token
}

func scanKeyToken(row scanner) (token keyToken, err error) {
	var created int64
	err = row.Scan(&token.keyID, &token.Number, &token.Hint, &created)
	token.CreatedAt = fromMicros(created)
	return token, err
}

// cursor is a place in the list: between the key that has it and the next older one.
type cursor struct {
	created int64
	id      string
}

func cursorOf(k keyRow) cursor { return cursor{created: k.CreatedAt.UnixMicro(), id: k.id} }

// String is the cursor as it stands in an address: the time in base 36 and the id without its dashes.
// A page of the list carries it many times, so it is short.
func (c cursor) String() string {
	return strconv.FormatInt(c.created, 36) + "." + strings.ReplaceAll(c.id, "-", "")
}

// parseCursor reads a cursor. Whatever String would not have written is Malformed.
func parseCursor(text string) (cursor, error) {
	created, digits, _ := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(created, 36, 64)
	id, invalid := uuid.Parse(digits)
	c := cursor{created: micros, id: id.String()}
	if err != nil || invalid != nil || c.String() != text {
		return cursor{}, keys.Malformed(keys.ReasonCursor)
	}
	return c, nil
}

// NameTaken says whether a key of the actor's account has this name. It returns Malformed when the
// name is not text.
func (s *Store) NameTaken(ctx context.Context, by keys.Actor, name string) (taken bool, err error) {
	name = keys.NormalName(name)
	if err := checkText(name); err != nil {
		return false, err
	}
	err = s.read(ctx, func(t *tx) error {
		taken, err = t.nameTaken(ctx, by.AccountID, name)
		return err
	})
	return taken, err
}

func (t *tx) nameTaken(ctx context.Context, accountID, name string) (taken bool, err error) {
	err = t.row(ctx, `
		SELECT EXISTS (SELECT 1 FROM api_key WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL)`,
		accountID, name).Scan(&taken)
	return taken, err
}
