package main

import (
	"net/http"
	"net/url"
	"testing"
)

const (
	pathExternal = "/account/api-keys/external"
	otherEmail   = "bob@globex.example"
)

// globex makes a second account beside the console's, and returns a client of its owner.
func (s *served) globex(t *testing.T) *browser {
	t.Helper()
	cli(t, goodPassword+"\n", "account", "create", "--data", s.folder, "--account", "globex", "--email", otherEmail, "--password-file", "-").ok(t)
	b := newBrowser(t, s.url)
	b.signIn(otherEmail, goodPassword)
	return b
}

func walkExternal(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	owner := c.globex(t)
	w := &walk{tab: c.tab()}
	defer w.done()
	w.page("no external keys", pathExternal)
	w.says("main h2", "No external keys yet")
	w.leads(func() { w.choose("main", "Add Key") })
	w.at(pathExternal + "/new")
	w.state("add an external key")
	look[bool](w.tab, `(document.querySelectorAll("[name=roles]").forEach((e) => e.click()), true)`)
	w.choose("main", "Add")
	w.says(".summary", "Enter the key that the other account gave you")
	w.says(".summary", "Enter the account that the key belongs to")
	w.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	w.state("add an external key, with problems in place")
	look[bool](w.tab, `(document.querySelector("#add").submit(), true)`)
	w.until("the page came", `document.title.startsWith("Error: ") && document.readyState === "complete"`)
	w.state("add an external key, with problems")
	k := generate(t, owner, "Price feed", "orders-viewer")
	w.open(pathExternal + "/new")
	w.fill("#key", k.id)
	w.fill("#owner", "globex")
	for _, role := range []string{"orders-manager", "catalog-viewer", "pricing-admin"} {
		w.check("#role-"+role, true)
	}
	w.leads(func() { w.choose("main", "Add") })
	w.says("#flash", k.id+" was added.")
	w.focusOn(kebab(k.id))
	w.state("the External tab after a key was added")

	off := generate(t, owner, "Stock feed")
	c.does(pathExternal+"/new", url.Values{"key": {off.id}, "owner": {"globex"}})
	if got := owner.post(pathKey(off.id, "deactivate"), nil); got.status != http.StatusSeeOther {
		t.Fatalf("the owner's deactivation answered %d", got.status)
	}
	w.page("the External tab", pathExternal)
	w.says(row(off.id), "Inactive")
	w.click(kebab(k.id))
	w.state("menu of an external key")
	w.leads(func() { w.choose(menu(k.id), "Edit") })
	w.state("edit an external key")
	w.check("#role-pricing-admin", false)
	w.leads(func() { w.choose("main", "Save") })
	w.says("#flash", "Changes saved.")
	w.focusOn(kebab(k.id))
	w.click(kebab(off.id))
	w.choose(menu(off.id), "Remove")
	w.says("dialog[open] h2", "Remove key")
	w.focusOn("a cancel")
	w.state("dialog to remove an external key")
	w.press(keyEscape)
	w.until("the dialog is closed", `!document.querySelector("dialog[open]")`)
	w.focusOn(kebab(off.id))
	w.click(kebab(off.id))
	w.choose(menu(off.id), "Remove")
	w.says("dialog[open] h2", "Remove key")
	w.choose("dialog", "Remove")
	w.says("#flash", off.id+" was removed.")
	w.says("#count", "1 external key")
	w.focusOn(kebab(k.id))
	w.state("the External tab after a removal in place")
	w.page("remove an external key", pathExternal+"/"+k.id+"/remove")
	w.excuseStatus(http.StatusNotFound)
	w.page("an external key that is gone", pathExternal+"/"+off.id+"/edit")
	c.putUnderReview()
	w.page("a review with an external key", "/account/api-keys/review")
}

func TestB34WithoutScriptAnExternalKeyIsAddedEditedAndRemoved(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	owner := c.globex(t)
	k := generate(t, owner, "Price feed", "orders-viewer")
	b := c.withoutScript()
	b.leads(func() { b.choose("main nav", "External") })
	b.withoutPromises()
	b.leads(func() { b.choose("main", "Add Key") })
	b.withoutPromises()
	b.fill("#key", "appkey-globex-00000000")
	b.fill("#owner", "globex")
	b.leads(func() { b.choose("main", "Add") })
	b.says(".summary", "There is no such key in that account")
	b.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	b.fill("#key", k.id)
	b.check("#role-orders-viewer", true)
	b.leads(func() { b.choose("main", "Add") })
	b.says("#flash", k.id+" was added.")
	b.says(row(k.id), "Orders viewer")
	b.focusOn(kebab(k.id))

	act := func(item string) {
		t.Helper()
		b.click(kebab(k.id))
		b.leads(func() { b.choose(menu(k.id), item) })
	}
	act("Edit")
	b.check("#role-orders-viewer", false)
	b.check("#role-catalog-viewer", true)
	b.leads(func() { b.choose("main", "Save") })
	b.says("#flash", "Changes saved.")
	b.says(row(k.id), "Catalog viewer")
	b.focusOn(kebab(k.id))
	act("Remove")
	b.focusOn("a cancel")
	b.leads(func() { b.choose("main", "Cancel") })
	b.focusOn(kebab(k.id))
	act("Remove")
	b.leads(func() { b.choose("main", "Remove") })
	b.says("#flash", k.id+" was removed.")
	b.says("main h2", "No external keys yet")
}
