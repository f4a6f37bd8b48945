package web

import (
	"strings"
	"unicode/utf8"

	"latchkey/keys"
	"latchkey/views"
)

// viewerOf is the top bar's view-model of who looks.
func viewerOf(v viewer) *views.Viewer {
	first, _ := utf8.DecodeRuneInString(v.actor.Email)
	shown := &views.Viewer{
		Account: v.account.Slug, Email: v.actor.Email, Initial: strings.ToUpper(string(first)),
		PreferencesURL: pathAccountPreferences(), PasswordURL: pathAccountPassword(), LogoutURL: pathLogout(),
	}
	if v.actor.May(keys.ViewAPIKeys) {
		shown.APIKeysURL = pathKeys()
	}
	if v.actor.May(keys.ManageRoles) {
		shown.RolesURL = pathRoles()
	}
	if v.actor.May(keys.ManageUsers) {
		shown.UsersURL = pathUsers()
	}
	if v.actor.May(keys.ViewAuditLog) {
		shown.AuditURL = pathAudit()
	}
	return shown
}
