package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// used is a data folder in which every table that is copied has rows.
func used(t *testing.T) (folder string, all []issued) {
	t.Helper()
	folder, all = guarded(t, 4)
	cli(t, goodPassword+"\n", "account", "create", "--data", folder, "--account", "globex", "--email", "gil@globex.example", "--password-file", "-").ok(t)
	var lent issued
	inStoreOf(t, folder, "globex", func(s *store.Store, by keys.Actor) { lent = issue(t, s, by, 1)[0] })
	s := serveFolder(t, folder)
	a := newAdmin(t, s)
	does := func(path string, status int, form url.Values) {
		t.Helper()
		if got := a.post(path, form); got.status != status {
			t.Fatalf("%s answered %d; want %d", path, got.status, status)
		}
	}
	does(pathNew, http.StatusOK, url.Values{"name": {"By link, ünï “cödé”\u202e"}, "handover": {"link"}, "nonce": {secret.NewNonce()}})
	does(pathKey(string(all[1].id), "renew"), http.StatusOK, url.Values{"nonce": {secret.NewNonce()}})
	does(pathKey(string(all[2].id), "deactivate"), http.StatusSeeOther, nil)
	does(pathKey(string(all[3].id), "delete"), http.StatusSeeOther, url.Values{"understood": {"on"}})
	does("/account/api-keys/external/new", http.StatusSeeOther, url.Values{"key": {string(lent.id)}, "owner": {"globex"}, "roles": {"orders-viewer"}})
	does("/account/users/invite", http.StatusOK, url.Values{"email": {"ben@acme.example"}, "roles": {"user-administrator"}, "nonce": {secret.NewNonce()}})
	does("/account/preferences", http.StatusSeeOther, url.Values{"language": {"es"}, "theme": {"dark"}, "zone": {"Europe/Lisbon"}})
	newBrowser(t, s.url).post("/login", url.Values{"email": {"nobody@acme.example"}, "password": {"wrong"}})
	c := newCaller(t, s.url)
	c.get("/v1/verify", all[0].bearer()).is(t, http.StatusNoContent)
	c.get("/v1/verify", all[2].bearer()).is(t, http.StatusUnauthorized)
	s.stop()
	return folder, all
}

func TestAnInstallationMovesToPostgreSQLAndBack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it moves twice")
	}
	folder, all := used(t)
	before := tablesOf(t, rawDB(t, folder))
	for table, rows := range before {
		if len(rows) == 0 && !slices.Contains(emptyHere, table) {
			t.Errorf("table %s has no rows, so nothing shows that they are copied", table)
		}
	}
	head := cli(t, "", "audit", "verify", "--data", folder).ok(t).stdout
	head = head[strings.LastIndex(strings.TrimSpace(head), "\n")+1:]
	cluster := storetest.NewCluster(t)
	database := cluster.URL("postgres")

	to := cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", database).ok(t)
	for _, want := range []string{"api_key", "audit", strings.TrimSpace(head), "every table is the same"} {
		if !strings.Contains(to.stdout, want) {
			t.Errorf("the copy says %q; want %q in it", to.stdout, want)
		}
	}
	cli(t, "", "audit", "verify", "--database-url", database, "--head", strings.TrimSpace(head)).ok(t)
	cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", database).refused(t, "holds a Latchkey already")

	back := filepath.Join(t.TempDir(), "back")
	file := passwordFile(t, database)
	again := cli(t, "", "copy", "--from-file", file, "--to", "sqlite:"+back).ok(t)
	if a, b := table(to.stdout), table(again.stdout); a != b {
		t.Errorf("the copy back lists\n%s\nand the first one\n%s", b, a)
	}
	if after := tablesOf(t, rawDB(t, back)); !sameTables(before, after) {
		t.Errorf("after both moves the tables differ: %s", differing(before, after))
	}
	cli(t, "", "audit", "verify", "--data", back, "--head", strings.TrimSpace(head)).ok(t)

	for name, s := range map[string]*served{"PostgreSQL": servePostgres(t, database, "node-1"), "the folder": serveFolder(t, back)} {
		c := newCaller(t, s.url)
		c.get("/v1/verify", all[0].bearer()).is(t, http.StatusNoContent)
		c.get("/v1/verify", all[1].bearer()).is(t, http.StatusNoContent)
		c.get("/v1/verify", all[2].bearer()).is(t, http.StatusUnauthorized)
		c.get("/v1/verify", all[3].bearer()).is(t, http.StatusUnauthorized)
		newAdmin(t, s).generates()
		if name == "PostgreSQL" {
			cli(t, "", "copy", "--from", database, "--to", "sqlite:"+filepath.Join(t.TempDir(), "x")).refused(t, "node node-1 is at work on it", "nothing was copied")
		} else {
			cli(t, "", "copy", "--from", "sqlite:"+back, "--to", "sqlite:"+filepath.Join(t.TempDir(), "x")).refused(t, "another latchkey is running on")
		}
		s.stop()
	}
}

