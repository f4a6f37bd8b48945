package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"latchkey/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(secondProcess); path != "" {
		os.Exit(runSecondProcess(path))
	}
	storetest.Main(m)
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "latchkey.db") })
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, storetest.Postgres)
}
