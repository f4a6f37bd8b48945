package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// liveTokens are the hints of a key's live tokens, the newest first.
func (k *kit) liveTokens(id keys.KeyID) (hints []string) {
	k.t.Helper()
	key, err := k.store.Key(k.t.Context(), k.signIn("ana@acme.example").actor(), id)
	must(k.t, err)
	for _, token := range key.Tokens {
		hints = append(hints, token.Hint)
	}
	return hints
}

// hasTokens asserts which of a key's tokens live, the newest first.
func (k *kit) hasTokens(id keys.KeyID, tokens ...string) {
	k.t.Helper()
	var want []string
	for _, token := range tokens {
		value, err := secret.Parse(secret.KindToken, token)
		must(k.t, err)
		want = append(want, value.Hint())
	}
	if got := k.liveTokens(id); !slices.Equal(got, want) {
		k.t.Errorf("live tokens %q, not %q", got, want)
	}
}

// showsNone asserts that a page has none of the tokens.
func (a answer) showsNone(tokens ...string) {
	a.t.Helper()
	for _, token := range tokens {
		if strings.Contains(a.body, token) {
			a.t.Errorf("a token is on the page %q", a.text("h1"))
		}
	}
	if n := a.Find("[data-secret]").Length(); n != 0 {
		a.t.Errorf("%q has %d secrets", a.text("h1"), n)
	}
}

const pendingChip = "Pending deletion - Old token"

func TestQ16RenewShowsTheTokenAndAsksForTheOldOne(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync", "orders-viewer")
	before := k.dump()
	ask := b.get(pathKeyRenew(id, ""))
	ask.is(http.StatusOK)
	ask.says("h1", "Renew token")
	ask.says("main", "Order sync")
	ask.says("main", "A new token is created for "+string(id)+". The current token keeps working until it is deleted.")
	ask.says("main form a", "Cancel")
	ask.says("main form button", "Renew Token")
	ask.showsNone(old)
	if strings.Contains(ask.body, "hx-post") {
		t.Error("the form goes through htmx")
	}
	if k.dump() != before {
		t.Error("asking changed something")
	}
	sent, _ := ask.Find("input[name=nonce]").Attr("value")
	a := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {sent}})
	a.is(http.StatusOK)
	token := a.text("[data-secret]")
	if token == old || strings.Contains(a.body, old) || strings.Count(a.body, token) != 1 {
		t.Error("the page does not show the new token and only that, once")
	}
	k.hasTokens(id, token, old)
	a.says("h1", "The new token is ready")
	a.says("main", string(id))
	a.says("main", "Copy the token before leaving. It cannot be shown again.")
	a.says("main", "If this page is closed first, Later applies.")
	a.says("fieldset legend", "Delete the old token")
	a.says("fieldset", "Both tokens work until the old one is deleted by hand")
	a.says("fieldset", "Integrations still on the old token stop working on Complete")
	a.says("form button[type=submit]", "Complete")
	a.asksForTheOldToken()
	rid := a.renewal()
	open := k.dump()
	for name, again := range map[string]answer{
		"none":          b.post(pathKeyRenewal(id, rid, ""), nil),
		"something":     b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"never"}}),
		"in upper case": b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"NOW"}}),
	} {
		if again.status != http.StatusUnprocessableEntity {
			t.Fatalf("%s: %d", name, again.status)
		}
		again.says(`[role="alert"]`, "Select at least one option")
		if !strings.HasPrefix(again.text("title"), "Error: ") {
			t.Errorf("%s: title %q", name, again.text("title"))
		}
		again.showsNone(token, old)
		again.asksForTheOldToken()
		if again.renewal() != rid {
			t.Error("the choice goes elsewhere")
		}
	}
	if after := k.dump(); after != open {
		t.Errorf("a refused form left something:\n%s", difference(open, after))
	}
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionRenewStarted, keys.ActionTokenMinted)
}

