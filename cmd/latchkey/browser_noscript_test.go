package main

import (
	"net/http"
	"strings"
	"testing"
)

// withoutScript is a tab that is signed in and runs no script.
func (c *console) withoutScript() *tab {
	c.t.Helper()
	b := newTab(c.t, c.url)
	b.scripts(false)
	b.open("/login")
	b.signIn(email, goodPassword)
	return b
}

// Generate, edit, deactivate, activate, renew, undo, delete old and delete key. What comes from elsewhere or leads
// elsewhere has a test of its own: reveal and settings below, external keys, exports, roles and users in their files.
func TestB34WithoutScriptEverythingWorks(t *testing.T) {
	t.Parallel()
	s, code := unclaimed(t)
	b := newTab(t, s.url)
	b.scripts(false)

	b.open("/")
	b.at("/setup")
	b.setUp(code)
	b.says("#flash", "Setup complete.")
	b.leads(func() { b.choose("main", "+ Generate Key") })
	b.withoutPromises()

	b.leads(func() { b.choose("main", "Generate") })
	b.says(".summary", "Enter a key identification")
	b.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	b.fill("#name", "Order sync")
	b.check("#role-orders-viewer", true)
	b.leads(func() { b.choose("main", "Generate") })
	b.says("h1", "Key generated")
	id := b.text("#key")
	if !tokenForm.MatchString(b.text("#token")) {
		t.Fatal("the result page lacks the token")
	}
	b.withoutPromises()
	b.leads(func() { b.choose("main", "Close") })
	b.withoutPromises()

	act := func(item string) {
		t.Helper()
		b.click(kebab(id))
		b.leads(func() { b.choose(menu(id), item) })
	}
	act("Edit")
	b.fill("#name", "")
	b.leads(func() { b.choose("main", "Save") })
	b.says(".summary", "Enter a key identification")
	b.fill("#name", "Order mirror")
	b.leads(func() { b.choose("main", "Save") })
	b.says("#flash", "Changes saved.")
	b.says(row(id), "Order mirror")
	b.focusOn(kebab(id))

	act("Deactivate")
	b.focusOn("a cancel")
	b.leads(func() { b.choose("main", "Cancel") })
	b.focusOn(kebab(id))
	b.says(row(id), "Active")
	act("Deactivate")
	b.leads(func() { b.choose("main", "Deactivate") })
	b.says("#flash", "Order mirror is inactive.")
	b.says(row(id), "Inactive")
	b.leads(func() { b.choose("#flash", "Activate") })
	b.says("#flash", "Order mirror is active.")
	act("Deactivate")
	b.leads(func() { b.choose("main", "Deactivate") })
	act("Activate")
	b.says("#flash", "Order mirror is active.")
	b.focusOn(kebab(id))

	b.renews(id, false)
	act("Delete Key")
	b.check("#understood", true)
	b.leads(func() { b.choose("main", "Delete") })
	b.says("#flash", "Order mirror was deleted.")
	b.says("main h2", "No API keys yet")

	b.click("#account")
	b.leads(func() { b.choose("#account-menu", "Change password") })
	b.fill("#current", goodPassword)
	b.fill("#password", newSecret)
	b.fill("#repeat", newSecret)
	b.leads(func() { b.choose("main", "Change password") })
	b.says("#flash", "Password changed.")

	b.click("#account")
	b.leads(func() { b.choose("#account-menu", "Log out") })
	b.at("/login")
	b.signIn(email, newSecret)
	b.at(pathList)
}

// withoutPromises fails the test when the page shows something that only works with script, or gives
// a control a role whose keys only script brings.
func (b *tab) withoutPromises() {
	b.t.Helper()
	for _, selector := range []string{"[role=menu]", "[role=menuitem]", "[aria-haspopup]", "[aria-expanded]", "[aria-controls]"} {
		if b.has(selector) {
			b.t.Errorf("without script %s has %s", look[string](b, `location.pathname`), selector)
		}
	}
	for _, selector := range []string{"[data-copy]", "[data-dismiss]", "[data-filter]"} {
		if b.shown(selector) {
			b.t.Errorf("without script %s shows %s", look[string](b, `location.pathname`), selector)
		}
	}
	if b.has("[data-selected]") && b.text("[data-selected]") != "" {
		b.t.Errorf("without script the roles are counted: %q", b.text("[data-selected]"))
	}
}

func TestB34WithoutScriptAMenuOpensAndClosesByItself(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.withoutScript()
	for _, button := range []string{kebab(k.id), "#account"} {
		list := menu(k.id)
		if button == "#account" {
			list = "#account-menu"
		}
		b.focus(button)
		b.press(keyEnter)
		b.until("the menu is open", `document.querySelector(`+js(list)+`).matches(":popover-open")`)
		b.press(keyTab)
		b.until("the focus is in the menu", `document.querySelector(`+js(list)+`).contains(document.activeElement)`)
		b.press(keyEscape)
		b.until("the menu is closed", `!document.querySelector(`+js(list)+`).matches(":popover-open")`)
		b.focusOn(button)
	}
}

