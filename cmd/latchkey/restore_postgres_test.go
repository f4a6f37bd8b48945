package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/store/storetest"
)

// A dump of PostgreSQL does not know what was revoked after it. It is restored through a folder, as the README says.
func TestWhatWasRevokedAfterADumpStaysRevoked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it moves twice")
	}
	cluster := storetest.NewCluster(t)
	live := cluster.URL("postgres")
	all := newDatabase(t, live, 2)
	cluster.Exec("template1", `CREATE DATABASE dumped TEMPLATE postgres`)
	inStoreAt(t, live, "acme", func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, all[1].id); err != nil {
			t.Fatal(err)
		}
	})
	in := func(name string) string { return filepath.Join(t.TempDir(), name) }
	export, folder, backup, restored := in("audit.jsonl"), in("dumped"), in("dumped.db"), in("restored")
	cli(t, "", "audit", "export", export, "--database-url", live).ok(t)

	cli(t, "", "copy", "--from", cluster.URL("dumped"), "--to", "sqlite:"+folder).ok(t)
	cli(t, "", "backup", backup, "--data", folder).ok(t)
	cli(t, "", "restore", backup, "--audit", export, "--data", restored).ok(t)
	cluster.Exec("template1", `CREATE DATABASE afresh TEMPLATE template0`)
	cli(t, "", "copy", "--from", "sqlite:"+restored, "--to", cluster.URL("afresh")).ok(t)

	c := newCaller(t, servePostgres(t, cluster.URL("afresh"), "node-1").url)
	c.get("/v1/verify", all[0].bearer()).is(t, http.StatusNoContent)
	c.get("/v1/verify", all[1].bearer()).is(t, http.StatusUnauthorized)
}
