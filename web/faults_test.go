package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// TestAPanicIsAPageAndALogLine: the person gets a reference, the log gets the stack, and the process
// goes on.
func TestAPanicIsAPageAndALogLine(t *testing.T) {
	k := newKit(t)
	k.server.echo.GET("/panic", func(echo.Context) error { panic("a broken handler") })
	b := k.signIn("ana@acme.example")
	a := b.get("/panic")
	a.is(http.StatusInternalServerError)
	a.says("h1", "Something went wrong on our side")
	a.says("main", a.header.Get("X-Request-Id"))
	if strings.Contains(a.body, "broken handler") || strings.Contains(a.body, "goroutine") {
		t.Error("the page shows the panic")
	}
	if log := k.log.String(); !strings.Contains(log, "a broken handler") || !strings.Contains(log, "faults_test.go") {
		t.Error("the log does not show the panic with its stack")
	}
	if a.header.Get("Content-Security-Policy") != contentSecurityPolicy {
		t.Error("the page has no policy")
	}
	b.get(pathKeys()).is(http.StatusOK)
}

// TestWithoutItsDatabaseTheConsoleSaysSo closes the database under the server.
func TestWithoutItsDatabaseTheConsoleSaysSo(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	k.exec(`ALTER TABLE api_key RENAME TO gone`)
	a := b.get(pathKeys())
	a.is(http.StatusServiceUnavailable)
	a.says("#results h2", "Keys could not be loaded")
	if href, _ := a.Find("#results a").Attr("href"); href != pathKeys() || a.header.Get("Retry-After") == "" {
		t.Errorf("Try again leads to %q, after %q s", href, a.header.Get("Retry-After"))
	}
	k.exec(`ALTER TABLE gone RENAME TO api_key`)
	b.get(pathKeys()).is(http.StatusOK)

	k.exec(`ALTER TABLE head RENAME TO gone`)
	if got := strings.TrimSpace(b.get("/healthz").body); got != `{"status":"degraded","reason":"the database cannot be read"}` {
		t.Errorf("/healthz says %s", got)
	}
	k.exec(`ALTER TABLE session RENAME TO gone_too`)
	for _, path := range []string{"/", pathKeys(), pathKeysGenerate()} {
		b.get(path).is(http.StatusServiceUnavailable)
	}
	a = b.post(pathLogout(), nil)
	a.is(http.StatusServiceUnavailable)
}

// TestAListThatCannotBeLoadedKeepsWhatIsLookedFor takes the keys away, and then the session.
func TestAListThatCannotBeLoadedKeepsWhatIsLookedFor(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync", "orders-viewer")
	query := "?dir=desc&q=Sync&role=orders-viewer&sort=name&status=active&token_state=valid"
	k.exec(`ALTER TABLE api_key RENAME TO gone`)
	a := b.get(pathKeys() + query)
	a.is(http.StatusServiceUnavailable)
	a.says("title", "Error: Keys could not be loaded - acme - Latchkey")
	a.says("h1", "API Keys")
	a.says("#results h2", "Keys could not be loaded")
	a.says("#results", a.header.Get("X-Request-Id"))
	a.says("#results a", "Try again")
	a.keepsTheSearch(query)
	a.says("#role option[selected]", "Orders viewer")
	if a.Find(`nav [aria-current="page"]`).Length() != 1 || a.Find("#find .find-clear").AttrOr("href", "") != pathKeys()+"?dir=desc&sort=name" {
		t.Error("the tabs, or the way out of the filters, are not as on the list")
	}
	if a.Find("table, a[download], #bulk, .empty").Length() != 0 || folded(a.Find("#count")) != "" || strings.Contains(a.body, string(id)) {
		t.Error("it says that there are keys, or that none matches")
	}
	if held := b.hx(http.MethodGet, pathKeys()+query, nil); held.status != http.StatusServiceUnavailable || held.body != "" || held.header.Get("HX-Push-Url") != "" ||
		!strings.Contains(held.header.Get("Latchkey-Message"), "Keys%20could%20not%20be%20loaded") {
		t.Errorf("in place it answers %d with %q", held.status, held.body)
	}

	k.exec(`ALTER TABLE gone RENAME TO api_key`)
	k.exec(`ALTER TABLE session RENAME TO no_session`)
	a = b.get(pathKeys() + query)
	a.is(http.StatusServiceUnavailable)
	if a.Find("#find, header [popovertarget]").Length() != 0 || a.Find("main .failure a").AttrOr("href", "") != pathKeys()+query {
		t.Error("without a session it shows more than the way to try again, or less")
	}
	k.exec(`ALTER TABLE no_session RENAME TO session`)
	b.get(a.Find("main .failure a").AttrOr("href", "")).says("tbody th", "Order sync")
}

