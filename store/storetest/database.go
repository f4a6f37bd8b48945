package storetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// databaseVariable says in the environment on which database the tests of other packages run: postgres, or
// else SQLite.
const databaseVariable = "LATCHKEY_TEST_DATABASE"

// OnPostgres says whether Database gives PostgreSQL databases. It fails the test when the environment names a
// database that there is not.
func OnPostgres(t testing.TB) bool {
	t.Helper()
	switch name := os.Getenv(databaseVariable); name {
	case "", "sqlite":
		return false
	case "postgres":
		return true
	default:
		t.Fatalf("%s=%s: it must be sqlite or postgres", databaseVariable, name)
		return false
	}
}

// Database returns the URL of a database of the test's own that has no account: a SQLite file that does not
// exist yet or, when the environment says LATCHKEY_TEST_DATABASE=postgres, what MigratedPostgres gives.
func Database(t testing.TB) string {
	t.Helper()
	if OnPostgres(t) {
		return MigratedPostgres(t)
	}
	return SQLite(t)
}

// SQLite returns the URL of a SQLite file that does not exist yet, in a folder of its own.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "latchkey.db")
}

// Copy returns the URL of a copy of a database that Database gave and that nobody has open, and what removes
// the copy.
func Copy(t testing.TB, url string) (copied string, remove func()) {
	t.Helper()
	if isPostgres(url) {
		return copyPostgres(t, url)
	}
	content, err := os.ReadFile(pathOf(url))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "latchkey.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path, func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	}
}

func isPostgres(url string) bool { return strings.HasPrefix(url, "postgres://") }

// pathOf is the file of a SQLite database.
func pathOf(url string) string { return strings.TrimPrefix(url, "sqlite://") }
