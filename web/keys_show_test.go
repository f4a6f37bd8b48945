package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// texts are the texts of what a selector finds, one by one.
func (a answer) texts(selector string) (all []string) {
	a.Find(selector).Each(func(_ int, s *goquery.Selection) { all = append(all, strings.Join(strings.Fields(s.Text()), " ")) })
	return all
}

func TestTheKeysPageShowsItsTokensRolesAndHistory(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Order sync", "orders-viewer", "catalog-editor")
	k.clock.advance(80 * 24 * time.Hour)
	b = k.signIn("ana@acme.example")
	_, token := b.renew(id)
	before := k.dump()
	href, _ := b.get(pathKeys()).Find("#row-" + string(id) + " th a").Attr("href")
	a := b.get(href)
	a.is(http.StatusOK)
	if href != pathKeyShow(id) {
		t.Errorf("the row leads to %q", href)
	}
	if a.text("h1") != "Order sync" || a.text("title") != "Order sync - acme - Latchkey" {
		t.Errorf("heading %q, title %q", a.text("h1"), a.text("title"))
	}
	a.says("main", string(id))
	a.says("main", "Created 12 Sep 2026 by ana@acme.example")
	a.says(".title", "Active")
	a.says(".alert", "The old token waits for deletion.")
	if got := a.texts("table thead th"); !slices.Equal(got, []string{"Token", "Created", "Time left", "Last used", "From"}) {
		t.Errorf("columns %q", got)
	}
	hint := func(token string) string {
		value, err := secret.Parse(secret.KindToken, token)
		must(t, err)
		return value.Hint()
	}
	rows := a.texts("table tbody tr")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "Current") || !strings.HasPrefix(rows[1], "Old") {
		t.Fatalf("tokens %q", rows)
	}
	for i, want := range [][]string{{"…" + hint(token), "1 Dec 2026", "90 days left"}, {"…" + hint(old), "12 Sep 2026", "11 days left", "Renew soon"}} {
		for _, text := range want {
			if !strings.Contains(rows[i], text) {
				t.Errorf("token %q lacks %q", rows[i], text)
			}
		}
	}
	if strings.Contains(rows[0], "Renew soon") {
		t.Errorf("the new token is to be renewed: %q", rows[0])
	}
	a.says(`section[aria-labelledby="roles"]`, "Orders viewer")
	a.says(`section[aria-labelledby="roles"]`, "Catalog editor")
	a.says(`section[aria-labelledby="roles"]`, "Look up and change products and categories")
	if strings.Contains(a.text(`section[aria-labelledby="roles"]`), "Pricing") {
		t.Error("a role that the key lacks is on its page")
	}
	history := a.texts(`section[aria-labelledby="history"] li`)
	want := []string{"Token …" + hint(token) + " created", "Token renewed", "Token …" + hint(old) + " created", "Key generated"}
	if len(history) != len(want) {
		t.Fatalf("history %q", history)
	}
	for i, line := range history {
		if !strings.HasPrefix(line, want[i]) || !strings.Contains(line, "by ana@acme.example") || !strings.Contains(line, "from 198.51.100.7") {
			t.Errorf("%q, not %q", line, want[i])
		}
	}
	a.showsNoID("the page", newCatalogue())
	a.showsNone(token, old)
	if k.dump() != before {
		t.Error("looking changed something")
	}
}

func TestTheKeysPageOffersWhatTheViewerMayDo(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addRole("keys-renewer", keys.ViewAPIKeys, keys.RenewAPIToken)
	k.addRole("keys-editor", keys.ViewAPIKeys, keys.EditAPIKeys)
	for _, role := range []string{"keys-viewer", "keys-renewer", "keys-editor"} {
		k.addUser(role+"@acme.example", role)
	}
	owner := k.signIn("ana@acme.example")
	steady, _ := owner.generate("Order sync")
	open, _ := owner.generate("Price feed")
	owner.renew(open)
	all := []func(keys.KeyID, list) string{pathKeyEdit, pathKeyDeactivate, pathKeyDelete, pathKeyRenew, pathKeyUndo, pathKeyDeleteOld}
	for who, want := range map[string]map[keys.KeyID][]bool{
		"ana":          {steady: {true, true, true, true, false, false}, open: {true, true, true, false, true, true}},
		"keys-viewer":  {steady: {false, false, false, false, false, false}, open: {false, false, false, false, false, false}},
		"keys-renewer": {steady: {false, false, false, true, false, false}, open: {false, false, false, false, true, false}},
		"keys-editor":  {steady: {true, true, true, false, false, false}, open: {true, true, true, false, false, true}},
	} {
		b := k.signIn(who + "@acme.example")
		for id, drawn := range want {
			a := b.get(pathKeyShow(id))
			a.is(http.StatusOK)
			a.Find(`main form`).Each(func(_ int, s *goquery.Selection) {
				action, _ := s.Attr("action")
				t.Errorf("%s: the page of an active key has a form for %q", who, action)
			})
			for i, path := range all {
				href := path(id, fromKey)
				if found := a.Find(`main a[href="`+href+`"]`).Length() > 0; found != drawn[i] {
					t.Errorf("%s: %s drawn: %v", who, href, found)
				}
				if drawn[i] {
					b.get(href).is(http.StatusOK)
				}
			}
		}
	}
}

