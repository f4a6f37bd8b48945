package store

import (
	"cmp"
	"context"
	"slices"

	"latchkey/keys"
)

// KeyAsk says which page of the list is wanted. Without a cursor it is the first.
type KeyAsk struct {
	KeyFind
	// After asks for the keys that follow the cursor in the order, Before for those that go before it. A
	// cursor belongs to the order that it was made in.
	After, Before string
	// Limit is the length of a page.
	Limit int
}

// KeyPage is a page of the list of keys.
type KeyPage struct {
	// Keys are the page's keys in their order, with their roles and live tokens, and with their
	// links while these wait.
	Keys []keys.Key
	// Total is how many keys the account has.
	Total int
	// Matches is how many of them were found, and More says that there are more than that. Keys are counted
	// up to MaxMatches when some are left out.
	Matches int
	More    bool
	// Previous and Next are the cursors of the pages before and after this one, or empty.
	Previous, Next string
	// Fallback says that the cursor led nowhere, as no key is left on that side of it, and that this is
	// the first page instead.
	Fallback bool
}

// Keys returns a page of the account's keys that are looked for. A cursor stays good when its key is
// changed or deleted. Where a cursor leaves nothing to show, it is the first page, and Fallback says so; where
// it leaves a page of the first keys or less, it is the first page in full. It returns Malformed when a
// cursor is not one of ours or of another order, and when what is looked for is not text. What a page of all
// keys costs depends neither on their number nor on how far down the page is; a search looks through an
// index, at most three times.
func (s *Store) Keys(ctx context.Context, by keys.Actor, ask KeyAsk) (page KeyPage, err error) {
	if err := ask.check(); err != nil {
		return KeyPage{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		page, err = t.keyPage(ctx, by.AccountID, ask)
		return err
	})
	return page, err
}

func (t *tx) keyPage(ctx context.Context, accountID string, ask KeyAsk) (page KeyPage, err error) {
	account, err := scanAccount(t.row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, accountID))
	if err != nil {
		return KeyPage{}, orNotFound(err, keys.ReasonAccountNotFound)
	}
	roles, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return KeyPage{}, err
	}
	var place *cursor
	if text := cmp.Or(ask.After, ask.Before); text != "" {
		c, err := parseCursor(ask.Sort, text)
		if err != nil {
			return KeyPage{}, err
		}
		place = &c
	}
	q := ask.query(account, roles, t.at)
	page.Total, page.Matches = account.KeyCount, account.KeyCount
	var rows keyRows
	if q.Filtered() {
		rows, err = t.filteredRows(ctx, q, ask, place, &page)
	} else {
		rows, err = t.keyRows(ctx, q, ask, place)
	}
	if err != nil {
		return KeyPage{}, err
	}
	rows.into(&page)
	page.Keys, err = t.completePage(ctx, rows.keys, roles, ask.Limit)
	return page, err
}

// keyRows are the rows of a page, whether there are more on either side of it, and whether the cursor
// led nowhere.
type keyRows struct {
	keys                     []foundKey
	previous, next, fallback bool
}

func (r keyRows) into(p *KeyPage) {
	p.Fallback = r.fallback
	if r.previous {
		p.Previous = r.keys[0].at.String()
	}
	if r.next {
		p.Next = r.keys[len(r.keys)-1].at.String()
	}
}

// filteredRows reads the rows of a page of a search, and counts what it finds, as far as that goes. Where the page is
// among those, it is cut out of them here: the database would have to look through the whole index again.
func (t *tx) filteredRows(ctx context.Context, q keyQuery, ask KeyAsk, place *cursor, page *KeyPage) (found keyRows, err error) {
	all, err := t.matches(ctx, q)
	if err != nil {
		return keyRows{}, err
	}
	if page.Matches = len(all); len(all) > MaxMatches {
		page.Matches, page.More = MaxMatches, true
		if place != nil && !q.reaches(all, *place, ask) {
			return t.keyRows(ctx, q, ask, place)
		}
	}
	from, to := 0, min(ask.Limit, len(all))
	if place != nil {
		at, itself := slices.BinarySearchFunc(all, *place, q.compare)
		switch {
		case ask.After != "":
			if itself {
				at++
			}
			found.fallback = at == len(all)
			if !found.fallback {
				from, to = at, min(at+ask.Limit, len(all))
			}
		case at > ask.Limit:
			from, to = at-ask.Limit, at
		default:
			found.fallback = at == 0
		}
	}
	found.previous, found.next = from > 0, to < len(all)
	found.keys, err = t.keysAt(ctx, q, all[from:to])
	return found, err
}

// reaches says whether a page is among the first matches, and so is the next key after it, if there is one.
func (q keyQuery) reaches(first []cursor, place cursor, ask KeyAsk) bool {
	at, _ := slices.BinarySearchFunc(first, place, q.compare)
	if ask.After != "" {
		return at+1+ask.Limit < len(first)
	}
	return at < len(first)
}