// asksForTheOldToken asserts the two choices: neither is made, both are required.
func (a answer) asksForTheOldToken() {
	a.t.Helper()
	radios := a.Find(`fieldset input[type=radio][name=old]`)
	if radios.Length() != 2 || radios.Filter("[required]").Length() != 2 || radios.Filter("[checked]").Length() != 0 {
		a.t.Errorf("%d choices, %d required, %d made", radios.Length(), radios.Filter("[required]").Length(), radios.Filter("[checked]").Length())
	}
	for i, want := range []string{"later", "now"} {
		if got, _ := radios.Eq(i).Attr("value"); got != want {
			a.t.Errorf("choice %d is %q", i, got)
		}
	}
}

func TestQ17LaterKeepsBothTokens(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync")
	k.clock.advance(80 * 24 * time.Hour)
	b = k.signIn("ana@acme.example")
	rid, token := b.renew(id)
	b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"later"}}).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Token renewed. The old token still works.")
	list.says("tbody td[data-l='Token duration']", "New token: ")
	list.says("tbody td[data-l='Token duration']", "Old token: 11 days left")
	list.says("tbody td[data-l='Token duration']", pendingChip)
	if got := list.text("tbody td[data-l='Status']"); got != "Active" {
		t.Errorf("status %q", got)
	}
	list.showsNone(token, old)
	k.hasTokens(id, token, old)
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionRenewStarted, keys.ActionTokenMinted, keys.ActionRenewCompleted)
}

func TestQ18NowEndsTheOldToken(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync")
	rid, token := b.renew(id)
	b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"now"}}).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Token renewed and old token deleted.")
	if got := list.text("tbody td[data-l='Token duration']"); got != "91 days left" {
		t.Errorf("the duration says %q", got)
	}
	if strings.Contains(list.text("tbody"), pendingChip) || strings.Contains(list.text("tbody"), "Undo Renewal") {
		t.Error("the old token is still on the list")
	}
	list.showsNone(token, old)
	k.hasTokens(id, token)
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionRenewStarted, keys.ActionTokenMinted, keys.ActionRenewCompleted, keys.ActionTokenRetired)
}

func TestQ19LeavingTheSecondStepIsLater(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync")
	rid, token := b.renew(id)
	list := b.get(pathKeys())
	list.says("tbody td[data-l='Token duration']", pendingChip)
	list.says("tbody td[data-l='Token duration']", "New token: 91 days left")
	list.says("tbody td[data-l='Token duration']", "Old token: 91 days left")
	k.hasTokens(id, token, old)
	before := k.dump()
	back := b.get(pathKeyRenewal(id, rid, ""))
	back.is(http.StatusOK)
	back.says("main", "The new token was shown once and cannot be shown again. Undo the renewal, then renew again to get another.")
	back.showsNone(token, old)
	back.asksForTheOldToken()
	if k.dump() != before {
		t.Error("coming back changed something")
	}
	b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"now"}}).leadsTo(pathKeys())
	k.hasTokens(id, token)
}

func TestQ21UndoEndsTheNewToken(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync")
	_, token := b.renew(id)
	before := k.dump()
	a := b.get(pathKeyUndo(id, ""))
	a.is(http.StatusOK)
	a.says("h1", "Undo renewal")
	a.says("main", "The new token of "+string(id)+" stops working. The old token stays valid.")
	a.says("main", "The new token was shown 12 Sep 2026. Anything that already uses it will stop working.")
	a.says("main form a", "Cancel")
	a.says("main form button", "Undo")
	dialog := b.hx(http.MethodGet, pathKeyUndo(id, ""), nil)
	dialog.is(http.StatusOK)
	if strings.Contains(dialog.body, "<html") || strings.Contains(dialog.body, "<main") {
		t.Error("the dialog is a whole page")
	}
	if k.dump() != before {
		t.Error("asking changed something")
	}
	b.post(pathKeyUndo(id, ""), nil).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Renewal undone.")
	if got := list.text("tbody td[data-l='Token duration']"); got != "91 days left" {
		t.Errorf("the duration says %q", got)
	}
	list.showsNone(token, old)
	k.hasTokens(id, old)
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionRenewStarted, keys.ActionTokenMinted, keys.ActionRenewUndone, keys.ActionTokenRevoked)
	_, third := b.renew(id)
	k.hasTokens(id, third, old)
}

