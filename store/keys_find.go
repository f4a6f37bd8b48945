package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/keys"
)

// TokenState is what a filter asks of a key's tokens.
type TokenState string

// The states of tokens that the list can be filtered by. What a token's age makes of it is judged by the
// newest live one.
const (
	// TokenValid keys have a token within its duration.
	TokenValid TokenState = "valid"
	// TokenRenewSoon keys are among the valid ones: the duration ends soon.
	TokenRenewSoon TokenState = "renew-soon"
	// TokenExpired keys have only tokens past their duration, whether that is enforced or not.
	TokenExpired TokenState = "expired"
	// TokenNone keys have no live token.
	TokenNone TokenState = "none"
	// TokenTwo keys have an old token that waits for its deletion.
	TokenTwo TokenState = "two"
	// TokenLink keys have a link that nobody has opened and that can be opened.
	TokenLink TokenState = "link"
)

// KeyFind says which keys of the list are wanted, and in which order. The zero value is all of them, the
// newest first.
type KeyFind struct {
	// Text is looked for in names and ids, without regard to case and accents. Nothing in it is a wildcard.
	// More than keys.MaxSearch code points of it are not looked at.
	Text string
	// Status and Tokens are those of the keys, and Role the slug of a role that they hold. Each is empty where
	// it does not matter. A role that does not exist is held by no key.
	Status keys.Status
	Tokens TokenState
	Role   string
	// Sort is the order, and Ascending says that it begins with the least: the oldest, or the first letter.
	Sort      KeySort
	Ascending bool
}

func (f KeyFind) check() error { return checkText(f.Text, string(f.Status), f.Role) }

// Filtered says whether some keys may be left out.
func (f KeyFind) Filtered() bool {
	return keys.FoldSearch(f.Text) != "" || f.Status != "" || f.Tokens != "" || f.Role != ""
}

// keyQuery is a search in one account, ready for the database.
type keyQuery struct {
	KeyFind
	// where is the condition, and args are its parameters.
	where string
	args  []any
}

// and adds a condition. Its ? are parameters.
func (q *keyQuery) and(condition string, args ...any) {
	for _, arg := range args {
		q.args = append(q.args, arg)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(q.args)), 1)
	}
	q.where += " AND " + condition
}

// query makes a search of what was asked for. The account is as it is now: its settings say how old a token
// may be. All that a condition looks at stands in every index of the list. None is written so that a database
// takes another index for it than that of the order, which would mean to sort all that it finds: hence the
// sums.
func (f KeyFind) query(account keys.Account, roles []keys.Role, now time.Time) keyQuery {
	q := keyQuery{KeyFind: f, where: `account_id = $1 AND deleted_at IS NULL`, args: []any{account.ID}}
	switch f.Status {
	case keys.StatusActive:
		q.and(`status <> ?`, string(keys.StatusInactive))
	case keys.StatusInactive:
		q.and(`status <> ?`, string(keys.StatusActive))
	}
	q.tokens(account, now)
	if f.Role != "" {
		held, _ := keys.RoleBySlug(roles, f.Role) // an unknown role has the number 0, which no role has
		q.and(`(role_set LIKE ? OR role_set = '*' AND EXISTS (SELECT 1 FROM api_key_role WHERE key_number = api_key.number AND role_number = ?))`,
			containing(","+strconv.FormatInt(held.Number, 10)+","), held.Number)
	}
	if text := keys.FoldSearch(f.Text); text != "" {
		q.and(`find_text LIKE ? ESCAPE '\'`, containing(text))
	}
	return q
}

// tokens adds what a state of tokens means for the columns that tell of them.
func (q *keyQuery) tokens(account keys.Account, now time.Time) {
	cutoff := func() int64 { return account.Cutoff(now).UnixMicro() }
	switch q.Tokens {
	case TokenValid:
		q.and(`token_newest + 0 >= ?`, cutoff())
	case TokenRenewSoon:
		q.and(`token_newest + 0 >= ? AND token_newest + 0 < ?`, cutoff(), account.SoonCutoff(now).UnixMicro())
	case TokenExpired:
		q.and(`token_newest + 0 < ? AND token_count + 0 > 0`, cutoff())
	case TokenNone:
		q.and(`token_count + 0 = 0`)
	case TokenTwo:
		q.and(`token_count + 0 = 2`)
	case TokenLink:
		q.and(`link_until + 0 > ?`, now.UnixMicro())
	}
}

