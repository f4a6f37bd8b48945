package store_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/keys/verifier"
	"latchkey/store"
	"latchkey/store/storetest"
)

// The rows that BenchmarkCapacity makes of each kind. A batch of uses is as large as a verifier's.
const (
	capacityKeys   = 100_000
	capacityEvents = 2_000
	capacityBeats  = 1_000
	capacityBatch  = 10_000
)

// BenchmarkCapacity measures what the page deploy/capacity.md is computed from: how many bytes with all indexes a
// key, an event of the audit log and an hour of a token's use take, how long a verifier takes to load a key, how
// many hours of use are written a second, and on PostgreSQL what a change and a heartbeat write to its log.
func BenchmarkCapacity(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "latchkey.db")
		benchCapacity(b, path, func(table string) int64 { return sqliteSize(b, path, table) }, func() int64 { return 0 })
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		cluster := storetest.NewCluster(b)
		number := func(query string) int64 {
			n, err := strconv.ParseInt(cluster.Text("postgres", query), 10, 64)
			noError(b, err)
			return n
		}
		size := func(table string) int64 {
			cluster.Exec("postgres", `VACUUM ANALYZE `+table)
			return number(`SELECT pg_total_relation_size('` + table + `')::text`)
		}
		log := func() int64 { return number(`SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint::text`) }
		benchCapacity(b, cluster.URL("postgres"), size, log)
	})
}

// sqliteSize is how many bytes of a file a table takes with its indexes.
func sqliteSize(b *testing.B, path, table string) (size int64) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	noError(b, err)
	err = db.QueryRowContext(b.Context(), `
		SELECT sum(dbstat.pgsize) FROM dbstat JOIN sqlite_master ON sqlite_master.name = dbstat.name WHERE tbl_name = $1`, table).Scan(&size)
	noError(b, errors.Join(err, db.Close()))
	return size
}

// benchCapacity is told how large a table is with its indexes, and how much the database has written to its log.
func benchCapacity(b *testing.B, url string, size func(table string) int64, log func() int64) {
	clock := storetest.NewClock()
	s, err := store.Open(b.Context(), url, store.Options{Now: clock.Now, Node: store.NodeIdentity{Name: "benchmark"}})
	noError(b, err)
	b.Cleanup(func() { noError(b, s.Close()) })
	account, _, err := s.CreateAccount(b.Context(), keys.Command("benchmark"), store.NewAccount{
		Slug: "acme", Zone: "Europe/Lisbon", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	noError(b, err)

	storetest.FillKeys(b, url, "acme", capacityKeys)
	key := float64(size("api_key")+size("api_token")+size("api_key_role")) / capacityKeys
	begin := time.Now()
	noError(b, verifier.New(s, s, verifier.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Load(b.Context()))
	load := time.Since(begin)

	start := log()
	for range capacityBeats {
		_, err := s.Beat(b.Context(), keys.Heartbeat{})
		noError(b, err)
	}
	beaten := log()
	var changes []time.Duration
	for range capacityEvents {
		changes = append(changes, timed(b, func() error {
			_, err := s.GenerateKey(b.Context(), keys.Command("benchmark").In(account), store.NewKey{Name: "Order sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
			return err
		}))
	}
	changed := log()

	var took []time.Duration
	number := int64(0)
	for b.Loop() {
		clock.Advance(time.Hour)
		took = append(took, timed(b, func() error {
			number++
			return s.RecordUsage(b.Context(), hourOfUse(number, clock.Now()))
		}))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(key, "B/key")
	b.ReportMetric(float64(size("audit"))/capacityEvents, "B/event")
	b.ReportMetric(float64(size("usage_hourly"))/float64(number*capacityBatch), "B/hour-of-use")
	b.ReportMetric(float64(load.Nanoseconds())/1000/capacityKeys, "load-µs/key")
	b.ReportMetric(capacityBatch/median(took).Seconds(), "hours-of-use/s")
	b.ReportMetric(1/median(changes).Seconds(), "changes/s")
	if start > 0 {
		b.ReportMetric(float64(beaten-start)/capacityBeats, "log-B/beat")
		b.ReportMetric(float64(changed-beaten)/capacityEvents, "log-B/change")
	}
}

// hourOfUse is a batch of uses, each of a token in an hour of its own.
func hourOfUse(number int64, now time.Time) keys.UsageBatch {
	batch := keys.UsageBatch{Writer: "benchmark", Number: number}
	for i := range int64(capacityBatch) {
		batch.Uses = append(batch.Uses, keys.TokenUsage{
			Token: i, Hour: now.Truncate(time.Hour), Accepted: 1, Last: keys.LastUse{At: now, IP: "203.0.113.7"},
		})
	}
	return batch
}

func noError(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
