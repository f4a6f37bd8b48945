package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys/secret"
)

// furnished is a console with one of everything that a page can be about.
type furnished struct {
	*console
	steady, open, linked, external string
	renewal, user                  string
	credential, password           string
}

func newFurnished(t *testing.T) furnished {
	t.Helper()
	f := furnished{console: newConsole(t)}
	owner := f.globex(t)
	f.longRole()
	f.steady = f.generate(longKeyName, longSlug, "orders-manager", "catalog-viewer", "pricing-admin").id
	f.open, f.linked = f.generate("Order sync").id, f.generate("Price feed").id
	step2, _ := document(t, f.http.post(pathKey(f.open, "renew"), url.Values{"nonce": {secret.NewNonce()}})).Find("main form").Attr("action")
	_, f.renewal, _ = strings.Cut(step2, "/renew/")
	f.credential = f.linkOf(pathKey(f.linked, "renew"), url.Values{"handover": {"link"}})
	f.external = generate(t, owner, longKeyName).id
	f.does(pathExternal+"/new", url.Values{"key": {f.external}, "owner": {"globex"}, "roles": {longSlug, "orders-viewer", "pricing-admin"}})
	guest := "somebody.with.a.very.long.name.indeed+" + strings.Repeat("x", 40) + "@subdomain.acme.example"
	f.password = f.linkOf(pathUsers+"/invite", url.Values{"email": {guest}, "roles": {longSlug, "orders-viewer", "pricing-admin"}})
	f.user = f.userOf(guest)
	return f
}

// userOf is the number of the user with an email.
func (f furnished) userOf(email string) (number string) {
	f.t.Helper()
	document(f.t, f.http.get(pathUsers)).Find("tbody tr").Each(func(_ int, row *goquery.Selection) {
		if strings.Contains(row.Text(), email) {
			number = strings.TrimPrefix(row.AttrOr("id", ""), "row-")
		}
	})
	return number
}

// linkOf posts a form that makes a link, and returns the path of its page.
func (f furnished) linkOf(path string, fields url.Values) string {
	f.t.Helper()
	fields.Set("nonce", secret.NewNonce())
	page := document(f.t, f.http.post(path, fields))
	link, err := url.Parse(words(page, "[data-secret]"))
	if err != nil || link.Path == "" {
		f.t.Fatalf("%s shows no link: %v", path, err)
	}
	return link.Path
}

// pages are the addresses of a page of the route table: about one thing, or about a key in each state.
func (f furnished) pages(pattern string) (paths []string) {
	switch {
	case pattern == "/credentials/:lid":
		return []string{f.credential}
	case pattern == "/password/:lid":
		return []string{f.password}
	case strings.HasPrefix(pattern, pathExternal):
		return []string{strings.Replace(pattern, ":id", f.external, 1)}
	case strings.HasSuffix(pattern, "/bulk"):
		return []string{pattern + "?action=delete&id=" + f.steady, pattern}
	case !strings.Contains(pattern, ":id"):
		return []string{strings.NewReplacer(":uid", f.user, ":slug", longSlug).Replace(pattern)}
	}
	for _, key := range []string{f.steady, f.open, f.linked} {
		paths = append(paths, strings.NewReplacer(":id", key, ":rid", f.renewal).Replace(pattern))
	}
	return paths
}

// fits fails the test when what a tab shows is too wide for it.
func (b *tab) fits(name string) {
	b.t.Helper()
	b.drawn()
	for _, found := range append(b.overflow(), b.unreachable()...) {
		b.t.Errorf("%s: %s", name, found)
	}
}

// TestB39NoLanguageMakesAPageScrollSideways opens every page of the route table in each language, with a key in
// each state and with everything as long as it can be, and the menus and dialogs. The walk does so in English.
func TestB39NoLanguageMakesAPageScrollSideways(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"pt-BR", "es"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			f := newFurnished(t)
			b := f.tab()
			// A key in another state has pages that only say so, and so has a list of which nothing is chosen.
			b.excuseStatus(http.StatusConflict, http.StatusNotFound, http.StatusBadRequest)
			b.prefer(language, "", "system")
			b.screen(320, "light")
			opened := 0
			for _, pattern := range pageRoutes(t) {
				if pattern == "/setup" || pattern == "/login" {
					continue // below, for who is not signed in
				}
				whole := false
				for _, path := range f.pages(pattern) {
					b.open(path)
					opened++
					b.speaks(language)
					b.fits(path)
					whole = whole || look[int](b, `performance.getEntriesByType("navigation")[0].responseStatus`) == http.StatusOK
				}
				if !whole {
					t.Errorf("no page of %s was about something", pattern)
				}
			}
			b.menusFit(f)
			b.signedOutFits(f, language)
			t.Logf("note: %s: %d pages at 320 pixels", language, opened)
		})
	}
}

// speaks fails the test unless the page is in a language.
func (b *tab) speaks(language string) {
	b.t.Helper()
	if lang := look[string](b, `document.documentElement.lang`); lang != language {
		b.t.Errorf("%s speaks %q", b.where(), lang)
	}
}

// menusFit opens every menu of every list, and the dialogs of the keys' menus.
func (b *tab) menusFit(f furnished) {
	b.t.Helper()
	dialogs := 0
	for _, list := range []string{pathList, pathExternal, pathRoles, pathUsers} {
		b.open(list)
		for i := range look[int](b, `document.querySelectorAll("main [popovertarget], #account").length`) {
			button := look[string](b, `"#" + document.querySelectorAll("main [popovertarget], #account")[`+strconv.Itoa(i)+`].id`)
			b.click(button)
			b.until("the menu is open", `document.querySelector(":popover-open")`)
			b.fits(list + ", menu " + button)
			items := look[int](b, `document.querySelectorAll(":popover-open [data-dialog]").length`)
			b.press(keyEscape)
			for n := range items {
				b.click(button)
				b.until("the menu is open", `document.querySelector(":popover-open")`)
				look[bool](b, `(document.querySelectorAll(":popover-open [data-dialog]")[`+strconv.Itoa(n)+`].click(), true)`)
				b.until("the dialog is open", `document.querySelector("dialog[open] h2")`)
				b.fits(list + ", dialog " + strconv.Itoa(n+1) + " of " + button)
				dialogs++
				b.press(keyEscape)
				b.until("the dialog is closed", `!document.querySelector("dialog[open]")`)
			}
		}
	}
	if dialogs < 8 {
		b.t.Errorf("only %d dialogs were opened", dialogs)
	}
}

// signedOutFits opens the pages for who is not signed in.
func (b *tab) signedOutFits(f furnished, language string) {
	b.t.Helper()
	fresh, _ := unclaimed(b.t)
	for base, paths := range map[string][]string{f.url: {"/login", "/help", f.credential, f.password}, fresh.url: {"/setup"}} {
		visitor := newTab(b.t, base)
		visitor.screen(320, "light")
		visitor.open(paths[0])
		visitor.leads(func() { visitor.click(`footer button[value="` + language + `"]`) })
		for _, path := range paths {
			visitor.open(path)
			visitor.speaks(language)
			visitor.fits(path + ", signed out")
		}
	}
}
