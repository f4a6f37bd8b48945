package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

func TestQ13DeactivateAsksAndThenDoes(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	before := k.dump()
	a := b.get(pathKeyDeactivate(id, ""))
	a.is(http.StatusOK)
	a.says("h1", "Deactivate key")
	a.says("main", "Integrations that use "+string(id)+" stop working immediately. The key can be activated again later.")
	a.says("main", "If the token may have leaked, deactivate now and generate a new key for the integration.")
	a.says("main", "Cancel")
	a.says("main form button", "Deactivate")
	if k.dump() != before {
		t.Error("asking changed something")
	}
	b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Order sync is inactive.")
	if action, _ := list.Find("#flash form").Attr("action"); action != pathKeyActivate(id, "") {
		t.Errorf("the flash's undo sends to %q", action)
	}
	list.says("tbody td[data-l='Status']", "Inactive")
	if strings.Contains(b.get(pathKeys()).text("#flash"), "inactive") {
		t.Error("the flash is shown twice")
	}
	b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Order sync was already inactive.")
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionKeyDeactivated)
}

func TestQ14HTMXGetsTheRowAndTheFlash(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	dialog := b.hx(http.MethodGet, pathKeyDeactivate(id, ""), nil)
	dialog.is(http.StatusOK)
	if strings.Contains(dialog.body, "<html") || strings.Contains(dialog.body, "<main") {
		t.Error("the dialog is a whole page")
	}
	dialog.says("body", "stop working immediately")
	a := b.hx(http.MethodPost, pathKeyDeactivate(id, ""), nil)
	a.is(http.StatusOK)
	if strings.Contains(a.body, "<html") || strings.Count(a.body, "<tr") != 1 {
		t.Errorf("not one row: %s", a.body)
	}
	if !strings.Contains(a.body, `id="row-`+string(id)+`"`) || !strings.Contains(a.body, `hx-swap-oob`) || !strings.Contains(a.body, `id="flash"`) || !strings.Contains(a.body, "Order sync is inactive.") {
		t.Errorf("the row or its flash is missing: %s", a.body)
	}
	if !slices.Contains(a.header.Values("Vary"), "HX-Request") || !slices.Contains(dialog.header.Values("Vary"), "HX-Request") {
		t.Errorf("headers %v", a.header)
	}
	if strings.Contains(b.get(pathKeys()).text("#flash"), "inactive") {
		t.Error("the flash waits for the next page too")
	}
}

func TestQ15ActivateLetsTheKeyInAgain(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.post(pathKeyDeactivate(id, ""), nil)
	a := b.get(pathKeyActivate(id, ""))
	a.is(http.StatusOK)
	a.says("main", "Only if you are sure that nobody else has this token. Anyone who holds it gets access.")
	b.post(pathKeyActivate(id, ""), nil).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Order sync is active.")
	if got := list.text("tbody td[data-l='Status']"); got != "Active" {
		t.Errorf("status %q", got)
	}
	b.post(pathKeyActivate(id, ""), nil)
	b.get(pathKeys()).says("#flash", "Order sync was already active.")
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionKeyDeactivated, keys.ActionKeyActivated)
}

func TestQ23DeleteNeedsItsCheckbox(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	a := b.get(pathKeyDelete(id, ""))
	a.says("h1", "Delete key")
	a.says("main", string(id)+" (Order sync) and its tokens stop working and are removed.")
	a.says("main", "Its history stays in the audit log.")
	a.says("main", "I understand that this action cannot be undone")
	box := a.Find("input[type=checkbox][name=understood]")
	if _, checked := box.Attr("checked"); checked {
		t.Error("the box is checked")
	}
	if _, required := box.Attr("required"); !required {
		t.Error("the box is not required")
	}
	before := k.dump()
	refused := b.post(pathKeyDelete(id, ""), nil)
	refused.is(http.StatusUnprocessableEntity)
	refused.says(`[role="alert"]`, "Check this option to delete the key")
	inPlace := b.hx(http.MethodPost, pathKeyDelete(id, ""), nil)
	inPlace.is(http.StatusUnprocessableEntity)
	if inPlace.header.Get("HX-Retarget") != "#dlg" || !strings.Contains(inPlace.body, "Check this option to delete the key") {
		t.Errorf("the dialog does not stay: %v", inPlace.header)
	}
	if after := k.dump(); after != before {
		t.Errorf("something was deleted:\n%s", difference(before, after))
	}
	b.post(pathKeyDelete(id, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Order sync was deleted.")
	list.says("main", "No API keys yet")
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionKeyDeleted, keys.ActionTokenRevoked)
}

func TestDeleteInPlaceTakesTheRowAwayAndCounts(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	first, _ := b.generate("Order sync")
	second, _ := b.generate("Price feed")
	a := b.hx(http.MethodPost, pathKeyDelete(second, ""), url.Values{"understood": {"on"}})
	a.is(http.StatusOK)
	if strings.Contains(a.body, "<html") || !strings.Contains(a.body, `id="count"`) || !strings.Contains(a.body, "1 key") || !strings.Contains(a.body, "Price feed was deleted.") {
		t.Errorf("the answer is %s", a.body)
	}
	last := b.hx(http.MethodPost, pathKeyDelete(first, ""), url.Values{"understood": {"on"}})
	last.is(http.StatusNoContent)
	if last.header.Get("HX-Redirect") != pathKeys() {
		t.Errorf("after the last row: %v", last.header)
	}
	b.get(pathKeys()).says("#flash", "Order sync was deleted.")
}

func TestEditChangesNameRolesAndStatus(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, token := b.generate("Order sync", "orders-viewer")
	a := b.get(pathKeyEdit(id, ""))
	a.is(http.StatusOK)
	a.says("main", string(id))
	if name, _ := a.Find("#name").Attr("value"); name != "Order sync" {
		t.Errorf("the form shows %q", name)
	}
	if _, checked := a.Find("#role-orders-viewer").Attr("checked"); !checked || a.Find("input[name=roles][checked]").Length() != 1 {
		t.Error("the form does not show the key's roles")
	}
	if _, checked := a.Find("input[name=active]").Attr("checked"); !checked {
		t.Error("the form does not show that the key is active")
	}
	if strings.Contains(a.body, token) {
		t.Error("the token is on the page")
	}
	version, _ := a.Find("input[name=version]").Attr("value")
	fields := url.Values{"name": {" Orders to ERP "}, "roles": {"orders-manager", "catalog-viewer"}, "version": {version}}
	b.post(pathKeyEdit(id, ""), fields).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "Changes saved.")
	list.says("tbody th", "Orders to ERP")
	list.says("tbody td[data-l='Roles']", "Catalog viewer")
	list.says("tbody td[data-l='Roles']", "Orders manager")
	list.says("tbody td[data-l='Status']", "Inactive")
	if strings.Contains(list.text("tbody td[data-l='Roles']"), "Orders viewer") {
		t.Error("a removed role is still there")
	}
	stale := b.post(pathKeyEdit(id, ""), fields)
	stale.is(http.StatusConflict)
	stale.says("main", "This key changed after the page was opened")
	if stale.Find(`main a[href="`+pathKeyEdit(id, "")+`"]`).Length() != 1 {
		t.Error("no way to try again")
	}
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionTokenMinted, keys.ActionKeyEdited, keys.ActionKeyDeactivated)
}