// keepsTheSearch asserts that the form of the list has what a query looks for, and that one can try again.
func (a answer) keepsTheSearch(query string) {
	a.t.Helper()
	kept := url.Values{}
	a.Find("#find input, #find select, input[form=find]").Each(func(_ int, s *goquery.Selection) {
		value := s.AttrOr("value", "")
		if s.Is("select") {
			value = s.Find("option[selected]").AttrOr("value", "")
		}
		kept.Add(s.AttrOr("name", ""), value)
	})
	if got := "?" + kept.Encode(); got != query {
		a.t.Errorf("the form has %s, not %s", got, query)
	}
	if got := a.Find("#results a.btn").AttrOr("href", ""); got != pathKeys()+query {
		a.t.Errorf("Try again leads to %q", got)
	}
}

// TestAFormIsReadFromItsBodyOnly: what stands in an address ends in the logs of proxies.
func TestAFormIsReadFromItsBodyOnly(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	before := k.dump()
	b.post(pathKeyDelete(id, "")+"?understood=on", url.Values{"x": {"1"}}).is(http.StatusBadRequest)
	b.post(pathKeyDelete(id, "")+"?understood=on", nil).is(http.StatusBadRequest)
	k.browser().post(pathLogin()+"?"+login("ana@acme.example", password).Encode(), url.Values{"x": {"1"}}).is(http.StatusBadRequest)
	if after := k.dump(); after != before {
		t.Errorf("a field of the address was taken:\n%s", difference(before, after))
	}
}

// TestAForeignKeyIsNotFoundWhateverIsTyped sends forms that break a rule: they too must not tell that
// the key exists.
func TestAForeignKeyIsNotFoundWhateverIsTyped(t *testing.T) {
	k := newKit(t)
	theirs, _ := k.signIn("ana@globex.example").generate("Their key")
	b := k.signIn("ana@acme.example")
	posts := 0
	for _, r := range k.server.routes() {
		if r.Method == http.MethodPost && strings.Contains(r.Path, ":id") {
			b.post(k.fill(r.Path, theirs), url.Values{"nonce": {nonce()}}).is(http.StatusNotFound)
			b.hx(http.MethodPost, k.fill(r.Path, theirs), url.Values{"name": {strings.Repeat("x", 65)}, "old": {"x"}, "nonce": {nonce()}}).is(http.StatusNotFound)
			posts++
		}
	}
	if posts == 0 {
		t.Fatal("no route was tried")
	}
	if a, never := b.post(pathKeyRenew(theirs, ""), nil), b.post(pathKeyRenew("appkey-globex-00000000", ""), nil); a.status != never.status || strip(a) != strip(never) {
		t.Error("without a nonce, a foreign key and one that never was answer differently")
	}
}

func TestHeadLeavesTheFlashForGet(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.post(pathKeyDeactivate(id, ""), nil)
	b.send(b.request(http.MethodHead, pathKeys(), nil)).is(http.StatusOK)
	b.get(pathKeys()).says("#flash", "Order sync is inactive.")
}

// TestTheUndoOfDeactivateStaysOnItsPage follows the flash's button from page two.
func TestTheUndoOfDeactivateStaysOnItsPage(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for range 27 {
		b.generate("Order sync")
	}
	older, _ := b.get(pathKeys()).Find(`a[rel="next"]`).Attr("href")
	ask, _ := b.get(older).Find(`tbody a[href*="/deactivate"]`).First().Attr("href")
	to, _ := b.get(ask).Find("main form").Attr("action")
	b.post(to, nil).leadsTo(older)
	undo, _ := b.get(older).Find("#flash form").Attr("action")
	b.post(undo, nil).leadsTo(older)
}

// TestDeleteOfTheLastRowOfALaterPageOpensTheList: there would be a table without a row.
func TestDeleteOfTheLastRowOfALaterPageOpensTheList(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	last, _ := b.generate("Order sync")
	for range pageSize {
		b.generate("Price feed")
	}
	older, _ := b.get(pathKeys()).Find(`a[rel="next"]`).Attr("href")
	a := b.hx(http.MethodPost, pathKeyDelete(last, parseList(strings.TrimPrefix(older, pathKeys()+"?"))), url.Values{"understood": {"on"}})
	a.is(http.StatusNoContent)
	if to := a.header.Get("HX-Redirect"); to != pathKeys() {
		t.Errorf("leads to %q", to)
	}
	b.get(older).leadsTo(pathKeys())
}

// TestWhoMayNotViewKeysIsNotLedToThem: the way on must not be another refusal.
func TestWhoMayNotViewKeysIsNotLedToThem(t *testing.T) {
	k := newKit(t)
	k.addRole("nothing", "orders.read")
	k.addUser("none@acme.example", "nothing")
	b := k.signIn("none@acme.example")
	a := b.get(pathKeys())
	a.is(http.StatusForbidden)
	a.says("main", "You cannot view API keys. Ask someone with the View API Keys permission.")
	to, _ := a.Find("main a").Last().Attr("href")
	b.get(to).is(http.StatusOK)
	if a.Find(`header a[href="`+pathKeys()+`"]`).Length() != 0 {
		t.Error("the menu offers what is refused")
	}
	k.server.FlushRefusals(t.Context())
	if !strings.Contains(k.dump(), string(keys.ActionAuthzDenied)) {
		t.Error("the refusal is not in the audit log")
	}
}
