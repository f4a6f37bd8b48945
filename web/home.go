package web

import (
	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// home leads to where the reader can go on: the keys, the sign-in or the setup.
func (s *Server) home(c echo.Context) error {
	switch v := currentViewer(c); {
	case v.signedIn():
		return s.redirect(c, pathKeys())
	case keys.KindOf(v.err) == keys.KindNotFound:
		return s.leadIn(c)
	default:
		return v.err
	}
}

// leadIn leads to the sign-in, or to the setup while there is no user.
func (s *Server) leadIn(c echo.Context) error {
	unclaimed, err := s.unclaimed(c)
	if err != nil {
		return err
	}
	if unclaimed {
		return s.redirect(c, pathSetup())
	}
	return s.redirect(c, pathLogin())
}

// apiKeys leads to the first tab.
func (s *Server) apiKeys(c echo.Context) error { return s.redirect(c, pathKeys()) }