// TestB34WithoutScriptALinkIsRevealed: whoever was sent the link pastes its code, and whoever sent it can take it back.
func TestB34WithoutScriptALinkIsRevealed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.withoutScript()
	b.open(pathNew)
	b.fill("#name", "Partner sync")
	b.check("#role-orders-viewer", true)
	b.check("#handover-link", true)
	b.leads(func() { b.choose("main", "Generate") })
	b.withoutPromises()
	b.showsNoToken()
	path, code, _ := strings.Cut(b.linkShown(), "#")
	b.reload()
	b.says("#flash", "The link was shown once and cannot be shown again.")
	b.open(pathList)
	id := look[string](b, `document.querySelector("tbody tr").id.replace("row-", "")`)
	b.says(row(id), "Link not opened yet, 24 h left")

	visitor := newTab(t, c.url)
	visitor.scripts(false)
	visitor.excuseStatus(http.StatusNotFound, http.StatusGone)
	reveal := func(code string) {
		t.Helper()
		visitor.open(path)
		visitor.withoutPromises()
		visitor.fill("#secret", code)
		visitor.leads(func() { visitor.choose("main", "Reveal token") })
	}
	reveal(code[:50] + "000")
	visitor.says("h1", "That link does not exist")
	reveal(code)
	visitor.says("h1", "Your token")
	k := generated{id: visitor.text("#key"), token: visitor.text("#token")}
	visitor.withoutPromises()
	c.presents(k, "?resource=orders.read", http.StatusNoContent)
	reveal(code)
	visitor.says("h1", "This link was already used")
	b.open(pathList + "/" + id)
	b.says("main", "The single-access link was opened on")

	b.open(pathKey(id, "renew"))
	b.check("#handover-link", true)
	b.leads(func() { b.choose("main", "Renew Token") })
	path, code, _ = strings.Cut(b.linkShown(), "#")
	b.check("#old-later", true)
	b.leads(func() { b.choose("main", "Complete") })
	b.click(kebab(id))
	b.leads(func() { b.choose(menu(id), "Renew Token") })
	b.says("h1", "A renewal is still open")
	b.leads(func() { b.choose("main", "Discard link") })
	b.leads(func() { b.choose("main", "Discard") })
	b.says("#flash", "Link discarded.")
	reveal(code)
	visitor.says("h1", "This link was taken back")
	c.presents(k, "?resource=orders.read", http.StatusNoContent)
}

func TestB34WithoutScriptSettingsAreApplied(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Order sync")
	c.ageTokens(40)
	b := c.withoutScript()
	b.leads(func() { b.choose("main nav", "Settings") })
	b.withoutPromises()
	b.check("#duration-custom", true)
	b.fill("#days", "1")
	b.leads(func() { b.choose("main", "Apply") })
	b.says(".summary", "Enter a number of days from 7 to 730")
	b.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	b.fill("#days", "30")
	b.leads(func() { b.choose("main", "Apply") })
	b.says("h1", "Apply settings?")
	b.says("main", "Order sync")
	b.leads(func() { b.choose("main", "Apply") })
	b.says("#flash", "Settings applied.")
	b.says("#preview", "With these values 1 key is expired.")
	b.check("#enforce", false)
	b.leads(func() { b.choose("main", "Apply") })
	b.says("#flash", "Settings applied.")
	b.says("#preview", "With these values 1 key is outdated.")
	b.open(pathList)
	b.says("tbody", "Outdated")
}

func TestB34WithoutScriptPreferencesAndSessionsWork(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.withoutScript()
	b.prefer("es", "America/Sao_Paulo", "dark")
	b.withoutPromises()
	b.speaks("es")
	if b.scheme() != "dark" {
		t.Error("the theme is not the chosen one")
	}
	b.prefer("", "", "system")
	other := c.withoutScript()
	b.open(pathSessions)
	b.withoutPromises()
	b.leads(func() { b.click("tbody button") })
	b.says("#flash", "The session in Chromium on Linux has ended.")
	other.open(pathList)
	other.at("/login")
	b.leads(func() { b.choose("main", "Sign out everywhere") })
	b.focusOn("a cancel")
	b.leads(func() { b.choose("main form", "Sign out everywhere") })
	b.at("/login")
	b.says("main", "You are signed out everywhere.")
	b.leads(func() { b.choose("footer", "Português (Brasil)") })
	b.speaks("pt-BR")
}
