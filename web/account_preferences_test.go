package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// prefer saves preferences; what the fields leave out is empty.
func (b *browser) prefer(fields url.Values) {
	b.kit.t.Helper()
	b.post(pathAccountPreferences(), fields).leadsTo(pathAccountPreferences())
}

func TestPreferencesStartWithWhatHoldsWithoutAChoice(t *testing.T) {
	k := newKit(t)
	k.exec(`UPDATE account SET zone = 'America/Sao_Paulo' WHERE slug = 'acme'`)
	a := k.signIn("ana@acme.example").get(pathAccountPreferences())
	a.is(http.StatusOK)
	a.says("title", "Preferences - acme - Latchkey")
	for name, want := range map[string][]string{
		"language": {"The browser's language", "English", "Português (Brasil)", "Español"},
		"zone":     append([]string{"The account's zone (America/Sao_Paulo)"}, zones()...),
	} {
		if got := a.texts("select[name=" + name + "] option"); !slices.Equal(got, want) {
			t.Errorf("%s offers %q", name, got[:min(4, len(got))])
		}
		if value, chosen := a.Find("select[name=" + name + "] option[selected]").Attr("value"); !chosen || value != "" {
			t.Errorf("%s is %q", name, value)
		}
	}
	if got := a.texts(".choice label"); !slices.Equal(got, []string{"System", "Light", "Dark"}) {
		t.Errorf("the themes are %q", got)
	}
	if value, _ := a.Find("[name=theme][checked]").Attr("value"); value != "" || a.Find("[name=theme][checked]").Length() != 1 {
		t.Errorf("the theme is %q", value)
	}
	for _, path := range []string{pathAccountSessions(), pathAccountPassword()} {
		if a.Find(`main a[href="`+path+`"]`).Length() != 1 {
			t.Errorf("no link to %s", path)
		}
	}
}

func TestPreferencesAreSavedAndTheAnswerSpeaksTheNewLanguage(t *testing.T) {
	k := newKit(t)
	b, other := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	b.prefer(url.Values{"language": {"pt-BR"}, "zone": {"Asia/Tokyo"}, "theme": {"dark"}})
	a := b.get(pathAccountPreferences())
	a.speaks("pt-BR")
	a.says("#flash", "Preferências salvas.")
	for _, want := range []string{`select[name=language] option[selected][value="pt-BR"]`, `select[name=zone] option[selected][value="Asia/Tokyo"]`, `[name=theme][checked][value="dark"]`} {
		if a.Find(want).Length() != 1 {
			t.Errorf("%s is not chosen", want)
		}
	}
	b.prefer(url.Values{"language": {"pt-BR"}, "zone": {"Asia/Tokyo"}, "theme": {"dark"}})
	b.get(pathAccountPreferences()).says("#flash", "Não há alterações para salvar.")
	b.prefer(url.Values{"zone": {"Asia/Tokyo"}, "theme": {"dark"}})
	back := b.get(pathAccountPreferences())
	back.speaks("en")
	back.says("#flash", "Preferences saved.")
	other.get(pathAccountPreferences()).speaks("en")
	if theme, themed := other.get(pathKeys()).Find("html").Attr("data-theme"); themed {
		t.Errorf("somebody else has the theme %q", theme)
	}
}

func TestPreferencesRefuseWithTheirReason(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	for field, c := range map[string]struct{ value, want string }{
		"language": {"xx", "Choose a language from the list"},
		"zone":     {"Mars/Olympus", "Choose a time zone from the list"},
		"theme":    {`dark" onload="x`, "Choose a theme"},
	} {
		a := b.post(pathAccountPreferences(), url.Values{field: {c.value}})
		a.is(http.StatusUnprocessableEntity)
		a.says("title", "Error: Preferences")
		if got := a.text(`[role="alert"] a[href="#` + field + `"]`); got != c.want {
			t.Errorf("%s: %q", field, got)
		}
		if len(a.header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s leaves a cookie", field)
		}
	}
	if after := k.dump(); after != before {
		t.Errorf("a refusal changed something:\n%s", difference(before, after))
	}
}

