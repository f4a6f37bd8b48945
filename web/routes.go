package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// kind says what a route answers.
type kind string

const (
	// page shows something and changes nothing.
	page kind = "page"
	// form does something and answers 303, or a fragment to htmx.
	form kind = "form"
	// secretForm does something and answers with a secret: never compressed, never through htmx.
	secretForm kind = "secret form"
	// download answers with a file, which is never compressed on its way and is written down in the audit log.
	download kind = "download"
	// plain is for programs: no session, no HTML.
	plain kind = "plain"
)

// What a route needs that is not a resource.
const (
	// public routes answer everybody.
	public = "public"
	// signedIn routes answer every user.
	signedIn = "signed in"
)

// route is one row of the table: one row is one action and one file.
type route struct {
	Method, Path string
	Kind         kind
	// Permission is public, signedIn, or the resource that the user must hold.
	Permission string
	Handler    echo.HandlerFunc
}

// routes is the table of everything that the console answers.
func (s *Server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/", page, public, s.home},
		{get, "/healthz", plain, public, s.healthz},
		{get, "/livez", plain, public, s.livez},
		{get, "/readyz", plain, public, s.readyz},
		{get, "/static/*", plain, public, s.static},
		{get, "/favicon.ico", plain, public, s.favicon},
		{get, "/help", page, public, s.help},
		{get, "/help/protect", page, signedIn, s.helpProtect},

		{get, "/credentials/:lid", page, public, s.credentialForm},
		{post, "/credentials/:lid", secretForm, public, s.credential},

		{get, "/setup", page, public, s.setupForm},
		{post, "/setup", form, public, s.setup},
		{get, "/login", page, public, s.loginForm},
		{post, "/login", form, public, s.login},
		{post, "/logout", form, signedIn, s.logout},
		{post, "/language", form, public, s.language},
		{get, "/account/preferences", page, signedIn, s.accountPreferencesForm},
		{post, "/account/preferences", form, signedIn, s.accountPreferences},
		{get, "/account/sessions", page, signedIn, s.accountSessions},
		{get, "/account/sessions/end", page, signedIn, s.accountSessionsEndForm},
		{post, "/account/sessions/end", form, signedIn, s.accountSessionsEnd},
		{post, "/account/sessions/:session/end", form, signedIn, s.accountSessionEnd},
		{get, "/account/password", page, signedIn, s.accountPasswordForm},
		{post, "/account/password", form, signedIn, s.accountPassword},

		{get, "/account/users", page, keys.ManageUsers, s.usersList},
		{get, "/account/users/invite", page, keys.ManageUsers, s.usersInviteForm},
		{post, "/account/users/invite", secretForm, keys.ManageUsers, s.usersInvite},
		{get, "/account/users/:uid/edit", page, keys.ManageUsers, s.usersEditForm},
		{post, "/account/users/:uid/edit", form, keys.ManageUsers, s.usersEdit},
		{get, "/account/users/:uid/deactivate", page, keys.ManageUsers, s.usersDeactivateForm},
		{post, "/account/users/:uid/deactivate", form, keys.ManageUsers, s.usersDeactivate},
		{get, "/account/users/:uid/activate", page, keys.ManageUsers, s.usersActivateForm},
		{post, "/account/users/:uid/activate", form, keys.ManageUsers, s.usersActivate},
		{get, "/account/users/:uid/reset", page, keys.ManageUsers, s.usersResetForm},
		{post, "/account/users/:uid/reset", secretForm, keys.ManageUsers, s.usersReset},
		{get, "/account/users/:uid/link/discard", page, keys.ManageUsers, s.usersDiscardForm},
		{post, "/account/users/:uid/link/discard", form, keys.ManageUsers, s.usersDiscard},
		{get, "/password/:lid", page, public, s.usersLinkOpenForm},
		{post, "/password/:lid", form, public, s.usersLinkOpen},

		{get, "/account/api-keys", page, keys.ViewAPIKeys, s.apiKeys},
		{get, "/account/api-keys/generated", page, keys.ViewAPIKeys, s.keysList},
		{get, "/account/api-keys/generated/new", page, keys.EditAPIKeys, s.keysGenerateForm},
		{post, "/account/api-keys/generated/new", secretForm, keys.EditAPIKeys, s.keysGenerate},
		{get, "/account/api-keys/generated/bulk", page, keys.EditAPIKeys, s.keysBulkForm},
		{post, "/account/api-keys/generated/bulk", form, keys.EditAPIKeys, s.keysBulk},
		{get, "/account/api-keys/generated/:id", page, keys.ViewAPIKeys, s.keysShow},
		{get, "/account/api-keys/generated/:id/edit", page, keys.EditAPIKeys, s.keysEditForm},
		{post, "/account/api-keys/generated/:id/edit", form, keys.EditAPIKeys, s.keysEdit},
		{get, "/account/api-keys/generated/:id/deactivate", page, keys.EditAPIKeys, s.keysDeactivateForm},
		{post, "/account/api-keys/generated/:id/deactivate", form, keys.EditAPIKeys, s.keysDeactivate},
		{get, "/account/api-keys/generated/:id/activate", page, keys.EditAPIKeys, s.keysActivateForm},
		{post, "/account/api-keys/generated/:id/activate", form, keys.EditAPIKeys, s.keysActivate},
		{get, "/account/api-keys/generated/:id/delete", page, keys.EditAPIKeys, s.keysDeleteForm},
		{post, "/account/api-keys/generated/:id/delete", form, keys.EditAPIKeys, s.keysDelete},
		{get, "/account/api-keys/generated/:id/renew", page, keys.RenewAPIToken, s.keysRenewForm},
		{post, "/account/api-keys/generated/:id/renew", secretForm, keys.RenewAPIToken, s.keysRenew},
		{get, "/account/api-keys/generated/:id/renew/:rid", page, keys.RenewAPIToken, s.keysRenewCompleteForm},
		{post, "/account/api-keys/generated/:id/renew/:rid", form, keys.RenewAPIToken, s.keysRenewComplete},
		{get, "/account/api-keys/generated/:id/renew/undo", page, keys.RenewAPIToken, s.keysUndoForm},
		{post, "/account/api-keys/generated/:id/renew/undo", form, keys.RenewAPIToken, s.keysUndo},
		{get, "/account/api-keys/generated/:id/old-token/delete", page, keys.EditAPIKeys, s.keysDeleteOldForm},
		{post, "/account/api-keys/generated/:id/old-token/delete", form, keys.EditAPIKeys, s.keysDeleteOld},
		{get, "/account/api-keys/generated/:id/link/discard", page, keys.RenewAPIToken, s.keysLinkDiscardForm},
		{post, "/account/api-keys/generated/:id/link/discard", form, keys.RenewAPIToken, s.keysLinkDiscard},

		{get, "/account/api-keys/external", page, keys.ViewAPIKeys, s.externalList},
		{get, "/account/api-keys/external/new", page, keys.EditAPIKeys, s.externalAddForm},
		{post, "/account/api-keys/external/new", form, keys.EditAPIKeys, s.externalAdd},
		{get, "/account/api-keys/external/:id/edit", page, keys.EditAPIKeys, s.externalEditForm},
		{post, "/account/api-keys/external/:id/edit", form, keys.EditAPIKeys, s.externalEdit},
		{get, "/account/api-keys/external/:id/remove", page, keys.EditAPIKeys, s.externalRemoveForm},
		{post, "/account/api-keys/external/:id/remove", form, keys.EditAPIKeys, s.externalRemove},

		{get, "/account/api-keys/export.xlsx", download, keys.ViewAPIKeys, s.keysExportXLSX},
		{get, "/account/api-keys/export.csv", download, keys.ViewAPIKeys, s.keysExportCSV},
		{get, "/account/audit", page, keys.ViewAuditLog, s.audit},
		{get, "/account/audit/export.xlsx", download, keys.ViewAuditLog, s.auditExportXLSX},
		{get, "/account/audit/export.csv", download, keys.ViewAuditLog, s.auditExportCSV},

		{get, "/account/api-keys/review", page, keys.EditAPIKeys, s.keysReviewForm},
		{post, "/account/api-keys/review", form, keys.EditAPIKeys, s.keysReview},

		{get, "/account/api-keys/settings", page, keys.ViewAPIKeys, s.settingsForm},
		{get, "/account/api-keys/settings/preview", page, keys.EditAPIKeySettings, s.settingsPreview},
		{post, "/account/api-keys/settings", form, keys.EditAPIKeySettings, s.settings},

		{get, "/account/roles", page, keys.ManageRoles, s.roleList},
		{get, "/account/roles/new", page, keys.ManageRoles, s.roleCreateForm},
		{post, "/account/roles/new", form, keys.ManageRoles, s.roleCreate},
		{get, "/account/roles/permissions", page, keys.ManageRoles, s.resourceList},
		{get, "/account/roles/permissions/new", page, keys.ManageRoles, s.resourceAddForm},
		{post, "/account/roles/permissions/new", form, keys.ManageRoles, s.resourceAdd},
		{get, "/account/roles/:slug", page, keys.ManageRoles, s.roleShow},
		{get, "/account/roles/:slug/edit", page, keys.ManageRoles, s.roleEditForm},
		{post, "/account/roles/:slug/edit", form, keys.ManageRoles, s.roleEdit},
		{get, "/account/roles/:slug/delete", page, keys.ManageRoles, s.roleDeleteForm},
		{post, "/account/roles/:slug/delete", form, keys.ManageRoles, s.roleDelete},
	}
}
