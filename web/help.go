package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
)

// help shows how each task is done.
func (s *Server) help(c echo.Context) error {
	return s.render(c, http.StatusOK, views.HelpPage(helpView(s.shell(c, "help.heading"), currentViewer(c))))
}

// helpView leads who is signed in on to the configurations, which name their account.
func helpView(shell views.Shell, v viewer) views.Help {
	help := views.Help{Shell: shell}
	if v.signedIn() {
		help.ProtectURL = pathHelpProtect()
	}
	return help
}
