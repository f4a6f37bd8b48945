package main

import (
	"strings"
	"testing"
)

func TestAFlashSurvivesTheRedirectIsAnnouncedAndCanBePutAway(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	if got := look[string](b, `(document.querySelector("#flash").innerHTML.trim())`); got != "" {
		t.Errorf("without anything to tell, the flash holds %q", got)
	}
	b.open(pathKey(k.id, "edit"))
	b.fill("#name", "Order mirror")
	b.leads(func() { b.choose("main", "Save") })
	b.at(pathList)
	b.says("#flash", "Changes saved.")
	if !b.announces("status", "Changes saved.") {
		t.Error("no status of the accessibility tree holds the flash")
	}
	b.click("#flash [data-dismiss]")
	b.until("the flash is gone", `document.querySelector("#flash").textContent.trim() === ""`)
	b.focusOn("#main")
	b.open(pathList)
	if got := b.text("#flash"); got != "" {
		t.Errorf("the flash comes again: %q", got)
	}
}

// announces says whether a live region with a role holds words.
func (b *tab) announces(role, text string) bool {
	b.t.Helper()
	nodes := b.hear()
	parents := map[string]heard{}
	for _, n := range nodes {
		parents[n.id] = n
	}
	for _, n := range nodes {
		if !strings.Contains(n.name, text) {
			continue
		}
		for up, ok := n, true; ok; up, ok = parents[up.parent], parents[up.parent].id != "" {
			if up.role == role {
				return true
			}
		}
	}
	return false
}

func TestTheFocusGoesToTheSummaryOfWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	forms := map[string]struct{ button, field string }{
		pathNew:                 {"Generate", "name"},
		pathKey(k.id, "edit"):   {"Save", "name"},
		"/account/password":     {"Change password", "current"},
		pathKey(k.id, "delete"): {"Delete", "understood"},
	}
	for path, form := range forms {
		b.open(path)
		if b.has("#name") {
			b.fill("#name", "")
		}
		look[bool](b, `(document.querySelector("main form").noValidate = true)`)
		b.choose("main", form.button)
		b.until(path+": the focus is on the summary", `document.activeElement.matches(".summary")`)
		if !b.announces("alert", "There is a problem") {
			t.Errorf("%s: the summary is no alert", path)
		}
		b.click(".summary a")
		b.focusOn("#" + form.field)
		b.until(path+": the field is marked and described", `document.activeElement.ariaInvalid === "true" &&
			document.getElementById(document.activeElement.getAttribute("aria-describedby").split(" ")[0]).textContent.trim() !== ""`)
	}
}

func TestTheRolesAreCountedAndCanBeFiltered(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.tab()
	b.open(pathNew)
	b.says("[data-selected]", "0 selected")
	b.check("#role-orders-viewer", true)
	b.says("[data-selected]", "1 selected")
	if b.shown(".no-role") {
		t.Error("the line about a key without a role is shown beside one that has a role")
	}
	b.fill("#roles-filter", "CATÁLOG")
	b.until("only what matches is shown", `[...document.querySelectorAll("[data-role]")].filter((e) => e.checkVisibility()).every((e) => /catalog/i.test(e.textContent))
		&& document.querySelector("#role-catalog-viewer").checkVisibility()`)
	b.check("#role-catalog-viewer", true)
	b.says("[data-selected]", "2 selected")
	b.fill("#roles-filter", "no such role")
	b.until("it says that nothing matches", `document.querySelector(".roles-empty").checkVisibility()`)
	b.says("#live", "No role matches")
	b.mark()
	b.press(keyEnter)
	b.stayed()
	b.fill("#name", "Order sync")
	b.leads(func() { b.choose("main", "Generate") })
	b.says("h1", "Key generated")
	id := b.text("#key")
	b.leads(func() { b.choose("main", "Close") })
	b.says(row(id), "Catalog viewer")
	b.says(row(id), "Orders viewer")
}
