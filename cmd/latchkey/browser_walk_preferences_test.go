package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

const (
	pathPreferences = "/account/preferences"
	pathSessions    = "/account/sessions"
)

// prefer chooses on the page of preferences and saves, as a person does. A zone that is empty stays the
// account's.
func (b *tab) prefer(language, zone, theme string) {
	b.t.Helper()
	b.open(pathPreferences)
	look[bool](b, fmt.Sprintf(`(document.querySelector("#language").value = %s, document.querySelector("#zone").value = %s, true)`, js(language), js(zone)))
	b.click("#theme-" + theme)
	b.leads(func() { b.click("main form [type=submit]") })
	b.at(pathPreferences)
}

func walkPreferences(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	w := &walk{tab: c.tab()}
	defer w.done()
	for _, theme := range []string{"system", "dark", "light"} {
		w.prefer("", "", theme)
		w.state("preferences, " + theme)
		w.page("sessions, "+theme, pathSessions)
		w.page("sign out everywhere, "+theme, pathSessions+"/end")
		if got := w.scheme(); theme != "system" && got != theme {
			t.Errorf("with the theme %s pages are %s", theme, got)
		}
	}
	w.open(pathPreferences)
	look[bool](w.tab, `(document.querySelector("#language").options[1].value = "xx", document.querySelector("#language").selectedIndex = 1, true)`)
	w.leads(func() { w.choose("main", "Save") })
	w.says(".summary", "Choose a language from the list")
	w.state("preferences with a problem")

	w.prefer("pt-BR", "America/Sao_Paulo", "system")
	w.says("h1", "Preferências")
	w.says("#flash", "Preferências salvas.")
	w.page("sessions in Portuguese", pathSessions)
	w.prefer("", "", "system")

	other := newTab(t, c.url)
	other.open("/login")
	other.signIn(email, goodPassword)
	w.open(pathSessions)
	w.says("tbody", "Chromium on Linux")
	rows := look[int](w.tab, `document.querySelectorAll("tbody tr").length`)
	w.state("sessions, of several browsers")
	w.leads(func() { w.click("tbody button") })
	w.says("#flash", "The session in Chromium on Linux has ended.")
	if left := look[int](w.tab, `document.querySelectorAll("tbody tr").length`); left != rows-1 {
		t.Errorf("%d sessions of %d are left", left, rows)
	}
	other.open(pathList)
	other.at("/login")
	w.leads(func() { w.choose("main", "Sign out everywhere") })
	w.leads(func() { w.choose("main form", "Sign out everywhere") })
	w.at("/login")
	w.says("main", "You are signed out everywhere.")
	w.state("sign-in after signing out everywhere")
	w.leads(func() { w.choose("footer", "Español") })
	w.says("h1", "Iniciar sesión")
	w.state("sign-in in Spanish")
}

// scheme is light or dark, as the page is drawn.
func (b *tab) scheme() string {
	b.t.Helper()
	if look[string](b, `getComputedStyle(document.documentElement).backgroundColor`) == "rgb(13, 18, 25)" {
		return "dark"
	}
	return "light"
}

// TestB39NoLanguageMakesAPageScrollSideways opens every page of the route table in each language, with a
// key in each state, and its menus.
func TestB39NoLanguageMakesAPageScrollSideways(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"pt-BR", "es"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			steady := c.generate("A partner with the longest name that a key can be given, 64 sig", "orders-manager", "catalog-viewer", "pricing-admin")
			open := c.generate("Order sync")
			made := c.http.post(pathKey(open.id, "renew"), url.Values{"nonce": {secret.NewNonce()}})
			step2, _ := document(t, made).Find("main form").Attr("action")
			_, renewal, _ := strings.Cut(step2, "/renew/")
			b := c.tab()
			// A key without a renewal has pages that only say so, and so has a list of which nothing is chosen.
			b.excuseStatus(http.StatusConflict, http.StatusNotFound, http.StatusBadRequest)
			b.prefer(language, "", "system")
			b.screen(320, "light")
			opened := 0
			for _, pattern := range pageRoutes(t) {
				if strings.HasPrefix(pattern, "/setup") || strings.HasPrefix(pattern, "/login") {
					continue
				}
				for _, key := range []string{steady.id, open.id} {
					b.open(strings.NewReplacer(":id", key, ":rid", renewal, ":lid", "5j509mUnP1n4hci4pUrsrg", ":uid", "1", ":slug", "orders-viewer").Replace(pattern))
					opened++
					if lang := look[string](b, `document.documentElement.lang`); lang != language {
						t.Errorf("%s speaks %q", pattern, lang)
					}
					for _, found := range append(b.overflow(), b.unreachable()...) {
						t.Errorf("%s: %s", pattern, found)
					}
					if !strings.Contains(pattern, ":") {
						break
					}
				}
			}
			b.open(pathList)
			for _, menu := range []string{"#account", kebab(steady.id), kebab(open.id)} {
				b.click(menu)
				b.until("the menu is open", `document.querySelector(":popover-open")`)
				b.drawn()
				for _, found := range append(b.overflow(), b.unreachable()...) {
					t.Errorf("menu %s: %s", menu, found)
				}
				b.press(keyEscape)
			}
			if opened < 20 {
				t.Errorf("only %d pages were opened", opened)
			}
			t.Logf("note: %s: %d pages at 320 pixels", language, opened)
		})
	}
}
