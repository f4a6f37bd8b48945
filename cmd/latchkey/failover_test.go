package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"latchkey/keys/secret"
	"latchkey/store/storetest"
)

// replicated is a primary with a standby, and the URL that has both.
func replicated(t testing.TB) (primary, standby *storetest.Cluster, database string) {
	t.Helper()
	primary = storetest.NewCluster(t)
	standby = primary.Standby()
	return primary, standby, storetest.URLOf("postgres", primary, standby)
}

func TestNothingAcknowledgedIsLostInAFailover(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it fails a PostgreSQL server over")
	}
	primary, standby, database := replicated(t)
	primary.Exec("postgres", `ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
	primary.Exec("postgres", `SELECT pg_reload_conf()`)
	eventually(t, "the standby is synchronous", func() bool {
		return primary.Text("postgres", `SELECT string_agg(sync_state, ',') FROM pg_stat_replication`) == "sync"
	})
	known := newDatabase(t, database, 20)
	n := startNode(t, database, "node-1")
	var acknowledged sync.Map
	var acks, unknown, refused, verified atomic.Int64
	var promoted, back atomic.Int64 // moments in nanoseconds
	stop := make(chan struct{})
	var work sync.WaitGroup
	for range 4 {
		admin := newBrowser(t, n.url)
		admin.signIn("ana@acme.example", goodPassword)
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got := admin.post(pathNew, url.Values{"name": {"Written"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}})
				if id := shownKey.FindStringSubmatch(got.body); got.status == http.StatusOK && id != nil {
					acknowledged.Store(id[1], true)
					acks.Add(1)
					if promoted.Load() != 0 {
						back.CompareAndSwap(0, time.Now().UnixNano())
					}
				} else {
					unknown.Add(1)
				}
			}
		})
	}
	work.Go(func() { // what is known is let in throughout
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if got := n.verifies(known[i%len(known)]); got != http.StatusNoContent {
				refused.Add(1)
			}
			verified.Add(1)
		}
	})
	eventually(t, "keys are written", func() bool { return acks.Load() >= 50 })
	primary.Stop(syscall.SIGKILL)
	promoted.Store(time.Now().UnixNano()) // until here nothing can be written
	standby.Promote()
	eventually(t, "keys are written again", func() bool { return back.Load() != 0 })
	after := acks.Load()
	eventually(t, "more keys are written", func() bool { return acks.Load() >= after+20 })
	close(stop)
	work.Wait()
	lost := 0
	acknowledged.Range(func(id, _ any) bool {
		if standby.Text("postgres", `SELECT count(*)::text FROM api_key WHERE app_key = $1`, id) != "1" {
			lost++
		}
		return true
	})
	t.Logf("note: synchronous standby promoted: %d acknowledged, %d lost; %d without an acknowledgement; first write %s after the standby was asked to take over; %d verifications meanwhile, %d not let in",
		acks.Load(), lost, unknown.Load(), time.Duration(back.Load()-promoted.Load()).Round(time.Millisecond), verified.Load(), refused.Load())
	if lost > 0 {
		t.Errorf("%d acknowledged keys are lost", lost)
	}
	if refused.Load() > 0 {
		t.Errorf("%d of %d verifications of known tokens were not let in", refused.Load(), verified.Load())
	}
}

func TestALossyFailoverIsDetectedAndNothingRevokedComesBack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it fails a PostgreSQL server over")
	}
	primary, standby, database := replicated(t)
	all := newDatabase(t, database, 6)
	b := balance(t, database)
	standby.CatchUp(primary)
	standby.Stop(syscall.SIGINT) // it is behind from here on

	deactivated, deleted, rotated, kept := all[0], all[1], all[2], all[3]
	b.revoke(deactivated)
	b.posts(pathKey(string(deleted.id), "delete"), url.Values{"understood": {"on"}})
	replacement := b.renewNow(rotated)
	made := b.generate()
	for _, n := range b.nodes {
		eventually(t, n.name+" knows of the changes", func() bool {
			return n.verifies(deactivated) == 401 && n.verifies(deleted) == 401 && n.verifies(rotated) == 401 && n.verifies(made) == 204
		})
	}
	primary.Stop(syscall.SIGKILL)
	standby.Start()
	standby.Promote()
	for _, n := range b.nodes {
		eventually(t, n.name+" has found out", func() bool { return n.verifies(made) == http.StatusUnauthorized })
	}
	for _, n := range b.nodes {
		for name, k := range map[string]issued{"deactivated": deactivated, "deleted": deleted, "rotated": rotated, "replacement": replacement, "lost": made} {
			eventually(t, n.name+" refuses the "+name+" key as the other does", func() bool { return n.verifies(k) == http.StatusUnauthorized })
		}
		if got := n.verifies(kept); got != http.StatusNoContent {
			t.Errorf("%s answers %d to a key that nothing happened to; want 204", n.name, got)
		}
	}
	said := b.nodes[0].stderr.String() + b.nodes[1].stderr.String()
	if !strings.Contains(said, "the database has lost changes that it had acknowledged") {
		t.Errorf("no node says that changes were lost: %s", said)
	}
	alarms := standby.Text("postgres", `SELECT string_agg(DISTINCT object_id, ',' ORDER BY object_id) FROM audit WHERE action = 'key.deactivated' AND alarm AND details LIKE '%lost%'`)
	for _, k := range []issued{deactivated, deleted, rotated} {
		if !strings.Contains(alarms, string(k.id)) {
			t.Errorf("the alarms are about %q; want %s among them", alarms, k.id)
		}
	}
}
