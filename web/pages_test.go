package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func nonce() string { return secret.NewNonce() }

// everyPage is an answer of each kind that the console gives: every page of the table, every error,
// every form with problems, the one-time page and the fragments.
func (k *kit) everyPage() map[string]answer {
	k.t.Helper()
	b := k.signIn("ana@acme.example")
	id, _ := b.generate(`"><img src=x onerror=alert(1)>`, "orders-viewer", "owner")
	open, _ := b.generate(`"><img src=x onerror=alert(1)>`, "orders-viewer", "owner")
	rid, _ := b.renew(open)
	k.used(b.tokens(open)[1], 3*minute, "203.0.113.7")
	b.alarm(open, "203.0.113.7")
	k.anotherSession(route{Path: ":session"}, "own", "ana@acme.example")
	k.clock.advance(-200 * 24 * time.Hour)
	b.generate("An old key")
	k.clock.advance(200 * 24 * time.Hour)
	pages := map[string]answer{}
	for _, r := range k.server.routes() {
		if r.Method == http.MethodGet && r.Kind == page {
			for state, key := range map[string]keys.KeyID{"": id, " in a renewal": open} {
				path := k.address(r, key)
				pages[r.Path+state] = b.open(path)
				pages[r.Path+state+" signed out"] = k.browser().open(path)
				pages[r.Path+state+" htmx"] = b.hx(http.MethodGet, path, nil)
			}
			pages[r.Path+" of something"] = k.pageOfSomething(b, r)
		}
	}
	k.addPagesOfLinks(b, pages)
	k.addPagesOfPeople(b, pages)
	k.addPagesOfExternalKeysAndRoles(b, pages)
	empty := newEmptyKit(k.t)
	empty.accepts = k.accepts
	pages["setup"] = empty.browser().open("/")
	pages["setup wrong"] = empty.browser().post(pathSetup(), nil)
	pages["generated"] = b.post(pathKeysGenerate(), url.Values{"name": {"Price feed"}, "nonce": {nonce()}})
	pages["generate wrong"] = b.post(pathKeysGenerate(), url.Values{"nonce": {nonce()}})
	pages["edit wrong"] = b.post(pathKeyEdit(id, ""), url.Values{"version": {"1"}})
	pages["edit stale"] = b.post(pathKeyEdit(id, ""), url.Values{"name": {"x"}, "version": {"77"}})
	pages["delete wrong"] = b.post(pathKeyDelete(id, ""), nil)
	pages["delete wrong htmx"] = b.hx(http.MethodPost, pathKeyDelete(id, ""), nil)
	pages["deactivate htmx"] = b.hx(http.MethodPost, pathKeyDeactivate(id, ""), nil)
	pages["password wrong"] = b.post(pathAccountPassword(), nil)
	pages["login wrong"] = k.browser().post(pathLogin(), url.Values{"email": {"ana@acme.example"}, "password": {"wrong"}})
	pages["renewed"] = b.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}})
	pages["renew without a nonce"] = b.post(pathKeyRenew(id, ""), nil)
	pages["renew twice"] = b.post(pathKeyRenew(open, ""), url.Values{"nonce": {nonce()}})
	pages["renew wrong"] = b.post(pathKeyRenewal(open, rid, ""), nil)
	pages["renewal over"] = b.post(pathKeyRenewal(open, rid+1000, ""), url.Values{"old": {"now"}})
	pages["undo htmx"] = b.hx(http.MethodPost, pathKeyUndo(id, ""), nil)
	pages["nothing to undo"] = b.post(pathKeyUndo(id, ""), nil)
	pages["delete old htmx"] = b.hx(http.MethodPost, pathKeyDeleteOld(open, ""), nil)
	pages["no old token"] = b.post(pathKeyDeleteOld(open, ""), nil)
	pages["key with a flash"] = b.open(pathKeyShow(open))
	pages["settings wrong"] = b.post(pathSettings(), url.Values{"version": {"1"}})
	pages["settings stale"] = b.post(pathSettings(), url.Values{"duration": {"3-months"}, "zone": {"UTC"}, "version": {"77"}})
	b.post(pathSettings(), url.Values{"duration": {"3-months"}, "zone": {"UTC"}, "version": {"1"}})
	pages["settings would stop keys"] = b.post(pathSettings(), url.Values{"duration": {"3-months"}, "enforce": {"on"}, "zone": {"UTC"}, "version": {"2"}})
	pages["list of a search"] = b.open(pathKeys() + "?q=img&status=active&sort=name&dir=desc&token_state=valid&role=owner")
	pages["list without a match"] = b.open(pathKeys() + "?q=no+such+key")
	pages["list of a search htmx"] = b.hx(http.MethodGet, pathKeys()+"?q=img", nil)
	pages["bulk delete"] = b.open(pathKeysBulk("") + "?action=delete&id=" + string(id) + "&id=" + string(open))
	pages["bulk delete wrong"] = b.post(pathKeysBulk(""), url.Values{"action": {"delete"}, "id": {string(id)}})
	pages["bulk of nothing"] = b.open(pathKeysBulk("") + "?action=delete")
	pages["review closed"] = b.post(pathKeysReview(), nil)
	k.putUnderReview()
	pages["review"] = b.open(pathKeysReview())
	pages["review wrong"] = b.post(pathKeysReview(), nil)
	pages["list under review"] = b.open(pathKeys())
	pages["preferences wrong"] = b.post(pathAccountPreferences(), url.Values{"language": {"xx"}, "zone": {"Mars"}, "theme": {"pink"}})
	pages["session 404"] = b.post(pathAccountSessionEnd("nothing"), nil)
	pages["404"] = b.get("/nowhere")
	pages["404 signed out"] = k.browser().get("/nowhere")
	pages["405"] = b.get(pathLogout())
	pages["key 404"] = b.get(pathKeyEdit("appkey-acme-00000000", ""))
	pages["flash"] = b.open(pathKeys())
	return pages
}

