package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
)

// Health is what a Server tells about work that others do: verification, and the program itself.
type Health struct {
	// Loaded says that there is an index to verify with, and Current that it may be answered from.
	Loaded, Current bool
	// Age is how long ago the index was last proved to be current, and MaxStaleness how long it may be.
	Age, MaxStaleness time.Duration
	// Applied is the newest change that the index has.
	Applied keys.FeedMark
	// ClockOffset is how far the database's clock is ahead of this machine's.
	ClockOffset time.Duration
	// Forks is how often the database had lost changes that it had acknowledged, and LostRevocations what was
	// written down again of them.
	Forks, LostRevocations uint64
	// Node is what this server is called where several work on one database, and Nodes are all of them as they
	// were NodesAge ago. There are none before somebody has looked for the first time.
	Node     string
	Nodes    store.Nodes
	NodesAge time.Duration
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
	h := s.health()
	reasons = append(reasons, s.clockAilments(h)...)
	if h.Forks > 0 {
		reasons = append(reasons, fmt.Sprintf("the database has lost acknowledged changes; %d revocations were written down again, each as a deactivation of the key", h.LostRevocations))
	}
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
