package main

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"latchkey/keys"
)

// worstName wants to be markup, a formula and a link, and to turn the words around it: one of its marks
// ends what sets a name apart, and the next one turns what follows. worstEmail is what of it an address may have.
const (
	worstName  = "\"><img src=x onerror=alert(1)>=HYPERLINK(\"http://x\")\u2066🔑\u2069\u2069\u202eevil\u200f"
	worstEmail = "=1+{{.}}`id`$home\u2066🔑\u2069\u2069\u202elive\u200f@acme.example"
)

// turned are the texts of ours, not of a name, in which a sign stands to the left of the one before it on its line,
// and the texts behind a name that stand to the left of it.
const turned = `((names) => {
	const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		if (n.parentElement.closest("bdi, option") || !n.parentElement.checkVisibility()) continue;
		let text = n.data, last;
		for (const name of names) text = text.replaceAll(name, " ".repeat(name.length));
		for (let i = 0; i < text.length; i++) {
			range.setStart(n, i);
			range.setEnd(n, i + 1);
			const spot = range.getClientRects()[0];
			if (text[i] === " " || !spot?.width) continue;
			if (last && Math.abs(spot.top - last.top) < 2 && spot.left < last.left) {
				found.push(n.data);
				break;
			}
			last = spot;
		}
	}
	for (const next of document.querySelectorAll("bdi + *")) {
		const before = [...next.previousElementSibling.getClientRects()].at(-1), spot = next.getClientRects()[0];
		if (before && spot && Math.abs(spot.bottom - before.bottom) < 4 && spot.left < before.left) found.push(next.textContent);
	}
	return found;
})`

// inert fails the test unless a selector shows the name as text, and nothing on the page came of it.
func (b *tab) inert(where, selector, name string) {
	b.t.Helper()
	b.until(where+" shows the name", `[...document.querySelectorAll(`+js(selector)+`)].some((e) => e.textContent.includes(`+js(name)+`))`)
	if n := look[int](b, `document.querySelectorAll("img, iframe, [src=x], [onerror]").length`); n != 0 {
		b.t.Errorf("%s: %d elements came of the name", where, n)
	}
	for _, text := range look[[]string](b, turned+`(`+js([]string{worstName, worstEmail})+`)`) {
		b.t.Errorf("%s: the name turned %q", where, text)
	}
}

// TestB40AHostileNameDoesNothingAnywhere: the tab itself fails the test at a dialog, at an error or a warning on the
// console, at a violation of the policy and at a request to another host.
func TestB40AHostileNameDoesNothingAnywhere(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.tab()
	b.namesRoles()
	id := b.generatesWorst(c)
	b.actsOnWorst(id)
	b.readsWorst(id)
	owner := c.globex(t)
	b.sharesWorst(generate(t, owner, worstName).id)
	b.invitesWorst()
	b.open("/account/audit")
	b.inert("the audit log", "tbody", worstName)
	look[bool](b, `(document.querySelectorAll("details").forEach((d) => { d.open = true; }), true)`)
	b.inert("the audit log unfolded", "tbody details", worstName)
	b.inert("the audit log unfolded", "del", "\u2069\u202eab")
	b.inert("the audit log", "tbody", worstEmail)
	for _, request := range b.requests() {
		if strings.HasSuffix(request, "/x") {
			t.Errorf("a name made the browser ask for %s", request)
		}
	}
}

// namesRoles names a permission and two roles in their forms.
func (b *tab) namesRoles() {
	b.t.Helper()
	b.open(pathPermissions + "/new")
	b.fill("#slug", "x.read")
	for _, field := range []string{"#product", "#name", "#description"} {
		b.fill(field, worstName)
	}
	b.leads(func() { b.click("main form button[type=submit]") })
	b.inert("the permissions", "table", worstName)
	for _, name := range []string{worstName, worstName + "2"} {
		b.open(pathRoles + "/new")
		b.fill("#name", name)
		b.fill("#description", worstName)
		b.check(`[id="permission-x.read"]`, true)
		b.leads(func() { b.choose("main", "Create role") })
		b.inert("the flash of a role", "#flash", worstName)
	}
	b.inert("the roles", "tbody", worstName)
}

// worstSlugs are those of the roles.
var worstSlugs = []string{"img-src-x-onerror-alert-1-hyperlink-http-x-evil", "img-src-x-onerror-alert-1-hyperlink-http-x-evil-2"}

// generatesWorst makes a key with both roles and two more in the form.
func (b *tab) generatesWorst(c *console) (id string) {
	b.t.Helper()
	b.open(pathNew)
	b.fill("#name", worstName)
	for _, slug := range append(slices.Clone(worstSlugs), "orders-viewer", "catalog-viewer") {
		b.check("#role-"+slug, true)
	}
	b.inert("the form", "#roles", worstName)
	b.leads(func() { b.choose("main", "Generate") })
	b.inert("the result page", "main", worstName)
	id = keyForm.FindString(b.text("#key"))
	b.leads(func() { b.choose("main", "Close") })
	b.inert("the list", row(id)+" th", worstName)
	b.inert("the list", row(id)+" .names", worstName+"2")
	if got := look[string](b, `document.querySelector(`+js(kebab(id))+`).ariaLabel`); !strings.Contains(got, worstName) {
		b.t.Errorf("the menu is called %q", got)
	}
	b.fill("#q", worstName)
	b.until("the search is over", `new URLSearchParams(location.search).get("q") === `+js(worstName))
	b.inert("the list of a search", row(id), worstName)
	renamed := c.generate("\u2069\u202eab")
	c.does(pathKey(renamed.id, "edit"), url.Values{"name": {"Price feed"}, "version": {"1"}, "active": {"on"}})
	b.open(pathList)
	return id
}

