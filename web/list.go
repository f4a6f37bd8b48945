package web

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
)

// list is the query of the list page that an action was started from, so that it can lead back
// there. It is canonical: only parameters that the list page understands, none that is empty or says what
// is so anyway. fromKey stands for the key's own page.
type list string

const fromKey list = "key=page"

// The parameters of the list page.
const (
	paramText   = "q"
	paramStatus = "status"
	paramRole   = "role"
	paramTokens = "token_state"
	paramSort   = "sort"
	paramDir    = "dir"
	paramAfter  = "after"
	paramBefore = "before"

	dirUp, dirDown = "asc", "desc"
)

// The values that the parameters of choices may have.
var (
	listStatuses = []string{string(keys.StatusActive), string(keys.StatusInactive)}
	listTokens   = []string{
		string(store.TokenValid), string(store.TokenRenewSoon), string(store.TokenExpired), string(store.TokenTwo), string(store.TokenNone), string(store.TokenLink),
	}
	listSorts = []string{string(store.SortName), string(store.SortDuration), string(store.SortStatus)}
)

// maxSlug is the greatest length of what is taken for the slug of a role.
const maxSlug = 100

// parseList keeps of a query only what the list page understands.
func parseList(query string) list {
	asked, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	if list(query) == fromKey {
		return fromKey
	}
	kept := url.Values{}
	keep := func(name string, good bool) {
		if value := asked.Get(name); value != "" && good {
			kept.Set(name, value)
		}
	}
	asked.Set(paramText, searchText(asked.Get(paramText)))
	keep(paramText, true)
	keep(paramStatus, slices.Contains(listStatuses, asked.Get(paramStatus)))
	keep(paramRole, len(asked.Get(paramRole)) <= maxSlug && keys.IsText(asked.Get(paramRole)))
	keep(paramTokens, slices.Contains(listTokens, asked.Get(paramTokens)))
	keep(paramSort, slices.Contains(listSorts, asked.Get(paramSort)))
	dir := asked.Get(paramDir)
	keep(paramDir, (dir == dirUp || dir == dirDown) && dir != firstDir(store.KeySort(kept.Get(paramSort))))
	keep(paramAfter, true)
	keep(paramBefore, !kept.Has(paramAfter))
	return list(kept.Encode())
}

// searchText is what somebody typed, as far as it is looked at.
func searchText(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	if utf8.RuneCountInString(text) > keys.MaxSearch {
		text = string([]rune(text)[:keys.MaxSearch])
	}
	return text
}

// firstDir is the direction in which an order is first shown: new keys, but early letters and old tokens.
func firstDir(sort store.KeySort) string {
	if sort == store.SortCreated {
		return dirDown
	}
	return dirUp
}

func (l list) values() url.Values {
	values, err := url.ParseQuery(string(l))
	if err != nil || l == fromKey {
		return url.Values{}
	}
	return values
}

// with is the first page of the list with another value of a parameter, or without it when that is empty.
func (l list) with(name, value string) list {
	values := l.values()
	values.Del(paramAfter)
	values.Del(paramBefore)
	values.Set(name, value)
	return parseList(values.Encode())
}

// first is the first page of the list.
func (l list) first() list { return l.with(paramAfter, "") }

// unfiltered is the first page of all keys in the same order.
func (l list) unfiltered() list {
	return l.with(paramText, "").with(paramStatus, "").with(paramRole, "").with(paramTokens, "")
}

// filtered says whether a filter is set.
func (l list) filtered() bool { return l.first() != l.unfiltered() }

// sorted is the first page in another order: that of a column, or the other way round when it is ordered by
// that already.
func (l list) sorted(sort store.KeySort) list {
	dir := firstDir(sort)
	if l.sort() == sort && l.dir() == dir {
		dir = map[string]string{dirUp: dirDown, dirDown: dirUp}[dir]
	}
	return l.with(paramSort, string(sort)).with(paramDir, dir)
}

func (l list) sort() store.KeySort { return store.KeySort(l.values().Get(paramSort)) }

func (l list) dir() string {
	if dir := l.values().Get(paramDir); dir != "" {
		return dir
	}
	return firstDir(l.sort())
}

// ask is what the store is asked for.
func (l list) ask() store.KeyAsk {
	values := l.values()
	return store.KeyAsk{KeyFind: store.KeyFind{
		Text: values.Get(paramText), Status: keys.Status(values.Get(paramStatus)), Role: values.Get(paramRole),
		Tokens: store.TokenState(values.Get(paramTokens)), Sort: l.sort(), Ascending: l.dir() == dirUp,
	}, After: values.Get(paramAfter), Before: values.Get(paramBefore), Limit: pageSize}
}

// path is the list page's address.
func (l list) path() string {
	if l == "" || l == fromKey {
		return pathKeys()
	}
	return pathKeys() + "?" + string(l)
}

// at is where an action on a key leads back to: the list page with the focus on the menu of the key's
// row, or the key's own page.
func (l list) at(id keys.KeyID) string {
	if l == fromKey {
		return pathKeyShow(id)
	}
	return l.path() + "#kebab-" + string(id)
}

// exports are the files of the keys that the list shows, on all of its pages.
func (l list) exports() views.KeysExports {
	query := ""
	if first := l.first(); first != "" {
		query = "?" + string(first)
	}
	return views.KeysExports{CSVURL: pathKeysExport(formatCSV) + query, XLSXURL: pathKeysExport(formatXLSX) + query}
}

// carriedBy is the address of an action that leads back to the list.
func (l list) carriedBy(path string) string {
	if l == "" {
		return path
	}
	return path + "?list=" + url.QueryEscape(string(l))
}

// external is the address of the External tab on this page of its list.
func (l list) external() string {
	if l == "" || l == fromKey {
		return pathExternal()
	}
	return pathExternal() + "?" + string(l)
}

// externalAt is the External tab with the focus on the menu of a key's row.
func (l list) externalAt(id keys.KeyID) string { return l.external() + "#kebab-" + string(id) }

// cursors are the parameters of a list that has no others.
func (l list) cursors() (after, before string) {
	return l.values().Get(paramAfter), l.values().Get(paramBefore)
}

// label names the page that at leads to.
func (l list) label(c echo.Context, id keys.KeyID) string {
	if l == fromKey {
		return string(id)
	}
	return t(c, "keys.heading")
}
