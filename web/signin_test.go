package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func login(email, pass string) url.Values { return url.Values{"email": {email}, "password": {pass}} }

func TestLoginMakesANewSession(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	b.get(pathKeys()).leadsTo(pathLogin())
	b.get(pathKeysGenerate()).leadsTo(pathLogin() + "?next=" + url.QueryEscape(pathKeysGenerate()))
	a := b.get(pathLogin())
	a.is(http.StatusOK)
	for field, autocomplete := range map[string]string{"email": "username", "password": "current-password"} {
		if got, _ := a.Find("input[name=" + field + "]").Attr("autocomplete"); got != autocomplete {
			t.Errorf("%s: autocomplete %q", field, got)
		}
	}
	b.cookies["latchkey_session"] = &http.Cookie{Name: "latchkey_session", Value: secret.New(secret.KindSession).Reveal()}
	planted := b.cookies["latchkey_session"].Value
	done := b.post(pathLogin(), login(" Ana@ACME.example ", password))
	done.leadsTo(pathKeys())
	cookie := b.cookies["latchkey_session"]
	if cookie.Value == planted {
		t.Error("the session id that the browser came with was kept")
	}
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Domain != "" || cookie.MaxAge != 0 || cookie.Secure {
		t.Errorf("cookie %+v", cookie)
	}
	b.get(pathKeys()).is(http.StatusOK)
	b.get(pathLogin()).leadsTo(pathKeys())
}

func TestOverHTTPSCookiesBelongToTheHost(t *testing.T) {
	k := newKit(t, publicURL("https://keys.acme.example"))
	b := k.browser()
	a := b.post(pathLogin(), login("ana@acme.example", password))
	for _, name := range []string{"__Host-latchkey_session", "__Host-latchkey_device"} {
		c := b.cookies[name]
		if c == nil || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got := a.header.Get("Strict-Transport-Security"); got != "max-age=31536000; includeSubDomains" {
		t.Errorf("HSTS %q", got)
	}
	plain := newKit(t)
	if got := plain.browser().get(pathLogin()).header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS over http: %q", got)
	}
}

func TestAWrongLoginDoesNotTellWhatIsWrong(t *testing.T) {
	k := newKit(t)
	known := k.browser().post(pathLogin(), login("ana@acme.example", "not the password at all"))
	unknown := k.browser().post(pathLogin(), login("ana@acme.exampl", "not the password at all"))
	for _, a := range []answer{known, unknown} {
		a.is(http.StatusUnprocessableEntity)
		a.says(`[role="alert"]`, "Email or password is incorrect")
		if strings.Contains(a.body, "not the password") {
			t.Error("the password is on the page")
		}
	}
	if a, b := strings.ReplaceAll(known.body, "ana@acme.example", "@"), strings.ReplaceAll(unknown.body, "ana@acme.exampl", "@"); a != b {
		t.Error("the page differs")
	}
	if ran := k.server.passwords.Ran(); ran != 2 {
		t.Errorf("argon2 ran %d times for two attempts", ran)
	}
	k.server.FlushRefusals(t.Context())
	if dump := k.dump(); !strings.Contains(dump, "login.fail") || strings.Contains(dump, "acme.exampl ") {
		t.Error("the failures are not in the audit log, or an email that nobody has is")
	}
}

func TestGuessingIsSlowedDownAndLocksNobodyOut(t *testing.T) {
	k := newKit(t)
	owner := k.browser()
	owner.ip = "203.0.113.80"
	owner.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
	before := k.server.passwords.Ran()
	throttled := 0
	for i := range 200 {
		b := k.browser()
		b.header.Set("X-Forwarded-For", "10.0.0."+string(rune('0'+i%10)))
		a := b.post(pathLogin(), login("ana@acme.example", "guess number something"))
		if a.status == http.StatusTooManyRequests {
			throttled++
			a.says(`[role="alert"]`, "Too many attempts. Try again in")
			if a.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if ran := k.server.passwords.Ran() - before; ran > 25 || throttled < 175 {
		t.Errorf("%d of 200 guesses reached argon2, %d were throttled", ran, throttled)
	}
	elsewhere := k.browser()
	elsewhere.ip = "203.0.113.9"
	elsewhere.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
}

func TestParallelGuessesDoNotOutrunTheLimit(t *testing.T) {
	k := newKit(t)
	before := k.server.passwords.Ran()
	var wait sync.WaitGroup
	for range 40 {
		wait.Go(func() {
			k.browser().post(pathLogin(), login("ana@acme.example", "guess number something"))
		})
	}
	wait.Wait()
	if ran := k.server.passwords.Ran() - before; ran > keys.FreeFailures {
		t.Errorf("%d guesses reached argon2", ran)
	}
}

func TestABrowserThatSignedInBeforeIsNotLockedOut(t *testing.T) {
	k := newKit(t)
	owner := k.browser()
	owner.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
	owner.post(pathLogout(), nil)
	for i := range keys.FailuresUntilLocked + 5 {
		stranger := k.browser()
		stranger.ip = "203.0." + string(rune('0'+i/10%10)) + ".1"
		k.clock.advance(keys.MaxLoginWait + time.Minute)
		stranger.post(pathLogin(), login("ana@acme.example", "guess number something"))
	}
	stranger := k.browser()
	stranger.ip = "192.0.2.200"
	a := stranger.post(pathLogin(), login("ana@acme.example", password))
	a.is(http.StatusTooManyRequests)
	a.says(`[role="alert"]`, "latchkey user unlock")
	owner.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
	must(t, k.store.UnlockUser(t.Context(), keys.Command("latchkey user unlock"), "ana@acme.example"))
	stranger.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
}

func TestSessionsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		steps []time.Duration
		alive bool
	}{
		"used within 30 minutes":   {[]time.Duration{29 * time.Minute, 29 * time.Minute}, true},
		"30 minutes without use":   {[]time.Duration{30*time.Minute + time.Second}, false},
		"12 hours, used all along": {repeat(20*time.Minute, 36), false},
		"just under 12 hours":      {repeat(20*time.Minute, 35), true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			b := k.signIn("ana@acme.example")
			var a answer
			for _, step := range c.steps {
				k.clock.advance(step)
				a = b.get(pathKeys())
			}
			if c.alive {
				a.is(http.StatusOK)
				return
			}
			a.leadsTo(pathLogin() + "?notice=ended")
			if len(b.cookies) != 0 {
				t.Error("the cookie was kept")
			}
			b.get(a.header.Get("Location")).says("main", "Your session ended. Log in to continue.")
		})
	}
}

