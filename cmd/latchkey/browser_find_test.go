package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// rows are the names of the keys in the table, in their order.
const rowsShown = `[...document.querySelectorAll("tbody th > bdi")].map((e) => e.textContent).join(", ")`

func (b *tab) rowsAre(want string) {
	b.t.Helper()
	b.until("the rows are "+want, rowsShown+` === `+js(want))
}

// addressIs waits until the tab is at an address of the list.
func (b *tab) addressIs(query string) {
	b.t.Helper()
	b.isAt(pathList + query)
}

// isAt waits until the tab is at an address, query and all.
func (b *tab) isAt(address string) {
	b.t.Helper()
	b.until("the address is "+address, `location.pathname + location.search === `+js(address))
}

func TestB37AnActiveSearchUpdatesRowsAndAddressInPlace(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, name := range []string{"Preço feed", "Order sync", "Price feed"} {
		c.generate(name)
	}
	b := c.tab()
	b.rowsAre("Price feed, Order sync, Preço feed")
	b.mark()
	look[bool](b, `(window.told = document.querySelector("#count")) !== null`)
	b.focus("#q")
	b.insert("preco")
	b.rowsAre("Preço feed")
	b.addressIs("?q=preco")
	b.focusOn("#q")
	b.says("#count", "1 key matches")
	const exported = `[...document.querySelectorAll("#exports a")].map((a) => a.getAttribute("href")).join(" ")`
	b.until("the exports follow", exported+` === "/account/api-keys/export.csv?q=preco /account/api-keys/export.xlsx?q=preco"`)
	// A screen reader tells of what changes in a status, and not of one that is put in the place of another.
	if !look[bool](b, `window.told.role === "status" && window.told === document.querySelector("#count")`) {
		t.Error("the count is not announced")
	}
	look[bool](b, `(document.querySelector("#q").select(), true)`)
	b.insert("feed") // ids are searched, too, and a shorter word may stand in one
	b.rowsAre("Price feed, Preço feed")
	b.click("#sort-name")
	b.rowsAre("Preço feed, Price feed")
	b.addressIs("?q=feed&sort=name")
	b.focusOn("#sort-name")
	look[bool](b, `((e) => { e.value = "inactive"; e.dispatchEvent(new Event("change", {bubbles: true})); return true; })(document.querySelector("#status"))`)
	b.says("#results", "No keys match these filters")
	b.addressIs("?q=feed&sort=name&status=inactive")
	b.says("#count", "0 keys match")
	b.stayed()

	b.travel(-1)
	b.addressIs("?q=feed&sort=name")
	b.rowsAre("Preço feed, Price feed")
	b.until("the form says what is looked for", `document.querySelector("#q").value === "feed" && document.querySelector("#status").value === ""`)
	b.travel(-1)
	b.travel(-1)
	b.addressIs("?q=preco")
	b.rowsAre("Preço feed")
	b.travel(1)
	b.rowsAre("Price feed, Preço feed")
	b.until("the box says what is looked for", `document.querySelector("#q").value === "feed"`)
	b.leads(func() { b.choose("#find", "Clear") })
	b.addressIs("")
	b.rowsAre("Price feed, Order sync, Preço feed")

	// Enter searches at once, and what a search finds can be acted on.
	b.mark()
	b.fill("#q", "order")
	b.press(keyEnter)
	b.rowsAre("Order sync")
	id := look[string](b, `document.querySelector("tbody tr").id.replace("row-", "")`)
	b.click(kebab(id))
	b.choose(menu(id), "Deactivate")
	b.choose("dialog", "Deactivate")
	b.says("#flash", "Order sync is inactive.")
	b.focusOn(kebab(id))
	b.stayed()
	b.addressIs("?q=order")
}

func TestB37PagesTurnInPlace(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range 27 {
		c.generate(fmt.Sprintf("Key %02d", i))
	}
	b := c.tab()
	b.mark()
	b.click("#pages [rel=next]")
	b.rowsAre("Key 01, Key 00")
	b.until("there is no page after it", `!document.querySelector("#pages [rel=next]") && document.querySelector("#pages [rel=prev]")`)
	b.stayed()
	b.click("#results [rel=prev]")
	b.until("the first page is back", `document.querySelectorAll("tbody tr").length === 25`)
	b.until("the page is at its top", `scrollY === 0`)
	b.stayed()
}

func TestB37FiltersOfTheAuditLogWorkInPlace(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Order sync")
	b := c.tab()
	b.open(pathAudit)
	b.mark()
	b.check("#only-alarms", true)
	b.says("#count", "0 events")
	b.isAt(pathAudit + "?alarm=1")
	b.focusOn("#only-alarms")
	b.check("#only-alarms", false)
	b.isAt(pathAudit)
	const chooses = `((e) => { e.focus(); e.value = "key.generated"; e.dispatchEvent(new Event("change", {bubbles: true})); return true; })(document.querySelector("#action"))`
	look[bool](b, chooses)
	b.says("#count", "1 event")
	b.says("#results tbody", "Order sync")
	b.isAt(pathAudit + "?action=key.generated")
	b.focusOn("#action")
	if role := look[string](b, `document.querySelector("#count").role`); role != "status" {
		t.Errorf("the count has the role %q", role)
	}
	b.says("#clear", "Clear")
	b.until("the export follows", `document.querySelector("#exports a").getAttribute("href").endsWith("export.csv?action=key.generated")`)
	b.fill("#target", "Price feed")
	b.isAt(pathAudit + "?action=key.generated") // a text counts once it is sent
	b.press(keyEnter)
	b.says("#results", "No events match these filters")
	b.says("#count", "0 events")
	b.isAt(pathAudit + "?action=key.generated&target=Price+feed")
	b.focusOn("#target")
	b.stayed()

	b.travel(-1)
	b.isAt(pathAudit + "?action=key.generated")
	b.says("#results tbody", "Order sync")
	b.until("the form says what is looked for", `document.querySelector("#target").value === "" && document.querySelector("#action").value === "key.generated"`)
	b.leads(func() { b.choose("search", "Clear") })
	b.isAt(pathAudit)
}