// pageOfSomething opens a page of the table about something that there is.
func (k *kit) pageOfSomething(b *browser, r route) answer {
	k.t.Helper()
	k.clock.advance(time.Second)
	a := b.open(k.address(r, b.keyFor(r)))
	if a.status != http.StatusOK && r.Path != pathSetup() {
		k.t.Errorf("%s is about nothing: %d", r.Path, a.status)
	}
	return a
}

// addPagesOfLinks adds what sender and receiver of a single-access link are shown.
func (k *kit) addPagesOfLinks(b *browser, pages map[string]answer) {
	k.t.Helper()
	byLink := func(name string) url.Values {
		return url.Values{"name": {name}, "nonce": {nonce()}, "handover": {"link"}}
	}
	pages["generated by link"] = b.post(pathKeysGenerate(), byLink("Partner"))
	id, _ := b.generate("Renewed by link")
	pages["renewed by link"] = b.post(pathKeyRenew(id, ""), byLink(""))
	pages["a renewal whose link waits"] = b.open(pathKeyRenewal(id, pages["renewed by link"].renewal(), ""))
	pages["renew while a link waits"] = b.post(pathKeyRenew(id, ""), byLink(""))
	_, link := b.generateByLink("Opened")
	pages["a wrong link"] = k.browser().post(link.path, nil)
	pages["a link opened"] = k.browser().opens(link)
	pages["a link used"] = k.browser().opens(link)
	stopped, waiting := b.generateByLink("Stopped")
	b.post(pathKeyDeactivate(stopped, ""), nil)
	pages["the link of an inactive key"] = k.browser().opens(waiting)
	b.post(pathKeyDiscard(stopped, ""), nil)
	pages["a link discarded"] = b.open(pathKeys())
	pages["a discarded link opened"] = k.browser().opens(waiting)
	pages["nothing to discard"] = b.post(pathKeyDiscard(stopped, ""), nil)
}

