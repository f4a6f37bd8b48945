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

		{get, "/account/api-keys", page, keys.ViewAPIKeys, s.apiKeys},
		{get, "/account/api-keys/generated", page, keys.ViewAPIKeys, s.keysList},
		{get, "/account/api-keys/generated/new", page, keys.EditAPIKeys, s.keysGenerateForm},
		{post, "/account/api-keys/generated/new", secretForm, keys.EditAPIKeys, s.keysGenerate},
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

		{get, "/account/api-keys/review", page, keys.EditAPIKeys, s.keysReviewForm},
		{post, "/account/api-keys/review", form, keys.EditAPIKeys, s.keysReview},

		{get, "/account/api-keys/settings", page, keys.ViewAPIKeys, s.settingsForm},
		{get, "/account/api-keys/settings/preview", page, keys.EditAPIKeySettings, s.settingsPreview},
		{post, "/account/api-keys/settings", form, keys.EditAPIKeySettings, s.settings},
	}
}
