package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/keys"
)

// putUnderReview does to acme what a restore without an audit log does.
func (k *kit) putUnderReview() {
	k.t.Helper()
	k.exec(`UPDATE account SET review_since = 1700000000000000 WHERE slug = 'acme'`)
}

func TestAfterARestoreEveryPageAsksForTheReview(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	b, viewer, foreign := k.signIn("ana@acme.example"), k.signIn("viewer@acme.example"), k.signIn("ana@globex.example")
	id, _ := b.generate("Order sync")
	k.putUnderReview()
	for _, path := range []string{pathKeys(), pathKeyShow(id), pathSettings(), pathHelp(), pathAccountPassword(), pathKeysGenerate()} {
		a := b.get(path)
		a.says("main > .alert", "This console was restored from a backup. Until its active keys are reviewed, none of them lets anybody in.")
		if href, _ := a.Find("main > .alert a").Attr("href"); href != pathKeysReview() {
			t.Errorf("%s leads to %q", path, href)
		}
	}
	if a := viewer.get(pathKeys()); a.Find("main > .alert").Length() != 1 || a.Find("main > .alert a").Length() != 0 {
		t.Error("who may not review is sent there")
	}
	if a := foreign.get(pathKeys()); a.Find("main > .alert").Length() != 0 {
		t.Error("another account is told")
	}
	if a := k.browser().get(pathLogin()); strings.Contains(a.body, "restored") {
		t.Error("a stranger is told")
	}
	if a := b.get(pathKeysReview()); a.Find("main > .alert").Length() != 0 {
		t.Error("the page itself is told twice")
	}
}

func TestTheReviewListsTheActiveKeysAndConfirmsThem(t *testing.T) {
	k := newKit(t)
	b, foreign := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	first, _ := b.generate(`<b>"Order" sync</b>`, "orders-viewer", "catalog-viewer")
	second, _ := b.generate("Price feed")
	inactive, _ := b.generate("Old exporter")
	elsewhere, _ := foreign.generate("Elsewhere")
	b.post(pathKeyDeactivate(inactive, ""), nil).is(http.StatusSeeOther)
	b.get(pathKeys()) // which takes the flash of the deactivation
	k.putUnderReview()

	a := b.get(pathKeysReview())
	a.is(http.StatusOK)
	a.says("h1", "Review keys")
	a.says("form .alert", "2 active keys are answered 503 until you confirm them")
	a.says("form .alert", "A backup was restored on")
	a.says("form button[type=submit]", "Confirm 2 keys")
	rows := a.Find("tbody tr")
	if rows.Length() != 2 {
		t.Fatalf("%d rows", rows.Length())
	}
	newest, oldest := rows.Eq(0).Text(), rows.Eq(1).Text()
	for _, want := range []string{string(second), "Price feed", "Never", "Deactivate"} {
		if !strings.Contains(newest, want) {
			t.Errorf("the first row does not say %q: %s", want, newest)
		}
	}
	for _, want := range []string{string(first), `<b>"Order" sync</b>`, "Orders viewer", "Catalog viewer", "Never", "Deactivate"} {
		if !strings.Contains(oldest, want) {
			t.Errorf("the second row does not say %q: %s", want, oldest)
		}
	}
	for _, never := range []string{string(inactive), string(elsewhere), "Elsewhere", "lkt_"} {
		if strings.Contains(a.body, never) {
			t.Errorf("it says %q", never)
		}
	}
	links := rows.Eq(0).Find("a")
	if href, _ := links.Eq(0).Attr("href"); href != pathKeyShow(second) {
		t.Errorf("the key leads to %q", href)
	}
	if href, _ := links.Eq(1).Attr("href"); href != pathKeyDeactivate(second, "") {
		t.Errorf("Deactivate leads to %q", href)
	}
	if label, _ := links.Eq(1).Attr("aria-label"); label != "Deactivate Price feed" {
		t.Errorf("Deactivate is called %q", label)
	}

	before := k.dump()
	form := a.hidden()
	wrong := b.post(pathKeysReview(), form)
	wrong.is(http.StatusUnprocessableEntity)
	wrong.says("form", "Check this option to confirm the keys")
	k.unchangedSince(before, "an unchecked confirmation")

	form.Set("looked", "on")
	stale := url.Values{"since": {"1700000000000001"}, "looked": {"on"}}
	b.post(pathKeysReview(), stale).is(http.StatusConflict)
	k.unchangedSince(before, "a stale confirmation")
	done := b.post(pathKeysReview(), form)
	done.is(http.StatusSeeOther)
	list := b.get(done.header.Get("Location"))
	list.says("#flash", "2 keys may come in again.")
	if list.Find("main > .alert").Length() != 0 {
		t.Error("the list still asks for a review")
	}
	again := b.post(pathKeysReview(), form)
	again.is(http.StatusConflict)
	again.says("main", "These keys were confirmed already")
	b.get(pathKeysReview()).says("main", "No keys wait for a review.")
}

func TestWhoDoesNotHoldWhatAnActiveKeyGivesConfirmsNothing(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	owner, admin := k.signIn("ana@acme.example"), k.signIn("admin@acme.example")
	id, _ := owner.generate("Everything", keys.RoleOwner)
	k.putUnderReview()
	form := admin.get(pathKeysReview()).hidden()
	form.Set("looked", "on")
	a := admin.post(pathKeysReview(), form)
	a.is(http.StatusForbidden)
	a.says("main", "Owner")
	if admin.get(pathKeys()).Find("main > .alert").Length() != 1 {
		t.Error("it was confirmed")
	}
	owner.post(pathKeyDeactivate(id, ""), nil).is(http.StatusSeeOther)
	admin.post(pathKeysReview(), form).is(http.StatusSeeOther)
}