// TestWhatStartsOnTheKeysPageEndsThere follows each action from the page of the key.
func TestWhatStartsOnTheKeysPageEndsThere(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	// follow opens an action of the key's page and returns its form's address and version.
	follow := func(verb string) (to, version string) {
		t.Helper()
		href, found := b.get(pathKeyShow(id)).Find(`main a[href*="/` + verb + `?"]`).Attr("href")
		if !found {
			t.Fatalf("no %s on the key's page", verb)
		}
		if !strings.HasSuffix(href, "?list=key%3Dpage") {
			t.Errorf("%s does not lead back: %q", verb, href)
		}
		asked := b.get(href)
		asked.is(http.StatusOK)
		if asked.Find(`main form a[href="`+pathKeyShow(id)+`"]`).Length() == 0 {
			t.Errorf("Cancel of %s does not lead back to the key", verb)
		}
		to, _ = asked.Find("main form").Attr("action")
		version, _ = asked.Find("input[name=version]").Attr("value")
		return to, version
	}
	ends := func(a answer, flash string) {
		t.Helper()
		a.leadsTo(pathKeyShow(id))
		shown := b.get(pathKeyShow(id))
		shown.says("#flash", flash)
		if strings.Contains(b.get(pathKeyShow(id)).text("#flash"), flash) {
			t.Errorf("%q is shown twice", flash)
		}
	}
	to, version := follow("edit")
	ends(b.post(to, url.Values{"name": {"Orders"}, "active": {"on"}, "version": {version}}), "Changes saved.")
	to, _ = follow("deactivate")
	ends(b.post(to, nil), "Orders is inactive.")
	to, _ = b.get(pathKeyShow(id)).Find(`main form[action*="/activate?"]`).Attr("action")
	if to != pathKeyActivate(id, fromKey) {
		t.Errorf("Activate sends to %q", to)
	}
	ends(b.post(to, nil), "Orders is active.")
	for _, old := range []string{"later", "now"} {
		to, _ = follow("renew")
		second := b.post(to, url.Values{"nonce": {nonce()}})
		second.is(http.StatusOK)
		to, _ = second.Find("main form").Attr("action")
		flash := "Token renewed and old token deleted."
		if old == "later" {
			flash = "Token renewed. The old token still works."
		}
		ends(b.post(to, url.Values{"old": {old}}), flash)
		if old == "later" {
			to, _ = follow("renew/undo")
			ends(b.post(to, nil), "Renewal undone.")
		}
	}
	b.renew(id)
	to, _ = follow("old-token/delete")
	ends(b.post(to, nil), "Old token deleted.")
	to, _ = follow("delete")
	b.post(to, url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Orders was deleted.")
}

func TestTheKeysPageOfNoKey(t *testing.T) {
	k := newKit(t)
	theirs, _ := k.signIn("ana@globex.example").generate("Their key")
	b := k.signIn("ana@acme.example")
	gone, _ := b.generate("Order sync")
	b.post(pathKeyDelete(gone, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	for _, id := range []keys.KeyID{theirs, gone, "appkey-acme-00000000", "x", "appkey-acme-"} {
		a := b.get(pathKeyShow(id))
		a.is(http.StatusNotFound)
		a.says("h1", "That key does not exist or was deleted")
		if strings.Contains(a.body, "Their key") {
			t.Error("another account's key is on the page")
		}
	}
	b.get(pathKeys() + "?" + string(fromKey)).leadsTo(pathKeys())
}

// TestTheHistoryIsThatOfTheKeyAndShort: 20 lines, and nobody else's.
func TestTheHistoryIsThatOfTheKeyAndShort(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	other, _ := b.generate("Price feed")
	b.post(pathKeyDeactivate(other, ""), nil)
	id, _ := b.generate("Order sync")
	if got := b.get(pathKeyShow(id)).text(`section[aria-labelledby="history"]`); strings.Contains(got, "deactivated") {
		t.Errorf("history %q", got)
	}
	for range 12 {
		b.post(pathKeyDeactivate(id, ""), nil)
		b.post(pathKeyActivate(id, ""), nil)
	}
	history := b.get(pathKeyShow(id)).texts(`section[aria-labelledby="history"] li`)
	if len(history) != historyLength || !strings.HasPrefix(history[0], "Key activated") || !strings.HasPrefix(history[1], "Key deactivated") {
		t.Errorf("%d lines: %q", len(history), history)
	}
}
