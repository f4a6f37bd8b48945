package main

import (
	"net/http"
	"testing"
)

func walkLinks(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	w := &walk{tab: c.tab()}
	defer w.done()

	w.page("generate, handed over by link", pathNew)
	w.fill("#name", "Partner sync")
	w.check("#handover-link", true)
	w.leads(func() { w.choose("main", "Generate") })
	w.until("the link is there", `document.querySelector("#link") !== null`)
	w.showsNoToken()
	w.state("the page with the link of a key")
	link := w.linkShown()
	w.page("the list while a link waits", pathList)
	id := look[string](w.tab, `document.querySelector("tbody tr").id.replace("row-", "")`)
	w.click(kebab(id))
	w.state("menu of a key whose link waits")
	w.choose(menu(id), "Discard link")
	w.says("dialog[open] h2", "Discard link")
	w.focusOn("a cancel")
	w.state("dialog to discard the link of a key")
	w.press(keyEscape)
	w.focusOn(kebab(id))
	w.page("the page of a key whose link waits", pathList+"/"+id)
	w.page("renew while a link waits", pathKey(id, "renew"))
	w.page("discard the link of a key", pathKey(id, "link/discard"))

	visitor := &walk{tab: newTab(t, c.url)}
	visitor.page("the page of a single-access link", link)
	visitor.leads(func() { visitor.choose("main", "Reveal token") })
	visitor.says("h1", "Your token")
	visitor.state("the token that the link reveals")
	visitor.excuseStatus(http.StatusGone)
	visitor.open("/help") // the address of the page is still that of the link
	visitor.open(link)
	visitor.leads(func() { visitor.choose("main", "Reveal token") })
	visitor.state("a single-access link that was used")
	w.checked += visitor.checked
	w.page("the page of a key whose link was opened", pathList+"/"+id)
	w.open(pathKey(id, "renew"))
	w.check("#handover-link", true)
	w.leads(func() { w.choose("main", "Renew Token") })
	w.state("renew, step 2 with the link")
	w.open(pathList)
	w.click(kebab(id))
	w.state("menu of a key whose renewal waits for its link")
	w.choose(menu(id), "Discard link")
	w.choose("dialog", "Discard")
	w.says("#flash", "Link discarded.")
	w.focusOn(kebab(id))
	w.state("the list after a link was discarded in place")
}
