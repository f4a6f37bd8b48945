package main

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
	"latchkey/store"
)

// nodesEvery is the rhythm in which a node looks at the others.
const nodesEvery = time.Second

// nodeList keeps what a node last saw of all nodes: who asks how they are gets an answer while the database is
// away, too.
type nodeList struct {
	store *store.Store
	// name is this node's.
	name string
	now  func() time.Time
	seen atomic.Pointer[seenNodes]
}

// seenNodes are the nodes, and the moment from which on they were looked at, by this machine's clock.
type seenNodes struct {
	store.Nodes
	at time.Time
}

// keep looks at every tick until ctx ends. It logs the first of several failures, and that another node bears
// this one's name.
func (l *nodeList) keep(ctx context.Context, tick <-chan time.Time, log *slog.Logger) {
	if !l.store.Shared() {
		return
	}
	failing := false
	var first *seenNodes
	warned := false
	for {
		err := l.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("the list of the nodes could not be read", "error", err)
		}
		failing = err != nil
		last := l.seen.Load()
		if first == nil {
			first = last
		} else if !warned && l.doubled(first, last) {
			warned = true
			log.Warn("another node of this database has the same name, so the list of the nodes cannot tell them apart; give each node its own with --node-name", "node", l.name)
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
}

// doubled says whether another node has sent a heartbeat under this one's name since the first look. What is left of
// a run of this node that was killed has not.
func (l *nodeList) doubled(first, last *seenNodes) bool {
	return slices.ContainsFunc(last.All, func(n keys.Node) bool {
		return n.Name == l.name && n.ID != last.Own && n.BeatAt.After(first.At)
	})
}

func (l *nodeList) look(ctx context.Context) error {
	at := l.now()
	found, err := l.store.Nodes(ctx, keys.Heartbeat{})
	if err == nil {
		l.seen.Store(&seenNodes{found, at})
	}
	return err
}

// last are the nodes that were seen last, and how long ago. Before the first look there are none.
func (l *nodeList) last() (nodes store.Nodes, age time.Duration) {
	seen := l.seen.Load()
	if seen == nil {
		return store.Nodes{}, 0
	}
	return seen.Nodes, l.now().Sub(seen.at)
}

// measure adds to the verifier's figures how many nodes there are, and how many of them are known to be current:
// of a list that is too old, nobody knows. With an embedded database there is one node.
func (l *nodeList) measure(stats verifier.Stats) measures {
	m := measures{Stats: stats}
	if !l.store.Shared() {
		m.nodes = 1
		if stats.Current {
			m.current = 1
		}
		return m
	}
	nodes, age := l.last()
	m.nodes = len(nodes.All)
	for _, n := range nodes.All {
		if age <= keys.CurrentFor && n.State(nodes.At) == keys.NodeCurrent {
			m.current++
		}
	}
	return m
}
