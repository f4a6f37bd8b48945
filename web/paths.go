package web

import (
	"net/url"
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

func pathKey(id keys.KeyID, verb string, l list) string {
	path := pathKeys() + "/" + string(id) + "/" + verb
	if l == "" {
		return path
	}
	return path + "?list=" + url.QueryEscape(string(l))
}

// list is the query of the list page that an action was started from, so that it can lead back
// there: "", "after=…" or "before=…".
type list string

// parseList keeps of a query only what the list page understands.
func parseList(query string) list {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
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
	if l == "" {
		return pathKeys()
	}
	return pathKeys() + "?" + string(l)
}

// at is the list page's address with the focus on the menu of a key's row.
func (l list) at(id keys.KeyID) string { return l.path() + "#kebab-" + string(id) }

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
