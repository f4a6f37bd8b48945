package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// preferencesFields is what the preferences form sends.
type preferencesFields struct {
	Language string `form:"language"`
	Zone     string `form:"zone"`
	Theme    string `form:"theme"`
}

func (in preferencesFields) preferences() keys.Preferences {
	return keys.Preferences{Language: in.Language, Zone: in.Zone, Theme: keys.Theme(in.Theme)}
}

// accountPreferencesForm shows how the user sees the console.
func (s *Server) accountPreferencesForm(c echo.Context) error {
	p := currentViewer(c).preferences
	return s.renderAccountPreferences(c, http.StatusOK, preferencesFields{p.Language, p.Zone, string(p.Theme)}, nil)
}

// accountPreferences keeps what was chosen, for the user and for this browser. The answer speaks the
// new language already.
func (s *Server) accountPreferences(c echo.Context) error {
	var in preferencesFields
	if err := bind(c, &in); err != nil {
		return err
	}
	changed, err := s.store.ChangePreferences(c.Request().Context(), actor(c), in.preferences())
	if problems := problemsOf(c, err); problems != nil {
		return s.renderAccountPreferences(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	s.rememberLook(c, s.languageCookie(), in.Language)
	s.rememberLook(c, s.themeCookie(), in.Theme)
	c.Set(languageKey, in.Language)
	if in.Language == "" {
		c.Set(languageKey, nil)
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.preferences-saved")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, pathAccountPreferences(), flash)
}

func (s *Server) renderAccountPreferences(c echo.Context, status int, in preferencesFields, problems []ui.Problem) error {
	shell := s.shell(c, "preferences.heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.AccountPreferencesPage(views.AccountPreferences{
		Shell: shell, URL: pathAccountPreferences(), PasswordURL: pathAccountPassword(), SessionsURL: pathAccountSessions(),
		Language: in.Language, Languages: languageChoices(in.Language), Theme: in.Theme,
		Zone: in.Zone, Zones: zonesWith(in.Zone), AccountZone: currentViewer(c).account.Zone, Problems: problems,
	}))
}