func TestBulkInABrowser(t *testing.T) {
	t.Parallel()
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %t", script), func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			var ids []string
			for _, name := range []string{"One", "Two", "Three"} {
				ids = append(ids, c.generate(name).id)
			}
			b := newTab(t, c.url)
			b.scripts(script)
			b.open("/login")
			b.signIn(email, goodPassword)
			box := func(i int) string { return row(ids[i]) + " [name=id]" }
			if script {
				if b.shown(".bulk") {
					t.Error("the bar is there before anything is selected")
				}
				b.click("[data-pick-all]")
				b.says("[data-picked]", "3 selected")
				b.check(box(1), false)
				b.says("[data-picked]", "2 selected")
				b.until("the box above is mixed", `document.querySelector("[data-pick-all]").indeterminate`)
				b.says("#live", "2 selected")
				b.choose("#bulk", "Clear")
				b.until("nothing is selected", `!document.querySelector(".pick :checked") && !document.querySelector("[data-pick-all]").indeterminate`)
				b.until("the bar is gone", `!document.querySelector(".bulk").checkVisibility()`)
				b.until("the focus is above the rows", `document.activeElement.matches("[data-pick-all]")`)
			} else if b.shown("[data-pick-all]") || b.shown("[data-picked]") {
				t.Error("without script there is a promise of it")
			}
			b.check(box(0), true)
			b.check(box(2), true)
			b.leads(func() { b.choose("#bulk", "Deactivate") })
			b.says("h1", "Deactivate 2 keys")
			b.says(".bulk-keys", "One")
			b.leads(func() { b.choose("main", "Cancel") })
			b.at(pathList)
			b.check(box(0), true)
			b.check(box(2), true)
			b.leads(func() { b.choose("#bulk", "Deactivate") })
			b.leads(func() { b.choose("main", "Deactivate") })
			b.says("#flash", "2 keys deactivated.")
			b.says(row(ids[0])+" [data-l=Status]", "Inactive")
			b.says(row(ids[1])+" [data-l=Status]", "Active")
			b.check(box(0), true)
			b.check(box(1), true)
			b.leads(func() { b.choose("#bulk", "Delete") })
			b.check("#understood", true)
			b.leads(func() { b.choose("main", "Delete") })
			b.says("#flash", "2 keys deleted.")
			b.rowsAre("Three")
			b.fill("#q", "nothing like it")
			if script {
				b.says("#results", "No keys match these filters")
			} else {
				b.leads(func() { b.choose("#find", "Search") })
			}
			b.says("#count", "0 keys match")
			b.leads(func() { b.choose("#results", "Clear filters") })
			b.rowsAre("Three")
		})
	}
}

func TestB40AHostileNameIsOnlyTextAmongManyKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var ids []string
	for _, name := range hostile[:10] {
		ids = append(ids, c.generate(name).id)
	}
	b := c.tab()
	for i, name := range hostile[:10] {
		if got := look[string](b, `document.querySelector(`+js(row(ids[i])+" [name=id]")+`).ariaLabel`); got != "Select "+name {
			t.Errorf("the box is called %q; want Select %q", got, name)
		}
	}
	b.fill("#q", hostile[0])
	b.rowsAre(hostile[0])
	b.click("#sort-name")
	b.until("the box still says it", `document.querySelector("#q").value === `+js(hostile[0]))
	b.open(pathList)
	b.click("[data-pick-all]")
	b.leads(func() { b.choose("#bulk", "Delete") })
	got := look[[]string](b, `[...document.querySelectorAll(".bulk-keys .subject")].map((e) => e.textContent)`)
	if len(got) != 10 {
		t.Errorf("the page names %q", got)
	}
	for _, name := range hostile[:10] {
		if !strings.Contains(strings.Join(got, "\n"), name) {
			t.Errorf("the page does not name %q", name)
		}
	}
}

// walkFind looks at the list in its states, and at what is asked about many keys.
func walkFind(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for i := range 30 {
		k := c.generate(fmt.Sprintf("Integration of the northern warehouse %02d", i), "orders-viewer", "catalog-viewer", "pricing-admin")
		if i%3 == 0 {
			c.does(pathKey(k.id, "deactivate"), nil)
		}
	}
	w := &walk{tab: c.tab()}
	defer w.done()
	w.page("a filtered list in another order", pathList+"?q=warehouse&status=active&role=orders-viewer&token_state=valid&sort=name&dir=desc")
	w.click("[data-pick-all]")
	w.says("[data-picked]", "20 selected")
	w.state("a list with everything selected")
	w.click("tbody tr [name=id]")
	w.state("a list with some selected")
	w.leads(func() { w.choose("#bulk", "Activate") })
	w.state("activate many keys")
	w.page("a list without a match", pathList+"?q=no+such+key")
	w.open(pathList)
	w.click("[data-pick-all]")
	w.leads(func() { w.choose("#bulk", "Deactivate") })
	w.state("deactivate many keys")
	w.open(pathList)
	w.click("[data-pick-all]")
	w.leads(func() { w.choose("#bulk", "Delete") })
	w.state("delete many keys")
	look[bool](w.tab, `(document.querySelector("main form").noValidate = true)`)
	w.leads(func() { w.choose("main", "Delete") })
	w.state("delete many keys, with a problem")
	w.excuseStatus(http.StatusBadRequest)
	w.page("many keys, but none selected", pathList+"/bulk?action=delete")
}
