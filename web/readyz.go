package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// readiness is the answer of /readyz.
type readiness struct {
	// Status is "ready" or "not ready", and Index "loaded" or "loading".
	Status string `json:"status"`
	Index  string `json:"index"`
	// FeedAge is null while there is no index.
	FeedAge         *int64 `json:"feed_age_ms"`
	MaxStaleness    int64  `json:"max_staleness_ms"`
	RevocationBound string `json:"revocation_bound"`
}

// readyz says whether verifications are answered, and within which bound a revocation holds. It answers
// 503 when they are not, so that nobody sends any here.
func (s *Server) readyz(c echo.Context) error {
	h := s.health()
	r := readiness{
		Status: "not ready", Index: "loading",
		MaxStaleness: h.MaxStaleness.Milliseconds(), RevocationBound: revocationBound(h.MaxStaleness),
	}
	if h.Loaded {
		age := h.Age.Milliseconds()
		r.Index, r.FeedAge = "loaded", &age
	}
	if !h.Loaded || !h.Current || h.Stopping {
		return c.JSON(http.StatusServiceUnavailable, r)
	}
	r.Status = "ready"
	return c.JSON(http.StatusOK, r)
}

// revocationBound is the promise about changes, in a sentence.
func revocationBound(staleness time.Duration) string {
	return fmt.Sprintf("A change made here holds for every verification that starts after the answer to it; "+
		"one made by a command beside the server holds within 1s; "+
		"a server that could not prove for %gs that it knows all changes refuses every verification.", staleness.Seconds())
}
