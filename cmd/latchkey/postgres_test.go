package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/keys/secret"
	"latchkey/store/storetest"
)

// servePostgres starts a node on a database.
func servePostgres(t testing.TB, database, name string, more ...string) *served {
	t.Helper()
	return serveFolder(t, filepath.Join(t.TempDir(), "node"), append([]string{"--database-url", database, "--node-name", name}, more...)...)
}

func TestEveryCommandTakesAPostgreSQLDatabase(t *testing.T) {
	t.Parallel()
	cluster := storetest.NewCluster(t)
	database := cluster.URL("postgres")
	on := func(command string, more ...string) result {
		t.Helper()
		args := append(strings.Fields(command), "--database-url", database)
		return cli(t, goodPassword+"\n", append(args, more...)...)
	}
	for _, command := range []string{"user list", "account list", "audit verify", "audit export -"} {
		on(command).refused(t, "there is no Latchkey in that database", "nothing was done")
	}
	folder := filepath.Join(t.TempDir(), "none")
	made := on("init --account acme --email ana@acme.example --password-file -", "--data", folder).ok(t)
	if !strings.Contains(made.stdout, "PostgreSQL database postgres on "+cluster.Host()) {
		t.Errorf("init says %q; want the name of the database", made.stdout)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("init made the data folder: %v; want it left alone", err)
	}
	on("init --account other --email o@other.example --password-file -").refused(t, "set up already")
	on("account create --account globex --email gil@globex.example --password-file -").ok(t)
	for command, want := range map[string]string{
		"account list": "globex", "user list": "ana@acme.example", "audit verify": "is whole", "audit export -": "account.created",
		"user reset gil@globex.example": "new password", "user unlock gil@globex.example": "gil@globex.example",
	} {
		if got := on(command).ok(t); !strings.Contains(got.stdout, want) {
			t.Errorf("%s says %q; want %q", command, got.stdout, want)
		}
	}
	on("backup", filepath.Join(t.TempDir(), "b")).refused(t, "pg_dump")
	on("restore b", "--data", folder).refused(t, "latchkey copy")

	s := servePostgres(t, database, "node-1")
	b := newBrowser(t, s.url)
	b.signIn("ana@acme.example", goodPassword)
	if got := b.post(pathNew, url.Values{"name": {"Orders"}, "nonce": {secret.NewNonce()}}); got.status != http.StatusOK {
		t.Errorf("generate answered %d; want 200", got.status)
	}
	s.stop()
}
