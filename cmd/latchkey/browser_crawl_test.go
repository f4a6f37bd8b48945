package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A person who clicks everything: every link of every page, at most three of the same kind, with a key
// in each state and a second page to the list.
func TestB40ACrawlOfEveryLinkMeetsNothingUnasked(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var tokens []string
	for range 26 {
		tokens = append(tokens, c.generate("Order sync", "orders-viewer").token)
	}
	off := c.generate("Price feed")
	c.does(pathKey(off.id, "deactivate"), nil)
	b := c.tab()
	b.excuseStatus(http.StatusNotFound)
	kinds, queue, opened := map[string]int{}, []string{"/", pathKey(off.id, "activate")}, 0
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		kind := regexp.MustCompile(`=.*`).ReplaceAllString(keyForm.ReplaceAllString(path, ":id"), "=")
		if kinds[kind]++; kinds[kind] > 3 {
			continue
		}
		b.open(path)
		opened++
		html := look[string](b, `document.documentElement.outerHTML`)
		for _, token := range tokens {
			if strings.Contains(html, token) {
				t.Errorf("%s shows a token", path)
			}
		}
		b.keepsNoSecret()
		if got := b.text("h1"); strings.Contains(got, "does not exist") {
			t.Errorf("%s is a dead link", path)
		}
		for _, link := range look[[]string](b, `[...document.querySelectorAll("a[href]")].filter((a) => a.origin === location.origin && !a.pathname.includes("/export.")).map((a) => a.pathname + a.search)`) {
			if !slices.Contains(queue, link) {
				queue = append(queue, link)
			}
		}
		if away := look[[]string](b, `[...document.querySelectorAll("a[href]")].filter((a) => a.origin !== location.origin).map((a) => a.href)`); len(away) > 0 {
			t.Errorf("%s leads away: %q", path, away)
		}
	}
	for _, want := range []string{"/", "/help", "/account/password", pathList, pathNew, pathList + "?after=", pathKey(":id", "edit"), pathKey(":id", "deactivate"), pathKey(":id", "delete"), pathKey(":id", "activate")} {
		if kinds[want] == 0 && kinds[want+"?list="] == 0 {
			t.Errorf("the crawl did not find %s, only %v", want, kinds)
		}
	}
	t.Logf("note: crawl: %d pages of %d kinds opened", opened, len(kinds))
}
