package main

import (
	"fmt"
	"testing"
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