func TestQ22DeleteOldTokenAsksAndEndsOnlyTheOldOne(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	_, token := b.renew(id)
	before := k.dump()
	a := b.get(pathKeyDeleteOld(id, ""))
	a.is(http.StatusOK)
	a.says("h1", "Delete old token")
	a.says("main", "The old token of "+string(id)+" stops working. Make sure no integration still uses it.")
	a.says("main", "This action cannot be undone.")
	a.says("main form a", "Cancel")
	a.says("main form button", "Delete")
	if k.dump() != before {
		t.Error("asking changed something")
	}
	b.post(pathKeyDeleteOld(id, ""), nil).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Old token deleted.")
	if strings.Contains(list.text("tbody"), pendingChip) {
		t.Error("the old token is still on the list")
	}
	k.hasTokens(id, token)
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionRenewStarted, keys.ActionTokenMinted, keys.ActionTokenRetired)
	gone := k.dump()
	for _, refused := range []answer{b.get(pathKeyUndo(id, "")), b.post(pathKeyUndo(id, ""), nil)} {
		refused.is(http.StatusConflict)
		refused.says("h1", "There is no renewal to undo")
	}
	if after := k.dump(); after != gone {
		t.Errorf("a refused undo left something:\n%s", difference(gone, after))
	}
}

func TestTheEndOfARenewalInPlaceGivesTheRow(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for path, flash := range map[string]string{"/renew/undo": "Renewal undone.", "/old-token/delete": "Old token deleted."} {
		id, _ := b.generate("Order sync")
		b.renew(id)
		a := b.hx(http.MethodPost, pathKeys()+"/"+string(id)+path, nil)
		a.is(http.StatusOK)
		if strings.Contains(a.body, "<html") || strings.Count(a.body, "<tr") != 1 || !strings.Contains(a.body, `id="row-`+string(id)+`"`) {
			t.Errorf("not one row: %s", a.body)
		}
		if !strings.Contains(a.body, "hx-swap-oob") || !strings.Contains(a.body, flash) || strings.Contains(a.body, pendingChip) || !strings.Contains(a.body, "Renew Token") {
			t.Errorf("the row or its flash is wrong: %s", a.body)
		}
	}
}

