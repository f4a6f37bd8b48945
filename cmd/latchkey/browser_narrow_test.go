package main

import (
	"slices"
	"testing"
)

func TestB39NarrowTableIsStillATableToAScreenReader(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Price feed")
	k := c.generate("Order sync", "orders-viewer")
	b := c.tab()
	for _, width := range []int64{1280, 320} {
		b.screen(width, "light")
		b.drawn()
		nodes := b.hear()
		if got := named(nodes, "columnheader"); !slices.Equal(got, []string{"Key/Name", "Token duration", "Roles", "Created date", "Status"}) {
			t.Errorf("%d px: the column headers are %q", width, got)
		}
		if got := named(nodes, "rowheader"); !slices.Equal(got, []string{k.id + " Order sync", named(nodes, "rowheader")[1]}) {
			t.Errorf("%d px: the row headers are %q", width, got)
		}
		for role, want := range map[string]int{"table": 1, "row": 3, "rowheader": 2} {
			if got := len(named(nodes, role)); got != want {
				t.Errorf("%d px: %d nodes with the role %s; want %d", width, got, role, want)
			}
		}
		if got := len(named(nodes, "cell")); got < 10 {
			t.Errorf("%d px: %d cells; want at least 5 in each of 2 rows", width, got)
		}
	}
}

func TestB39NarrowScreenReachesEveryAction(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, name := range []string{"Stock levels", "Price feed", "Monthly report"} {
		c.generate(name)
	}
	k := c.generate("Order sync", "orders-viewer")
	b := c.tab()
	b.screen(320, "light")
	b.touch(true)
	for _, key := range look[[]string](b, `[...document.querySelectorAll("tbody tr")].map((r) => r.id.replace("row-", ""))`) {
		b.click(kebab(key))
		b.openMenu(kebab(key), menu(key), true)
		b.drawn()
		for _, found := range append(b.overflow(), b.unreachable()...) {
			t.Errorf("menu of %s: %s", key, found)
		}
		b.press(keyEscape)
		b.openMenu(kebab(key), menu(key), false)
	}
	b.click(kebab(k.id))
	b.choose(menu(k.id), "Deactivate")
	b.choose("dialog", "Deactivate")
	b.says(row(k.id), "Inactive")
	b.click(kebab(k.id))
	b.choose(menu(k.id), "Activate")
	b.says("#flash", "Order sync is active.")
	b.click(kebab(k.id))
	b.leads(func() { b.choose(menu(k.id), "Edit") })
	b.leads(func() { b.choose("main", "Save") })
	b.says("#flash", "No changes to save.")
	b.click(kebab(k.id))
	b.choose(menu(k.id), "Delete Key")
	b.check("#understood", true)
	b.choose("dialog", "Delete")
	b.says("#count", "3 keys")
	b.leads(func() { b.choose("main", "+ Generate Key") })
	b.fill("#name", "Order mirror")
	b.leads(func() { b.choose("main", "Generate") })
	b.says("h1", "Key generated")
	b.leads(func() { b.choose("main", "Close") })
	b.click("#account")
	b.leads(func() { b.choose("#account-menu", "Log out") })
	b.at("/login")
}