// addPagesOfPeople adds what users are shown of users and of the links to their passwords.
func (k *kit) addPagesOfPeople(b *browser, pages map[string]answer) {
	k.t.Helper()
	pages["invite wrong"] = b.post(pathUsersInvite(), url.Values{"nonce": {nonce()}})
	invitation := url.Values{"email": {"zoe@acme.example"}, "roles": {"orders-viewer"}, "nonce": {nonce()}}
	pages["invited"] = b.post(pathUsersInvite(), invitation)
	zoe := k.linkShown(pages["invited"], "zoe@acme.example")
	b.post(pathUsersInvite(), invitation)
	pages["invited again"] = b.open(pathUsers())
	pages["password link wrong"] = k.browser().post(pathPassword(zoe.link), passwordForm(zoe.secret, "short"))
	pages["password link unknown"] = k.browser().post(pathPassword(zoe.link), nil)
	pages["password link used"] = k.browser().post(pathPassword(zoe.link), passwordForm(zoe.secret, newPassword))
	pages["password link used again"] = k.browser().post(pathPassword(zoe.link), passwordForm(zoe.secret, newPassword))
	pages["sign-in after a password was set"] = k.browser().open(pathLogin() + "?notice=password-set")
	pages["reset"] = b.post(pathUserReset(zoe.number), url.Values{"nonce": {nonce()}})
	pages["user stale"] = b.post(pathUserEdit(zoe.number), url.Values{"version": {"77"}})
	for verb, path := range map[string]string{"link discarded": pathUserLinkDiscard(zoe.number), "deactivated": pathUserDeactivate(zoe.number)} {
		b.post(path, nil)
		pages["user "+verb] = b.open(pathUsers())
		b.post(path, nil)
		pages["user "+verb+" twice"] = b.open(pathUsers())
	}
	pages["reset of an inactive user"] = b.open(pathUserReset(zoe.number))
	b.post(pathUserActivate(zoe.number), nil)
	pages["user activated"] = b.open(pathUsers())
	pages["the last administrator"] = b.post(pathUserDeactivate(k.userNumber("ana@acme.example")), nil)
	k.addUser("viewer@acme.example", "orders-viewer")
	visitor := k.signIn("viewer@acme.example")
	pages["sessions ended"] = visitor.open(visitor.post(pathAccountSessionsEnd(), nil).header.Get("Location"))
	pages["audit without a match"] = b.open(pathAudit() + "?actor=nobody")
	pages["audit of everything"] = b.open(pathAudit())
}

// addPagesOfExternalKeysAndRoles adds what the External tab and the pages of roles answer.
func (k *kit) addPagesOfExternalKeysAndRoles(b *browser, pages map[string]answer) {
	k.t.Helper()
	pages["external wrong"] = b.post(pathExternalAdd(), nil)
	id := b.external("orders-viewer")
	pages["external added"] = b.open(pathExternal())
	pages["external twice"] = b.post(pathExternalAdd(), url.Values{"key": {string(id)}, "owner": {"globex"}})
	pages["external stale"] = b.post(pathExternalEdit(id, ""), url.Values{"version": {"77"}})
	b.post(pathExternalRemove(id, ""), nil)
	pages["external removed"] = b.open(pathExternal())
	pages["external 404"] = b.open(pathExternalEdit(id, ""))
	pages["role wrong"] = b.post(pathRoleCreate(), nil)
	b.post(pathRoleCreate(), url.Values{"name": {"Auditor"}, "resources": {"orders.read"}})
	pages["role created"] = b.open(pathRoles())
	pages["role edit wrong"] = b.post(pathRoleEdit("auditor"), url.Values{"version": {"1"}})
	pages["role stale"] = b.post(pathRoleEdit("auditor"), url.Values{"name": {"Auditor"}, "version": {"77"}})
	pages["role in use"] = b.post(pathRoleDelete("orders-viewer"), nil)
	pages["role built-in"] = b.open(pathRoleEdit(keys.RoleOwner))
	b.post(pathRoleDelete("auditor"), nil)
	pages["role deleted"] = b.open(pathRoles())
	pages["role 404"] = b.open(pathRole("auditor"))
	pages["permission wrong"] = b.post(pathResourceAdd(), nil)
	b.post(pathResourceAdd(), url.Values{"slug": {"invoices.read"}, "product": {"Billing"}, "name": {"Read invoices"}})
	pages["permission added"] = b.open(pathResources())
	for _, r := range k.server.routes() {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Permission, "latchkey.") {
			pages["forbidden "+r.Permission] = k.signIn("viewer@acme.example").open(k.address(r, "appkey-acme-00000000"))
		}
	}
}

