package main

import (
	"net/http"
	"strings"
	"testing"
)

const (
	pathUsers  = "/account/users"
	guestEmail = "bo@acme.example"
)

// userNumber is the number of the user in a row of the list that is shown.
func (b *tab) userNumber(email string) string {
	b.t.Helper()
	return look[string](b, `[...document.querySelectorAll("tbody tr")].find((r) => r.querySelector("bdi").textContent === `+js(email)+`).id.replace("row-", "")`)
}

// invites fills the form that invites a user, and returns the path of the link with its secret.
func (b *tab) invites(email, role string) string {
	b.t.Helper()
	b.open(pathUsers)
	b.leads(func() { b.choose("main", "Invite user") })
	b.fill("#email", email)
	if role != "" {
		b.check("#role-"+role, true)
	}
	b.leads(func() { b.choose("main", "Create link") })
	b.says("h1", "User invited")
	return b.linkShown()
}

// linkShown is the path of the link that the page shows, with its secret.
func (b *tab) linkShown() string {
	b.t.Helper()
	link := b.text("#link")
	path := strings.TrimPrefix(link, b.base)
	if path == link || !secretForm.MatchString(path) {
		b.t.Fatalf("the page shows %d characters as the link", len(link))
	}
	return path
}

// chooses opens the menu of a user and follows one of its links.
func (b *tab) chooses(user, item string) {
	b.t.Helper()
	b.click(kebab(user))
	b.leads(func() { b.choose(menu(user), item) })
}

func walkUsers(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	w := &walk{tab: c.tab()}
	defer w.done()
	w.click("#account")
	w.leads(func() { w.choose("#account-menu", "Users") })
	w.at(pathUsers)
	w.state("the users, only the owner")
	w.page("invite", pathUsers+"/invite")
	w.leads(func() { w.choose("main", "Create link") })
	w.state("invite with problems")
	link := w.invites("somebody.with.a.very.long.name.indeed+"+strings.Repeat("x", 40)+"@subdomain.acme.example", "orders-viewer")
	w.state("the page with the link")
	w.leads(func() { w.choose("main", "Close") })
	guest := look[string](w.tab, `[...document.querySelectorAll("tbody tr")].find((r) => r.textContent.includes("Invited")).id.replace("row-", "")`)
	w.focusOn(kebab(guest))
	w.click(kebab(guest))
	w.state("the users, menu open")
	w.page("edit roles", pathUsers+"/"+guest+"/edit")
	w.page("deactivate", pathUsers+"/"+guest+"/deactivate")
	w.page("new invitation link", pathUsers+"/"+guest+"/reset")
	w.page("discard the link", pathUsers+"/"+guest+"/link/discard")
	w.page("activate who was invited", pathUsers+"/"+guest+"/activate")

	visitor := &walk{tab: newTab(t, c.url)}
	visitor.page("the page of a link", link)
	visitor.fill("#password", "short")
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.says(".summary", "Use at least 15 characters")
	visitor.state("the page of a link with problems")
	visitor.fill("#password", newSecret)
	visitor.fill("#repeat", newSecret)
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.at("/login")
	visitor.state("sign-in after a password was set")
	visitor.excuseStatus(http.StatusGone)
	visitor.open(link)
	visitor.fill("#password", newSecret)
	visitor.fill("#repeat", newSecret)
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.says("h1", "This link was already used")
	visitor.state("a link that was used")
	w.checked += visitor.checked

	w.page("reset the password", pathUsers+"/"+guest+"/reset")
	w.leads(func() { w.choose("main", "Create link") })
	w.state("the page with the reset link")
	w.page("the users, a link was opened", pathUsers)
	w.chooses(guest, "Deactivate")
	w.leads(func() { w.choose("main", "Deactivate") })
	w.says("#flash", "is inactive.")
	w.state("the users after a deactivation")
	w.page("activate", pathUsers+"/"+guest+"/activate")
	w.says("h1", "Activate user")
	w.open(pathUsers)
	self := w.userNumber(email)
	w.open(pathUsers + "/" + self + "/deactivate")
	w.leads(func() { w.choose("main", "Deactivate") })
	w.says("[role=alert]", "At least one active administrator is needed")
	w.state("the last administrator cannot be deactivated")
	w.open(pathUsers + "/" + self + "/edit")
	w.check("#role-owner", false)
	w.leads(func() { w.choose("main", "Save") })
	w.says(".summary", "At least one active administrator is needed")
	w.state("edit roles with a problem")
}

