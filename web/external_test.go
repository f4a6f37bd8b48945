package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
)

// columnsOf are the heads of a page's table.
func (a answer) columnsOf(selector string) (heads []string) {
	a.Find(selector).Each(func(_ int, th *goquery.Selection) { heads = append(heads, strings.TrimSpace(th.Text())) })
	return heads
}

func TestQ28TheExternalListHasItsColumns(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id := b.external("orders-viewer", "pricing-admin", "catalog-viewer")
	a := b.get(pathExternal())
	a.is(http.StatusOK)
	a.says("h1", "API Keys")
	if got := a.columnsOf("thead th"); !slices.Equal(got, []string{"Key/Owner", "Roles", "Added On", "Status"}) {
		t.Errorf("columns %q", got)
	}
	row := a.Find("tbody tr#row-" + string(id))
	if row.Length() != 1 || row.Find(`th[scope="row"]`).Length() != 1 || a.Find("tbody tr").Length() != 1 {
		t.Fatalf("rows: %s", a.body)
	}
	if head := a.text(`tbody th`); head != string(id)+" globex" {
		t.Errorf("the row's head is %q", head)
	}
	if strings.Contains(a.body, "Price feed") {
		t.Error("it tells the name that its owner gave it")
	}
	for cell, want := range []string{"Catalog viewer Orders viewer +1 more rolePricing admin", "12 Sep 2026", "Active"} {
		if got := strings.Join(strings.Fields(row.Find("td").Eq(cell).Text()), " "); got != want {
			t.Errorf("cell %d says %q, want %q", cell+1, got, want)
		}
	}
	if at, _ := row.Find("time").Attr("datetime"); at != "2026-09-12T10:00:00Z" {
		t.Errorf("added at %q", at)
	}
	a.says("#count", "1 external key")
	a.says("main", "External keys belong to other accounts. Their tokens are managed there.")
	if href, _ := a.Find(`main a.primary`).Attr("href"); href != pathExternalAdd() || a.text("main a.primary") != "Add Key" {
		t.Errorf("%q leads to %q", a.text("main a.primary"), href)
	}
	if strings.Contains(k.signIn("ana@globex.example").get(pathExternal()).body, string(id)) {
		t.Error("its owner sees the grant")
	}
}

func TestQ28TheMenuOfAnExternalKey(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id := b.external("orders-viewer")
	a := b.get(pathExternal())
	button := a.Find("#kebab-" + string(id))
	if label, _ := button.Attr("aria-label"); label != "Actions for "+string(id) {
		t.Errorf("the menu button is labelled %q", label)
	}
	target, _ := button.Attr("popovertarget")
	var got []string
	a.Find("#" + target + " a").Each(func(_ int, item *goquery.Selection) {
		got = append(got, strings.TrimSpace(item.Text()))
		href, _ := item.Attr("href")
		b.get(href).is(http.StatusOK)
	})
	if !slices.Equal(got, []string{"Edit", "Remove"}) || a.Find("#"+target+" button").Length() != 0 {
		t.Errorf("items %q", got)
	}
	if a.Find("#"+target+" li.red").Text() == "" || a.Find("#"+target+" a[data-dialog]").Length() != 1 {
		t.Error("Remove is not red, or not in a dialog")
	}
}

func TestQ28AnEmptyExternalListSaysHowToBegin(t *testing.T) {
	k := newKit(t)
	a := k.signIn("ana@acme.example").get(pathExternal())
	a.says("h2", "No external keys yet")
	a.says("main", "Add a key when another account needs access")
	a.says("main", "External keys belong to other accounts. Their tokens are managed there.")
	if a.Find("table").Length() != 0 || a.text("a.primary") != "Add Key" || a.Find("a.primary").Length() != 1 {
		t.Errorf("it shows %s", a.text("main"))
	}
}

