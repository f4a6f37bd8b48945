package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// signInWith is a browser that is signed in and says what it is.
func (k *kit) signInWith(email, ip, userAgent string) *browser {
	k.t.Helper()
	b := k.browser()
	try := store.LoginTry{Email: email, IP: ip}
	candidate, err := k.store.BeginLogin(k.t.Context(), try)
	must(k.t, err)
	session := secret.New(secret.KindSession)
	who := keys.Actor{Kind: keys.ActorUser, AccountID: candidate.AccountID, Account: candidate.Account, UserID: candidate.UserID, Email: email}
	start := store.SessionStart{Session: session.Digest(), IP: ip, UserAgent: userAgent}
	must(k.t, k.store.FinishLogin(k.t.Context(), who, candidate, try, start, ""))
	b.cookies[k.server.sessions.name()] = &http.Cookie{Name: k.server.sessions.name(), Value: session.Reveal()}
	return b
}

const (
	chromiumOnLinux  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36"
	firefoxOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	hostileAgent     = `<img src=x onerror=alert(1)>{{.Name}}`
)

// threeSessions are two sessions of ana, the second of them hers now, one of an odd client of hers, and
// one of somebody else.
func threeSessions(t *testing.T) (k *kit, here, there, odd, theirs *browser) {
	t.Helper()
	k = newKit(t)
	odd = k.signInWith("ana@acme.example", "198.51.100.1", hostileAgent)
	k.clock.advance(time.Minute)
	there = k.signInWith("ana@acme.example", "203.0.113.7", firefoxOnWindows)
	k.clock.advance(2 * time.Minute)
	here = k.signInWith("ana@acme.example", "192.0.2.17", chromiumOnLinux)
	theirs = k.signInWith("ana@globex.example", "192.0.2.99", firefoxOnWindows)
	return k, here, there, odd, theirs
}

func TestTheListOfSessionsHasTheUsersOwn(t *testing.T) {
	_, here, _, _, theirs := threeSessions(t)
	a := here.get(pathAccountSessions())
	a.is(http.StatusOK)
	a.says("h1", "Your sessions")
	if got := a.texts("thead th"); !slices.Equal(got, []string{"Browser", "IP address", "Logged in", "Last used", "Action"}) {
		t.Errorf("the columns are %q", got)
	}
	rows := [][]string{a.texts("tbody tr:nth-child(1) > *"), a.texts("tbody tr:nth-child(2) > *"), a.texts("tbody tr:nth-child(3) > *")}
	for i, want := range [][]string{
		{"Chromium on Linux", "192.0.2.17", "12 Sep 2026, 10:03 UTC", "just now", "This session"},
		{"Firefox on Windows", "203.0.113.7", "12 Sep 2026, 10:01 UTC", "2 minutes ago", "Sign out"},
		{"Unknown browser", "198.51.100.1", "12 Sep 2026, 10:00 UTC", "3 minutes ago", "Sign out"},
	} {
		if !slices.Equal(rows[i], want) {
			t.Errorf("row %d is %q, want %q", i+1, rows[i], want)
		}
	}
	if a.Find("tbody tr").Length() != 3 || strings.Contains(a.body, "192.0.2.99") || strings.Contains(a.body, "onerror") {
		t.Error("the list shows somebody else's session, or what a client says of itself")
	}
	if got := a.Find("tbody tr:nth-child(2) button").AttrOr("aria-label", ""); got != "Sign out Firefox on Windows, 203.0.113.7" {
		t.Errorf("the button is called %q", got)
	}
	value := here.cookies["latchkey_session"].Value
	if strings.Contains(a.body, value) || strings.Contains(a.body, value[4:]) {
		t.Error("the list holds the session's secret")
	}
	if got := theirs.get(pathAccountSessions()).texts("tbody th"); !slices.Equal(got, []string{"Firefox on Windows"}) {
		t.Errorf("somebody else sees %q", got)
	}
}