// TestB34WithoutScriptUsersWork: the code of the link is pasted into its field.
func TestB34WithoutScriptUsersWork(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.withoutScript()
	link := b.invites(guestEmail, "user-administrator")
	b.withoutPromises()
	b.reload()
	b.says("#flash", "The link for bo@acme.example was shown once and cannot be shown again.")
	guest := b.userNumber(guestEmail)

	visitor := newTab(t, c.url)
	visitor.scripts(false)
	visitor.excuseStatus(http.StatusNotFound)
	path, code, _ := strings.Cut(link, "#")
	visitor.open(path)
	if !visitor.shown("#secret") {
		t.Fatal("there is no field for the code")
	}
	visitor.fill("#secret", code[:50]+"000")
	visitor.fill("#password", newSecret)
	visitor.fill("#repeat", newSecret)
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.says("h1", "That link does not exist")
	visitor.open(path)
	visitor.fill("#secret", code)
	visitor.fill("#password", "short")
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.says(".summary", "Use at least 15 characters")
	visitor.fill("#password", newSecret)
	visitor.fill("#repeat", newSecret)
	visitor.leads(func() { visitor.choose("main", "Set password") })
	visitor.says("main", "Password set. Log in with it.")
	visitor.signIn(guestEmail, newSecret)
	visitor.at(pathList)

	b.open(pathUsers)
	b.says(row(guest), "Link opened just now from 127.0.0.1")
	b.chooses(guest, "Edit roles")
	b.check("#role-user-administrator", false)
	b.leads(func() { b.choose("main", "Save") })
	b.says("#flash", "The roles of bo@acme.example were saved.")
	b.focusOn(kebab(guest))
	visitor.excuseStatus(http.StatusForbidden)
	visitor.open(pathList)
	visitor.says("h1", "You do not have permission for this")
	b.chooses(guest, "Reset password")
	b.leads(func() { b.choose("main", "Create link") })
	b.says("h1", "Link created")
	b.leads(func() { b.choose("main", "Close") })
	b.chooses(guest, "Discard link")
	b.leads(func() { b.choose("main", "Discard link") })
	b.says("#flash", "The link for bo@acme.example no longer works.")
	b.chooses(guest, "Deactivate")
	b.focusOn("a cancel")
	b.leads(func() { b.choose("main", "Deactivate") })
	b.says(row(guest), "Inactive")
	visitor.open(pathList)
	visitor.at("/login")
	b.leads(func() { b.choose("#flash", "Activate") })
	b.leads(func() { b.choose("main", "Activate") })
	b.says("#flash", "bo@acme.example is active.")
}

// TestT3AScriptThatRunsBurnsNoLink: a scanner with a browser opens the link and waits; its secret leaves
// the address, nothing is sent, and the link is good afterwards.
func TestT3AScriptThatRunsBurnsNoLink(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	link := c.tab().invites(guestEmail, "")
	b := newTab(t, c.url)
	for range 3 {
		b.open(link)
		b.until("the code left the address", `location.hash === "" && document.querySelector("[name=secret]").value.startsWith("lkl_")`)
		if b.shown("#secret") {
			t.Error("the field of the code is shown")
		}
		if b.has("script[src*=htmx]") || b.has("[hx-post], [hx-get], meta[property]") {
			t.Error("the page loads htmx or has Open Graph tags")
		}
		b.keepsNoSecret()
		b.open("/help")
		b.keepsNoSecret()
	}
	b.open(link)
	b.fill("#password", newSecret)
	b.fill("#repeat", newSecret)
	b.leads(func() { b.choose("main", "Set password") })
	b.at("/login")
	b.keepsNoSecret()
	b.excuseStatus(http.StatusForbidden)
	b.signIn(guestEmail, newSecret)
	b.says("h1", "You do not have permission for this")
}
