package main

import (
	"testing"
)

// renews takes a key through every arrow of the renewal table: Later, undo, Later, delete old token,
// Now. With script the row changes in place, without it through the pages.
func (b *tab) renews(id string, script bool) {
	b.t.Helper()
	act := func(item, button, flash string) {
		b.t.Helper()
		b.click(kebab(id))
		if !script {
			b.leads(func() { b.choose(menu(id), item) })
			b.leads(func() { b.choose("main", button) })
			b.says("#flash", flash)
			return
		}
		b.mark()
		b.choose(menu(id), item)
		b.focusOn("a cancel")
		b.press(keyEscape)
		b.focusOn(kebab(id))
		b.click(kebab(id))
		b.choose(menu(id), item)
		b.choose("dialog", button)
		b.says("#flash", flash)
		b.focusOn(kebab(id))
		b.stayed()
	}
	renew := func(choice, flash string) {
		b.t.Helper()
		b.click(kebab(id))
		b.leads(func() { b.choose(menu(id), "Renew Token") })
		b.leads(func() { b.choose("main", "Renew Token") })
		b.says("h1", "The new token is ready")
		if !tokenForm.MatchString(b.text("#token")) {
			b.t.Fatal("the result page lacks the token")
		}
		if b.has("script[src*=htmx]") {
			b.t.Error("htmx runs beside the token")
		}
		b.check("#old-"+choice, true)
		b.leads(func() { b.choose("main", "Complete") })
		b.says("#flash", flash)
		b.showsNoToken()
	}
	pending := func(want bool) {
		b.t.Helper()
		b.until("the row is pending or not", `document.querySelector(`+js(row(id))+`).textContent.includes("Pending deletion - Old token") === `+js(want))
	}
	renew("later", "Token renewed. The old token still works.")
	pending(true)
	act("Undo Renewal", "Undo", "Renewal undone.")
	pending(false)
	renew("later", "Token renewed. The old token still works.")
	act("Delete Old Token", "Delete", "Old token deleted.")
	pending(false)
	renew("now", "Token renewed and old token deleted.")
	pending(false)
}

func TestB40TheSecondStepOfARenewalShowsItsTokenOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	step2 := func() {
		b.open(pathKey(k.id, "renew"))
		b.leads(func() { b.choose("main", "Renew Token") })
		b.says("h1", "The new token is ready")
	}
	step2()
	b.reload()
	b.says("main", "The new token was shown once and cannot be shown again.")
	b.showsNoToken()
	b.keepsNoSecret()
	b.open(pathList + "/" + k.id)
	b.says("main", "The old token waits for deletion.")
	b.showsNoToken()
	if rows := look[float64](b, `document.querySelectorAll("main tbody tr").length`); rows != 2 {
		t.Errorf("a reload left %v tokens; want 2", rows)
	}

	b.leads(func() { b.choose("main", "Undo Renewal") })
	b.leads(func() { b.choose("main", "Undo") })
	b.says("#flash", "Renewal undone.")
	b.says("h1", "Order sync")

	step2()
	b.open("/help")
	b.travel(-1) // to what the browser shows instead of sending the form again
	b.showsNoToken()
	b.open(pathList)
	b.says(row(k.id), "Pending deletion - Old token")
}
