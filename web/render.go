package web

import (
	"bytes"
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/words"
)

// speaking is the request's context with its reader's language.
func speaking(c echo.Context) context.Context {
	return words.With(c.Request().Context(), languageOf(c))
}

// render writes a component as HTML, from a buffer: a component that fails half-way becomes an error
// page, not half a page with status 200.
func (s *Server) render(c echo.Context, status int, component templ.Component) error {
	var buffer bytes.Buffer
	// A client that has gone away is no reason to fail half-way.
	if err := component.Render(context.WithoutCancel(speaking(c)), &buffer); err != nil {
		return err
	}
	for _, name := range []string{"Accept-Language", "Cookie"} {
		c.Response().Header().Add(echo.HeaderVary, name)
	}
	return c.HTMLBlob(status, buffer.Bytes())
}

// renderEither answers htmx with the fragment and everybody else with the page.
func (s *Server) renderEither(c echo.Context, status int, whole, fragment templ.Component) error {
	c.Response().Header().Add(echo.HeaderVary, "HX-Request")
	if isHX(c) {
		return s.render(c, status, fragment)
	}
	return s.render(c, status, whole)
}

// redirect leads to another page; after a POST the browser asks for it by GET.
func (s *Server) redirect(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, path)
}

// redirectEither is redirect for a form that htmx may have sent.
func (s *Server) redirectEither(c echo.Context, path string) error {
	if isHX(c) {
		c.Response().Header().Set("HX-Redirect", path)
		return c.NoContent(http.StatusNoContent)
	}
	return s.redirect(c, path)
}

// t says a sentence of the catalogue.
func t(c echo.Context, id string, args ...words.Args) string {
	return words.T(speaking(c), id, args...)
}

// n says a sentence of the catalogue about a number.
func n(c echo.Context, id string, count int) string {
	return words.N(speaking(c), id, count)
}

// shell is the frame of a page, with the flash that waits for this session. A fragment shows no
// flash, so it leaves it for the next page.
func (s *Server) shell(c echo.Context, titleID string) views.Shell {
	shell := s.bareShell(c, t(c, titleID))
	if !isHX(c) {
		shell.Flash = s.takeFlash(c)
	}
	return shell
}

// bareShell is the frame of a page that leaves a waiting flash where it is.
func (s *Server) bareShell(c echo.Context, title string) views.Shell {
	shell := views.Shell{
		Title: title, Insecure: s.insecure, Version: s.version, HomeURL: pathHome(), HelpURL: pathHelp(),
		Theme: string(s.themeOf(c)), Languages: languagesBelow(c),
	}
	if v := currentViewer(c); v.signedIn() {
		shell.Viewer = viewerOf(v)
		if v.account.UnderReview() {
			shell.Review = t(c, "review.banner")
			if v.actor.May(keys.EditAPIKeys) {
				shell.ReviewURL = pathKeysReview()
			}
		}
	}
	return shell
}