var inlineScript = regexp.MustCompile(`(?i)\bon[a-z]+$`)

func TestQ32EveryAnswerCarriesThePolicyAndNothingInline(t *testing.T) {
	k := newKit(t)
	pages := k.everyPage()
	if len(pages) < 30 {
		t.Fatalf("only %d pages", len(pages))
	}
	for path, a := range pages {
		for name, want := range map[string]string{
			"Content-Security-Policy":      contentSecurityPolicy,
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "clipboard-write=(self)",
			"Cache-Control":                "no-store",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		a.Find("*").Each(func(_ int, e *goquery.Selection) {
			for _, attribute := range e.Nodes[0].Attr {
				if attribute.Key == "style" || inlineScript.MatchString(attribute.Key) {
					t.Errorf("%s: %s has %s=%q", path, e.Nodes[0].Data, attribute.Key, attribute.Val)
				}
			}
		})
		a.Find("script, style").Each(func(_ int, e *goquery.Selection) {
			if src, _ := e.Attr("src"); !strings.HasPrefix(src, "/static/") || strings.TrimSpace(e.Text()) != "" {
				t.Errorf("%s: inline %s", path, e.Nodes[0].Data)
			}
		})
		if a.Find("img").Length() != 0 {
			t.Errorf("%s: a key's name became markup", path)
		}
	}
}

func TestEveryPageHasOneHeadingATitleAndLandmarks(t *testing.T) {
	k := newKit(t)
	for path, a := range k.everyPage() {
		if a.Find("title").Length() == 0 || strings.Contains(path, "htmx") {
			continue
		}
		if n := a.Find("h1").Length(); n != 1 {
			t.Errorf("%s: %d h1", path, n)
		}
		if a.Find("main#main[tabindex='-1']").Length() != 1 || a.Find(`a[href="#main"]`).Length() != 1 {
			t.Errorf("%s: no main or no skip link", path)
		}
		if lang, _ := a.Find("html").Attr("lang"); lang != "en" {
			t.Errorf("%s: lang %q", path, lang)
		}
		title := a.text("head > title")
		if !strings.HasSuffix(title, "Latchkey") || strings.HasPrefix(title, "Error: ") != (a.status >= 400) {
			t.Errorf("%s: %d is titled %q", path, a.status, title)
		}
	}
}

// TestQ07EveryFormPointsAtItsProblems: on whichever page, the summary leads to fields that are marked and described.
func TestQ07EveryFormPointsAtItsProblems(t *testing.T) {
	k := newKit(t)
	forms := 0
	for name, a := range k.everyPage() {
		if a.status != http.StatusUnprocessableEntity || name == "login wrong" { // which does not say which field is wrong
			continue
		}
		forms++
		problems := a.Find(`[role="alert"].summary li`)
		if problems.Length() == 0 || a.Find("title").Length() != 0 && !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("%s: %d problems, titled %q", name, problems.Length(), a.text("title"))
		}
		problems.Find("a").Each(func(_ int, link *goquery.Selection) {
			field, text := a.Find(link.AttrOr("href", "-")), strings.TrimSpace(link.Text())
			// A group cannot be invalid, only what stands in it.
			marked := field.AttrOr("aria-invalid", "") == "true" || field.Is("fieldset")
			if field.Length() != 1 || !marked || !strings.Contains(a.describes(field), text) {
				t.Errorf("%s: %q leads to %d fields, marked %t, described by %q", name, text, field.Length(), marked, a.describes(field))
			}
		})
	}
	if forms < 15 {
		t.Errorf("only %d forms with problems", forms)
	}
}

// describes is the text that describes an element to who does not see it.
func (a answer) describes(s *goquery.Selection) string {
	var texts []string
	for _, id := range strings.Fields(s.AttrOr("aria-describedby", "")) {
		texts = append(texts, a.text("#"+id))
	}
	return strings.Join(texts, " ")
}