func TestQ28AddAnExternalKey(t *testing.T) {
	k := newKit(t)
	b, owner := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	id, _ := owner.generate("Price feed", "orders-viewer")
	a := b.get(pathExternalAdd())
	a.is(http.StatusOK)
	a.says("h1", "Add external key")
	if got := a.columnsOf("form .field label"); !slices.Equal(got[:2], []string{"External key identification", "Owner account"}) {
		t.Errorf("fields %q", got)
	}
	a.says("#key-help", "Key provided by the other account")
	a.says("#roles", "Choose only the roles this integration needs. If the token leaks, everything these roles allow is exposed.")
	if a.Find("input[checked]").Length() != 0 || a.Find("#roles input[type=checkbox]").Length() != 12 {
		t.Error("a role is chosen, or missing")
	}
	for _, required := range []string{"#key", "#owner"} {
		if _, ok := a.Find(required).Attr("required"); !ok {
			t.Errorf("%s is not required", required)
		}
	}
	form := url.Values{"key": {" " + string(id) + "\n"}, "owner": {"globex"}, "roles": {"catalog-viewer", "pricing-admin"}}
	before := k.dumpOf("globex")
	done := b.post(pathExternalAdd(), form)
	done.leadsTo(pathExternal())
	if to := done.header.Get("Location"); !strings.HasSuffix(to, "#kebab-"+string(id)) {
		t.Errorf("it leads to %q", to)
	}
	list := b.get(pathExternal())
	list.says("#flash", string(id)+" was added.")
	list.says("tbody td:nth-of-type(1)", "Catalog viewer")
	if after := k.dumpOf("globex"); after != before {
		t.Errorf("its owner's account changed:\n%s", difference(before, after))
	}
	again := b.post(pathExternalAdd(), form)
	again.is(http.StatusUnprocessableEntity)
	again.says(`[role="alert"]`, "This key was already added")
	again.says("title", "Error: ")
	if href, _ := again.Find(`[role="alert"] a`).Attr("href"); href != "#key" {
		t.Errorf("the problem leads to %q", href)
	}
	if input := again.Find("#key"); input.AttrOr("aria-invalid", "") != "true" || !strings.Contains(input.AttrOr("aria-describedby", ""), "key-problem") ||
		strings.TrimSpace(input.AttrOr("value", "")) != string(id) || again.Find("#roles input[checked]").Length() != 2 {
		t.Errorf("what was typed is lost: %s", again.text("form"))
	}
	other, _ := owner.generate("Stock feed")
	inPlace := b.hx(http.MethodPost, pathExternalAdd(), url.Values{"key": {string(other)}, "owner": {"globex"}})
	inPlace.is(http.StatusNoContent)
	if to := inPlace.header.Get("HX-Redirect"); to != pathExternal()+"#kebab-"+string(other) {
		t.Errorf("in place it leads to %q", to)
	}
	failed := b.hx(http.MethodPost, pathExternalAdd(), form)
	failed.is(http.StatusUnprocessableEntity)
	if strings.Contains(failed.body, "<html") || failed.Find("form#add").Length() != 1 {
		t.Error("in place it is not the form alone")
	}
}