// TestWhatTheRenewalTableLacksIsRefused tries every event in every state that it does not belong to.
func TestWhatTheRenewalTableLacksIsRefused(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	one := func() url.Values { return url.Values{"nonce": {nonce()}} }
	later, now := url.Values{"old": {"later"}}, url.Values{"old": {"now"}}
	fresh, _ := b.generate("Order sync")
	undone, _ := b.generate("Price feed")
	undoneRID, _ := b.renew(undone)
	b.post(pathKeyUndo(undone, ""), nil).leadsTo(pathKeys())
	completed, _ := b.generate("Stock feed")
	completedRID, _ := b.renew(completed)
	b.post(pathKeyRenewal(completed, completedRID, ""), now).leadsTo(pathKeys())
	open, _ := b.generate("Parcels")
	openRID, _ := b.renew(open)
	inactive, _ := b.generate("Stopped")
	inactiveRID, _ := b.renew(inactive)
	b.post(pathKeyDeactivate(inactive, ""), nil).leadsTo(pathKeys())
	const over, nothing, noOld, still = "This renewal is over", "There is no renewal to undo", "There is no old token", "A renewal is still open"
	for _, c := range []struct {
		method, path string
		fields       url.Values
		id           keys.KeyID
		reason       string
	}{
		{"GET", pathKeyUndo(fresh, ""), nil, fresh, nothing},
		{"POST", pathKeyUndo(fresh, ""), nil, fresh, nothing},
		{"GET", pathKeyDeleteOld(fresh, ""), nil, fresh, noOld},
		{"POST", pathKeyDeleteOld(fresh, ""), nil, fresh, noOld},
		{"POST", pathKeyRenewal(fresh, 1, ""), later, fresh, over},
		{"GET", pathKeyRenewal(undone, undoneRID, ""), nil, undone, over},
		{"POST", pathKeyRenewal(undone, undoneRID, ""), later, undone, over},
		{"POST", pathKeyRenewal(undone, undoneRID, ""), now, undone, over},
		{"POST", pathKeyUndo(undone, ""), nil, undone, nothing},
		{"GET", pathKeyRenewal(completed, completedRID, ""), nil, completed, over},
		{"POST", pathKeyRenewal(completed, completedRID, ""), later, completed, over},
		{"POST", pathKeyRenewal(completed, completedRID, ""), now, completed, over},
		{"POST", pathKeyUndo(completed, ""), nil, completed, nothing},
		{"POST", pathKeyDeleteOld(completed, ""), nil, completed, noOld},
		{"GET", pathKeyRenew(open, ""), nil, open, still},
		{"POST", pathKeyRenew(open, ""), one(), open, still},
		{"POST", pathKeyRenewal(open, undoneRID, ""), now, open, over},
		{"POST", pathKeyRenewal(open, openRID+1, ""), now, open, over},
		{"GET", pathKeyRenew(inactive, ""), nil, inactive, still},
		{"POST", pathKeyRenew(inactive, ""), one(), inactive, still},
		{"POST", pathKeyRenewal(inactive, openRID, ""), now, inactive, over},
	} {
		before := k.dump()
		a := b.get(c.path)
		if c.method == http.MethodPost {
			a = b.post(c.path, c.fields)
		}
		if a.status != http.StatusConflict || a.text("h1") != c.reason {
			t.Errorf("%s %s: %d %q, not %q", c.method, c.path, a.status, a.text("h1"), c.reason)
		}
		a.says("main", "Nothing was changed")
		a.showsNone()
		if a.Find(`main a[href="`+pathKeyShow(c.id)+`"]`).Length() != 1 {
			t.Errorf("%s: no way to the key", c.path)
		}
		k.unchangedSince(before, c.method+" "+c.path)
	}
	for _, bad := range []string{"x", "0x1", "01", "-1", "1.0", "99999999999999999999", "%00"} {
		b.get(pathKeys() + "/" + string(open) + "/renew/" + bad).notFoundOrOver(bad)
	}
	b.post(pathKeyRenewal(inactive, inactiveRID, ""), later).leadsTo(pathKeys())
	b.post(pathKeyDelete(open, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	before := k.dump()
	for _, path := range []string{pathKeyRenew(open, ""), pathKeyRenewal(open, openRID, ""), pathKeyUndo(open, ""), pathKeyDeleteOld(open, ""), pathKeyShow(open)} {
		b.get(path).is(http.StatusNotFound)
		if path != pathKeyShow(open) {
			b.post(path, url.Values{"old": {"now"}, "nonce": {nonce()}}).is(http.StatusNotFound)
		}
	}
	k.unchangedSince(before, "what was asked of a deleted key")
}

// notFoundOrOver asserts that a number that names no renewal is refused.
func (a answer) notFoundOrOver(bad string) {
	a.t.Helper()
	if a.status != http.StatusNotFound && a.status != http.StatusConflict {
		a.t.Errorf("%s: %d", bad, a.status)
	}
	a.showsNone()
}

// TestARepeatedRenewalShowsNoToken sends the same form again, in every state that may follow.
func TestARepeatedRenewalShowsNoToken(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync")
	fields := url.Values{"nonce": {nonce()}}
	first := b.post(pathKeyRenew(id, ""), fields)
	first.is(http.StatusOK)
	token, rid := first.text("[data-secret]"), first.renewal()
	before := k.dump()
	for range 3 {
		b.post(pathKeyRenew(id, ""), fields).leadsTo(pathKeyRenewal(id, rid, ""))
		a := b.get(pathKeyRenewal(id, rid, ""))
		a.is(http.StatusOK)
		a.says("main", "was shown once and cannot be shown again")
		a.showsNone(token, old)
	}
	k.unchangedSince(before, "the same form")
	other, _ := b.generate("Price feed")
	before = k.dump()
	b.post(pathKeyRenew(other, ""), fields).is(http.StatusBadRequest)
	for _, bad := range []string{"", "x", strings.Repeat("a", 23)} {
		b.post(pathKeyRenew(other, ""), url.Values{"nonce": {bad}}).is(http.StatusBadRequest)
	}
	k.unchangedSince(before, "a form that is not this key's")
	b.post(pathKeyUndo(id, ""), nil).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Renewal undone.")
	before = k.dump()
	b.post(pathKeyRenew(id, ""), fields).leadsTo(pathKeyShow(id))
	a := b.get(pathKeyShow(id))
	a.says("#flash", "The token was shown once and cannot be shown again. Renew it to get a new one.")
	a.showsNone(token, old)
	k.unchangedSince(before, "the same form after undo")
	k.hasTokens(id, old)
	for _, path := range []string{pathKeys(), pathKeyEdit(id, ""), pathKeyRenew(id, ""), pathKeyDelete(id, ""), pathSettings()} {
		b.get(path).showsNone(token, old)
	}
}

// TestTheSecondStepGuardsItsToken is about what could keep the token where it does not belong.
func TestTheSecondStepGuardsItsToken(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.header.Set("Accept-Encoding", "gzip")
	id, _ := b.generate("Order sync")
	a := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}})
	a.is(http.StatusOK)
	if a.header.Get("Content-Encoding") != "" || a.Find("[data-secret]").Length() != 1 {
		t.Error("the second step is compressed")
	}
	refused := b.post(pathKeyRenewal(id, a.renewal(), ""), nil)
	b.header.Del("Accept-Encoding")
	later := b.get(pathKeyRenewal(id, a.renewal(), ""))
	for name, page := range map[string]answer{"with the token": a, "with a problem": refused, "later": later} {
		if page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, page.header.Get("Cache-Control"))
		}
		if strings.Contains(page.body, "htmx") || strings.Contains(page.body, "hx-") {
			t.Errorf("%s: the page loads htmx", name)
		}
	}
	for _, r := range k.server.routes() {
		if strings.HasSuffix(r.Path, "/renew") && r.Method == http.MethodPost && r.Kind != secretForm {
			t.Errorf("%s is a %s", r.Path, r.Kind)
		}
	}
}

// TestNoEscalationByRenewal: who renews a key learns a token that has all of the key's roles.
func TestNoEscalationByRenewal(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	owner, admin := k.signIn("ana@acme.example"), k.signIn("admin@acme.example")
	id, _ := owner.generate("Root", keys.RoleOwner)
	before := k.dump()
	for _, a := range []answer{
		admin.get(pathKeyRenew(id, "")), admin.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}}),
		admin.post(pathKeysGenerate(), url.Values{"name": {"Mine"}, "roles": {keys.RoleOwner}, "nonce": {nonce()}}),
	} {
		a.is(http.StatusForbidden)
		a.says("main", "Owner")
		a.showsNone()
	}
	k.unchangedSince(before, "an escalation")
	if a := admin.get(pathKeyShow(id)); a.Find(`a[href^="`+pathKeyRenew(id, "")+`"]`).Length() != 0 || a.Find(`a[href^="`+pathKeyEdit(id, "")+`"]`).Length() != 0 {
		t.Error("the key's page offers what is refused")
	}
	rid, token := owner.renew(id)
	a := admin.get(pathKeyRenewal(id, rid, ""))
	a.showsNone(token)
	own, _ := admin.generate("Mine", keys.RoleUserAdministrator)
	admin.renew(own)
}
