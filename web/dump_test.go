package web

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// volatile is what reading may touch: when a session was last seen, and the flash that waits in it.
var volatile = regexp.MustCompile(` seen_at=\S+| flash=.*$`)

// ours says which tables hold what the console keeps. Attempts to sign in are counted whatever becomes
// of them.
func ours(table string) bool {
	return table != "login_limit" && table != "goose_db_version" && !strings.HasPrefix(table, "sqlite_")
}

// dump is every row of every table but the volatile ones, as text.
func (k *kit) dump() string {
	k.t.Helper()
	return k.dumpWhere(func(string) bool { return true })
}

// dumpOf is what an account owns. Ids of other accounts never occur in its rows, but those of the external
// keys that it gave roles to.
func (k *kit) dumpOf(slug string) string {
	k.t.Helper()
	db := k.openFile()
	defer func() { must(k.t, db.Close()) }()
	var id string
	must(k.t, db.QueryRowContext(k.t.Context(), `SELECT id FROM account WHERE slug = $1`, slug).Scan(&id))
	keyIDs := column(k.t, db, `SELECT id FROM api_key WHERE account_id = '`+id+`'`)
	return k.dumpWhere(func(row string) bool {
		if strings.Contains(row, "account_number=") { // an external key is the account's that gave it roles
			return strings.Contains(row, "account_id="+id)
		}
		return strings.Contains(row, id) || slices.ContainsFunc(keyIDs, func(key string) bool { return strings.Contains(row, key) })
	})
}

func (k *kit) dumpWhere(keep func(row string) bool) string {
	k.t.Helper()
	var text strings.Builder
	for _, row := range k.everyRow() {
		if keep(row) {
			text.WriteString(volatile.ReplaceAllString(row, "") + "\n")
		}
	}
	return text.String()
}

// reading is what was read of the database, and the connection that tells whether it was changed since.
type reading struct {
	db      *sql.DB
	version string
	rows    []string
}

// everyRow is every row of our tables, each with the name of its table. SQLite counts what others commit, so
// a database that nobody changed is not read again.
func (k *kit) everyRow() []string {
	k.t.Helper()
	if k.read.db == nil {
		k.read.db = k.openFile()
		k.read.db.SetMaxOpenConns(1)
		k.t.Cleanup(func() { must(k.t, k.read.db.Close()) })
	}
	version := column(k.t, k.read.db, `PRAGMA data_version`)[0]
	if version == k.read.version {
		return k.read.rows
	}
	k.read.version, k.read.rows = version, nil
	for _, table := range column(k.t, k.read.db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`) {
		if !ours(table) {
			continue
		}
		for _, row := range rowsOf(k.t, k.read.db, table) {
			k.read.rows = append(k.read.rows, table+": "+row)
		}
	}
	return k.read.rows
}

func (k *kit) openFile() *sql.DB {
	k.t.Helper()
	db, err := sql.Open("sqlite", "file:"+k.file+"?mode=ro&_pragma=busy_timeout(5000)")
	must(k.t, err)
	return db
}

func column(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer func() { _ = rows.Close() }()
	var values []string
	for rows.Next() {
		var value string
		must(t, rows.Scan(&value))
		values = append(values, value)
	}
	must(t, rows.Err())
	return values
}

func rowsOf(t testing.TB, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
	must(t, err)
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	must(t, err)
	var list []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		must(t, rows.Scan(values...))
		var text []string
		for i, v := range values {
			text = append(text, fmt.Sprintf("%s=%v", names[i], *v.(*any)))
		}
		list = append(list, strings.Join(text, " "))
	}
	must(t, rows.Err())
	slices.Sort(list)
	return list
}

// difference is the lines that only one of two dumps has.
func difference(before, after string) string {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	var text strings.Builder
	for _, line := range b {
		if !slices.Contains(a, line) {
			text.WriteString("- " + line + "\n")
		}
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			text.WriteString("+ " + line + "\n")
		}
	}
	return text.String()
}

func regexpFind(t testing.TB, pattern, text string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindString(text)
	if found == "" {
		t.Fatalf("no %s in the page", pattern)
	}
	return found
}
