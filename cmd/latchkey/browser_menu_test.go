package main

import (
	"slices"
	"testing"
)

// openMenu says whether a menu is open, and that what is said about it is true.
func (b *tab) openMenu(button, list string, open bool) {
	b.t.Helper()
	state := `[document.querySelector(` + js(list) + `).matches(":popover-open"), document.querySelector(` + js(button) + `).ariaExpanded]`
	if open {
		b.until("the menu is open", `JSON.stringify(`+state+`) === '[true,"true"]'`)
	} else {
		b.until("the menu is closed", `JSON.stringify(`+state+`) === '[false,"false"]'`)
	}
}

// item waits until the focus is on an item of a menu.
func (b *tab) item(words string) {
	b.t.Helper()
	b.until("the focus is on "+words, `document.activeElement.role === "menuitem" && document.activeElement.textContent.trim() === `+js(words))
}

func TestB35KebabHasTheKeysOfAMenuButton(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	other, k := c.generate("Price feed"), c.generate("Order sync")
	b := c.tab()
	button, list := kebab(k.id), menu(k.id)

	if heard := named(b.hear(), "button"); !slices.Contains(heard, "Actions for Order sync") {
		t.Errorf("the buttons are called %q; want one for Order sync", heard)
	}
	if promised := look[string](b, `document.querySelector(`+js(button)+`).getAttribute("aria-haspopup")`); promised != "menu" {
		t.Errorf("aria-haspopup is %q; want menu", promised)
	}
	b.openMenu(button, list, false)

	for _, key := range []string{keyEnter, keySpace, keyDown} {
		b.focus(button)
		b.press(key)
		b.openMenu(button, list, true)
		b.item("Edit")
		b.press(keyEscape)
		b.openMenu(button, list, false)
		b.focusOn(button)
	}
	b.press(keyUp)
	b.item("Delete Key")
	b.press(keyDown)
	b.item("Edit")
	b.press(keyUp)
	b.item("Delete Key")
	b.press(keyHome)
	b.item("Edit")
	b.press(keyDown)
	b.item("Deactivate")
	b.press(keyEnd)
	b.item("Delete Key")

	for _, want := range []string{"Deactivate", "Delete Key", "Deactivate"} {
		b.press("d")
		b.item(want)
	}
	b.press("E")
	b.item("Edit")
	b.press("x")
	b.item("Edit")

	if roles := named(b.hear(), "menuitem"); !slices.Equal(roles, []string{"Edit", "Deactivate", "Renew Token", "Delete Key"}) {
		t.Errorf("the menu's items are called %q", roles)
	}
	if menus := named(b.hear(), "menu"); !slices.Equal(menus, []string{"Actions for Order sync"}) {
		t.Errorf("the open menus are called %q", menus)
	}

	b.press(keyTab)
	b.openMenu(button, list, false)
	b.until("the focus is on the next row", `document.activeElement.matches(`+js(row(other.id)+" [name=id]")+`)`)
	b.press(keyTab, shift)
	b.focusOn(button)

	b.press(keyEnter)
	b.item("Edit")
	b.press(keyTab, shift)
	b.openMenu(button, list, false)
	b.until("the focus is before the kebab", `document.querySelector(`+js(button)+`).compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_PRECEDING`)

	b.focus(button)
	b.press(keyEnter)
	b.item("Edit")
	b.click("h1")
	b.openMenu(button, list, false)

	b.focus(button)
	b.press(keyEnter)
	b.item("Edit")
	b.leads(func() { b.press(keyEnter) })
	b.at(pathKey(k.id, "edit"))
}

func TestB35KebabOfAnInactiveKeySaysWhatActivateMeans(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	c.does(pathKey(k.id, "deactivate"), nil)
	b := c.tab()
	b.mark()
	b.focus(kebab(k.id))
	b.press(keyEnter)
	b.item("Edit")
	b.press("a")
	b.item("Activate")
	for _, n := range b.hear() {
		if n.role == "menuitem" && n.name == "Activate" && n.description != "Only if you are sure that nobody else has this token. Anyone who holds it gets access." {
			t.Errorf("Activate is described with %q", n.description)
		}
	}
	b.press(keyEnter)
	b.says("#flash", "Order sync is active.")
	b.says(row(k.id), "Active")
	b.stayed()
	b.focusOn(kebab(k.id))
	b.openMenu(kebab(k.id), menu(k.id), false)
}

func TestB35ProfileMenuHasTheKeysOfAMenuButton(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.tab()
	const button, list = "#account", "#account-menu"
	if heard := named(b.hear(), "button"); !slices.Contains(heard, "Account menu for "+email) {
		t.Errorf("the buttons are called %q; want one for the account", heard)
	}
	b.focus(button)
	b.press(keyEnter)
	b.openMenu(button, list, true)
	b.item("API Keys")
	b.press(keyUp)
	b.item("Log out")
	b.press(keyDown)
	b.item("API Keys")
	b.press("c")
	b.item("Change password")
	b.press(keyEnd)
	b.item("Log out")
	b.press(keyHome)
	b.item("API Keys")
	b.press(keyEscape)
	b.openMenu(button, list, false)
	b.focusOn(button)
	b.press(keyUp)
	b.item("Log out")
	b.leads(func() { b.press(keySpace) })
	b.at("/login")
	b.says("main", "You are logged out.")
}

// TestB35TheMenusOfEveryListHaveTheKeys: of external keys, roles and users, as of keys.
func TestB35TheMenusOfEveryListHaveTheKeys(t *testing.T) {
	t.Parallel()
	f := newFurnished(t)
	b := f.tab()
	for _, c := range []struct{ list, id, first, last, letter, found string }{
		{pathExternal, f.external, "Edit", "Remove", "r", "Remove"},
		{pathRoles, longSlug, "Edit", "Delete", "d", "Duplicate"},
		{pathUsers, f.user, "Edit roles", "Deactivate", "n", "New invitation link"},
	} {
		b.open(c.list)
		button, list := kebab(c.id), "#menu-"+c.id
		b.openMenu(button, list, false)
		b.focus(button)
		b.press(keyEnter)
		b.openMenu(button, list, true)
		b.item(c.first)
		b.press(keyUp)
		b.item(c.last)
		b.press(keyDown)
		b.item(c.first)
		b.press(keyEnd)
		b.item(c.last)
		b.press(keyHome)
		b.item(c.first)
		b.press(c.letter)
		b.item(c.found)
		b.press(keyEscape)
		b.openMenu(button, list, false)
		b.focusOn(button)
	}
}
