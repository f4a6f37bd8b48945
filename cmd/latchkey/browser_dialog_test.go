package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// asks opens the dialog of a row's item with the keyboard and waits until it asks.
func (b *tab) asks(id, item, heading string) {
	b.t.Helper()
	b.focus(kebab(id))
	b.press(keyEnter)
	b.item("Edit")
	if item == "Deactivate" {
		b.press(keyDown)
	} else {
		b.press(keyEnd)
	}
	b.item(item)
	b.press(keyEnter)
	b.says("dialog[open] h2", heading)
	b.until("the dialog is modal", `document.querySelector("dialog").matches(":modal")`)
}

// noDialog waits until the dialog is closed and empty.
func (b *tab) noDialog() {
	b.t.Helper()
	b.until("the dialog is closed", `((d) => !d || !d.open && d.childElementCount === 0)(document.querySelector("dialog"))`)
}

func TestB36DialogTakesAndKeepsTheFocusUntilItIsClosed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Price feed")
	k := c.generate("Order sync")
	b := c.tab()
	b.mark()
	for item, heading := range map[string]string{"Deactivate": "Deactivate key", "Delete Key": "Delete key"} {
		b.asks(k.id, item, heading)
		b.focusOn("a cancel")
		dialogs := slices.DeleteFunc(b.hear(), func(n heard) bool { return n.role != "alertdialog" })
		if len(dialogs) != 1 || dialogs[0].name != heading || !strings.Contains(dialogs[0].description, k.id) {
			t.Errorf("%s: a screen reader is told of %+v", item, dialogs)
		}
		seen := map[string]bool{}
		for _, held := range [][]bool{{false}, {true}} {
			for range 8 {
				if held[0] {
					b.press(keyTab, shift)
				} else {
					b.press(keyTab)
				}
				// Between the last element and the first, the focus may be on the window itself.
				if !look[bool](b, `document.querySelector("dialog").contains(document.activeElement) || document.activeElement === document.body`) {
					t.Fatalf("%s: the focus left the dialog (%s)", item, b.where())
				}
				seen[look[string](b, focusedElement)] = true
			}
		}
		if !seen["a cancel"] || len(seen) < 2 {
			t.Errorf("%s: Tab reaches only %v", item, seen)
		}
		b.press(keyEscape)
		b.noDialog()
		b.focusOn(kebab(k.id))

		b.asks(k.id, item, heading)
		b.press(keyEnter)
		b.noDialog()
		b.focusOn(kebab(k.id))
		b.stayed()
		b.at(pathList)

		b.asks(k.id, item, heading)
		b.clickAt(5, 5)
		if !b.has("dialog[open] form") {
			t.Errorf("%s: a click beside the dialog closes it", item)
		}
		b.choose("dialog", "Cancel")
		b.noDialog()
		b.focusOn(kebab(k.id))
	}
	b.says(row(k.id), "Active")
	b.says("#count", "2 keys")
}

func TestB36DeactivateInPlaceChangesTheRowAndSaysSo(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Price feed")
	k := c.generate("Order sync")
	b := c.tab()
	b.mark()
	b.asks(k.id, "Deactivate", "Deactivate key")
	b.choose("dialog", "Deactivate")
	b.says(row(k.id), "Inactive")
	b.says("#flash", "Order sync is inactive.")
	b.noDialog()
	b.focusOn(kebab(k.id))
	b.stayed()
	b.at(pathList)

	// The row that came in works like those that were there.
	b.press(keyEnter)
	b.item("Edit")
	b.press(keyEscape)
	b.focusOn(kebab(k.id))

	b.leads(func() { b.choose("#flash", "Activate") })
	b.says("#flash", "Order sync is active.")
	b.says(row(k.id), "Active")
	b.focusOn(kebab(k.id))
}

func TestB36DeleteInPlaceHandsTheFocusOn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	last, middle, first := c.generate("Stock levels"), c.generate("Price feed"), c.generate("Order sync")
	b := c.tab()
	b.mark()
	remove := func(k generated) {
		t.Helper()
		b.asks(k.id, "Delete Key", "Delete key")
		b.check("#understood", true)
		b.choose("dialog", "Delete")
	}
	remove(middle)
	b.says("#flash", "Price feed was deleted.")
	b.says("#count", "2 keys")
	b.noDialog()
	if b.has(row(middle.id)) {
		t.Error("the row of the deleted key is still there")
	}
	b.focusOn(kebab(last.id))
	b.stayed()

	remove(first)
	b.says("#count", "1 key")
	b.focusOn(kebab(last.id))
	b.stayed()

	b.leads(func() { remove(last) })
	b.says("#flash", "Stock levels was deleted.")
	b.says("main h2", "No API keys yet")
	b.until("nothing but the page's own start has the focus", `["H1", "BODY"].includes(document.activeElement.tagName)`)
}

