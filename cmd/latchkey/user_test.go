package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"latchkey/keys"
)

func TestUserResetWithoutAFilePrintsANewPasswordOnce(t *testing.T) {
	folder := initialised(t)
	s := serveFolder(t, folder)
	before := newBrowser(t, s.url)
	before.signIn("ana@acme.example", goodPassword)

	out := cli(t, "", "user", "reset", " ANA@acme.example", "--data", folder).ok(t).stdout
	found := regexp.MustCompile(`(?m)^    (\S+)$`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no password was printed: %s", out)
	}
	if got := before.get("/account/api-keys/generated"); got.status == http.StatusOK {
		t.Error("the session from before the reset is still good")
	}
	b := newBrowser(t, s.url)
	if got := b.post("/login", url.Values{"email": {"ana@acme.example"}, "password": {goodPassword}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the former password answered %d; want 422", got.status)
	}
	b.signIn("ana@acme.example", found[1])
	s.stop()
	if strings.Contains(s.stderr.String(), found[1]) {
		t.Error("the new password is in the log")
	}
}

func TestUserResetWithAFile(t *testing.T) {
	folder := initialised(t)
	const next = "eleven loud herons wade"
	out := cli(t, "", "user", "reset", "ana@acme.example", "--data", folder, "--password-file", passwordFile(t, next)).ok(t).stdout
	if strings.Contains(out, next) {
		t.Errorf("the password of the file is printed: %s", out)
	}
	cli(t, "too short", "user", "reset", "ana@acme.example", "--data", folder, "--password-file", "-").refused(t, "15", "Nothing was changed")
	s := serveFolder(t, folder)
	newBrowser(t, s.url).signIn("ana@acme.example", next)
	s.stop()
}

func TestUserUnlockLetsSomebodyWaitingInAtOnce(t *testing.T) {
	folder := initialised(t)
	s := serveFolder(t, folder)
	b := newBrowser(t, s.url)
	wrong := url.Values{"email": {"ana@acme.example"}, "password": {"not the password at all"}}
	for range keys.FreeFailures + 3 {
		if b.post("/login", wrong).status == http.StatusTooManyRequests {
			break
		}
	}
	right := url.Values{"email": {"ana@acme.example"}, "password": {goodPassword}}
	if got := b.post("/login", right); got.status != http.StatusTooManyRequests {
		t.Fatalf("the right password after many wrong ones answered %d; want 429", got.status)
	}
	cli(t, "", "user", "unlock", "ana@acme.example", "--data", folder).ok(t)
	b.signIn("ana@acme.example", goodPassword)
	s.stop()
}

func TestUserListShowsWhoCanSignIn(t *testing.T) {
	folder := initialised(t)
	row := func() string {
		t.Helper()
		list := cli(t, "", "user", "list", "--data", folder).ok(t).stdout
		head, row, _ := strings.Cut(strings.TrimSpace(list), "\n")
		if !regexp.MustCompile(`^EMAIL +ACCOUNT +ROLES +STATUS +LAST SIGN-IN +LOCKED$`).MatchString(head) {
			t.Errorf("the head is %q", head)
		}
		return row
	}
	if got := row(); !regexp.MustCompile(`^ana@acme.example +acme +Owner +active +never +no$`).MatchString(got) {
		t.Errorf("the row is %q", got)
	}
	s := serveFolder(t, folder)
	newBrowser(t, s.url).signIn("ana@acme.example", goodPassword)
	s.stop()
	if got := row(); !regexp.MustCompile(`Owner +active +\d{4}-\d\d-\d\d \d\d:\d\d UTC +no$`).MatchString(got) {
		t.Errorf("the row after a sign-in is %q", got)
	}
}

func TestUnknownUsersAreNamedAsSuch(t *testing.T) {
	folder := initialised(t)
	cli(t, "", "user", "reset", "eve@acme.example", "--data", folder).refused(t, "no user", "latchkey user list")
	cli(t, "", "user", "unlock", "eve@acme.example", "--data", folder).refused(t, "no user", "latchkey user list")
}
