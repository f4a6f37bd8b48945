package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// health is the answer of /healthz.
type health struct {
	// Status is "ok", or "degraded" when the console cannot do all that it should.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// healthz says whether the process lives and can read its database. It answers 200 in both cases: a
// process that is restarted because its database is away comes back no better.
func (s *Server) healthz(c echo.Context) error {
	if err := s.store.Check(c.Request().Context()); err != nil {
		s.log.Error("health check failed", "error", err)
		return c.JSON(http.StatusOK, health{Status: "degraded", Reason: "the database cannot be read"})
	}
	return c.JSON(http.StatusOK, health{Status: "ok"})
}
