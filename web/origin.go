package web

import (
	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// checkOrigin refuses a changing request that another site made a browser send. It needs no field in
// the forms: the browser says where a request comes from.
func (s *Server) checkOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.csrf.Check(c.Request()); err != nil {
			who := keys.Actor{Kind: keys.ActorNobody, IP: c.RealIP()}
			if found, err := s.sessions.open(c.Request()); err == nil {
				who = found.Actor
			}
			s.refuse(c, who, keys.ActionCSRFBlocked, "cross-origin")
			return &keys.Error{Kind: keys.KindForbidden, Reason: reasonCrossOrigin, Cause: err}
		}
		return next(c)
	}
}
