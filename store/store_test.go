package store_test

import (
	"os"
	"testing"

	"latchkey/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(secondProcess); path != "" {
		os.Exit(runSecondProcess(path))
	}
	storetest.Main(m)
}

func TestSQLite(t *testing.T) { conform(t, "SQLite", storetest.SQLite) }

// With -short only those cases run on PostgreSQL in which several work at once.
func TestPostgres(t *testing.T) {
	if testing.Short() {
		storetest.Run(t, storetest.MigratedPostgres, "race/", "feed/")
		return
	}
	conform(t, "PostgreSQL", storetest.MigratedPostgres)
}

// conformed is how many cases ran on each database.
var conformed = map[string]int{}

// conform runs every case on a database, and fails the test unless as many ran as on the other one.
func conform(t *testing.T, database string, fresh func(t testing.TB) string) {
	ran := storetest.Run(t, fresh)
	if ran == 0 {
		t.Skip("no case ran on " + database)
	}
	t.Logf("note: %d cases ran on %s", ran, database)
	for other, n := range conformed {
		if n != ran {
			t.Errorf("%d cases ran on %s, but %d on %s", ran, database, n, other)
		}
	}
	conformed[database] = ran
}