// keyRows reads the rows of a page.
func (t *tx) keyRows(ctx context.Context, q keyQuery, ask KeyAsk, place *cursor) (found keyRows, err error) {
	switch {
	case place == nil:
	case ask.After != "":
		found, err = t.keysAfter(ctx, q, *place, ask.Limit)
	default:
		found, err = t.keysBefore(ctx, q, *place, ask.Limit)
	}
	if err != nil || len(found.keys) > 0 {
		return found, err
	}
	found.keys, err = t.beyond(ctx, q, nil, true, ask.Limit+1)
	found.next = found.cut(ask.Limit)
	return found, err
}

// cut takes off the row past the page, which is only there to say whether there are more.
func (r *keyRows) cut(limit int) (more bool) {
	more = len(r.keys) > limit
	r.keys = r.keys[:min(limit, len(r.keys))]
	return more
}

func (t *tx) keysAfter(ctx context.Context, q keyQuery, place cursor, limit int) (found keyRows, err error) {
	found.keys, err = t.beyond(ctx, q, &place, true, limit+1)
	if err != nil || len(found.keys) == 0 {
		return keyRows{fallback: true}, err
	}
	found.next = found.cut(limit)
	before, err := t.beyond(ctx, q, &found.keys[0].at, false, 1)
	found.previous = len(before) > 0
	return found, err
}

// keysBefore are the page before a cursor, or nothing where that is the first page: it is read anew,
// so that it is full.
func (t *tx) keysBefore(ctx context.Context, q keyQuery, place cursor, limit int) (found keyRows, err error) {
	found.keys, err = t.beyond(ctx, q, &place, false, limit+1)
	if found.previous = found.cut(limit); err != nil || !found.previous {
		return keyRows{fallback: len(found.keys) == 0}, err
	}
	slices.Reverse(found.keys)
	after, err := t.beyond(ctx, q, &found.keys[len(found.keys)-1].at, true, 1)
	found.next = len(after) > 0
	return found, err
}

// completePage makes keys of rows, with their roles, live tokens and waiting links. Its queries name as many
// keys as a page holds, some of them more than once on a short page, so that their text is the same for every
// page.
func (t *tx) completePage(ctx context.Context, rows []foundKey, roles []keys.Role, limit int) (page []keys.Key, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]any, max(limit, len(rows)))
	for i := range ids {
		ids[i] = rows[min(i, len(rows)-1)].id
	}
	held, err := list(ctx, t, scanHeld, `SELECT key_id, role_id FROM api_key_role WHERE key_id IN (`+places(1, len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	tokens, err := list(ctx, t, scanKeyToken, `
		SELECT key_id, number, hint, created_at FROM api_token
		WHERE key_id IN (`+places(1, len(ids))+`) AND state = 'live' ORDER BY number DESC`, ids...)
	if err != nil {
		return nil, err
	}
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM link
		WHERE key_id IN (`+places(1, len(ids))+`) AND opened_at IS NULL AND voided_at IS NULL AND expires_at > `+places(len(ids)+1, 1),
		append(slices.Clone(ids), t.at.UnixMicro())...)
	if err != nil {
		return nil, err
	}
	roleIDs, tokensOf, linkOf := make(map[heldRole]bool, len(held)), make(map[string][]keys.Token, len(rows)), map[string]keys.Link{}
	for _, h := range held {
		roleIDs[h] = true
	}
	for _, token := range tokens {
		tokensOf[token.keyID] = append(tokensOf[token.keyID], token.Token)
	}
	for _, l := range links {
		linkOf[l.keyID] = l.Link
	}
	for _, k := range rows {
		k.Tokens, k.Link = tokensOf[k.id], linkOf[k.id]
		for _, r := range roles {
			if roleIDs[heldRole{k.id, r.ID}] {
				k.Roles = append(k.Roles, r)
			}
		}
		page = append(page, k.Key)
	}
	return page, nil
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

// NameTaken says whether a key of the actor's account has this name. It returns Malformed when the
// name is not text.
func (s *Store) NameTaken(ctx context.Context, by keys.Actor, name string) (taken bool, err error) {
	name = keys.NormalName(name)
	if err := checkText(name); err != nil {
		return false, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		taken, err = t.nameTaken(ctx, by.AccountID, name)
		return err
	})
	return taken, err
}

func (t *tx) nameTaken(ctx context.Context, accountID, name string) (taken bool, err error) {
	err = t.row(ctx, `
		SELECT EXISTS (SELECT 1 FROM api_key WHERE account_id = $1 AND name_key = $2 AND name = $3 AND deleted_at IS NULL)`,
		accountID, nameKey(name), name).Scan(&taken)
	return taken, err
}
