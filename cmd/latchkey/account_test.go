package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestFurtherAccountsAreCreatedBesideARunningServer(t *testing.T) {
	folder := initialised(t)
	s := serveFolder(t, folder)
	create := func(account, email string) result {
		return cli(t, goodPassword+"\n", "account", "create", "--data", folder, "--account", account, "--email", email, "--zone", "America/Sao_Paulo", "--password-file", "-")
	}
	create("globex", "bob@globex.example").ok(t)
	newBrowser(t, s.url).signIn("bob@globex.example", goodPassword)
	s.stop()

	create("globex", "carol@globex.example").refused(t, "account", "Nothing was changed")
	create("initech", "bob@globex.example").refused(t, "email", "Nothing was changed")

	list := cli(t, "", "account", "list", "--data", folder).ok(t).stdout
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 3 {
		t.Fatalf("the list has %d lines; want a head and two accounts:\n%s", len(lines), list)
	}
	for i, pattern := range []string{`^ACCOUNT +TIME ZONE +TOKEN DURATION +KEYS +CREATED$`, `^acme +UTC +3 months +0 +\d{4}-\d\d-\d\d$`, `^globex +America/Sao_Paulo +3 months +0 +\d{4}-\d\d-\d\d$`} {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("line %d is %q; want %s", i, lines[i], pattern)
		}
	}
}

func TestTheFirstAccountMayAlsoBeCreatedBeforeSetup(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, folder)
	cli(t, goodPassword, "account", "create", "--data", folder, "--account", "acme", "--email", "ana@acme.example", "--password-file", "-").ok(t)
	if got := newBrowser(t, s.url).get("/setup"); got.status != 404 {
		t.Errorf("/setup answered %d; want 404", got.status)
	}
	s.stop()
}
