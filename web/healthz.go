package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Health is what a Server tells about work that others do: verification, and the program itself.
type Health struct {
	// Loaded says that there is an index to verify with, and Current that it may be answered from.
	Loaded, Current bool
	// Age is how long ago the index was last proved to be current, and MaxStaleness how long it may be.
	Age, MaxStaleness time.Duration
	// UsageWaits says that what was counted could not be written the last time.
	UsageWaits bool
	// Reviews is how many accounts are under review after a restore, so that none of their keys may come in.
	Reviews int
	// Stopping says that the program was asked to stop.
	Stopping bool
}

// health is the answer of /healthz and /livez.
type health struct {
	// Status is "ok", or "degraded" when the console cannot do all that it should.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

const (
	statusOK       = "ok"
	statusDegraded = "degraded"
)

// isProbe says which paths tell how the program is. Who asks them does not care for a name of ours.
func isProbe(path string) bool {
	return path == "/healthz" || path == "/livez" || path == "/readyz"
}

// healthz says whether the program can do all that it should. It answers 200 in both cases: a process
// that is restarted because its database is away comes back no better.
func (s *Server) healthz(c echo.Context) error {
	reasons := s.ailments(c.Request().Context())
	if len(reasons) > 0 {
		return c.JSON(http.StatusOK, health{Status: statusDegraded, Reason: strings.Join(reasons, "; ")})
	}
	return c.JSON(http.StatusOK, health{Status: statusOK})
}

func (s *Server) ailments(ctx context.Context) (reasons []string) {
	if err := s.store.Check(ctx); err != nil {
		s.log.Error("health check failed", "error", err)
		reasons = append(reasons, "the database cannot be read")
	}
	if s.store.Failing() {
		reasons = append(reasons, "the last change could not be saved")
	}
	if s.lookAtClock() {
		reasons = append(reasons, "the clock is behind a time that it showed before")
	}
	h := s.health()
	switch {
	case !h.Loaded:
		reasons = append(reasons, "the verification index is loading")
	case !h.Current:
		reasons = append(reasons, "the verification index may be out of date")
	}
	if h.Reviews > 0 {
		reasons = append(reasons, fmt.Sprintf("the keys of %d restored accounts wait for a review", h.Reviews))
	}
	if h.UsageWaits {
		reasons = append(reasons, "usage cannot be written")
	}
	return reasons
}