func TestEditWithoutAChangeSaysSo(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync", "orders-viewer")
	version, _ := b.get(pathKeyEdit(id, "")).Find("input[name=version]").Attr("value")
	before := k.dump()
	b.post(pathKeyEdit(id, ""), url.Values{"name": {"Order sync"}, "roles": {"orders-viewer"}, "active": {"on"}, "version": {version}}).leadsTo(pathKeys())
	if after := k.dump(); after != before {
		t.Errorf("something was written:\n%s", difference(before, after))
	}
	b.get(pathKeys()).says("#flash", "No changes to save.")
}

func TestEditKeepsWhatWasTyped(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync", "orders-viewer")
	fields := url.Values{"name": {""}, "roles": {"pricing-admin"}, "version": {"1"}}
	for _, a := range []answer{b.post(pathKeyEdit(id, ""), fields), b.hx(http.MethodPost, pathKeyEdit(id, ""), fields)} {
		a.is(http.StatusUnprocessableEntity)
		a.says(`[role="alert"]`, "Enter a key identification")
		if _, checked := a.Find("#role-pricing-admin").Attr("checked"); !checked {
			t.Error("the chosen role was lost")
		}
	}
	whole, fragment := b.post(pathKeyEdit(id, ""), fields), b.hx(http.MethodPost, pathKeyEdit(id, ""), fields)
	if strings.Contains(fragment.body, "<html") || whole.text("main form") != fragment.text("form") {
		t.Error("page and fragment differ")
	}
}

func TestEditInPlaceGoesBackToTheList(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	version, _ := b.get(pathKeyEdit(id, "")).Find("input[name=version]").Attr("value")
	a := b.hx(http.MethodPost, pathKeyEdit(id, ""), url.Values{"name": {"Orders"}, "active": {"on"}, "version": {version}})
	a.is(http.StatusNoContent)
	if to := a.header.Get("HX-Redirect"); to != pathKeys()+"#kebab-"+string(id) {
		t.Errorf("leads to %q", to)
	}
}

func TestAnActionLeadsBackToItsPageOfTheList(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for range 27 {
		b.generate("Order sync")
	}
	older, _ := b.get(pathKeys()).Find(`a[rel="next"]`).Attr("href")
	second := b.get(older)
	ask, _ := second.Find(`tbody a[href*="/deactivate"]`).First().Attr("href")
	to, _ := b.get(ask).Find("main form").Attr("action")
	b.post(to, nil).leadsTo(older)
}

// hasEvents asserts the audit events of a key, the oldest first.
func (k *kit) hasEvents(id keys.KeyID, want ...keys.Action) {
	k.t.Helper()
	events, err := k.store.KeyEvents(k.t.Context(), k.signIn("ana@acme.example").actor(), id)
	must(k.t, err)
	var got []string
	for i := len(events) - 1; i >= 0; i-- {
		got = append(got, string(events[i].Action))
		if events[i].Actor != "ana@acme.example" || events[i].IP != "198.51.100.7" || events[i].RequestID == "" {
			k.t.Errorf("%s by %q from %q in %q", events[i].Action, events[i].Actor, events[i].IP, events[i].RequestID)
		}
	}
	var expected []string
	for _, action := range want {
		expected = append(expected, string(action))
	}
	if strings.Join(got, " ") != strings.Join(expected, " ") {
		k.t.Errorf("events %v, not %v", got, expected)
	}
}
