package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"latchkey/keys"
)

// ExternalKeyPage is a page of the list of external keys.
type ExternalKeyPage struct {
	// Keys are the page's keys, the last added first, with their roles.
	Keys []keys.ExternalKey
	// Total is how many external keys the account has.
	Total int
	// Newer and Older are the cursors of the pages before and after this one, or empty.
	Newer, Older string
	// Fallback says that the cursor led nowhere, and that this is the first page instead.
	Fallback bool
}

// ExternalKeys returns a page of the account's external keys, the last added first, as Keys does of its own
// keys. It returns Malformed when a cursor is not one of ours, and Forbidden when the actor may not view
// keys.
func (s *Store) ExternalKeys(ctx context.Context, by keys.Actor, ask KeyAsk) (page ExternalKeyPage, err error) {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return ExternalKeyPage{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		found, err := t.externalPage(ctx, by.AccountID, ask)
		if err != nil {
			return err
		}
		page = found.page()
		return t.row(ctx, `SELECT COUNT(*) FROM external_key WHERE account_id = $1`, by.AccountID).Scan(&page.Total)
	})
	return page, err
}

// externalRows are the rows of a page, with their roles, and whether there are more on either side of it.
type externalRows struct {
	keys                   []externalRow
	newer, older, fallback bool
}

func (r externalRows) page() (p ExternalKeyPage) {
	p.Fallback = r.fallback
	if r.newer {
		p.Newer = cursorOfExternal(r.keys[0]).String()
	}
	if r.older {
		p.Older = cursorOfExternal(r.keys[len(r.keys)-1]).String()
	}
	for _, x := range r.keys {
		p.Keys = append(p.Keys, x.ExternalKey)
	}
	return p
}

// externalCursor is a place in the list: between the row that has it and the one that was added before.
type externalCursor struct {
	added int64
	id    string
}

func cursorOfExternal(x externalRow) externalCursor {
	return externalCursor{added: x.AddedAt.UnixMicro(), id: x.id}
}

// String is the cursor as it stands in an address: the time in base 36 and the id without its dashes.
func (c externalCursor) String() string {
	return strconv.FormatInt(c.added, 36) + "." + strings.ReplaceAll(c.id, "-", "")
}

// parseExternalCursor reads a cursor. Whatever String would not have written is Malformed.
func parseExternalCursor(text string) (externalCursor, error) {
	added, digits, _ := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(added, 36, 64)
	id, invalid := uuid.Parse(digits)
	c := externalCursor{added: micros, id: id.String()}
	if err != nil || invalid != nil || c.String() != text {
		return externalCursor{}, keys.Malformed(keys.ReasonCursor)
	}
	return c, nil
}

// externalPage is the page that is asked for, or the first one where the cursor leaves nothing, or no full
// page before it.
func (t *tx) externalPage(ctx context.Context, accountID string, ask KeyAsk) (found externalRows, err error) {
	c, err := parseExternalCursor(ask.After + ask.Before)
	switch {
	case ask.After == "" && ask.Before == "":
		found, err = externalRows{}, nil
	case err != nil:
		return externalRows{}, err
	case ask.After != "":
		found, err = t.olderExternal(ctx, accountID, c, ask.Limit)
	default:
		found, err = t.newerExternal(ctx, accountID, c, ask.Limit)
	}
	if err != nil {
		return externalRows{}, err
	}
	if len(found.keys) == 0 {
		fallback := found.fallback
		if found, err = t.olderExternal(ctx, accountID, newestCursor, ask.Limit); err != nil {
			return externalRows{}, err
		}
		found.newer, found.fallback = false, fallback
	}
	return found, t.completeExternal(ctx, accountID, found.keys)
}

// newestCursor is before every row of a list: no id follows a text of tildes.
var newestCursor = externalCursor{added: 1<<63 - 1, id: "~"}

