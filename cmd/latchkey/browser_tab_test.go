package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// js is a value as a JavaScript literal.
func js(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// where says what the tab shows, for messages.
func (b *tab) where() string {
	text, err := ask[string](b, `location.href + " | " + document.title + " | focus " + `+focusedElement+` + " | " +
		["#flash", "#alert", ".summary", "main"].map((s) => document.querySelector(s)?.innerText ?? "").join(" | ").replace(/\s+/g, " ").slice(0, 400)`)
	if err != nil {
		text = err.Error()
	}
	asked := b.requests()
	return text + " | " + strings.Join(asked[max(0, len(asked)-8):], ", ")
}

// until waits until an expression is true, also across page loads.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(deadline / 3)
	for {
		if found, err := ask[bool](b, `Boolean(`+expression+`)`); err == nil && found {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			b.t.Fatalf("it never came to this: %s (%s)", what, b.where())
		}
	}
}

// mark remembers the page that is shown, for arrives and stayed. Every mark is another one: a page that
// comes back from the browser's memory may bring an older one along.
func (b *tab) mark() {
	b.t.Helper()
	b.marks++
	look[int](b, fmt.Sprintf(`(window.marked = %d)`, b.marks))
}

// arrives waits for a page other than the marked one, with its script.
func (b *tab) arrives() {
	b.t.Helper()
	b.until("another page is loaded", fmt.Sprintf(`window.marked !== %d && document.readyState === "complete"`, b.marks))
}

// stayed fails the test when the marked page was left.
func (b *tab) stayed() {
	b.t.Helper()
	if !look[bool](b, fmt.Sprintf(`window.marked === %d`, b.marks)) {
		b.t.Fatalf("the page was loaded anew (%s)", b.where())
	}
}

// leads does something and waits for the page that it leads to.
func (b *tab) leads(do func()) {
	b.t.Helper()
	b.mark()
	do()
	b.arrives()
}

// at fails the test unless the tab shows the page at a path, whatever its query.
func (b *tab) at(path string) {
	b.t.Helper()
	if got := look[string](b, `location.pathname`); got != path {
		b.t.Fatalf("the tab is at %s, not at %s (%s)", got, path, b.where())
	}
}

// text is the text of what a selector finds, with its white space folded.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return look[string](b, textOf(selector))
}

func textOf(selector string) string {
	return `[...document.querySelectorAll(` + js(selector) + `)].map((e) => e.textContent).join(" ").replace(/\s+/g, " ").trim()`
}

// says waits until the text of a selector holds words.
func (b *tab) says(selector, words string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%s says %q", selector, words), textOf(selector)+`.includes(`+js(words)+`)`)
}

// has says whether a selector finds anything.
func (b *tab) has(selector string) bool {
	b.t.Helper()
	return look[bool](b, `document.querySelector(`+js(selector)+`) !== null`)
}

// shown says whether a selector finds something that can be seen.
func (b *tab) shown(selector string) bool {
	b.t.Helper()
	return look[bool](b, `document.querySelector(`+js(selector)+`)?.checkVisibility({visibilityProperty: true}) ?? false`)
}

// focusedElement names the element with the focus: its id, or its tag and text.
const focusedElement = `((e) => !e || e === document.body ? "body" : e.id ? "#" + e.id : (e.tagName + " " + e.textContent.replace(/\s+/g, " ").trim().slice(0, 60)).toLowerCase())(document.activeElement)`

// focusOn waits until the focus is on an element, named as focusedElement does.
func (b *tab) focusOn(name string) {
	b.t.Helper()
	b.until("the focus is on "+name, focusedElement+` === `+js(name))
}

// focus puts the focus on an element, as tabbing to it does.
func (b *tab) focus(selector string) {
	b.t.Helper()
	b.until(selector+" takes the focus", `((e) => { e?.focus(); return e && document.activeElement === e; })(document.querySelector(`+js(selector)+`))`)
}

// busy is true while htmx swaps an answer in, and until it has taken up the forms that came with it: a
// test is quicker than a hand.
const busy = `document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added") !== null`

// click clicks in the middle of an element with the mouse, once nothing covers it.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.clickOn(selector, `document.querySelector(`+js(selector)+`)`)
}

// choose clicks the link or button below a selector that is named by its words.
func (b *tab) choose(selector, words string) {
	b.t.Helper()
	b.clickOn(selector+" "+words, `[...document.querySelectorAll(`+js(selector)+`)].flatMap((e) => [...e.querySelectorAll("a, button, summary")])
		.find((e) => e.textContent.replace(/\s+/g, " ").trim() === `+js(words)+` && e.checkVisibility())`)
}

func (b *tab) clickOn(name, element string) {
	b.t.Helper()
	const place = `((e) => {
		if (!e || ` + busy + `) return null;
		e.scrollIntoView({block: "nearest", inline: "nearest", behavior: "instant"});
		const r = e.getClientRects()[0];
		if (!r) return null;
		const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2, hit = document.elementFromPoint(x, y);
		return hit && (e.contains(hit) || hit.closest("label")?.control === e) ? [x, y] : null;
	})`
	b.until(name+" can be clicked", `(window.spot = `+place+`(`+element+`))`)
	at := look[[]float64](b, `window.spot`)
	b.clickAt(at[0], at[1])
}

// fill replaces the text of an input.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.focus(selector)
	look[bool](b, `(document.activeElement.select(), true)`)
	b.insert(text)
}

// check ticks or clears a checkbox.
func (b *tab) check(selector string, on bool) {
	b.t.Helper()
	b.until(selector+" is there", `document.querySelector(`+js(selector)+`)`)
	if look[bool](b, `document.querySelector(`+js(selector)+`).checked`) != on {
		b.click(selector)
	}
	b.until(fmt.Sprintf("%s is checked: %t", selector, on), `document.querySelector(`+js(selector)+`).checked === `+js(on))
}

// drawn waits until the browser has drawn the page: menus find their place only then.
func (b *tab) drawn() {
	b.t.Helper()
	await[bool](b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}

// storage is everything that the page's script could read back later, as one text.
func (b *tab) storage() string {
	b.t.Helper()
	return await[string](b, `(async () => JSON.stringify([
		{...localStorage}, {...sessionStorage}, document.cookie, history.state, window.name,
		(await indexedDB.databases()).map((d) => d.name),
		await Promise.all((await (window.caches?.keys() ?? [])).map(async (c) => [c, (await (await caches.open(c)).keys()).map((r) => r.url)])),
		location.href, document.referrer]))()`)
}

// keepsNoSecret fails the test when the page's storage holds anything of the form of a secret.
func (b *tab) keepsNoSecret() {
	b.t.Helper()
	if kept := b.storage(); secretForm.MatchString(kept) {
		b.t.Errorf("the browser keeps a secret: %s", secretForm.ReplaceAllString(kept, "[HERE]"))
	}
}

// named returns the nodes of the accessibility tree with a role, by their names.
func named(nodes []heard, role string) []string {
	var names []string
	for _, n := range nodes {
		if n.role == role {
			names = append(names, strings.TrimSpace(n.name))
		}
	}
	return names
}
