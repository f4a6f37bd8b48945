package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/words"
)

// lookLife is how long a browser keeps the language and the theme that were chosen in it.
const lookLife = 365 * 24 * time.Hour

func (s *Server) languageCookie() string { return s.sessions.prefix() + "latchkey_language" }

func (s *Server) themeCookie() string { return s.sessions.prefix() + "latchkey_theme" }

const languageKey = "language"

// languageOf is the language that the reader of an answer wants: the user's choice, else that of the
// browser's cookie, else the one that the browser asks for.
func languageOf(c echo.Context) string {
	if language, known := c.Get(languageKey).(string); known {
		return language
	}
	return words.Match(c.Request().Header.Get("Accept-Language"))
}

// chooseLanguage decides in which language the request is answered.
func (s *Server) chooseLanguage(c echo.Context, chosen string) {
	if chosen == "" {
		chosen = s.look(c, s.languageCookie())
	}
	if !words.Known(chosen) {
		chosen = words.Match(c.Request().Header.Get("Accept-Language"))
	}
	c.Set(languageKey, chosen)
}

// themeOf is the theme of the pages that the reader is shown: the user's choice, or without a user the
// one that was chosen in the browser.
func (s *Server) themeOf(c echo.Context) keys.Theme {
	if v := currentViewer(c); v.signedIn() {
		return v.preferences.Theme
	}
	theme := keys.Theme(s.look(c, s.themeCookie()))
	if keys.CheckPreferences(keys.Preferences{Theme: theme}) != nil {
		return ""
	}
	return theme
}

// look is the value of a cookie about how pages look, or empty.
func (s *Server) look(c echo.Context, name string) string {
	cookie, err := c.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// rememberLook keeps a choice in the browser, so that it holds before anybody signs in too. An empty
// one is forgotten.
func (s *Server) rememberLook(c echo.Context, name, value string) {
	age := int(lookLife.Seconds())
	if value == "" {
		age = -1
	}
	//nolint:gosec // Secure follows the public URL: on plain http the browser would drop the cookie.
	c.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// languageFields is what the languages below a page send.
type languageFields struct {
	Language string `form:"language"`
	Next     string `form:"next"`
}

// language keeps the language of a browser in which nobody has signed in yet.
func (s *Server) language(c echo.Context) error {
	var in languageFields
	if err := bind(c, &in); err != nil {
		return err
	}
	if words.Known(in.Language) {
		s.rememberLook(c, s.languageCookie(), in.Language)
	}
	next := pathHome()
	if isLocalPath(in.Next) {
		next = in.Next
	}
	return s.redirect(c, next)
}

// languagesBelow are the languages that a page offers below it: those before signing in, which every
// GET shows again as they are. Whoever is signed in has preferences.
func languagesBelow(c echo.Context) views.Languages {
	path := c.Request().URL.Path
	if currentViewer(c).signedIn() || !slices.Contains([]string{pathLogin(), pathSetup(), pathHelp()}, path) {
		return views.Languages{}
	}
	next := path
	if c.Request().Method == http.MethodGet {
		next = c.Request().URL.RequestURI()
	}
	return views.Languages{URL: pathLanguage(), Next: next, Choices: languageChoices(languageOf(c))}
}

// languageChoices are the languages by their own names.
func languageChoices(chosen string) []views.LanguageChoice {
	var all []views.LanguageChoice
	for _, l := range words.Languages() {
		all = append(all, views.LanguageChoice{Tag: l.Tag, Name: l.Name, Chosen: l.Tag == chosen})
	}
	return all
}