// olderExternal are the rows after a cursor. There is something before them: what the cursor came from.
func (t *tx) olderExternal(ctx context.Context, accountID string, c externalCursor, limit int) (found externalRows, err error) {
	found.keys, err = list(ctx, t, scanExternal, `
		SELECT `+externalColumns+` FROM `+externalTables+`
		WHERE external_key.account_id = $1 AND (external_key.added_at, external_key.id) < ($2, $3)
		ORDER BY external_key.added_at DESC, external_key.id DESC LIMIT $4`, accountID, c.added, c.id, limit+1)
	if err != nil || len(found.keys) == 0 {
		return externalRows{fallback: true}, err
	}
	found.older = found.cut(limit)
	first := cursorOfExternal(found.keys[0])
	err = t.row(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM external_key WHERE account_id = $1 AND (added_at, id) > ($2, $3))`,
		accountID, first.added, first.id).Scan(&found.newer)
	return found, err
}

// newerExternal are the page before a cursor, or nothing where that is the first page: it is read anew, so
// that it is full.
func (t *tx) newerExternal(ctx context.Context, accountID string, c externalCursor, limit int) (found externalRows, err error) {
	found.keys, err = list(ctx, t, scanExternal, `
		SELECT `+externalColumns+` FROM `+externalTables+`
		WHERE external_key.account_id = $1 AND (external_key.added_at, external_key.id) > ($2, $3)
		ORDER BY external_key.added_at, external_key.id LIMIT $4`, accountID, c.added, c.id, limit+1)
	if found.newer = found.cut(limit); err != nil || !found.newer {
		return externalRows{fallback: len(found.keys) == 0}, err
	}
	slices.Reverse(found.keys)
	last := cursorOfExternal(found.keys[len(found.keys)-1])
	err = t.row(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM external_key WHERE account_id = $1 AND (added_at, id) < ($2, $3))`,
		accountID, last.added, last.id).Scan(&found.older)
	return found, err
}

// cut takes off the row past the page, which is only there to say whether there are more.
func (r *externalRows) cut(limit int) (more bool) {
	more = len(r.keys) > limit
	r.keys = r.keys[:min(limit, len(r.keys))]
	return more
}

// completeExternal adds roles to external keys that follow one another in the list. It asks for the range
// that they span, so that the text of the query is the same for every page.
func (t *tx) completeExternal(ctx context.Context, accountID string, page []externalRow) error {
	if len(page) == 0 {
		return nil
	}
	all, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return err
	}
	first, last := cursorOfExternal(page[0]), cursorOfExternal(page[len(page)-1])
	held := map[heldRole]bool{}
	_, err = list(ctx, t, func(row scanner) (none struct{}, err error) {
		h, err := scanHeld(row)
		held[h] = true
		return none, err
	}, `
		SELECT external_key_role.external_id, external_key_role.role_id
		FROM external_key JOIN external_key_role ON external_key_role.external_id = external_key.id
		WHERE external_key.account_id = $1
			AND (external_key.added_at, external_key.id) >= ($2, $3) AND (external_key.added_at, external_key.id) <= ($4, $5)`,
		accountID, last.added, last.id, first.added, first.id)
	if err != nil {
		return err
	}
	for i, x := range page {
		for _, r := range all {
			if held[heldRole{x.id, r.ID}] {
				page[i].Roles = append(page[i].Roles, r)
			}
		}
	}
	return nil
}

// activeExternal are the external keys of an account whose owner lets them come in, with their roles, the
// last added first.
func (t *tx) activeExternal(ctx context.Context, accountID string) ([]externalRow, error) {
	active, err := list(ctx, t, scanExternal, `
		SELECT `+externalColumns+` FROM `+externalTables+`
		WHERE external_key.account_id = $1 AND api_key.status = 'active'
		ORDER BY external_key.added_at DESC, external_key.id DESC`, accountID)
	if err != nil {
		return nil, err
	}
	return active, t.completeExternal(ctx, accountID, active)
}

// externalChunk is how many external keys EachExternalKey reads at once.
const externalChunk = 500

// EachExternalKey calls do with every external key of the actor's account, the last added first, with its
// roles, as they are at one moment. However many there are, it holds few of them at once. An error of do
// ends it. It returns Forbidden when the actor may not view keys.
func (s *Store) EachExternalKey(ctx context.Context, by keys.Actor, do func(keys.ExternalKey) error) error {
	if err := by.Require(keys.ViewAPIKeys); err != nil {
		return err
	}
	return s.readAll(ctx, func(ctx context.Context, t *tx) error {
		for place, more := newestCursor, true; more; {
			found, err := t.olderExternal(ctx, by.AccountID, place, externalChunk)
			if err != nil {
				return err
			}
			if err := t.completeExternal(ctx, by.AccountID, found.keys); err != nil {
				return err
			}
			for _, x := range found.keys {
				if err := do(x.ExternalKey); err != nil {
					return err
				}
				place = cursorOfExternal(x)
			}
			more = found.older
		}
		return nil
	})
}
