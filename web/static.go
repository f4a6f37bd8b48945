package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/static"
)

// static serves the embedded files.
func (s *Server) static(c echo.Context) error {
	if !static.Has(c.Request().URL.Path) {
		return echo.ErrNotFound
	}
	static.Handler().ServeHTTP(c.Response(), c.Request())
	return nil
}

// favicon serves browsers and bookmarks that ask without reading a page.
func (s *Server) favicon(c echo.Context) error {
	return c.Redirect(http.StatusFound, static.URL("favicon.svg"))
}