// emptyHere are tables whose rows come from what the test does not do.
var emptyHere = []string{"setup_code", "node"}

func TestACopyThatWouldNotBeOneIsRefused(t *testing.T) {
	folder := initialised(t)
	before := contents(t, folder)
	empty := filepath.Join(t.TempDir(), "empty")
	for _, c := range []struct {
		args []string
		says string
		code int
	}{
		{nil, "--from is missing", exitUsage},
		{[]string{"--from", "sqlite:" + folder}, "--to is missing", exitUsage},
		{[]string{"--from", "sqlite:" + folder, "--to", "sqlite:" + folder}, "the same place", exitUsage},
		{[]string{"--from", "sqlite:" + folder, "--to", "mysql://x"}, "--to is no place", exitUsage},
		{[]string{"--from", folder, "--to", "sqlite:" + empty}, "--from is no place", exitUsage},
		{[]string{"--from", "sqlite:" + empty, "--to", "sqlite:" + filepath.Join(t.TempDir(), "b")}, "there is no Latchkey in", exitFailed},
		{[]string{"--from", "sqlite:" + folder, "--to", "sqlite:" + initialised(t)}, "holds a Latchkey already", exitFailed},
		{[]string{"--from", "sqlite:" + folder, "--from-file", "x", "--to", "sqlite:" + empty}, "are both set", exitUsage},
	} {
		got := cli(t, "", append([]string{"copy"}, c.args...)...)
		got.refused(t, c.says)
		if got.code != c.code {
			t.Errorf("exit code %d after %q; want %d", got.code, got.stderr, c.code)
		}
	}
	after := contents(t, folder)
	delete(before, "lock")
	delete(after, "lock")
	for name := range before {
		if !strings.HasPrefix(name, databaseFile+"-") && before[name] != after[name] {
			t.Errorf("a refusal changed %s", name)
		}
	}
}

func TestAFolderThatWasMovedIsNotServedByMistake(t *testing.T) {
	t.Parallel()
	folder, all := guarded(t, 1)
	to := filepath.Join(t.TempDir(), "to")
	copied := cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", "sqlite:"+to).ok(t)
	if strings.Contains(copied.stdout, "could not be written") {
		t.Errorf("the copy says %q", copied.stdout)
	}
	path := filepath.Join(folder, movedFile)
	about, err := os.Stat(path)
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Fatalf("%s: %v, %v; want a file with mode 0600", path, about, err)
	}
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0").refused(t, folder+" was copied to "+to+" at 20", "nothing is served", "revoked there since", "remove the file "+path)
	for _, args := range [][]string{
		{"audit", "verify"},
		{"audit", "export", filepath.Join(t.TempDir(), "log")},
		{"backup", filepath.Join(t.TempDir(), "backup")},
		{"user", "list"},
		{"account", "list"},
	} {
		cli(t, "", append(args, "--data", folder)...).ok(t)
	}
	again := filepath.Join(t.TempDir(), "again")
	twice := cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", "sqlite:"+again).ok(t)
	if !strings.Contains(twice.stdout, folder+" was copied to "+to+" at 20") || !strings.Contains(twice.stdout, "also what was revoked, is not in this copy") {
		t.Errorf("the second copy says %q", twice.stdout)
	}
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0").refused(t, "was copied to "+to+" at 20", "copied to "+again+" at 20")
	serveFolder(t, to).stop()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s := serveFolder(t, folder)
	newCaller(t, s.url).get("/v1/verify", all[0].bearer()).is(t, http.StatusNoContent)
	s.stop()
}