func repeat(step time.Duration, times int) []time.Duration {
	steps := make([]time.Duration, times)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

func TestAnEndedSessionTellsHTMXToGoToTheLogin(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	k.clock.advance(time.Hour)
	a := b.hx(http.MethodPost, pathKeyDeactivate(id, ""), nil)
	a.is(http.StatusUnauthorized)
	if got := a.header.Get("HX-Redirect"); got != pathLogin()+"?notice=ended" {
		t.Errorf("HX-Redirect %q", got)
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	copied := *b.cookies["latchkey_session"]
	b.get(pathLogout()).is(http.StatusMethodNotAllowed)
	b.get(pathKeys()).is(http.StatusOK)
	a := b.post(pathLogout(), nil)
	a.leadsTo(pathLogin() + "?notice=logged-out")
	if got := a.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	thief := k.browser()
	thief.cookies[copied.Name] = &copied
	thief.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
}

func TestNextLeadsOnlyToOurOwnPages(t *testing.T) {
	k := newKit(t)
	for next, want := range map[string]string{
		pathKeysGenerate():         pathKeysGenerate(),
		pathKeys() + "?after=abc":  pathKeys() + "?after=abc",
		"":                         pathKeys(),
		"//evil.example":           pathKeys(),
		"/\\evil.example":          pathKeys(),
		"https://evil.example/":    pathKeys(),
		"/\t/evil.example":         pathKeys(),
		"javascript:alert(1)":      pathKeys(),
		"evil.example":             pathKeys(),
		"/%0d%0aSet-Cookie:%20a=b": "/%0d%0aSet-Cookie:%20a=b",
		"/ok\r\nSet-Cookie: a=b":   pathKeys(),
		"///evil.example":          pathKeys(),
	} {
		fields := login("ana@acme.example", password)
		fields.Set("next", next)
		b := k.signIn("ana@acme.example")
		if got := b.get(pathLogin() + "?" + url.Values{"next": {next}}.Encode()).header.Get("Location"); got != want {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
}

func TestChangingThePassword(t *testing.T) {
	const other = "seven lanterns over a quiet harbour"
	k := newKit(t)
	b, elsewhere := k.signIn("ana@acme.example"), k.signIn("ana@acme.example")
	before := k.dump()
	for name, c := range map[string]struct{ current, password, repeat, field, want string }{
		"wrong current":    {"not the current password", other, other, "current", "This is not your current password"},
		"nothing":          {"", "", "", "current", "Enter your current password"},
		"short":            {password, "too short", "too short", "password", "Use at least 15 characters"},
		"long":             {password, strings.Repeat("é", 257), strings.Repeat("é", 257), "password", "Use 256 characters or fewer"},
		"common":           {password, "passwordpassword", "passwordpassword", "password", "This password is easy to guess. Use a few words that do not belong together"},
		"made of the name": {password, "acme ana acme ana", "acme ana acme ana", "password", "This password is easy to guess. Use a few words that do not belong together"},
		"the same":         {password, password, password, "password", "Choose a password other than the current one"},
		"not repeated":     {password, other, other + "!", "repeat", "The two new passwords are not the same"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.post(pathAccountPassword(), url.Values{"current": {c.current}, "password": {c.password}, "repeat": {c.repeat}})
			a.is(http.StatusUnprocessableEntity)
			if got := a.text(`[role="alert"] a[href="#` + c.field + `"]`); got != c.want {
				t.Errorf("%s: %q", c.field, got)
			}
			if len(c.password) > 0 && strings.Contains(a.body, c.password) {
				t.Error("a password is on the page")
			}
		})
	}
	if after := k.dump(); after != before {
		t.Errorf("a refused change left something:\n%s", difference(before, after))
	}
	b.post(pathAccountPassword(), url.Values{"current": {password}, "password": {other}, "repeat": {other}}).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Password changed.")
	elsewhere.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	k.browser().post(pathLogin(), login("ana@acme.example", password)).is(http.StatusUnprocessableEntity)
	k.browser().post(pathLogin(), login("ana@acme.example", other)).leadsTo(pathKeys())
}

func TestARightPasswordForgetsItsFailures(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	current := password
	for i := range keys.FreeFailures + 2 {
		next := fmt.Sprintf("seven lanterns over quiet harbour %d", i)
		b.post(pathAccountPassword(), url.Values{"current": {current}, "password": {next}, "repeat": {next}}).leadsTo(pathKeys())
		current = next
	}
}

func TestTheEleventhSessionEndsTheOldest(t *testing.T) {
	k := newKit(t)
	var all []*browser
	for range keys.SessionsPerUser + 1 {
		all = append(all, k.signIn("ana@acme.example"))
		k.clock.advance(time.Second)
	}
	all[0].get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	all[1].get(pathKeys()).is(http.StatusOK)
}
