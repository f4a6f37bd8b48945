package web

import (
	"net/url"
	"strconv"
	"strings"

	"latchkey/keys"
)

// Every address comes from here; a test matches each with a row of the route table.

func pathHome() string            { return "/" }
func pathHelp() string            { return "/help" }
func pathSetup() string           { return "/setup" }
func pathLogin() string           { return "/login" }
func pathLogout() string          { return "/logout" }
func pathAccountPassword() string { return "/account/password" }
func pathKeys() string            { return "/account/api-keys/generated" }
func pathKeysGenerate() string    { return pathKeys() + "/new" }

func pathKeyEdit(id keys.KeyID, l list) string       { return pathKey(id, "edit", l) }
func pathKeyDeactivate(id keys.KeyID, l list) string { return pathKey(id, "deactivate", l) }
func pathKeyActivate(id keys.KeyID, l list) string   { return pathKey(id, "activate", l) }
func pathKeyDelete(id keys.KeyID, l list) string     { return pathKey(id, "delete", l) }

func pathKeyRenew(id keys.KeyID, l list) string     { return pathKey(id, "renew", l) }
func pathKeyUndo(id keys.KeyID, l list) string      { return pathKey(id, "renew/undo", l) }
func pathKeyDeleteOld(id keys.KeyID, l list) string { return pathKey(id, "old-token/delete", l) }

// pathKeyRenewal is the second step of one renewal, which the number of its new token names.
func pathKeyRenewal(id keys.KeyID, renewal int64, l list) string {
	return pathKey(id, "renew/"+strconv.FormatInt(renewal, 10), l)
}

// pathKeyShow is the key's own page.
func pathKeyShow(id keys.KeyID) string { return pathKeys() + "/" + string(id) }

func pathLanguage() string           { return "/language" }
func pathAccountPreferences() string { return "/account/preferences" }
func pathAccountSessions() string    { return "/account/sessions" }
func pathAccountSessionsEnd() string { return pathAccountSessions() + "/end" }

// pathAccountSessionEnd ends one session of the user's own.
func pathAccountSessionEnd(id string) string { return pathAccountSessions() + "/" + id + "/end" }

func pathKeysReview() string      { return "/account/api-keys/review" }
func pathHelpProtect() string     { return "/help/protect" }
func pathSettings() string        { return "/account/api-keys/settings" }
func pathSettingsPreview() string { return pathSettings() + "/preview" }

func pathKey(id keys.KeyID, verb string, l list) string {
	path := pathKeys() + "/" + string(id) + "/" + verb
	if l == "" {
		return path
	}
	return path + "?list=" + url.QueryEscape(string(l))
}

// list is the query of the list page that an action was started from, so that it can lead back
// there: "", "after=…" or "before=…". fromKey stands for the key's own page.
type list string

const fromKey list = "key=page"

// parseList keeps of a query only what the list page understands.
func parseList(query string) list {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	if list(query) == fromKey {
		return fromKey
	}
	for _, name := range []string{"after", "before"} {
		if cursor := values.Get(name); cursor != "" {
			return list(url.Values{name: {cursor}}.Encode())
		}
	}
	return ""
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

// cursors are the list page's parameters.
func (l list) cursors() (after, before string) {
	values, err := url.ParseQuery(string(l))
	if err != nil {
		return "", ""
	}
	return values.Get("after"), values.Get("before")
}

// localPath returns next when it leads to a page of ours, else the list. Browsers read a backslash as
// a slash and drop control characters, so both would lead elsewhere.
func localPath(next string) string {
	if !isLocalPath(next) {
		return pathKeys()
	}
	return next
}

func isLocalPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(path)
	return err == nil && u.Scheme == "" && u.Host == "" && !strings.HasPrefix(u.Path, "//")
}

// origin is the scheme and host of a URL.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
