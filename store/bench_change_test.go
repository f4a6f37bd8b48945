package store_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// BenchmarkChange compares generating and renewing a key, whole with rule, audit row and feed, with an
// INSERT of one row that is just as durable: on SQLite into a file of its own, on PostgreSQL into a table of the
// same server. The three take turns, so that whatever else the machine and its disk do meets all of them.
func BenchmarkChange(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		// The goal is 0.5: what fails is far from it. Where a disk takes longer to sync than here, all come
		// closer to one another.
		benchChange(b, filepath.Join(b.TempDir(), "latchkey.db"), bareFile(b, filepath.Join(b.TempDir(), "bare.db")), 0.3)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		cluster := storetest.NewCluster(b)
		bare := cluster.Open("postgres")
		bare.SetMaxIdleConns(1)
		b.Cleanup(func() { _ = bare.Close() })
		// Each statement of a change is a message to the server and back, and an INSERT is one.
		benchChange(b, cluster.URL("postgres"), bareTable(b, bare, "BYTEA"), 0.05)
	})
}

// benchChange fails when a change is not at least so many times as fast as an INSERT.
func benchChange(b *testing.B, url string, bare *sql.DB, least float64) {
	s, by := benchStore(b, url)
	var inserts, creates, renews []time.Duration
	for b.Loop() {
		inserts = append(inserts, timed(b, func() error {
			_, err := bare.ExecContext(b.Context(), `INSERT INTO bare (id, digest) VALUES ($1, $2)`, secret.NewNonce(), make([]byte, 32))
			return err
		}))
		var made store.Generated
		creates = append(creates, timed(b, func() (err error) {
			made, err = s.GenerateKey(b.Context(), by, store.NewKey{Name: "Order sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
			return err
		}))
		renews = append(renews, timed(b, func() error {
			_, err := s.RenewKey(b.Context(), by, made.Key.ID, secret.NewNonce())
			return err
		}))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(inserts).Microseconds()), "insert-µs")
	for name, took := range map[string][]time.Duration{"create": creates, "renew": renews} {
		ratio := float64(median(inserts)) / float64(median(took))
		b.ReportMetric(ratio, name+"/insert")
		if b.N >= 50 && ratio < least {
			b.Errorf("a %s is %.2f times as fast as a bare durable INSERT; the bound is %.2f", name, ratio, least)
		}
	}
}

func benchStore(b *testing.B, path string) (*store.Store, keys.Actor) {
	b.Helper()
	s, err := store.Open(b.Context(), path, store.Options{Now: storetest.NewClock().Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	account, _, err := s.CreateAccount(b.Context(), keys.Command("benchmark"), store.NewAccount{
		Slug: "acme", Zone: "Europe/Lisbon", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, keys.Command("benchmark").In(account)
}

// bareFile is a file with a table, which is written as the store writes its own.
func bareFile(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	return bareTable(b, db, "BLOB")
}

func bareTable(b *testing.B, db *sql.DB, bytes string) *sql.DB {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE bare (id TEXT NOT NULL PRIMARY KEY, digest `+bytes+` NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	return db
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	begin := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

func median(took []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(took))[len(took)/2]
}
