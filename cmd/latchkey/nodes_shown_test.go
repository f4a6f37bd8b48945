package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
	"latchkey/store"
	"latchkey/store/storetest"
)

// readyNodes is what /readyz of a node says of all of them.
type readyNodes struct {
	Status, Node string
	Applied      int64
	Nodes        []struct {
		Name, Version, State string
		Applied              int64
	}
	Age *int64 `json:"nodes_age_ms"`
}

// A name that two nodes bear at once is told of once. A node that was killed and started again does not bear it twice.
func TestTwoNodesOfOneNameAreToldOf(t *testing.T) {
	database := storetest.MigratedPostgres(t)
	node := func(name string) *store.Store {
		s, err := store.Open(t.Context(), database, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Node: store.NodeIdentity{Name: name, Version: "v1"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	beat := func(s *store.Store) {
		t.Helper()
		if _, err := s.Beat(t.Context(), keys.Heartbeat{MaxStaleness: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	own, killed, other, twin := node("node-1"), node("node-1"), node("node-2"), node("node-1")
	beat(killed)
	ctx, stop := context.WithCancel(t.Context())
	said, tick, ended := newWatched(), make(chan time.Time), make(chan struct{})
	list := &nodeList{store: own, name: "node-1", now: time.Now}
	go func() {
		list.keep(ctx, tick, newLogger(said, slog.LevelWarn))
		close(ended)
	}()
	looks := func() { // the second tick is taken when the look of the first one is over
		tick <- time.Time{}
		tick <- time.Time{}
	}
	looks()
	beat(own)
	beat(other)
	looks()
	if got := said.String(); got != "" {
		t.Errorf("without another node of its name, it says %s", got)
	}
	beat(twin)
	looks()
	beat(twin)
	looks()
	stop()
	<-ended
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"node":"node-1"`) || !strings.Contains(got, "--node-name") {
		t.Errorf("with another node of its name, it says %q; want one line that names it and the flag", got)
	}
}

// ready asks a node how all of them are.
func (n *node) ready() (got readyNodes) {
	n.t.Helper()
	if err := json.Unmarshal([]byte(n.ask.get("/readyz", nil).body), &got); err != nil {
		n.t.Fatal(err)
	}
	return got
}

// current are the names of the nodes that are current and have a change, by what a node says.
func (r readyNodes) current(change int64) (names []string) {
	for _, n := range r.Nodes {
		if n.State == "current" && n.Applied >= change && n.Version != "" {
			names = append(names, n.Name)
		}
	}
	return names
}

// An admin sees that what was revoked on one node is refused by all, and a monitor sees how far each is, also
// while the database does not answer.
func TestPeopleAndMonitorsSeeHowFarEachNodeIs(t *testing.T) {
	cluster := storetest.NewCluster(t)
	all := newDatabase(t, cluster.URL("postgres"), 1)
	w := storetest.NewWire(t, cluster.URL("postgres"))
	first := startNode(t, w.URL(), "node-1")
	second := startNode(t, cluster.URL("postgres"), "node-2")
	admin := newBrowser(t, second.url)
	admin.signIn("ana@acme.example", goodPassword)
	if got := admin.post(pathKey(string(all[0].id), "deactivate"), url.Values{}); got.status != http.StatusSeeOther {
		t.Fatalf("the deactivation answered %d; want 303", got.status)
	}
	change := second.ready().Applied
	if change == 0 {
		t.Fatal("the node that answered has no change")
	}
	eventually(t, "each node says that both have the change", func() bool {
		return slices.Equal(first.ready().current(change), []string{"node-1", "node-2"}) && slices.Equal(second.ready().current(change), []string{"node-1", "node-2"})
	})
	if got := first.ready(); got.Node != "node-1" || got.Status != "ready" || got.Age == nil {
		t.Errorf("/readyz of node-1 says %+v", got)
	}
	if got := admin.get(pathList + "/" + string(all[0].id)); !strings.Contains(got.body, "Confirmed on 2 of 2 nodes") {
		t.Errorf("the page of the key does not say that both nodes have confirmed: %d", got.status)
	}
	if got := admin.get("/account/api-keys/settings"); !strings.Contains(got.body, fmt.Sprintf("Change %d is confirmed on 2 of 2 nodes.", change)) {
		t.Errorf("the settings do not say that both nodes have confirmed change %d: %d", change, got.status)
	}

	defer w.Freeze()()
	got := first.ready()
	if got.Status != "ready" || len(got.Nodes) != 2 || got.Age == nil {
		t.Errorf("while the database does not answer /readyz says %+v", got)
	}
	eventually(t, "the list grows old", func() bool { return *first.ready().Age > *got.Age+2000 })
}

func TestTheListOfNodesIsKeptAndGrowsOld(t *testing.T) {
	cluster := storetest.NewCluster(t)
	database := cluster.URL("postgres")
	s, err := store.Open(t.Context(), database, store.Options{Now: time.Now, Node: store.NodeIdentity{Name: "node-1", Version: "v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Date(2026, 9, 12, 10, 0, 0, 0, time.UTC)
	list := &nodeList{store: s, now: func() time.Time { return now }}
	measured := func(nodes, current int) {
		t.Helper()
		if m := list.measure(verifier.Stats{Forks: 3}); m.nodes != nodes || m.current != current || m.Forks != 3 {
			t.Errorf("measured %d nodes, %d current; want %d and %d", m.nodes, m.current, nodes, current)
		}
	}
	measured(0, 0)
	if _, err := s.Beat(t.Context(), keys.Heartbeat{MaxStaleness: time.Minute}); err != nil {
		t.Fatal(err)
	}
	cluster.Exec("postgres", `INSERT INTO node (id, name, version, beat, beat_at, applied, applied_event, proved_at, max_staleness)
		SELECT 'x', 'node-2', version, beat, beat_at, applied, applied_event, proved_at - 30000000, max_staleness FROM node`)
	if err := list.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	measured(2, 1)
	now = now.Add(keys.CurrentFor)
	measured(2, 1)

	cluster.Stop(syscall.SIGQUIT)
	log := &strings.Builder{}
	ctx, stop := context.WithCancel(t.Context())
	tick := make(chan time.Time)
	var keeping sync.WaitGroup
	keeping.Go(func() { list.keep(ctx, tick, slog.New(slog.NewTextHandler(log, nil))) })
	for range 3 {
		tick <- now
	}
	stop()
	keeping.Wait()
	if n := strings.Count(log.String(), "the list of the nodes could not be read"); n != 1 {
		t.Errorf("several failures are logged %d times: %s", n, log)
	}
	now = now.Add(time.Millisecond)
	measured(2, 0)
	if nodes, age := list.last(); len(nodes.All) != 2 || age != keys.CurrentFor+time.Millisecond {
		t.Errorf("without the database the list has %d nodes and is %s old", len(nodes.All), age)
	}
}