// TestQ13EveryQuestionBeginsAtCancel: on whichever page that asks first, and in its dialog.
func TestQ13EveryQuestionBeginsAtCancel(t *testing.T) {
	k := newKit(t)
	asked := map[string]bool{}
	for name, a := range k.everyPage() {
		question := a.Find("form.confirm")
		if a.status != http.StatusOK || question.Length() == 0 {
			continue
		}
		action, _, _ := strings.Cut(question.AttrOr("action", ""), "?")
		asked[action[strings.LastIndex(action, "/")+1:]] = true
		if focus := a.Find("[autofocus]"); focus.Length() != 1 || folded(focus) != "Cancel" || !focus.Is("a[href]") {
			t.Errorf("%s: the focus begins on %d elements, %q", name, focus.Length(), folded(focus))
		}
		if question.AttrOr("method", "") != "post" || question.Find("button[type=submit]").Length() != 1 {
			t.Errorf("%s: not one button that does it", name)
		}
	}
	for _, verb := range []string{"activate", "bulk", "deactivate", "delete", "discard", "end", "remove", "undo"} {
		if !asked[verb] {
			t.Errorf("no page asks before %s, only before %v", verb, asked)
		}
	}
}

// TestQ02Q03EveryTableHasItsHeads: on whichever page, each column and each row has its head, and a status is a word
// with an icon that is hidden from screen readers.
func TestQ02Q03EveryTableHasItsHeads(t *testing.T) {
	k := newKit(t)
	tables, statuses := 0, map[string]bool{}
	for name, a := range k.everyPage() {
		a.Find("main table").Each(func(_ int, table *goquery.Selection) {
			tables++
			if heads := table.Find("thead th"); heads.Length() == 0 || heads.Length() != table.Find(`thead th[scope="col"]`).Length() {
				t.Errorf("%s: a column without a head", name)
			}
			if rows := table.Find("tbody tr"); rows.Length() != table.Find(`tbody tr > th[scope="row"]`).Length() {
				t.Errorf("%s: %d rows, %d heads", name, rows.Length(), table.Find(`tbody tr > th[scope="row"]`).Length())
			}
			table.Find(`td[data-l="Status"]`).Each(func(_ int, status *goquery.Selection) {
				tag := status.Find(".tag").First()
				statuses[folded(tag)] = true
				if status.Find("svg").Length() == 0 || status.Find("svg").Length() != status.Find(`svg[aria-hidden="true"]`).Length() {
					t.Errorf("%s: the status %q has no icon, or one that is read out", name, folded(status))
				}
			})
		})
	}
	if tables < 50 || fmt.Sprint(statuses) != "map[Active:true Inactive:true Invited:true]" {
		t.Errorf("%d tables with the statuses %v", tables, statuses)
	}
}

// TestPagesWithASecretDoNotLoadHTMX keeps tokens out of what htmx stores in the browser.
func TestPagesWithASecretDoNotLoadHTMX(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	result := b.post(pathKeysGenerate(), url.Values{"name": {"Price feed"}, "nonce": {nonce()}})
	if strings.Contains(result.body, "htmx") || strings.Contains(result.body, "hx-") {
		t.Error("the one-time page loads htmx")
	}
	formPage := b.get(pathKeysGenerate())
	if strings.Contains(formPage.body, "hx-post") || strings.Contains(formPage.body, "hx-boost") {
		t.Error("the Generate form goes through htmx")
	}
}

// TestPagesWithASecretAreNeverCompressed: the length of a compressed answer tells about a secret that
// stands beside what somebody chose.
func TestPagesWithASecretAreNeverCompressed(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	b.header.Set("Accept-Encoding", "gzip")
	if got := b.get(pathKeysGenerate()).header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("a page without a secret comes as %q", got)
	}
	result := b.post(pathKeysGenerate(), url.Values{"name": {"Price feed"}, "nonce": {nonce()}})
	result.is(http.StatusOK)
	if result.header.Get("Content-Encoding") != "" || result.Find("[data-secret]").Length() != 1 {
		t.Error("the one-time page is compressed")
	}
}
