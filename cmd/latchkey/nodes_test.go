package main

import (
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/store/storetest"
)

func TestARevocationReachesTheOtherNode(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: 500 revocations on two nodes")
	}
	const revocations = 500
	cluster := storetest.NewCluster(t)
	all := newDatabase(t, cluster.URL("postgres"), revocations)
	b := balance(t, cluster.URL("postgres"))
	for _, k := range all {
		for _, n := range b.nodes {
			if got := n.verifies(k); got != http.StatusNoContent {
				t.Fatalf("%s answers %d before the revocation; want 204", n.name, got)
			}
		}
	}
	var took []time.Duration
	late := 0
	for _, k := range all {
		d := b.revoke(k)
		took = append(took, d)
		if d > time.Second {
			late++
		}
	}
	t.Logf("note: %d revocations through nginx, from the admin's answer to the last acceptance by the other node: %s; later than 1 s: %d", len(took), spread(took), late)
	b.refuseAll(all)
}

// refuseAll fails the test when a node lets one of the keys in.
func (b *balanced) refuseAll(all []issued) {
	b.t.Helper()
	for _, n := range b.nodes {
		for _, k := range all {
			if got := n.verifies(k); got != http.StatusUnauthorized {
				b.t.Errorf("%s answers %d to a revoked token; want 401", n.name, got)
			}
		}
	}
}

func TestNoRevocationIsMissedWhileTheDatabaseFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: PostgreSQL is restarted")
	}
	cluster := storetest.NewCluster(t)
	database := cluster.URL("postgres")
	all := newDatabase(t, database, 500)
	b := balance(t, database)
	for _, fault := range []struct {
		name string
		do   func()
	}{
		{"backends are killed", func() {
			for range 20 {
				cluster.Exec("postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'`)
			}
		}},
		{"a fast restart", func() {
			cluster.Stop(syscall.SIGINT)
			cluster.Start()
		}},
		{"an immediate restart", func() {
			cluster.Stop(syscall.SIGQUIT)
			cluster.Start()
		}},
		{"the listening connections are frozen for 8 s", func() {
			// The hints do not come; a poll sees the changes without them.
			thawed := cluster.Freeze(`query LIKE 'LISTEN%'`)
			time.Sleep(8 * time.Second) // this is the fault: the time in which nothing comes
			thawed()
		}},
	} {
		var over sync.WaitGroup
		done := make(chan struct{})
		over.Go(func() {
			fault.do()
			close(done)
		})
		var took []time.Duration
		late := 0
		revoked := all[:0:0]
		for under := true; under || len(revoked) < 20; {
			select {
			case <-done:
				under = false
			default:
			}
			if len(all) == 0 {
				t.Fatal("there are no keys left")
			}
			d := b.revoke(all[0])
			took = append(took, d)
			if d > time.Second {
				late++
			}
			revoked, all = append(revoked, all[0]), all[1:]
		}
		over.Wait()
		b.refuseAll(revoked)
		t.Logf("note: while %s: %d revocations, none missed; to the last acceptance by the other node: %s; later than 1 s: %d", fault.name, len(took), spread(took), late)
	}
}

func TestANodeThatIsCutOffRefusesEverythingPastTheBound(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it waits for the bound")
	}
	cluster := storetest.NewCluster(t)
	all := newDatabase(t, cluster.URL("postgres"), 2)
	w := storetest.NewWire(t, cluster.URL("postgres"))
	n := startNode(t, w.URL(), "node-1", "--max-staleness", "4s")
	unknown := issued{token: "lkt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3S93G3"}
	junk := issued{token: "lkt_x"}
	known := func() int { return n.verifies(all[0]) }

	admin := newBrowser(t, n.url)
	admin.signIn("ana@acme.example", goodPassword)

	// A network that swallows everything is worse than one that refuses: nobody may wait for it.
	thaw := w.Freeze()
	began := time.Now()
	if got := known(); got != http.StatusNoContent {
		t.Errorf("while the database does not answer, a known token got %d; want 204", got)
	}
	verified := time.Since(began)
	if got := admin.get(pathList); got.status != http.StatusServiceUnavailable {
		t.Errorf("while the database does not answer, a page got %d; want 503", got.status)
	}
	t.Logf("note: a database that does not answer: a known token is let in within %s, a page says so after %s",
		verified.Round(time.Millisecond), time.Since(began).Round(10*time.Millisecond))
	thaw()
	eventually(t, "the page is back", func() bool { return admin.get(pathList).status == http.StatusOK })

	w.Cut()
	cut := time.Now()
	var let time.Time
	eventuallyOften(t, "the bound is past", func() bool {
		began := time.Now()
		switch got := known(); got {
		case http.StatusNoContent:
			let = began
			return false
		case http.StatusServiceUnavailable:
			return true
		default:
			t.Fatalf("within the bound a known token got %d; want 204", got)
			return true
		}
	})
	if let.IsZero() {
		t.Fatal("no known token was let in while the node was cut off and within its bound")
	}
	if got := n.verifies(unknown); got != http.StatusServiceUnavailable {
		t.Errorf("past the bound an unknown token got %d; want 503, for nobody can know", got)
	}
	if got := n.verifies(junk); got != http.StatusUnauthorized {
		t.Errorf("past the bound junk got %d; want 401", got)
	}
	w.Mend()
	mended := time.Now()
	eventuallyOften(t, "the node is back", func() bool { return known() == http.StatusNoContent })
	t.Logf("note: cut off with a bound of 4 s: known tokens were let in for %s more; back %s after the network was",
		let.Sub(cut).Round(time.Millisecond), time.Since(mended).Round(time.Millisecond))
	if got := n.verifies(unknown); got != http.StatusUnauthorized {
		t.Errorf("an unknown token got %d after it; want 401", got)
	}
}
