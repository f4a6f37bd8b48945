package web

import (
	"github.com/labstack/echo/v4"
)

// logout ends the session. It does so even when the audit log cannot be written: whoever leaves a
// shared machine must be able to.
func (s *Server) logout(c echo.Context) error {
	v := currentViewer(c)
	if err := s.store.Logout(c.Request().Context(), v.actor, v.session); err != nil {
		s.log.Error("logout was not recorded", "id", requestID(c), "error", err)
	}
	if err := s.sessions.end(c); err != nil {
		return err
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return s.redirect(c, pathLogin()+"?notice="+noticeLoggedOut)
}
