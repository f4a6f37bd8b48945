package main

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unlinked are the pages that no link of another page leads to: those for who is not signed in, those that a form or
// a sent link leads to, and that of the review, which is only open after a restore.
var unlinked = []string{
	"/setup", "/login", "/credentials/:lid", "/password/:lid", "/account/api-keys", "/account/api-keys/settings/preview", "/account/api-keys/review",
	pathList + "/bulk", pathList + "/:id/activate", pathList + "/:id/renew/:rid",
}

// TestB40ACrawlOfEveryLinkMeetsNothingUnasked is a person who clicks everything: every link of every page, at most
// three of the same kind, with a key in each state and a second page to the list.
func TestB40ACrawlOfEveryLinkMeetsNothingUnasked(t *testing.T) {
	t.Parallel()
	f := newFurnished(t)
	var tokens []string
	for range 26 {
		tokens = append(tokens, f.generate("Order sync", "orders-viewer").token)
	}
	f.does(pathKey(f.generate("Stopped").id, "deactivate"), nil)
	f.linkOf(pathUsers+"/invite", url.Values{"email": {guestEmail}})
	b := f.tab()
	f.does(pathUsers+"/"+f.userOf(guestEmail)+"/deactivate", nil)
	b.excuseStatus(http.StatusNotFound)
	patterns := pageRoutes(t)
	kinds, queue, opened := map[string]int{}, []string{"/"}, 0
	for len(queue) > 0 {
		link := queue[0]
		queue = queue[1:]
		path, query, _ := strings.Cut(link, "?")
		row := cmp.Or(rowOf(patterns, path), path)
		kind := row + "?" + regexp.MustCompile(`=.*`).ReplaceAllString(query, "")
		if kinds[kind]++; kinds[kind] > 3 {
			continue
		}
		kinds[row]++
		b.open(link)
		opened++
		html := look[string](b, `document.documentElement.outerHTML`)
		for _, token := range tokens {
			if strings.Contains(html, token) {
				t.Errorf("%s shows a token", link)
			}
		}
		b.keepsNoSecret()
		if got := b.text("h1"); strings.Contains(got, "does not exist") {
			t.Errorf("%s is a dead link", link)
		}
		for _, link := range look[[]string](b, `[...document.querySelectorAll("a[href]")].filter((a) => a.origin === location.origin && !a.pathname.includes("/export.")).map((a) => a.pathname + a.search)`) {
			if !slices.Contains(queue, link) {
				queue = append(queue, link)
			}
		}
		if away := look[[]string](b, `[...document.querySelectorAll("a[href]")].filter((a) => a.origin !== location.origin).map((a) => a.href)`); len(away) > 0 {
			t.Errorf("%s leads away: %q", link, away)
		}
	}
	for _, pattern := range patterns {
		if kinds[pattern] == 0 && !slices.Contains(unlinked, pattern) {
			t.Errorf("no link leads to %s", pattern)
		}
	}
	if kinds[pathList+"?after"] == 0 {
		t.Error("no link leads to a second page of the list")
	}
	t.Logf("note: crawl: %d pages of %d kinds opened", opened, len(kinds))
}