func TestQ28WhatIsNotAddedSaysWhyAndNoMore(t *testing.T) {
	k := newKit(t)
	b, owner := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	id, _ := owner.generate("Price feed")
	own, _ := b.generate("Order sync")
	deleted, _ := owner.generate("Old feed")
	owner.post(pathKeyDelete(deleted, ""), url.Values{"understood": {"on"}})
	unknown := "There is no such key in that account"
	before := k.dump()
	for name, c := range map[string]struct{ key, owner, field, text string }{
		"no key":                {"", "globex", "key", "Enter the key that the other account gave you"},
		"no id":                 {"Price feed", "globex", "key", "Enter a key such as appkey-account-0A1B2C3D"},
		"lower case":            {strings.ToLower(string(id)), "globex", "key", "Enter a key such as appkey-account-0A1B2C3D"},
		"no owner":              {string(id), " ", "owner", "Enter the account that the key belongs to"},
		"an owner that is none": {string(id), "Globex Inc.", "owner", "Enter an account name: 3 to 20 lowercase letters or digits"},
		"the own account":       {string(own), "acme", "owner", "Enter another account. Keys of this account get their roles on the Generated tab"},
		"another owner":         {string(id), "initech", "key", unknown},
		"an own key":            {string(own), "globex", "key", unknown},
		"an unknown key":        {"appkey-globex-0A1B2C3D", "globex", "key", unknown},
		"a deleted key":         {string(deleted), "globex", "key", unknown},
	} {
		a := b.post(pathExternalAdd(), url.Values{"key": {c.key}, "owner": {c.owner}})
		a.is(http.StatusUnprocessableEntity)
		if got := a.text("#" + c.field + "-problem"); got != c.text {
			t.Errorf("%s: %q", name, got)
		}
		if got := a.Find(`[role="alert"] li`).Length(); got != 1 {
			t.Errorf("%s: %d problems", name, got)
		}
	}
	b.post(pathExternalAdd(), url.Values{"key": {"a\x00b"}, "owner": {"globex"}}).is(http.StatusBadRequest)
	if after := k.dump(); after != before {
		t.Errorf("something was added:\n%s", difference(before, after))
	}
}

func TestQ28EditAnExternalKey(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id := b.external("orders-viewer", "catalog-viewer")
	a := b.get(pathExternalEdit(id, ""))
	a.says("h1", "Edit external key")
	a.says("dl", string(id))
	a.says("dl", "globex")
	a.says("dl", "Active")
	if a.Find("#roles input[checked]").Length() != 2 || a.Find(`#role-orders-viewer[checked]`).Length() != 1 || a.Find(`input[name=active], input[name=name]`).Length() != 0 {
		t.Error("the form does not show the roles, or more than these")
	}
	version := a.Find("input[name=version]").AttrOr("value", "")
	form := url.Values{"version": {version}, "roles": {"pricing-viewer"}}
	b.post(pathExternalEdit(id, ""), form).leadsTo(pathExternal())
	list := b.get(pathExternal())
	list.says("#flash", "Changes saved.")
	if got := list.text("tbody td:nth-of-type(1)"); got != "Pricing viewer" {
		t.Errorf("its roles are %q", got)
	}
	stale := b.post(pathExternalEdit(id, ""), form)
	stale.is(http.StatusConflict)
	stale.says("h1", "This key changed after the page was opened")
	if href, _ := stale.Find(`main a[href="` + pathExternalEdit(id, "") + `"]`).Attr("href"); href == "" {
		t.Error("nothing leads back to the form")
	}
	b.post(pathExternalEdit(id, ""), url.Values{"version": {"2"}, "roles": {"pricing-viewer"}}).leadsTo(pathExternal())
	b.get(pathExternal()).says("#flash", "No changes to save.")
	b.post(pathExternalEdit(id, ""), url.Values{"version": {"2"}, "roles": {"none"}}).is(http.StatusUnprocessableEntity)
	done := b.hx(http.MethodPost, pathExternalEdit(id, ""), url.Values{"version": {"2"}})
	done.is(http.StatusNoContent)
	if to := done.header.Get("HX-Redirect"); to != pathExternal()+"#kebab-"+string(id) {
		t.Errorf("in place it leads to %q", to)
	}
	b.get(pathExternal()).says("tbody td:nth-of-type(1)", "No roles")
}

