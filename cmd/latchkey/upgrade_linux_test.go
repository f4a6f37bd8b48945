package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestAnUpgradeThatIsKilledIsWholeOrNotBegun upgrades the database of every released schema, and kills the
// program at each write that it makes to the disk: between two writes nothing that is kept can differ. Each
// time, every migration was made wholly or not at all, and the next start ends with the same database as an
// upgrade that nobody disturbed.
func TestAnUpgradeThatIsKilledIsWholeOrNotBegun(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: some hundred traced processes")
	}
	needs(t, "strace")
	fixtures, err := filepath.Glob("../../store/testdata/fixture-v*.db")
	if err != nil || len(fixtures) < 4 {
		t.Fatalf("%d fixtures, %v", len(fixtures), err)
	}
	schemas := schemasByVersion(t, fixtures[0])
	kills := 0
	for _, fixture := range fixtures {
		undisturbed := copyFixture(t, fixture)
		upgrade(t, undisturbed, 0)
		want := dumpOf(t, undisturbed)
		for n := 1; ; n++ {
			path := copyFixture(t, fixture)
			if !upgrade(t, path, n) {
				break
			}
			kills++
			db := rawFile(t, path)
			version := column(t, db, `SELECT MAX(version_id) FROM goose_db_version`)
			if schemas[version] == "" || schemaOf(t, db) != schemas[version] {
				t.Fatalf("%s, killed at write %d, has version %s and the schema %s", fixture, n, version, schemaOf(t, db))
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			upgrade(t, path, 0)
			if got := dumpOf(t, path); got != want {
				t.Fatalf("%s, killed at write %d, ends as\n%s\nwant\n%s", fixture, n, got, want)
			}
		}
		cli(t, "", "audit", "verify", "--data", filepath.Dir(undisturbed)).ok(t)
	}
	t.Logf("note: %d kills at the writes of %d upgrades: each migration whole or not begun", kills, len(fixtures))
	if kills < 20 {
		t.Errorf("only %d kills", kills)
	}
}

// schemasByVersion migrates the oldest fixture step by step and returns the schema of each version.
func schemasByVersion(t *testing.T, oldest string) map[string]string {
	t.Helper()
	db := rawFile(t, copyFixture(t, oldest))
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("../../store/migrations"))
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]string{}
	for {
		schemas[column(t, db, `SELECT MAX(version_id) FROM goose_db_version`)] = schemaOf(t, db)
		if _, err := steps.UpByOne(t.Context()); errors.Is(err, goose.ErrNoNextVersion) {
			return schemas
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// copyFixture returns the path of a data folder's database that is a copy of a fixture.
func copyFixture(t *testing.T, fixture string) string {
	t.Helper()
	content, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), databaseFile)
	write(t, path, string(content))
	return path
}

// upgrade runs a command that opens the database, and kills it at its write of this number. It returns whether
// it was killed.
func upgrade(t *testing.T, path string, at int) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	args := []string{binary(t), "account", "list", "--data", filepath.Dir(path)}
	if at > 0 {
		calls := "pwrite64,ftruncate,fsync,unlink,unlinkat"
		args = append([]string{"strace", "-f", "-o", os.DevNull, "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, at)}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil && (at == 0 || ctx.Err() != nil) {
		t.Fatalf("%v: %s", err, out)
	}
	return err != nil
}

func column(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var all []string
	each(t, db, query, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		all = append(all, text)
		return err
	})
	return strings.Join(all, "\n")
}

func schemaOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	return column(t, db, `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name`)
}

// dumpOf is everything in a database but when it was migrated.
func dumpOf(t *testing.T, path string) string {
	t.Helper()
	db := rawFile(t, path)
	defer func() { _ = db.Close() }()
	var all strings.Builder
	for _, table := range strings.Fields(column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose%' ORDER BY name`)) {
		columns := strings.Fields(column(t, db, `SELECT 'quote("' || name || '")' FROM pragma_table_info('`+table+`') ORDER BY cid`))
		fmt.Fprintf(&all, "%s\n%s\n", table, column(t, db, `SELECT `+strings.Join(columns, ` || ',' || `)+` FROM `+table+` ORDER BY 1`))
	}
	return all.String() + schemaOf(t, db)
}

// An older program meets a database of a newer one: every command leaves all files as they are.
func TestAnOlderProgramTouchesNothing(t *testing.T) {
	folder, _ := guarded(t, 1)
	db := rawDB(t, folder)
	sqlExec(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
	sqlExec(t, db, `CREATE TABLE later (id TEXT NOT NULL PRIMARY KEY)`)
	sqlExec(t, db, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, folder)
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		{"serve", "--listen", "127.0.0.1:0"},
		{"user", "list"},
		{"user", "unlock", "ana@acme.example"},
		{"account", "list"},
		{"account", "confirm", "acme"},
		{"audit", "verify"},
		{"audit", "export", out},
		{"backup", out},
	} {
		cli(t, "", append(args, "--data", folder)...).refused(t, "schema 9999", "start a newer version")
		after := contents(t, folder)
		delete(after, lockFile)
		delete(before, lockFile)
		if !mapsEqual(before, after) {
			t.Errorf("%s changed the folder", strings.Join(args, " "))
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s wrote a file", strings.Join(args, " "))
		}
	}
}
