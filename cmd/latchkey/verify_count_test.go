package main

import (
	"database/sql"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// tally is how often a token was accepted and refused.
type tally struct{ accepted, refused int64 }

// counted are the sums of what the database has counted, by the numbers of the tokens.
func counted(t *testing.T, db *sql.DB) map[int64]tally {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT token, SUM(accepted), SUM(refused) FROM usage_hourly GROUP BY token`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[int64]tally{}
	for rows.Next() {
		var token int64
		var n tally
		if err := rows.Scan(&token, &n.accepted, &n.refused); err != nil {
			t.Fatal(err)
		}
		all[token] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryVerificationIsCounted: 8 clients verify 100,000 times, some of it refused, while the counts are
// flushed every second; then the server is stopped. The counts must be the answers, token by token.
func TestEveryVerificationIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it asks 100,000 times")
	}
	const clients, each, known, inactive = 8, 12_500, 40, 8
	folder, all := guarded(t, known)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		for _, k := range all[:inactive] {
			if _, _, err := s.DeactivateKey(t.Context(), by, k.id); err != nil {
				t.Fatal(err)
			}
		}
	})
	stranger := issued{id: all[0].id, token: secret.New(secret.KindToken).Reveal()}
	s := serveFolder(t, folder, "--refusals-per-minute", "0", "--log-level", "warn")
	tallies := make([]map[int64]tally, clients)
	var work sync.WaitGroup
	for client := range clients {
		mine := map[int64]tally{}
		tallies[client] = mine
		c := newCaller(t, s.url)
		work.Go(func() {
			for i := range each {
				k := all[(client+i/5)%known]
				header, path := k.pair(), "/v1/verify"
				switch i % 5 {
				case 1:
					header = k.bearer()
				case 2:
					path += "?resource=orders.read"
				case 3:
					path += "?resource=orders.write"
				case 4:
					k, header = stranger, stranger.pair()
				}
				got, err := c.try(http.MethodGet, path, header, "")
				if err != nil {
					t.Error(err)
					return
				}
				n := mine[k.number]
				switch got.status {
				case http.StatusNoContent:
					n.accepted++
				case http.StatusUnauthorized, http.StatusForbidden:
					n.refused++
				default:
					t.Errorf("a verification answered %d", got.status)
				}
				mine[k.number] = n
			}
		})
	}
	work.Wait()
	s.stop()
	want, answers := map[int64]tally{}, int64(0)
	for _, mine := range tallies {
		for number, n := range mine {
			sum := want[number]
			want[number] = tally{sum.accepted + n.accepted, sum.refused + n.refused}
			answers += n.accepted + n.refused
		}
	}
	if strangers := want[stranger.number]; answers != clients*each || strangers.accepted != 0 || strangers.refused != clients*each/5 {
		t.Fatalf("%d answers, to the unknown token %+v; want %d and a fifth of them refused", answers, strangers, clients*each)
	}
	delete(want, stranger.number)
	got := counted(t, rawDB(t, folder))
	var sum tally
	for number, n := range want {
		if got[number] != n {
			t.Errorf("token %d was counted %+v; the answers were %+v", number, got[number], n)
		}
		sum.accepted, sum.refused = sum.accepted+n.accepted, sum.refused+n.refused
	}
	if len(got) != len(want) || len(got) != known {
		t.Errorf("%d tokens were counted; want %d", len(got), known)
	}
	if sum.accepted == 0 || sum.refused == 0 {
		t.Errorf("the answers were %+v; want some of both", sum)
	}
	t.Logf("note: %d verifications of known tokens were accepted and %d refused, and all counted", sum.accepted, sum.refused)
}

// TestAKilledServerLosesTheLastSecondAtMost: what was answered before a flush began is there after a kill.
// Two further flushes after a moment show that one began after it.
func TestAKilledServerLosesTheLastSecondAtMost(t *testing.T) {
	const clients = 8
	folder, all := guarded(t, clients)
	s := serveFolder(t, folder, "--log-level", "warn")
	db := rawDB(t, folder)
	flushed := func() int64 { return number(t, db, `SELECT COALESCE(MAX(number), 0) FROM usage_batch`) }
	var answered atomic.Int64
	var work sync.WaitGroup
	for _, k := range all {
		c := newCaller(t, s.url)
		work.Go(func() {
			for {
				got, err := c.try(http.MethodGet, "/v1/verify", k.pair(), "")
				if err != nil {
					return // the server is dead
				}
				if got.status != http.StatusNoContent {
					t.Errorf("a verification answered %d", got.status)
					return
				}
				answered.Add(1)
			}
		})
	}
	eventually(t, "there was a first flush", func() bool { return flushed() > 0 })
	before, batch := answered.Load(), flushed()
	eventually(t, "there were two flushes more", func() bool { return flushed() >= batch+2 })
	s.signal(syscall.SIGKILL)
	s.exitCode()
	work.Wait()
	var kept int64
	for _, n := range counted(t, db) {
		kept += n.accepted
	}
	// A verification can be counted whose answer did not get out: one for each client.
	if kept < before || before == 0 || kept > answered.Load()+clients {
		t.Errorf("%d verifications are counted; want at least the %d that were answered before the last flush, and at most the %d answers and %d", kept, before, answered.Load(), clients)
	}
	t.Logf("note: of %d answers the kill lost %d; %d had been answered before the last flush but one", answered.Load(), answered.Load()-kept, before)
	_ = db.Close()

	again := serveFolder(t, folder)
	newCaller(t, again.url).get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	again.stop()
}

// TestUsageThatCannotBeWrittenWaits: verification goes on, health says so, and nothing is lost.
func TestUsageThatCannotBeWrittenWaits(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder, "--metrics-listen", "127.0.0.1:0")
	metrics := newCaller(t, strings.TrimSuffix(s.line(`^Metrics: (\S+)$`), pathMetrics))
	c, db := newCaller(t, s.url), rawDB(t, folder)
	sqlExec(t, db, `ALTER TABLE usage_hourly RENAME TO gone`)
	const times = 25
	for range times {
		c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	}
	eventually(t, "health says that usage waits", func() bool {
		return strings.Contains(c.get("/healthz", nil).body, "usage cannot be written")
	})
	c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	c.get("/readyz", nil).is(t, http.StatusOK)
	if errors := scraped(metrics.get(pathMetrics, nil).body)["latchkey_usage_flush_errors_total"]; errors == "0" || errors == "" {
		t.Errorf("the metrics count %q failed flushes; want some", errors)
	}
	sqlExec(t, db, `ALTER TABLE gone RENAME TO usage_hourly`)
	eventually(t, "health is well", func() bool { return strings.TrimSpace(c.get("/healthz", nil).body) == `{"status":"ok"}` })
	s.stop()
	if got := counted(t, db)[all[0].number]; got != (tally{times + 1, 0}) {
		t.Errorf("%+v was counted; want %d accepted", got, times+1)
	}
}