func TestQ28RemoveAnExternalKey(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, other := b.external("orders-viewer"), b.external()
	before := k.dump()
	a := b.get(pathExternalRemove(id, ""))
	a.says("h1", "Remove key")
	a.says("main", string(id))
	a.says("main", "globex loses access to this account immediately. It can be added again.")
	a.says("main form button", "Remove")
	if a.Find(`main form a[autofocus][href^="`+pathExternal()+`"]`).Text() != "Cancel" {
		t.Error("Cancel does not have the focus")
	}
	dialog := b.hx(http.MethodGet, pathExternalRemove(id, ""), nil)
	if strings.Contains(dialog.body, "<html") || dialog.Find(`form[hx-target="#row-`+string(id)+`"]`).Length() != 1 {
		t.Errorf("the dialog is %s", dialog.body)
	}
	if k.dump() != before {
		t.Error("asking changed something")
	}
	inPlace := b.hx(http.MethodPost, pathExternalRemove(id, ""), nil)
	inPlace.is(http.StatusOK)
	if strings.Contains(inPlace.body, "<tr") || !strings.Contains(inPlace.body, "1 external key<") || !strings.Contains(inPlace.body, string(id)+" was removed.") {
		t.Errorf("in place it answers %s", inPlace.body)
	}
	b.post(pathExternalRemove(id, ""), nil).is(http.StatusNotFound)
	gone := b.get(pathExternalEdit(id, ""))
	gone.is(http.StatusNotFound)
	gone.says("h1", "That key does not exist or was deleted")
	if gone.Find(`main a[href="`+pathExternal()+`"]`).Length() != 1 {
		t.Error("nothing leads back to the list")
	}
	last := b.hx(http.MethodPost, pathExternalRemove(other, ""), nil)
	last.is(http.StatusNoContent)
	if to := last.header.Get("HX-Redirect"); to != pathExternal() {
		t.Errorf("after the last one it leads to %q", to)
	}
	list := b.get(pathExternal())
	list.says("#flash", string(other)+" was removed.")
	list.says("main", "No external keys yet")
	again := b.external("orders-viewer")
	b.post(pathExternalRemove(again, ""), nil).leadsTo(pathExternal())
}

func TestTheOwnerOfAnExternalKeyDecidesItsStatus(t *testing.T) {
	k := newKit(t)
	b, owner := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	id := b.external("orders-viewer")
	owner.post(pathKeyDeactivate(id, ""), nil).is(http.StatusSeeOther)
	status := func() string { return b.get(pathExternal()).text("tbody td:nth-of-type(3)") }
	if got := status(); got != "Inactive" {
		t.Errorf("deactivated it is %q", got)
	}
	b.get(pathExternalEdit(id, "")).says("dl", "Inactive")
	b.post(pathKeyActivate(id, ""), nil).is(http.StatusNotFound)
	if got := status(); got != "Inactive" {
		t.Errorf("another account made it %q", got)
	}
	owner.post(pathKeyDelete(id, ""), url.Values{"understood": {"on"}}).is(http.StatusSeeOther)
	b.get(pathExternal()).says("main", "No external keys yet")
}

func TestQ27WhoMayNotEditSeesTheExternalListOnly(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	id := k.signIn("ana@acme.example").external("orders-viewer")
	viewer := k.signIn("viewer@acme.example")
	a := viewer.get(pathExternal())
	a.says("tbody th", string(id))
	if a.Find("[id^=kebab]").Length() != 0 || a.Find("a.primary").Length() != 0 || a.Find("thead td").Length() != 0 {
		t.Error("a viewer is offered a change")
	}
	viewer.post(pathExternalRemove(id, ""), nil).is(http.StatusForbidden)
	must(t, func() error {
		_, err := k.store.RemoveExternalKey(t.Context(), k.signIn("ana@acme.example").actor(), id)
		return err
	}())
	empty := viewer.get(pathExternal())
	empty.says("main", "They appear here once somebody adds one")
	if empty.Find("a.primary").Length() != 0 {
		t.Error("a viewer is offered to add one")
	}
}