// MaxMatches is as far as the keys are counted that a search finds: to count them all, every one would have
// to be looked at.
const MaxMatches = 1000

// foundKey is a key with its place in the order.
type foundKey struct {
	keyRow
	at cursor
}

// matches returns the places of the keys that a search finds, in their order, up to one more than MaxMatches.
func (t *tx) matches(ctx context.Context, q keyQuery) ([]cursor, error) {
	scan := func(row scanner) (c cursor, err error) {
		c.sort = q.Sort
		err = row.Scan(&c.value, &c.number)
		return c, err
	}
	column, order := keySorts[q.Sort].column, q.order(true)
	return listOnce(ctx, t, scan, `SELECT `+column+`, number FROM api_key WHERE `+q.where+`
		ORDER BY `+column+order+`, number`+order+` LIMIT `+strconv.Itoa(MaxMatches+1), q.args...)
}

const foundColumns = `SELECT ` + keyColumns + `, `

func (q keyQuery) scan(row scanner) (k foundKey, err error) {
	var created int64
	k.at.sort = q.Sort
	err = row.Scan(&k.id, &k.Number, &k.ID, &k.Name, &k.Status, &created, &k.CreatedBy, &k.Version, &k.at.value)
	k.CreatedAt, k.at.number = fromMicros(created), k.Number
	return k, err
}

// keysAt returns the keys of these places, in their order.
func (t *tx) keysAt(ctx context.Context, q keyQuery, at []cursor) ([]foundKey, error) {
	if len(at) == 0 {
		return nil, nil
	}
	numbers := make([]any, len(at))
	for i := range at {
		numbers[i] = at[i].number
	}
	found, err := listOnce(ctx, t, q.scan, foundColumns+keySorts[q.Sort].column+` FROM api_key WHERE number IN (`+places(1, len(at))+`)`, numbers...)
	slices.SortFunc(found, func(a, b foundKey) int { return q.compare(a.at, b.at) })
	return found, err
}

// beyond returns the keys of a search that follow a place, or go before it, at most limit of them and the
// nearest first. Without a place it begins at the end of the list.
func (t *tx) beyond(ctx context.Context, q keyQuery, place *cursor, forward bool, limit int) ([]foundKey, error) {
	column := keySorts[q.Sort].column
	q.args = slices.Clone(q.args)
	order, side := q.order(forward), "<"
	if order == ascending {
		side = ">"
	}
	if place != nil {
		q.and(`(`+column+`, number) `+side+` (?, ?)`, place.value, place.number)
	}
	read := list[foundKey]
	if q.Filtered() {
		read = listOnce[foundKey]
	}
	return read(ctx, t, q.scan, foundColumns+column+` FROM api_key WHERE `+q.where+`
		ORDER BY `+column+order+`, number`+order+` LIMIT $`+strconv.Itoa(len(q.args)+1), append(q.args, limit)...)
}

const ascending, descending = " ASC", " DESC"

// order is the direction in which the database reads the list.
func (q keyQuery) order(forward bool) string {
	if q.Ascending == forward {
		return ascending
	}
	return descending
}

// compare orders places as the database does.
func (q keyQuery) compare(a, b cursor) (order int) {
	switch value := a.value.(type) {
	case int64:
		other, _ := b.value.(int64)
		order = cmp.Compare(value, other)
	case string:
		other, _ := b.value.(string)
		order = cmp.Compare(value, other)
	case []byte:
		other, _ := b.value.([]byte)
		order = bytes.Compare(value, other)
	}
	order = cmp.Or(order, cmp.Compare(a.number, b.number))
	if q.Ascending {
		return order
	}
	return -order
}
