package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
)

// readiness is the answer of /readyz.
type readiness struct {
	// Status is "ready" or "not ready", and Index "loaded" or "loading".
	Status string `json:"status"`
	Index  string `json:"index"`
	// FeedAge is null while there is no index. Applied is the newest change that the index has.
	FeedAge         *int64 `json:"feed_age_ms"`
	Applied         int64  `json:"applied"`
	MaxStaleness    int64  `json:"max_staleness_ms"`
	RevocationBound string `json:"revocation_bound"`
	// Node is this server's name, and Nodes are all of them as they were some time ago. With an embedded
	// database they are left out.
	Node     string      `json:"node,omitempty"`
	Nodes    []nodeReady `json:"nodes,omitempty"`
	NodesAge *int64      `json:"nodes_age_ms,omitempty"`
}

// nodeReady is a node in the answer of /readyz. State is "current", "behind" or "cut off".
type nodeReady struct {
	Name     string         `json:"name"`
	Version  string         `json:"version"`
	Applied  int64          `json:"applied"`
	ProofAge int64          `json:"proof_age_ms"`
	State    keys.NodeState `json:"state"`
}

// readyz says whether verifications are answered, and within which bound a revocation holds. It answers
// 503 when they are not, so that nobody sends any here. It does not ask the database, which may be away.
func (s *Server) readyz(c echo.Context) error {
	h := s.health()
	r := readiness{
		Status: "not ready", Index: "loading",
		Applied: h.Applied.Seq, MaxStaleness: h.MaxStaleness.Milliseconds(), RevocationBound: revocationBound(s.store.Shared(), h.MaxStaleness),
		Node: h.Node, Nodes: nodesReady(h.Nodes),
	}
	if len(r.Nodes) > 0 {
		age := h.NodesAge.Milliseconds()
		r.NodesAge = &age
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

// nodesReady are nodes, each judged at the moment when they were looked at.
func nodesReady(found store.Nodes) (all []nodeReady) {
	for _, n := range found.All {
		all = append(all, nodeReady{
			Name: n.Name, Version: n.Version, Applied: n.Applied,
			ProofAge: found.At.Sub(n.ProvedAt).Milliseconds(), State: n.State(found.At),
		})
	}
	return all
}

// revocationBound is the promise about changes, in a sentence.
func revocationBound(shared bool, staleness time.Duration) string {
	if shared {
		return fmt.Sprintf("A change made here holds for every verification here that starts after the answer to it, "+
			"and on every other node within 1s while the database is reachable; "+
			"one made by a command beside the nodes holds within 1s; "+
			"a node that could not prove for %gs that it knows all changes refuses every verification.", staleness.Seconds())
	}
	return fmt.Sprintf("A change made here holds for every verification that starts after the answer to it; "+
		"one made by a command beside the server holds within 1s; "+
		"a server that could not prove for %gs that it knows all changes refuses every verification.", staleness.Seconds())
}
