package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/store"
	"latchkey/store/storetest"
)

func TestACopyIntoASchemaWithOtherTablesNamesThem(t *testing.T) {
	from, to := healthy(t), storetest.Postgres(t)
	raw := storetest.OpenRaw(t, to)
	raw.Do(`CREATE TABLE invoices (id BIGINT PRIMARY KEY)`)
	_, err := store.Copy(t.Context(), from, to, options())
	wantOneLine(t, err, "the target has tables that are not Latchkey's", `"invoices"`, "nothing was copied")
	if tables := raw.Texts(`SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()`); len(tables) != 1 {
		t.Errorf("the target has the tables %q now", tables)
	}

	made := storetest.MigratedPostgres(t)
	raw = storetest.OpenRaw(t, made)
	raw.Do(`CREATE TABLE invoices (id BIGINT PRIMARY KEY)`)
	_, err = store.Copy(t.Context(), from, made, options())
	wantOneLine(t, err, "the target has tables that are not Latchkey's", `"invoices"`, "nothing was copied")
	back := filepath.Join(t.TempDir(), "back.db")
	_, err = store.Copy(t.Context(), made, back, options())
	wantOneLine(t, err, "the source has tables that are not Latchkey's", `"invoices"`, "nothing was copied")
	raw.Do(`DROP TABLE invoices`)
	raw.Do(`ALTER TABLE api_key ADD COLUMN invoice BIGINT`)
	_, err = store.Copy(t.Context(), from, made, options())
	wantOneLine(t, err, "table api_key has the columns", `"invoice"`, "nothing was copied")
	if n := raw.Texts(`SELECT COUNT(*)::text FROM account`)[0]; n != "0" {
		t.Errorf("%s accounts are in the target", n)
	}
}

// wantOneLine fails the test unless an error says these words, and nothing of how the program is made.
func wantOneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if strings.ContainsAny(err.Error(), "\n%") {
		t.Errorf("%q is no sentence", err)
	}
}

func TestAnInstallationThatIsSetUpWhileACopyBeginsIsKept(t *testing.T) {
	from, to := healthy(t), storetest.MigratedPostgres(t)
	raw := storetest.OpenRaw(t, to)
	setUp, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = setUp.Rollback() }()
	_, err = setUp.ExecContext(t.Context(), `
		INSERT INTO account (id, number, slug, zone, duration_unit, duration_amount, enforce_expiry, key_count, created_at, version)
		VALUES ('setup', 7, 'globex', 'UTC', 'days', 90, false, 0, 0, 1)`)
	if err != nil {
		t.Fatal(err)
	}
	copied := make(chan error, 1)
	go func() {
		_, err := store.Copy(t.Context(), from, to, options())
		copied <- err
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for raw.Texts(`SELECT COUNT(*)::text FROM pg_locks WHERE NOT granted AND relation = 'account'::regclass`)[0] == "0" {
		select {
		case err := <-copied:
			t.Fatalf("the copy did not wait for the set-up: %v", err)
		case <-tick.C:
		}
	}
	if err := setUp.Commit(); err != nil {
		t.Fatal(err)
	}
	wantOneLine(t, <-copied, "holds a Latchkey already", "nothing was copied")
	if slugs := raw.Texts(`SELECT slug FROM account`); len(slugs) != 1 || slugs[0] != "globex" {
		t.Errorf("the accounts are %q", slugs)
	}
}
