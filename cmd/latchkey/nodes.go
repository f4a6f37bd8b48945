package main

import (
	"context"
	"log/slog"
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
	now   func() time.Time
	seen  atomic.Pointer[seenNodes]
}

// seenNodes are the nodes, and the moment from which on they were looked at, by this machine's clock.
type seenNodes struct {
	store.Nodes
	at time.Time
}

// keep looks at every tick until ctx ends. It logs the first of several failures.
func (l *nodeList) keep(ctx context.Context, tick <-chan time.Time, log *slog.Logger) {
	if !l.store.Shared() {
		return
	}
	failing := false
	for {
		err := l.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("the list of the nodes could not be read", "error", err)
		}
		failing = err != nil
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
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