func TestB36DeleteOfTheLastRowOfAPageHandsTheFocusBack(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	last, first := c.generate("Price feed"), c.generate("Order sync")
	b := c.tab()
	b.mark()
	b.asks(last.id, "Delete Key", "Delete key")
	b.check("#understood", true)
	b.choose("dialog", "Delete")
	b.says("#count", "1 key")
	b.until("the focus is on the row before or on the heading", `[`+js("kebab-"+first.id)+`, ""].includes(document.activeElement.id) && document.activeElement !== document.body`)
	b.stayed()
}

func TestB36DeleteWithoutTheCheckboxKeepsTheDialog(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	c.generate("Price feed")
	b := c.tab()
	b.mark()
	b.asks(k.id, "Delete Key", "Delete key")
	b.choose("dialog", "Delete")
	b.focusOn("#understood")
	for _, request := range b.requests() {
		if strings.HasPrefix(request, "POST "+pathList) {
			t.Errorf("the browser sent %s though the required box was empty", request)
		}
	}

	// A browser that does not insist on required boxes leaves it to the server.
	look[bool](b, `document.querySelector("#understood").removeAttribute("required") === undefined`)
	b.choose("dialog", "Delete")
	b.says("dialog[open] .summary", "Check this option to delete the key")
	b.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	b.until("the box is marked", `document.querySelector("#understood").ariaInvalid === "true"`)
	b.stayed()
	if !b.has(row(k.id)) {
		t.Fatal("the row is gone")
	}
	b.choose("dialog .summary", "Check this option to delete the key")
	b.focusOn("#understood")
	b.press(keySpace)
	b.choose("dialog", "Delete")
	b.says("#flash", "Order sync was deleted.")
	b.noDialog()
	b.stayed()
}

func TestB36ADialogOfAKeyThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	gone, going := c.generate("Order sync"), c.generate("Price feed")
	c.generate("Stock levels")
	b := c.tab()
	b.excuseStatus(404)
	b.mark()
	const message = "That key does not exist or was deleted"
	c.does(pathKey(gone.id, "delete"), url.Values{"understood": {"on"}})
	b.focus(kebab(gone.id))
	b.press(keyEnter)
	b.item("Edit")
	b.press(keyEnd)
	b.item("Delete Key")
	b.press(keyEnter)
	b.says("[role=alert]", message)
	b.focusOn(kebab(gone.id))
	b.click("[role=alert] [data-dismiss]")
	b.until("the message is gone", `document.querySelector("[role=alert]").textContent.trim() === ""`)

	b.asks(going.id, "Deactivate", "Deactivate key")
	c.does(pathKey(going.id, "delete"), url.Values{"understood": {"on"}})
	b.choose("dialog", "Deactivate")
	b.says("[role=alert]", message)
	b.noDialog()
	b.focusOn(kebab(going.id))
	b.stayed()
}

func TestB36ADialogOfAnEndedSessionLeadsToTheSignIn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	b.excuseStatus(401)
	b.asks(k.id, "Deactivate", "Deactivate key")
	c.does("/account/password", url.Values{"current": {goodPassword}, "password": {newSecret}, "repeat": {newSecret}})
	b.leads(func() { b.choose("dialog", "Deactivate") })
	b.at("/login")
	b.says("main", "Your session ended. Log in to continue.")
	b.signIn(email, newSecret)
	b.at(pathList)
	b.says(row(k.id), "Active")
}

func TestB36ADialogOfAServerThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	b.excuse("net::ERR_", "htmx:sendError", "htmx:afterRequest")
	b.mark()
	b.asks(k.id, "Deactivate", "Deactivate key")
	c.stop()
	b.choose("dialog", "Deactivate")
	b.says("[role=alert]", "Could not reach the server. Check the connection and try again.")
	b.noDialog()
	b.says(row(k.id), "Active")
	b.focusOn(kebab(k.id))
	b.stayed()
}