func TestACopyIntoADatabaseInWhichNothingMayBeMadeSaysOnceThatNothingWasCopied(t *testing.T) {
	t.Parallel()
	folder, cluster := initialised(t), storetest.NewCluster(t)
	cluster.Exec("postgres", `REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	cluster.Exec("postgres", `CREATE ROLE guest LOGIN`)
	to := strings.Replace(cluster.URL("postgres"), "postgres@", "guest@", 1)
	said := cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", to)
	said.refused(t, "permission denied", "Nothing was copied")
	if n := strings.Count(said.stderr, "othing was copied"); n != 1 {
		t.Errorf("it says %d times that nothing was copied: %q", n, said.stderr)
	}
}

func TestAFolderThatWasMovedToPostgreSQLIsTheFolderOfANode(t *testing.T) {
	t.Parallel()
	folder := initialised(t)
	cluster := storetest.NewCluster(t)
	database := strings.Replace(cluster.URL("postgres"), "postgres@", "postgres:hunter2@", 1)
	cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", database).ok(t)
	if text := readFile(t, filepath.Join(folder, movedFile)); !strings.Contains(text, "PostgreSQL database postgres on "+cluster.Host()) || strings.Contains(text, "hunter2") {
		t.Errorf("the file says %q; want where to, without the password", text)
	}
	serveFolder(t, folder, "--database-url", database, "--node-name", "node-1").stop()
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0").refused(t, "was copied to PostgreSQL database postgres")
}

func TestACopyWhoseSourceCannotBeMarkedIsMadeAllTheSame(t *testing.T) {
	folder, to := initialised(t), filepath.Join(t.TempDir(), "to")
	if err := os.Mkdir(filepath.Join(folder, movedFile), 0o700); err != nil {
		t.Fatal(err)
	}
	copied := cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", "sqlite:"+to).ok(t)
	if !strings.Contains(copied.stdout, "every table is the same") || !strings.Contains(copied.stdout, "could not be written into "+folder) {
		t.Errorf("the copy says %q", copied.stdout)
	}
	cli(t, "", "audit", "verify", "--data", to).ok(t)
}

func TestACopyWithADatabaseThatDoesNotAnswerSaysThatNothingWasCopied(t *testing.T) {
	folder := initialised(t)
	away := "postgres://latchkey:hunter2@" + freeAddress(t) + "/keys?sslmode=disable"
	for place, args := range map[string][]string{
		"the target": {"--from", "sqlite:" + folder, "--to", away},
		"the source": {"--from", away, "--to", "sqlite:" + filepath.Join(t.TempDir(), "new")},
	} {
		got := cli(t, "", append([]string{"copy"}, args...)...)
		got.refused(t, place+": failed to connect", "Nothing was copied")
		if strings.Contains(got.stderr, "hunter2") || strings.Count(got.stderr, "failed to connect") != 1 || strings.Contains(got.stderr, "there is no Latchkey") {
			t.Errorf("it says %q; want once what is wrong, and no password", got.stderr)
		}
	}
}

func TestACopyThatArrivesOtherwiseIsNotKept(t *testing.T) {
	folder, _ := guarded(t, 2)
	cluster := storetest.NewCluster(t)
	cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", cluster.URL("postgres")).ok(t)
	// Now the target is one that changes what it is given.
	cluster.Exec("postgres", `DROP SCHEMA public CASCADE`)
	cluster.Exec("postgres", `CREATE SCHEMA public`)
	cli(t, goodPassword, "init", "--database-url", cluster.URL("postgres"), "--account", "globex", "--email", "gil@globex.example", "--password-file", "-").ok(t)
	cluster.Exec("postgres", `TRUNCATE account, app_user, audit, change_log CASCADE`)
	cluster.Exec("postgres", `CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := NEW.name || ' '; RETURN NEW; END $$`)
	cluster.Exec("postgres", `CREATE TRIGGER change BEFORE INSERT ON api_key FOR EACH ROW EXECUTE FUNCTION change()`)
	cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", cluster.URL("postgres")).refused(t, "table api_key did not arrive as it was sent", "Nothing was kept of the copy")
	if n := cluster.Text("postgres", `SELECT count(*)::text FROM account`); n != "0" {
		t.Errorf("%s accounts are in the target; want none", n)
	}
}

func TestACopyThatIsKilledLeavesNothingThatIsServed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it copies until it is killed")
	}
	folder, _ := guarded(t, 1)
	storetest.FillKeys(t, filepath.Join(folder, databaseFile), "acme", 5_000)
	before := tablesOf(t, rawDB(t, folder))
	cluster := storetest.NewCluster(t)
	killed := 0
	for i := range 6 {
		to := filepath.Join(t.TempDir(), "to")
		for _, target := range []string{"sqlite:" + to, cluster.URL("postgres")} {
			p := start(t, "copy", "--from", "sqlite:"+folder, "--to", target)
			for range i * 40 {
				_ = cli(t, "", "version") // some time passes
			}
			_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
			if <-p.ended; p.cmd.ProcessState.ExitCode() == 0 {
				continue
			}
			killed++
		}
		if _, err := os.Stat(filepath.Join(to, databaseFile)); !errors.Is(err, os.ErrNotExist) {
			cli(t, "", "audit", "verify", "--data", to).ok(t)
		}
		if n := cluster.Text("postgres", `SELECT CASE WHEN to_regclass('account') IS NULL THEN '0' ELSE (xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM account', false, true, '')))[1]::text END`); n != "0" {
			t.Fatalf("after a kill %s accounts are in the target", n)
		}
	}
	if killed == 0 {
		t.Fatal("no copy was killed")
	}
	if !sameTables(before, tablesOf(t, rawDB(t, folder))) {
		t.Error("the source was changed")
	}
	cli(t, "", "copy", "--from", "sqlite:"+folder, "--to", cluster.URL("postgres")).ok(t)
}

// table is what a copy says of its tables.
func table(said string) string { return strings.SplitN(said, "\n\n", 2)[0] }

// tablesOf are all rows of a SQLite database as texts, sorted, by the tables.
func tablesOf(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, name := range textsOf(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`) {
		columns := textsOf(t, db, `SELECT 'quote("' || name || '")' FROM pragma_table_info('`+name+`')`)
		all[name] = textsOf(t, db, `SELECT `+strings.Join(columns, ` || '|' || `)+` FROM `+name+` ORDER BY 1`)
	}
	return all
}

func textsOf(t *testing.T, db *sql.DB, query string) (texts []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

func sameTables(a, b map[string][]string) bool { return differing(a, b) == "" }

// differing names the tables that differ, with the first row that does.
func differing(a, b map[string][]string) string {
	var names []string
	for name := range a {
		if slices.Contains(emptyHere, name) || slices.Equal(a[name], b[name]) {
			continue
		}
		names = append(names, fmt.Sprintf("%s (%d and %d rows)", name, len(a[name]), len(b[name])))
	}
	return strings.Join(names, ", ")
}
