package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
)

const day = 24 * time.Hour

// settingsForm is the form of the Settings tab as it was opened now, with other values.
func (b *browser) settingsForm(pairs ...string) url.Values {
	b.kit.t.Helper()
	version, found := b.get(pathSettings()).Find("input[name=version]").Attr("value")
	if !found {
		b.kit.t.Fatal("no form")
	}
	form := url.Values{"duration": {"3-months"}, "days": {"90"}, "enforce": {"on"}, "zone": {"UTC"}, "version": {version}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// hidden are the fields that a page carries along.
func (a answer) hidden() url.Values {
	fields := url.Values{}
	a.Find("main form input[type=hidden]").Each(func(_ int, s *goquery.Selection) {
		name, _ := s.Attr("name")
		value, _ := s.Attr("value")
		fields.Add(name, value)
	})
	return fields
}

func TestQ29TheSettingsForm(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	a := b.get(pathSettings())
	a.is(http.StatusOK)
	a.says("h1", "API Keys")
	a.says("fieldset legend", "Recommended token duration")
	a.says("fieldset", "Applies to new and existing keys, counted from the day each token was made.")
	chosen := a.Find("input[type=radio][name=duration][checked]")
	if value, _ := chosen.Attr("value"); chosen.Length() != 1 || value != "3-months" {
		t.Errorf("%d durations are chosen, %q", chosen.Length(), value)
	}
	id, _ := chosen.Attr("id")
	if got := a.text(`label[for="` + id + `"]`); got != "3 months (recommended)" {
		t.Errorf("the default is called %q", got)
	}
	if n := strings.Count(a.text("main"), "(recommended)"); n != 1 {
		t.Errorf("%d durations are recommended", n)
	}
	if a.Find("input[type=radio][name=duration]").Length() != 3 {
		t.Error("not three durations")
	}
	if _, checked := a.Find("input[type=checkbox][name=enforce]").Attr("checked"); !checked {
		t.Error("expiry is not enforced from the start")
	}
	a.says("main", "Tokens past their duration are refused. When off, they are only marked as outdated.")
	if zone, _ := a.Find("select#zone option[selected]").Attr("value"); zone != "UTC" {
		t.Errorf("zone %q", zone)
	}
	a.says("main form button", "Apply")
	a.says("#preview", "With these values 0 keys are expired.")
	if _, through := a.Find("main form").Attr("hx-post"); through {
		t.Error("the form goes through htmx")
	}
	before := k.dump()
	b.post(pathSettings(), b.settingsForm()).leadsTo(pathSettings())
	b.get(pathSettings()).says("#flash", "No changes to save.")
	k.unchangedSince(before, "a form without a change")
}

func TestQ29CustomDaysHaveTheirRange(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	for _, days := range []string{"6", "731", "0", "-7", "7.5", "x", "", "99999999999999999999"} {
		a := b.post(pathSettings(), b.settingsForm("duration", "custom", "days", days, "zone", "America/Sao_Paulo"))
		a.is(http.StatusUnprocessableEntity)
		a.says(`[role="alert"]`, "Enter a number of days from 7 to 730")
		if href, _ := a.Find(`[role="alert"] a`).Attr("href"); href != "#days" {
			t.Errorf("the summary leads to %q", href)
		}
		if typed, _ := a.Find("input#days").Attr("value"); typed != days {
			t.Errorf("what was typed became %q", typed)
		}
		if invalid, _ := a.Find("input#days").Attr("aria-invalid"); invalid != "true" {
			t.Error("the field is not marked")
		}
		if choice, _ := a.Find("input[name=duration][checked]").Attr("value"); choice != "custom" {
			t.Errorf("the choice became %q", choice)
		}
		if zone, _ := a.Find("select#zone option[selected]").Attr("value"); zone != "America/Sao_Paulo" {
			t.Errorf("the zone became %q", zone)
		}
		if !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("title %q", a.text("title"))
		}
	}
	for field, bad := range map[string]url.Values{
		"duration": b.settingsForm("duration", "9-months"),
		"zone":     b.settingsForm("zone", "Mars/Olympus"),
	} {
		a := b.post(pathSettings(), bad)
		a.is(http.StatusUnprocessableEntity)
		if href, _ := a.Find(`[role="alert"] a`).Attr("href"); !strings.HasPrefix(href, "#"+field) {
			t.Errorf("%s: the summary leads to %q", field, href)
		}
	}
	k.unchangedSince(before, "settings that break a rule")
	for _, days := range []string{"7", "730"} {
		b.post(pathSettings(), b.settingsForm("duration", "custom", "days", days)).leadsTo(pathSettings())
		a := b.get(pathSettings())
		a.says("#flash", "Settings applied.")
		if shown, _ := a.Find("input#days").Attr("value"); shown != days {
			t.Errorf("%s days became %q", days, shown)
		}
		b.get(pathKeysGenerate()).says("form", "Tokens are valid for "+days+" days")
	}
	b.post(pathSettings(), b.settingsForm("duration", "6-months", "enforce", "")).leadsTo(pathSettings())
	b.get(pathKeysGenerate()).says("form", "Tokens count as outdated after 6 months")
	if !strings.Contains(k.dump(), string(keys.ActionSettingsChanged)) {
		t.Error("the change is not in the audit log")
	}
}

// TestQ29AChangeThatStopsKeysListsThemFirst: what stops is said before it is done, and again when it
// is not the same any more.
func TestQ29AChangeThatStopsKeysListsThemFirst(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	first, _ := b.generate("Order sync")
	k.clock.advance(40 * day)
	b = k.signIn("ana@acme.example")
	young, _ := b.generate("Price feed")
	shorter := b.settingsForm("duration", "custom", "days", "30")
	before := k.dump()
	a := b.post(pathSettings(), shorter)
	a.is(http.StatusOK)
	a.says("h1", "Apply settings?")
	a.says("main", "1 key stops working as soon as this is applied")
	a.says("tbody tr", string(first)+" Order sync")
	if href, _ := a.Find("tbody th a").Attr("href"); href != pathKeyShow(first) {
		t.Errorf("the key leads to %q", href)
	}
	if a.Find("tbody tr").Length() != 1 || strings.Contains(a.body, string(young)) {
		t.Error("a key that does not stop is listed")
	}
	if a.Find(`main form a[href="`+pathSettings()+`"]`).Length() == 0 {
		t.Error("no way back")
	}
	a.says("main form button", "Apply")
	accepted := a.hidden()
	shorter.Set("accepted", "made up")
	b.post(pathSettings(), shorter).says("h1", "Apply settings?")
	k.unchangedSince(before, "asking")

	k.clock.advance(-39 * day)
	second, _ := k.signIn("ana@acme.example").generate("Stock feed")
	k.clock.advance(39 * day)
	before = k.dump()
	again := b.post(pathSettings(), accepted)
	again.is(http.StatusOK)
	again.says("main", "2 keys stop working as soon as this is applied")
	again.says("tbody", string(second))
	k.unchangedSince(before, "accepting another list")

	b.post(pathSettings(), again.hidden()).leadsTo(pathSettings())
	b.get(pathSettings()).says("#flash", "Settings applied.")
	list := b.get(pathKeys())
	for id, chip := range map[keys.KeyID]bool{first: true, second: true, young: false} {
		if got := strings.Contains(list.text("#row-"+string(id)), "Expired"); got != chip {
			t.Errorf("%s expired: %v", id, got)
		}
	}
}

func TestQ29SettingsThatChangedMeanwhileAreAConflict(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	stale := b.settingsForm("duration", "6-months")
	b.post(pathSettings(), b.settingsForm("duration", "custom", "days", "120")).leadsTo(pathSettings())
	before := k.dump()
	a := b.post(pathSettings(), stale)
	a.is(http.StatusConflict)
	a.says("h1", "The settings changed after the page was opened")
	if a.Find(`main a[href="`+pathSettings()+`"]`).Length() != 1 {
		t.Error("no way to try again")
	}
	k.unchangedSince(before, "a stale form")
}

func TestQ29ThePreviewSaysWhatTheValuesWouldDo(t *testing.T) {
	k := newKit(t)
	k.signIn("ana@acme.example").generate("Order sync")
	k.clock.advance(40 * day)
	b := k.signIn("ana@acme.example")
	b.generate("Price feed")
	before := k.dump()
	for query, want := range map[string]string{
		"duration=3-months&days=90&enforce=on&zone=UTC": "With these values 0 keys are expired.",
		"duration=custom&days=30&enforce=on&zone=UTC":   "With these values 1 key is expired. Applying them leaves 1 key without a valid token.",
		"duration=custom&days=30&zone=UTC":              "With these values 1 key is outdated.",
		"duration=custom&days=6&enforce=on&zone=UTC":    "Enter a number of days from 7 to 730",
		"duration=custom&days=x&enforce=on&zone=UTC":    "Enter a number of days from 7 to 730",
		"": "Choose how long tokens are valid",
	} {
		a := b.hx(http.MethodGet, pathSettingsPreview()+"?"+query, nil)
		a.is(http.StatusOK)
		if strings.TrimSpace(a.body) != want {
			t.Errorf("%q says %q, not %q", query, a.body, want)
		}
	}
	b.get(pathSettingsPreview() + "?duration=custom&days=30").leadsTo(pathSettings())
	k.unchangedSince(before, "the preview")
}

func TestQ29WithoutThePermissionTheValuesAreText(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys, keys.EditAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	form := k.signIn("ana@acme.example").settingsForm("duration", "6-months")
	b := k.signIn("viewer@acme.example")
	a := b.get(pathSettings())
	a.is(http.StatusOK)
	a.says("main", "Tokens are valid for 3 months")
	a.says("main", "On: tokens past their duration are refused")
	a.says("main", "UTC")
	a.says("main", "Changing them needs the Edit API Keys settings permission.")
	if n := a.Find("main form, main input, main select, main button:not([data-dismiss])").Length(); n != 0 {
		t.Errorf("%d controls are drawn", n)
	}
	before := k.dump()
	b.post(pathSettings(), form).is(http.StatusForbidden)
	b.get(pathSettingsPreview() + "?duration=3-months&zone=UTC").is(http.StatusForbidden)
	refused := b.hx(http.MethodGet, pathSettingsPreview()+"?duration=3-months&zone=UTC", nil)
	refused.is(http.StatusForbidden)
	if refused.body != "" {
		t.Errorf("htmx gets %q", refused.body)
	}
	k.unchangedSince(before, "settings without the permission")
}

// TestQ30OutdatedChipsHaveTwoLevels follows a token past its duration, with expiry marked and enforced.
func TestQ30OutdatedChipsHaveTwoLevels(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	b.post(pathSettings(), b.settingsForm("enforce", "")).leadsTo(pathSettings())
	for _, c := range []struct {
		advance time.Duration
		want    string
	}{
		{0, "91 days left"},
		{91*day + 14*time.Hour - time.Second, "Last day Renew soon"},
		{time.Second, "Ended today Outdated Renewal recommended"},
		{90*day - time.Second, "Ended 89 days ago Outdated Renewal recommended"},
		{time.Second, "Ended 90 days ago Outdated Renewal highly recommended"},
	} {
		k.clock.advance(c.advance)
		list := k.signIn("ana@acme.example").get(pathKeys())
		if got := strings.Join(list.texts("tbody td[data-l='Token duration'] span:not(:has(span))"), " "); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
	b = k.signIn("ana@acme.example")
	asked := b.post(pathSettings(), b.settingsForm())
	asked.says("main", "1 key stops working as soon as this is applied")
	b.post(pathSettings(), asked.hidden()).leadsTo(pathSettings())
	list := b.get(pathKeys())
	list.says("tbody td[data-l='Token duration']", "Expired")
	if strings.Contains(list.text("tbody"), "Outdated") || strings.Contains(list.text("tbody"), "recommended") {
		t.Error("an expired token is called outdated")
	}
}