func TestNobodyGivesAnExternalKeyMoreThanTheyHold(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	k.addRole("users", keys.ManageUsers)
	b, admin := k.signIn("ana@acme.example"), k.signIn("admin@acme.example")
	broad, narrow := b.external("users"), b.external("orders-viewer")
	free, _ := k.signIn("ana@globex.example").generate("Free")
	offered := admin.get(pathExternalAdd())
	if offered.Find("#role-users").Length() != 0 || offered.Find("#role-owner").Length() != 0 || offered.Find("#role-user-administrator").Length() != 1 {
		t.Error("a role that the user may not give is offered, or one that they may is not")
	}
	before := k.dump()
	for name, try := range map[string]func() answer{
		"add": func() answer {
			return admin.post(pathExternalAdd(), url.Values{"key": {string(free)}, "owner": {"globex"}, "roles": {"users"}})
		},
		"give": func() answer {
			return admin.post(pathExternalEdit(narrow, ""), url.Values{"version": {"1"}, "roles": {"orders-viewer", "owner"}})
		},
		"take":      func() answer { return admin.post(pathExternalEdit(broad, ""), url.Values{"version": {"1"}}) },
		"open form": func() answer { return admin.get(pathExternalEdit(broad, "")) },
	} {
		a := try()
		if a.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if after := k.dump(); after != before {
		t.Errorf("something was given:\n%s", difference(before, after))
	}
	row := admin.get(pathExternal()).Find("#row-" + string(broad))
	if got := strings.Fields(row.Find("ul.menu").Text()); !slices.Equal(got, []string{"Remove"}) {
		t.Errorf("the menu offers %q", got)
	}
	admin.post(pathExternalRemove(broad, ""), nil).leadsTo(pathExternal())
}

func TestTheExternalListHasPages(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var ids []keys.KeyID
	for range pageSize + 2 {
		ids = append(ids, b.external())
	}
	first := b.get(pathExternal())
	first.says("#count", "27 external keys")
	if n := first.Find("tbody tr").Length(); n != pageSize || first.Find("#row-"+string(ids[1])).Length() != 0 {
		t.Fatalf("%d rows", n)
	}
	next, _ := first.Find(`.pages a[rel=next]`).Attr("href")
	second := b.get(next)
	second.is(http.StatusOK)
	if second.Find("tbody tr").Length() != 2 || second.Find("#row-"+string(ids[0])).Length() != 1 {
		t.Fatalf("the second page has %s", second.text("tbody"))
	}
	edit, _ := second.Find("#row-" + string(ids[0]) + " a[href*=edit]").Attr("href")
	a := b.get(edit)
	if cancel, _ := a.Find("form a.btn").Attr("href"); cancel != next+"#kebab-"+string(ids[0]) {
		t.Errorf("cancel leads to %q", cancel)
	}
	form := a.hidden()
	form.Set("roles", "orders-viewer")
	if to := b.post(edit, form).header.Get("Location"); to != next+"#kebab-"+string(ids[0]) {
		t.Errorf("saved leads to %q", to)
	}
	remove, _ := b.get(next).Find("#row-" + string(ids[1]) + " a[href*=remove]").Attr("href")
	b.post(remove, nil).leadsTo(next)
	prev, _ := b.get(next).Find(`.pages a[rel=prev]`).Attr("href")
	if n := b.get(prev).Find("tbody tr").Length(); n != pageSize {
		t.Errorf("the page before has %d rows", n)
	}
	b.get(pathExternal() + "?after=junk").leadsTo(pathExternal())
	b.post(pathExternalRemove(ids[0], ""), nil)
	b.get(next).leadsTo(pathExternal())
}

func TestTheReviewSpeaksOfExternalKeys(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.external("orders-viewer")
	b.generate("Order sync")
	k.putUnderReview()
	a := b.get(pathKeysReview())
	a.says("form .alert", "2 active keys are answered 503 until you confirm them")
	a.says(`form a[href="`+pathExternal()+`"]`, "Look at 1 active external key, on the External tab")
	form := a.hidden()
	form.Set("looked", "on")
	b.post(pathKeysReview(), form).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "2 keys")
}
