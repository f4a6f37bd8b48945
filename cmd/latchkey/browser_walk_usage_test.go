package main

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"latchkey/keys"
)

// presents asks for a verification with a key and its token.
func (c *console) presents(k generated, query string, status int) {
	c.t.Helper()
	newCaller(c.t, c.url).get("/v1/verify"+query, http.Header{
		http.CanonicalHeaderKey(keys.DefaultKeyHeader): {k.id}, http.CanonicalHeaderKey(keys.DefaultTokenHeader): {k.token},
	}).is(c.t, status)
}

// comes waits until a page says something: what is counted is written every second.
func (c *console) comes(path, selector, pattern string) {
	c.t.Helper()
	eventually(c.t, selector+" says "+pattern, func() bool {
		return regexp.MustCompile(pattern).MatchString(words(document(c.t, c.http.get(path)), selector))
	})
}

func walkUsage(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync", "orders-viewer")
	page := pathList + "/" + k.id
	for range 9 {
		c.presents(k, "", http.StatusNoContent)
	}
	c.presents(k, "?resource=pricing.write", http.StatusForbidden)
	c.comes(page, "#usage-chart-title", "^10 requests")

	w := &walk{tab: c.tab()}
	defer w.done()
	w.click(kebab(k.id))
	w.choose(menu(k.id), "Delete Key")
	w.says("dialog[open] .hint", "Last used")
	w.state("dialog to delete a key in use")
	w.leads(func() { w.choose("dialog", "Deactivate") })
	w.at(pathKey(k.id, "deactivate"))
	w.says(".hint", "from 127.0.0.1.")
	w.state("deactivate a key in use")
	w.page("delete a key in use", pathKey(k.id, "delete"))
	w.page("edit a key in use", pathKey(k.id, "edit"))
	w.check("#active", false)
	w.says(".consequence .hint", "Last used")
	w.state("edit a key in use, about to deactivate")

	w.page("the page of a key in use", page)
	w.says("#usage-chart-desc", "1 was refused.")
	w.choose("main", "Show as table")
	w.says("tfoot", "Total")
	w.state("the page of a key in use, with its table")
	for _, label := range []string{"curl", "Go", "JavaScript"} {
		w.choose("main", label)
		w.until("it is the only one that is open", `document.querySelectorAll("details[name=qs][open]").length === 1`)
		w.state("quick start with " + label)
	}

	w.page("renew a key in use", pathKey(k.id, "renew"))
	w.leads(func() { w.choose("main", "Renew Token") })
	w.says("#old-now-more", "The old token was used")
	w.state("renew a key in use, step 2")
	step2 := look[string](w.tab, `new URL(document.querySelector("main form").action).pathname`)
	w.page("a renewal whose new token is not used yet", page)
	w.says(".alert", "The new one has not been used yet.")
	c.does(step2, url.Values{"old": {"now"}})
	c.presents(k, "", http.StatusUnauthorized)
	c.comes(page, ".alert.danger", "still presented: last on .* from 127.0.0.1")
	w.page("the page of a key with an alarm", page)
}
