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
func pathKeysBulk(l list) string  { return l.carriedBy(pathKeys() + "/bulk") }

func pathUsers() string                     { return "/account/users" }
func pathUsersInvite() string               { return pathUsers() + "/invite" }
func pathUserEdit(user int64) string        { return pathUser(user, "edit") }
func pathUserDeactivate(user int64) string  { return pathUser(user, "deactivate") }
func pathUserActivate(user int64) string    { return pathUser(user, "activate") }
func pathUserReset(user int64) string       { return pathUser(user, "reset") }
func pathUserLinkDiscard(user int64) string { return pathUser(user, "link/discard") }

func pathUser(user int64, verb string) string {
	return pathUsers() + "/" + strconv.FormatInt(user, 10) + "/" + verb
}

// pathUserRow is the list of users with the focus on the menu of one of them.
func pathUserRow(user int64) string { return pathUsers() + "#kebab-" + strconv.FormatInt(user, 10) }

// pathPassword is where a user sets their password with a link, whose secret follows behind a #.
func pathPassword(link string) string { return "/password/" + link }

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

// pathKeyDiscard takes back the key's single-access link.
func pathKeyDiscard(id keys.KeyID, l list) string { return pathKey(id, "link/discard", l) }

// pathCredential is where a single-access link of a key leads to.
func pathCredential(link string) string { return "/credentials/" + link }

// pathKeyShow is the key's own page.
func pathKeyShow(id keys.KeyID) string { return pathKeys() + "/" + string(id) }

func pathExternal() string    { return "/account/api-keys/external" }
func pathExternalAdd() string { return pathExternal() + "/new" }

func pathExternalEdit(id keys.KeyID, l list) string {
	return l.carriedBy(pathExternal() + "/" + string(id) + "/edit")
}

func pathExternalRemove(id keys.KeyID, l list) string {
	return l.carriedBy(pathExternal() + "/" + string(id) + "/remove")
}
func pathKeysExport(format string) string  { return "/account/api-keys/export." + format }
func pathAudit() string                    { return "/account/audit" }
func pathAuditExport(format string) string { return pathAudit() + "/export." + format }
func pathLanguage() string                 { return "/language" }
func pathAccountPreferences() string       { return "/account/preferences" }
func pathAccountSessions() string          { return "/account/sessions" }
func pathAccountSessionsEnd() string       { return pathAccountSessions() + "/end" }

// pathAccountSessionEnd ends one session of the user's own.
func pathAccountSessionEnd(id string) string { return pathAccountSessions() + "/" + id + "/end" }

func pathKeysReview() string      { return "/account/api-keys/review" }
func pathHelpProtect() string     { return "/help/protect" }
func pathSettings() string        { return "/account/api-keys/settings" }
func pathSettingsPreview() string { return pathSettings() + "/preview" }

func pathKey(id keys.KeyID, verb string, l list) string {
	return l.carriedBy(pathKeys() + "/" + string(id) + "/" + verb)
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
