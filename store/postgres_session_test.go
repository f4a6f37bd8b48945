package store_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/store/storetest"
)

// A server gives back what a dead node held, but a transaction in which the program waits for a slow reader is
// not cut. Nothing is compiled, which takes longer than any of our queries. What the operator says goes.
func TestEveryConnectionAsksForItsSettings(t *testing.T) {
	database := storetest.MigratedPostgres(t)
	for _, c := range []struct{ setting, usual, patient, said string }{
		{"idle_in_transaction_session_timeout", "10s", "0", "7s"},
		{"lock_timeout", "5s", "5s", "7s"},
		{"tcp_keepalives_idle", "10", "10", "7"},
		{"tcp_keepalives_interval", "3", "3", "7"},
		{"tcp_keepalives_count", "3", "3", "7"},
		{"tcp_user_timeout", "20000", "0", "7000"},
		{"jit", "off", "off", "on"},
	} {
		for how, url := range map[string]string{
			"nobody":     database,
			"the URL":    database + "&" + c.setting + "=" + c.said,
			"options -c": database + "&options=-c%20" + c.setting + "%3D" + c.said,
			"options --": database + "&options=--" + strings.ReplaceAll(c.setting, "_", "-") + "%3D" + c.said,
		} {
			usual, patient := c.said, c.said
			if how == "nobody" {
				usual, patient = c.usual, c.patient
			}
			want := map[string]string{
				"change": usual, "page": usual, "page after them": usual, "export": patient, "load": patient, "copy": patient,
			}
			if got := store.SettingIn(t, open(t, url), c.setting); !maps.Equal(got, want) {
				t.Errorf("%s, said by %s, is %q; want %q", c.setting, how, got, want)
			}
		}
	}
}

// A machine that dies in a change leaves the server with an open transaction that holds the row all changes need.
func TestANodeThatDiesInAChangeHoldsUpNobodyForLong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits until the server notices")
	}
	database := storetest.MigratedPostgres(t)
	wire := storetest.NewWire(t, database)
	dying, other := openNode(t, wire.URL(), "dying"), openNode(t, database, "other")
	raw := storetest.OpenRaw(t, database)
	log, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.ExecContext(t.Context(), `LOCK TABLE audit IN EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	// One of them holds the counter's row and waits for the audit log; the others wait for the row.
	died := make(chan error, 4)
	for i := range cap(died) {
		go func() { died <- addAccount(t.Context(), dying, fmt.Sprint("dying", i)) }()
	}
	until(t, "the changes wait", func() bool { return waiting(raw) == cap(died) })
	wire.Freeze()
	if err := log.Rollback(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	until(t, "another node makes a change", func() bool { return addAccount(t.Context(), other, "other") == nil })
	t.Logf("note: %s after a node died in a change, another node made one", time.Since(began).Round(100*time.Millisecond))
	for range cap(died) {
		if err := <-died; keys.KindOf(err) != keys.KindUnavailable {
			t.Errorf("a change of the node that died: %v; want unavailable", err)
		}
	}
}

// waiting is how many connections to a database wait for a lock.
func waiting(raw *storetest.Raw) int {
	return len(raw.Texts(`SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`))
}

// until tries something again until it is done, for half a minute.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(30 * time.Second); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}