func TestTheThemeIsOnEveryPageAlsoBeforeSigningIn(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	looks := func(who *browser, path, theme, scheme string) {
		t.Helper()
		a := who.get(path)
		if got, _ := a.Find("html").Attr("data-theme"); got != theme {
			t.Errorf("%s has the theme %q, not %q", path, got, theme)
		}
		if got, _ := a.Find("meta[name=color-scheme]").Attr("content"); got != scheme {
			t.Errorf("%s has the scheme %q, not %q", path, got, scheme)
		}
	}
	looks(b, pathKeys(), "", "light dark")
	for _, theme := range []string{"dark", "light"} {
		b.prefer(url.Values{"theme": {theme}})
		for _, path := range []string{pathKeys(), pathHelp(), "/nothing", pathAccountPreferences()} {
			looks(b, path, theme, theme)
		}
		away := k.browser()
		away.cookies["latchkey_theme"] = b.cookies["latchkey_theme"]
		looks(away, pathLogin(), theme, theme)
	}
	guest := k.signIn("ana@globex.example")
	guest.cookies["latchkey_theme"] = b.cookies["latchkey_theme"]
	looks(guest, pathKeys(), "", "light dark")
	b.prefer(url.Values{"theme": {""}})
	looks(b, pathKeys(), "", "light dark")
	if _, kept := b.cookies["latchkey_theme"]; kept {
		t.Error("the browser keeps a theme that was taken back")
	}
	odd := k.browser()
	odd.cookies["latchkey_theme"] = &http.Cookie{Name: "latchkey_theme", Value: "pink"}
	looks(odd, pathLogin(), "", "light dark")
}

// TestMomentsAreOfTheUsersZoneAndDaysOfTheAccounts: it is the evening of the 12th in UTC and already the
// 13th in Tokyo.
func TestMomentsAreOfTheUsersZoneAndDaysOfTheAccounts(t *testing.T) {
	k := newKit(t)
	k.clock.advance(10 * time.Hour)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	k.used(b.tokens(id)[0], 3*minute, "203.0.113.7")
	see := func() (created, title, left, lastDay string) {
		list, show := b.get(pathKeys()), b.get(pathKeyShow(id))
		title, _ = list.Find("tbody time").Attr("title")
		return list.text("tbody time"), title, list.text(`td[data-l="Token duration"]`), show.texts(usageSection + " tbody tr:first-child > :first-child")[0]
	}
	created, title, left, day := see()
	if created != "12 Sep 2026" || title != "12 Sep 2026, 20:00 UTC" || day != "12 Sep 2026" {
		t.Fatalf("in the account's zone: %q, %q, %q", created, title, day)
	}
	b.prefer(url.Values{"zone": {"Asia/Tokyo"}})
	created, title, leftThere, dayThere := see()
	if created != "13 Sep 2026" || title != "13 Sep 2026, 05:00 JST" {
		t.Errorf("in the user's zone: %q, %q", created, title)
	}
	if leftThere != left || dayThere != day {
		t.Errorf("a user's zone changed the account's days: %q, %q", leftThere, dayThere)
	}
	if zone := b.get(pathSettings()).Find("select[name=zone] option[selected]").AttrOr("value", ""); zone != "UTC" {
		t.Errorf("the account's zone is shown as %q", zone)
	}
}

func TestTheMenuLeadsToPreferencesPasswordAndLogout(t *testing.T) {
	k := newKit(t)
	a := k.signIn("ana@acme.example").get(pathKeys())
	menu := strings.Join(a.texts("#account-menu > li"), " | ")
	if !strings.HasSuffix(menu, "| Preferences | Change password | Log out") {
		t.Errorf("the menu is %q", menu)
	}
	if a.Find(`#account-menu a[href="`+pathAccountPreferences()+`"]`).Length() != 1 {
		t.Error("no link to the preferences")
	}
}
