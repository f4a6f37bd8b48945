package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // opens PostgreSQL behind a store's back
	_ "modernc.org/sqlite"             // opens SQLite behind a store's back
)

// rawDatabase is a database behind the store's back: to look at what is in it, and to break it.
type rawDatabase struct {
	*sql.DB
	t        *testing.T
	postgres bool
}

func openRaw(t *testing.T, url string) *rawDatabase {
	driver, name := "sqlite", "file:"+strings.TrimPrefix(url, "sqlite://")+"?_pragma=busy_timeout(5000)"
	postgres := strings.HasPrefix(url, "postgres://")
	if postgres {
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
	return &rawDatabase{DB: db, t: t, postgres: postgres}
}

// do runs statements.
func (r *rawDatabase) do(query string, args ...any) {
	r.t.Helper()
	if _, err := r.ExecContext(r.t.Context(), query, args...); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
}

// count returns the number that a query gives.
func (r *rawDatabase) count(query string, args ...any) (n int64) {
	r.t.Helper()
	if err := r.QueryRowContext(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// texts returns the first column of a query.
func (r *rawDatabase) texts(query string, args ...any) (all []string) {
	r.t.Helper()
	for _, row := range r.rows(query, args...) {
		all = append(all, row[0])
	}
	return all
}

// rows returns every row of a query as texts.
func (r *rawDatabase) rows(query string, args ...any) (all [][]string) {
	r.t.Helper()
	rows, err := r.QueryContext(r.t.Context(), query, args...)
	if err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	columns, err := rows.Columns()
	if err != nil {
		r.t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			r.t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, value := range values {
			row[i] = text(value)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return all
}

func text(value any) string {
	if raw, ok := value.([]byte); ok {
		return fmt.Sprintf("%x", raw)
	}
	return fmt.Sprint(value)
}

// tables are the names of all tables of the schema.
func (r *rawDatabase) tables() []string {
	r.t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if r.postgres {
		query = `SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`
	}
	names := r.texts(query)
	if len(names) < 15 {
		r.t.Fatalf("found only the tables %q", names)
	}
	return names
}

// dump is the whole content of the database, but for the tables that are left out.
func (r *rawDatabase) dump(but ...string) string {
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

// refuseCommits makes every transaction fail that writes the audit log, but only when it commits, until
// the returned function is called.
func (r *rawDatabase) refuseCommits() (allow func()) {
	r.t.Helper()
	r.do(`CREATE TABLE refused (account_id TEXT REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED)`)
	if !r.postgres {
		r.do(`CREATE TRIGGER refuse_commits AFTER INSERT ON audit BEGIN INSERT INTO refused VALUES ('none'); END`)
		return func() { r.t.Helper(); r.do(`DROP TRIGGER refuse_commits`); r.do(`DROP TABLE refused`) }
	}
	r.do(`CREATE FUNCTION refuse_commits() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO refused VALUES ('none'); RETURN NULL; END $$`)
	r.do(`CREATE TRIGGER refuse_commits AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse_commits()`)
	return func() { r.t.Helper(); r.do(`DROP TRIGGER refuse_commits ON audit`); r.do(`DROP TABLE refused`) }
}

// refuse makes every INSERT into a table, or DELETE from it, fail, until the returned function is called.
func (r *rawDatabase) refuse(what, table string) (allow func()) {
	r.t.Helper()
	if !r.postgres {
		r.do(`CREATE TRIGGER refuse_it BEFORE ` + what + ` ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
		return func() { r.t.Helper(); r.do(`DROP TRIGGER refuse_it`) }
	}
	r.do(`CREATE OR REPLACE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$`)
	r.do(`CREATE TRIGGER refuse_it BEFORE ` + what + ` ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION refuse_it()`)
	return func() { r.t.Helper(); r.do(`DROP TRIGGER refuse_it ON ` + table) }
}
