package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// Whoever has just changed a key wants to know whether it holds everywhere. Later, only for an inactive one.
const justChanged = 10 * time.Minute

// namedNodes is how many of the nodes that have not confirmed a change are named beside it.
const namedNodes = 3

// nodes are the servers of the installation. What this one has it knows better than its last heartbeat said.
func (s *Server) nodes(ctx context.Context) (store.Nodes, error) {
	h := s.health() // before the database is asked, which then has all that this server has
	if !h.Loaded {
		return s.store.Nodes(ctx, keys.Heartbeat{})
	}
	return s.store.Nodes(ctx, keys.Heartbeat{Applied: h.Applied, ProofAge: h.Age, MaxStaleness: h.MaxStaleness})
}

// confirmed counts the nodes of which no verification can miss a change, and names the others.
func confirmed(in store.Nodes, change int64) (known int, others []string) {
	for _, node := range in.All {
		if node.Knows(change, in.At) {
			known++
		} else {
			others = append(others, node.Name)
		}
	}
	return known, others
}

// nodesView is the part of the Settings tab about nodes.
func (s *Server) nodesView(c echo.Context) (views.Nodes, error) {
	if !s.store.Shared() {
		return views.Nodes{Embedded: true}, nil
	}
	found, err := s.nodes(c.Request().Context())
	if err != nil {
		return views.Nodes{}, err
	}
	known, others := confirmed(found, found.Newest)
	view := views.Nodes{
		Confirmed: views.Confirmed{Everywhere: len(others) == 0, Text: words.N(speaking(c), "nodes.confirmed", len(found.All), words.Args{
			"Change": words.Number(speaking(c), int(found.Newest)), "Known": words.Number(speaking(c), known),
		})},
		AgainURL: pathNodesAgain(found.At),
	}
	for _, node := range found.All {
		proof := momentOf(c, node.ProvedAt)
		proof.Text = sayProof(c, found.At.Sub(node.ProvedAt))
		view.Rows = append(view.Rows, views.NodeRow{
			Name: node.Name, Version: node.Version, Here: node.ID == found.Own,
			Newest: words.Number(speaking(c), int(node.Applied)), Proof: proof, State: nodeChip(c, node.State(found.At)),
		})
	}
	return view, nil
}

// pathNodesAgain is another address each second: to one that differs in nothing but where on the page it
// leads, a browser only scrolls.
func pathNodesAgain(at time.Time) string {
	return pathSettings() + "?at=" + strconv.FormatInt(at.Unix(), 10) + "#nodes"
}

func pathNodes() string { return pathSettings() + "#nodes" }

// sayProof is sayAgo with the seconds, which count here.
func sayProof(c echo.Context, passed time.Duration) string {
	if passed < time.Second || passed >= time.Minute {
		return sayAgo(c, passed)
	}
	return n(c, "nodes.seconds-ago", int(passed.Seconds()))
}

func nodeChip(c echo.Context, state keys.NodeState) ui.Chip {
	switch state {
	case keys.NodeCutOff:
		return ui.Chip{Tone: "danger", Icon: "circle-x", Text: t(c, "nodes.cut-off")}
	case keys.NodeBehind:
		return ui.Chip{Tone: "warning", Icon: "triangle-alert", Text: t(c, "nodes.behind")}
	case keys.NodeCurrent:
	}
	return ui.Chip{Tone: "success", Icon: "circle-check", Text: t(c, "nodes.current")}
}

// keyConfirmed says on how many of several nodes the newest change of a key holds, when somebody may want to
// know. It is nil when not. The events are those of the key, the newest first.
func (s *Server) keyConfirmed(c echo.Context, key keys.Key, events []keys.AuditEvent) (*views.Confirmed, error) {
	changed := len(events) > 0 && s.now().Sub(events[0].At) < justChanged
	if !s.store.Shared() || key.Active() && !changed {
		return nil, nil
	}
	found, err := s.nodes(c.Request().Context())
	if err != nil || len(found.All) < 2 {
		return nil, err
	}
	change, err := s.store.KeyChange(c.Request().Context(), actor(c), key.ID)
	if err != nil {
		return nil, err
	}
	known, others := confirmed(found, change)
	id := "nodes.key-confirmed"
	if len(others) > 0 && len(others) <= namedNodes {
		id = "nodes.key-not-yet"
	}
	return &views.Confirmed{
		Everywhere: len(others) == 0, URL: pathNodes(),
		Text: words.N(speaking(c), id, len(found.All), words.Args{"Known": words.Number(speaking(c), known), "Names": strings.Join(others, ", ")}),
	}, nil
}
