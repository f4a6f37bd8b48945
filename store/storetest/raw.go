package storetest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // opens PostgreSQL behind a store's back
	_ "modernc.org/sqlite"             // opens SQLite behind a store's back
)

// Raw is a database behind the store's back: to look at what is in it, and to break it. What it takes on
// each database to do so is here and nowhere else.
type Raw struct {
	*sql.DB
	t        testing.TB
	url      string
	postgres bool
	// reader is the one connection of EveryRow, or nil before its first call; read is what it returned at
	// version.
	reader  *sql.DB
	version string
	read    []string
}

// OpenRaw opens the database at a URL that this package gave, until the end of the test.
func OpenRaw(t testing.TB, url string) *Raw {
	t.Helper()
	return &Raw{DB: openSQL(t, url), t: t, url: url, postgres: isPostgres(url)}
}

func openSQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, name := "sqlite", "file:"+pathOf(url)+"?_pragma=busy_timeout(5000)"
	if isPostgres(url) {
		driver, name = "pgx", url
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Do runs statements.
func (r *Raw) Do(query string, args ...any) {
	r.t.Helper()
	if _, err := r.ExecContext(r.t.Context(), query, args...); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
}

// count returns the number that a query gives.
func (r *Raw) count(query string, args ...any) (n int64) {
	r.t.Helper()
	if err := r.QueryRowContext(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Texts returns the first column of a query.
func (r *Raw) Texts(query string, args ...any) (all []string) {
	r.t.Helper()
	for _, row := range r.rows(query, args...) {
		all = append(all, row[0])
	}
	return all
}

// rows returns every row of a query as texts.
func (r *Raw) rows(query string, args ...any) [][]string {
	r.t.Helper()
	_, all := rowsOf(r.t, r.DB, query, args...)
	return all
}

// rowsOf returns the columns of a query and every row of it as texts.
func rowsOf(t testing.TB, db *sql.DB, query string, args ...any) (columns []string, all [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	columns, err = rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, value := range values {
			row[i] = text(value)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, all
}

func text(value any) string {
	if raw, ok := value.([]byte); ok {
		return fmt.Sprintf("%x", raw)
	}
	return fmt.Sprint(value)
}

// tables are the names of all tables of the schema.
func (r *Raw) tables() []string {
	r.t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if r.postgres {
		query = `SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`
	}
	names := r.Texts(query)
	if len(names) < 15 {
		r.t.Fatalf("found only the tables %q", names)
	}
	return names
}

// dump is the whole content of the database, but for the tables that are left out.
func (r *Raw) dump(but ...string) string {
	r.t.Helper()
	var all strings.Builder
	for _, table := range r.tables() {
		if slices.Contains(but, table) {
			continue
		}
		var lines []string
		for _, row := range r.rows(`SELECT * FROM ` + table) {
			lines = append(lines, strings.Join(row, "|"))
		}
		slices.Sort(lines)
		fmt.Fprintf(&all, "%s\n%s\n", table, strings.Join(lines, "\n"))
	}
	return all.String()
}

// wantTypes fails the test unless the database refuses a text in columns, such as audit.at, of other types.
func (r *Raw) wantTypes(columns ...string) {
	r.t.Helper()
	for _, column := range columns {
		table, name, _ := strings.Cut(column, ".")
		if _, err := r.ExecContext(r.t.Context(), `UPDATE `+table+` SET `+name+` = 'x'`); err == nil {
			r.t.Errorf("%s takes a text", column)
		}
	}
}

// EveryRow returns every row of every table as "table: column=value column=value", table by table. What nobody
// committed to since the last call is not read again.
func (r *Raw) EveryRow() []string {
	r.t.Helper()
	if r.reader == nil {
		r.reader = openSQL(r.t, r.url)
		r.reader.SetMaxOpenConns(1) // SQLite tells a connection of what others committed
	}
	query := `PRAGMA data_version`
	if r.postgres {
		query = `SELECT pg_current_snapshot()::text` // it moves on with every transaction that wrote
	}
	_, version := rowsOf(r.t, r.reader, query)
	if version[0][0] == r.version {
		return r.read
	}
	r.version, r.read = version[0][0], nil
	for _, table := range r.tables() {
		columns, rows := rowsOf(r.t, r.reader, `SELECT * FROM `+table)
		lines := make([]string, len(rows))
		for i, row := range rows {
			for j, value := range row {
				row[j] = columns[j] + "=" + value
			}
			lines[i] = table + ": " + strings.Join(row, " ")
		}
		slices.Sort(lines)
		r.read = append(r.read, lines...)
	}
	return r.read
}

// Files returns what the files hold that the database keeps its content in, its log of changes among them, by
// what they are. A server's log is that of all its databases.
func (r *Raw) Files() map[string]string {
	r.t.Helper()
	if !r.postgres {
		return map[string]string{"file": readAll(r.t, pathOf(r.url)), "log of changes": readAll(r.t, pathOf(r.url)+"-wal")}
	}
	r.Do(`CHECKPOINT`)
	data := r.Texts(`SHOW data_directory`)[0]
	own := r.Texts(`SELECT oid::text FROM pg_database WHERE datname = current_database()`)[0]
	return map[string]string{
		"tables": readAll(r.t, filepath.Join(data, "base", own, "*")), "log of changes": readAll(r.t, filepath.Join(data, "pg_wal", "*")),
	}
}

// readAll is the content of all files of a pattern, one after the other.
func readAll(t testing.TB, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("there is no %s: %v", pattern, err)
	}
	var all strings.Builder
	for _, path := range paths {
		about, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if about.IsDir() {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

// refuseCommits makes every transaction fail that writes the audit log, but only when it commits, until
// the returned function is called.
func (r *Raw) refuseCommits() (allow func()) {
	r.t.Helper()
	r.Do(`CREATE TABLE refused (account_id TEXT REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED)`)
	if !r.postgres {
		r.Do(`CREATE TRIGGER refuse_commits AFTER INSERT ON audit BEGIN INSERT INTO refused VALUES ('none'); END`)
		return func() { r.t.Helper(); r.Do(`DROP TRIGGER refuse_commits`); r.Do(`DROP TABLE refused`) }
	}
	r.Do(`CREATE FUNCTION refuse_commits() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO refused VALUES ('none'); RETURN NULL; END $$`)
	r.Do(`CREATE TRIGGER refuse_commits AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse_commits()`)
	return func() { r.t.Helper(); r.Do(`DROP TRIGGER refuse_commits ON audit`); r.Do(`DROP TABLE refused`) }
}

// Refuse makes every INSERT into a table, or DELETE from it, fail, until the returned function is called.
func (r *Raw) Refuse(what, table string) (allow func()) {
	r.t.Helper()
	if !r.postgres {
		r.Do(`CREATE TRIGGER refuse_it BEFORE ` + what + ` ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
		return func() { r.t.Helper(); r.Do(`DROP TRIGGER refuse_it`) }
	}
	r.Do(`CREATE OR REPLACE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$`)
	r.Do(`CREATE TRIGGER refuse_it BEFORE ` + what + ` ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION refuse_it()`)
	return func() { r.t.Helper(); r.Do(`DROP TRIGGER refuse_it ON ` + table) }
}
