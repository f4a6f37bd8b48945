package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
)

// help shows how each task is done.
func (s *Server) help(c echo.Context) error {
	return s.render(c, http.StatusOK, views.HelpPage(views.Help{Shell: s.shell(c, "help.heading")}))
}
