package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInitGivesWhatTheSetupPageGives(t *testing.T) {
	byCommand := initialised(t)

	byPage := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, byPage)
	code := s.line(`^    (lku_\w+)$`)
	newBrowser(t, s.url).post("/setup", url.Values{"code": {code}, "account": {"acme"}, "email": {"ana@acme.example"}, "password": {goodPassword}, "zone": {"UTC"}})
	s.stop()

	for _, query := range []string{
		`SELECT slug, zone FROM account`,
		`SELECT email FROM app_user`,
		`SELECT slug, name, description FROM role ORDER BY slug`,
		`SELECT slug, product, name, description FROM resource ORDER BY slug`,
		`SELECT role.slug, resource.slug FROM role_resource JOIN role ON role.id = role_id JOIN resource ON resource.number = role_resource.resource ORDER BY 1, 2`,
		`SELECT app_user.email, role.slug FROM user_role JOIN role ON role.id = role_id JOIN app_user ON app_user.id = user_id ORDER BY 1, 2`,
	} {
		command, page := rowsOf(t, byCommand, query), rowsOf(t, byPage, query)
		if command != page || command == "" {
			t.Errorf("%s\ninit made %s\nthe page made %s", query, command, page)
		}
	}

	s = serveFolder(t, byCommand)
	if got := newBrowser(t, s.url).get("/setup"); got.status != http.StatusNotFound {
		t.Errorf("/setup after init answered %d; want 404", got.status)
	}
	newBrowser(t, s.url).signIn("ana@acme.example", goodPassword)
	s.stop()
}

// rowsOf is the answer of a database that nobody serves, as text.
func rowsOf(t *testing.T, folder, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(folder, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			_, _ = fmt.Fprintf(&text, "%v|", *value.(*any))
		}
		text.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestInitBesideARunningServerClosesItsSetup(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, folder)
	b := newBrowser(t, s.url)
	if got := b.get("/setup"); got.status != http.StatusOK {
		t.Fatalf("/setup answered %d; want 200", got.status)
	}
	cli(t, "", "init", "--data", folder, "--account", "acme", "--email", "Ana@Acme.example", "--password-file", passwordFile(t, goodPassword)).ok(t)
	if _, err := os.Stat(filepath.Join(folder, setupCodeFile)); !os.IsNotExist(err) {
		t.Errorf("the file of the setup code is still there: %v", err)
	}
	if got := b.get("/setup"); got.status != http.StatusNotFound {
		t.Errorf("/setup answered %d; want 404", got.status)
	}
	b.signIn("ana@acme.example", goodPassword)
	s.stop()
}

func TestInitOnAClaimedInstallationIsRefused(t *testing.T) {
	folder := initialised(t)
	cli(t, goodPassword, "init", "--data", folder, "--account", "globex", "--email", "bob@globex.example", "--password-file", "-").refused(t, "latchkey account create")
	if list := cli(t, "", "account", "list", "--data", folder).ok(t).stdout; strings.Contains(list, "globex") {
		t.Errorf("the refused account was made: %s", list)
	}
}

func TestWhatInitRefusesMakesNoInstallation(t *testing.T) {
	tests := []struct {
		name, account, email, password, zone string
		word                                 string
	}{
		{"slug in capitals", "Acme", "ana@acme.example", goodPassword, "UTC", "--account"},
		{"slug too short", "ac", "ana@acme.example", goodPassword, "UTC", "--account"},
		{"slug too long", strings.Repeat("a", 21), "ana@acme.example", goodPassword, "UTC", "--account"},
		{"no address", "acme", "ana", goodPassword, "UTC", "--email"},
		{"unknown zone", "acme", "ana@acme.example", goodPassword, "Mars/Olympus", "--zone"},
		{"short password", "acme", "ana@acme.example", "fourteen chars", "UTC", "15"},
		{"long password", "acme", "ana@acme.example", strings.Repeat("ab cd ", 50), "UTC", "256"},
		{"endless password", "acme", "ana@acme.example", strings.Repeat("ab cd ", 5000), "UTC", "256"},
		{"common password", "acme", "ana@acme.example", "passwordpassword", "UTC", "guess"},
		{"password of the account's name", "acme", "ana@acme.example", "acme-acme-acme-acme", "UTC", "guess"},
		{"empty password", "acme", "ana@acme.example", "", "UTC", "15"},
		{"two lines", "acme", "ana@acme.example", goodPassword + "\n" + goodPassword, "UTC", "line"},
		{"no text", "acme", "ana@acme.example", "seventeen quiet otters \xff\xfe", "UTC", "UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "data")
			r := cli(t, tt.password, "init", "--data", folder, "--account", tt.account, "--email", tt.email, "--zone", tt.zone, "--password-file", "-")
			r.refused(t, tt.word, "Nothing was changed")
			if tt.password != "" && strings.Contains(r.stderr, tt.password) {
				t.Errorf("the password is on standard error: %s", r.stderr)
			}
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("the folder was made: %v", err)
			}
		})
	}
	t.Run("no password file", func(t *testing.T) {
		cli(t, "", "init", "--data", t.TempDir(), "--account", "acme", "--email", "ana@acme.example", "--password-file", "/nowhere/password").refused(t, "/nowhere/password")
	})
}

func TestOneLineEndAfterThePasswordIsNotPartOfIt(t *testing.T) {
	for _, content := range []string{goodPassword, goodPassword + "\n", goodPassword + "\r\n", "  " + goodPassword + "  \n"} {
		got, err := readPassword("-", strings.NewReader(content))
		if want := strings.TrimRight(content, "\r\n"); err != nil || got != want {
			t.Errorf("of %q the password is %q, %v; want %q", content, got, err, want)
		}
	}
}

func TestInitTakesItsFlagsFromTheEnvironment(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	env := []string{
		"LATCHKEY_DATA=" + folder, "LATCHKEY_ACCOUNT=acme", "LATCHKEY_EMAIL=ana@acme.example",
		"LATCHKEY_PASSWORD_FILE=" + passwordFile(t, goodPassword), "LATCHKEY_ZONE=Europe/Lisbon",
	}
	cliWith(t, env, "", "init").ok(t)
	if list := cliWith(t, env, "", "account", "list").ok(t).stdout; !strings.Contains(list, "Europe/Lisbon") {
		t.Errorf("the account list is %q; want it to name the zone", list)
	}
	// The variable that was meant for init must not become another user's password.
	if out := cliWith(t, env, "", "user", "reset", "ana@acme.example").ok(t).stdout; !strings.Contains(out, "shown only now") {
		t.Errorf("user reset took the password of the environment: %s", out)
	}
}
