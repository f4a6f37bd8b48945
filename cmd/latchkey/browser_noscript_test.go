package main

import "testing"

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
	b := newTab(t, c.url)
	b.scripts(false)
	b.open("/login")
	b.signIn(email, goodPassword)
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
