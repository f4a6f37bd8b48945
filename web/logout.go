package web

import (
	"errors"

	"github.com/labstack/echo/v4"
)

// logout ends the session. It does so even when the audit log cannot be written: whoever leaves a
// shared machine must be able to. The browser forgets the session in any case; when the database did
// not, the page says so.
func (s *Server) logout(c echo.Context) error {
	v := currentViewer(c)
	ended := s.store.Logout(c.Request().Context(), v.actor, v.session)
	if err := s.sessions.end(c); err != nil || ended != nil {
		return errors.Join(ended, err)
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return s.redirect(c, pathLogin()+"?notice="+noticeLoggedOut)
}