func TestASessionOfTheListIsSignedOutAndItsCookieRefused(t *testing.T) {
	k, here, there, odd, theirs := threeSessions(t)
	page := here.get(pathAccountSessions())
	end, _ := page.Find("tbody tr:nth-child(2) form").Attr("action")
	for name, who := range map[string]*browser{"somebody else": theirs, "nobody": k.browser()} {
		before := k.dump()
		a := who.post(end, nil)
		if name == "nobody" {
			a.is(http.StatusSeeOther)
		} else {
			a.is(http.StatusNotFound)
		}
		if k.dump() != before {
			t.Errorf("%s changed something", name)
		}
	}
	here.post(end, nil).leadsTo(pathAccountSessions())
	list := here.get(pathAccountSessions())
	list.says("#flash", "The session in Firefox on Windows has ended.")
	if got := list.texts("tbody th"); !slices.Equal(got, []string{"Chromium on Linux", "Unknown browser"}) {
		t.Errorf("left are %q", got)
	}
	there.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	odd.get(pathKeys()).is(http.StatusOK)
	theirs.get(pathKeys()).is(http.StatusOK)
	k.hasRevoked(1)
	again := here.post(end, nil)
	again.is(http.StatusNotFound)
	again.says("h1", "That session has ended already")
	if again.Find(`main a[href="`+pathAccountSessions()+`"]`).Length() != 1 {
		t.Error("no way back to the list")
	}
	for _, id := range []string{"%00", "%ff", strings.Repeat("x", 4000), "'--"} {
		if a := here.post(pathAccountSessionEnd(id), nil); a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
			t.Errorf("%q: %d", id, a.status)
		}
	}
	k.hasRevoked(1)
}

func TestSignOutEverywhereAsksAndEndsEverySession(t *testing.T) {
	k, here, there, odd, theirs := threeSessions(t)
	link, _ := here.get(pathAccountSessions()).Find(".head a.btn").Attr("href")
	before := k.dump()
	page := here.get(link)
	page.says("h1", "Sign out everywhere")
	page.says("main", "this one too")
	if k.dump() != before {
		t.Error("asking changed something")
	}
	copied := *here.cookies["latchkey_session"]
	a := here.post(page.Find("main form").AttrOr("action", ""), nil)
	a.leadsTo(pathLogin() + "?notice=everywhere")
	if a.header.Get("Clear-Site-Data") == "" || here.cookies["latchkey_session"] != nil {
		t.Error("the browser keeps something of the session")
	}
	here.get(a.header.Get("Location")).says("main", "You are signed out everywhere.")
	here.cookies[copied.Name] = &copied
	for name, who := range map[string]*browser{"here": here, "there": there, "odd": odd} {
		if got := who.get(pathKeys()); got.status != http.StatusSeeOther {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	theirs.get(pathKeys()).is(http.StatusOK)
	k.hasRevoked(1)
}

// hasRevoked asserts how many events of ended sessions there are.
func (k *kit) hasRevoked(want int) {
	k.t.Helper()
	if got := k.raw.Texts(`SELECT id FROM audit WHERE action = $1`, string(keys.ActionSessionRevoked)); len(got) != want {
		k.t.Fatalf("%d events, want %d", len(got), want)
	}
}

func TestBrowsersAreNamedByOurWordsAlone(t *testing.T) {
	k := newKit(t)
	c := k.server.echo.NewContext(k.browser().request(http.MethodGet, "/", nil), nil)
	for agent, want := range map[string]string{
		chromiumOnLinux:  "Chromium on Linux",
		firefoxOnWindows: "Firefox on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15":                      "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1":    "Safari on iPhone",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0 Mobile/15E148 Safari/604.1":     "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 16; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36":                             "Chrome on ChromeOS",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 OPR/120.0.0.0":                        "Opera on Linux",
		"curl/8.14.1":        "curl",
		"SomethingOfLinux/1": "Unknown browser on Linux",
		"":                   "Unknown browser",
		hostileAgent:         "Unknown browser",
	} {
		if got := sayBrowser(c, agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}