// actsOnWorst goes through the dialogs of a row, and its flashes.
func (b *tab) actsOnWorst(id string) {
	b.t.Helper()
	act := func(item, button, flash string) {
		b.t.Helper()
		b.click(kebab(id))
		b.choose(menu(id), item)
		b.inert("the dialog "+item, "dialog[open] form", worstName)
		b.choose("dialog", button)
		b.says("#flash", flash)
	}
	act("Deactivate", "Deactivate", "is inactive.")
	b.inert("the flash after a deactivation", "#flash", worstName)
	b.leads(func() { b.choose("#flash", "Activate") })
	b.inert("the flash after an activation", "#flash", worstName)
	b.click(kebab(id))
	b.leads(func() { b.choose(menu(id), "Renew Token") })
	b.inert("the page to renew", "main", worstName)
	b.leads(func() { b.choose("main", "Renew Token") })
	b.inert("the second step", "main", worstName)
	b.check("#old-later", true)
	b.leads(func() { b.choose("main", "Complete") })
	act("Undo Renewal", "Undo", "Renewal undone.")
	b.click(kebab(id))
	b.choose(menu(id), "Delete Key")
	b.inert("the dialog to delete", "dialog[open] form", worstName)
	b.choose("dialog", "Cancel")
	b.noDialog()
}

// readsWorst opens the page of a key, and deletes another one of that name.
func (b *tab) readsWorst(id string) {
	b.t.Helper()
	b.open(pathList + "/" + id)
	b.inert("the page of a key", "main", worstName)
	if title := look[string](b, `document.title`); !strings.Contains(title, worstName) {
		b.t.Errorf("the title is %q", title)
	}
	b.open(pathNew)
	b.fill("#name", worstName)
	b.leads(func() { b.choose("main", "Generate") })
	b.inert("the result page of a twin", "main", worstName)
	twin := keyForm.FindString(b.text("#key"))
	b.leads(func() { b.choose("main", "Close") })
	b.click(kebab(twin))
	b.choose(menu(twin), "Delete Key")
	b.check("#understood", true)
	b.choose("dialog", "Delete")
	b.says("#flash", "was deleted.")
	b.inert("the flash of a deletion", "#flash", worstName)
	b.until("the row is gone", `!document.querySelector(`+js(row(twin))+`)`)
}

// sharesWorst gives a key of another account the roles, and takes them away.
func (b *tab) sharesWorst(id string) {
	b.t.Helper()
	b.open(pathExternal + "/new")
	b.fill("#key", id)
	b.fill("#owner", "globex")
	for _, slug := range worstSlugs {
		b.check("#role-"+slug, true)
	}
	b.leads(func() { b.choose("main", "Add") })
	b.inert("the External tab", row(id), worstName)
	b.click(kebab(id))
	b.choose(menu(id), "Remove")
	b.inert("the dialog to remove", "dialog[open] form", "")
	b.choose("dialog", "Remove")
	b.says("#flash", "was removed.")
}

// invitesWorst invites a user whose email is hostile, with the roles.
func (b *tab) invitesWorst() {
	b.t.Helper()
	b.open(pathUsers + "/invite")
	b.inert("the form to invite", "#roles", worstName)
	b.leads(func() { b.choose("main", "Create link") })
	b.invites(worstEmail, worstSlugs[0])
	b.inert("the page with the link", "main", worstEmail)
	b.leads(func() { b.choose("main", "Close") })
	user := b.userNumber(worstEmail)
	b.inert("the users", row(user), worstEmail)
	b.inert("the users", row(user), worstName)
	b.chooses(user, "Deactivate")
	b.inert("the page to deactivate a user", "main", worstEmail)
	b.leads(func() { b.choose("main", "Deactivate") })
	b.inert("the flash of a user", "#flash", worstEmail)
	b.open(pathRoles + "/" + worstSlugs[0])
	b.inert("the page of a role", "main", worstEmail)
	b.inert("the page of a role", "h1", worstName)
	b.open(pathRoles + "/" + worstSlugs[0] + "/delete")
	b.inert("the page of a role that is used", "main", worstName)
}

// TestAuditExportKeepsAHostileNameInItsPlace: an event is one line of JSON, whatever its names hold.
func TestAuditExportKeepsAHostileNameInItsPlace(t *testing.T) {
	s := serveFolder(t, initialised(t))
	b := newBrowser(t, s.url)
	b.signIn(email, goodPassword)
	names := []string{worstName, "=1+1", "a\n{\"seq\":1}", "a\r\tb\u2028c\u2029d"}
	for _, name := range names {
		generate(t, b, name)
		b.post(pathRoles+"/new", url.Values{"name": {name}, "description": {name}, "resources": {keys.ViewAPIKeys}})
	}
	found := map[string]int{}
	for line := range strings.Lines(cli(t, "", "audit", "export", "--data", s.folder, "-").ok(t).stdout) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if at := strings.IndexFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl); at >= 0 {
			t.Errorf("%q has a control character", line)
		}
		for _, value := range event {
			if text, is := value.(string); is {
				found[text]++
			}
		}
	}
	for _, name := range names {
		if found[name] < 2 {
			t.Errorf("%q is the name of %d events", name, found[name])
		}
	}
}
