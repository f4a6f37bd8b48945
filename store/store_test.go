package store_test

import (
	"path/filepath"
	"testing"

	"latchkey/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "latchkey.db") })
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, storetest.Postgres)
}
