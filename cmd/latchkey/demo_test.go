package main

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/store"
)

func TestTheDemoShows132Keys(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "demo", "--listen", "127.0.0.1:0")
	address := p.line(`is served on (http://127\.0\.0\.1:\d+)$`)
	email, password := p.line(`^    (\S+@\S+)$`), p.line(`^    (\S+)$`)
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), "latchkey-demo-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("the demo's folders are %v, %v; want one", folders, err)
	}

	b := newBrowser(t, address)
	b.signIn(email, password)
	newBrowser(t, address).signIn(demoHelper, password)
	seen, inactive, expired, soon, pending := 0, 0, 0, 0, 0
	roleCounts := map[int]int{}
	for path := "/account/api-keys/generated"; path != ""; {
		got := b.get(path)
		if got.status != http.StatusOK {
			t.Fatalf("%s answered %d; want 200", path, got.status)
		}
		document, err := goquery.NewDocumentFromReader(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if count := document.Find("#count").Text(); !strings.Contains(count, "132") {
			t.Errorf("the count is %q; want 132", count)
		}
		document.Find("tbody tr").Each(func(_ int, row *goquery.Selection) {
			seen++
			text := row.Text()
			if strings.Contains(text, "Inactive") {
				inactive++
			}
			if strings.Contains(text, "xpired") {
				expired++
			}
			if strings.Contains(text, "Pending deletion - Old token") {
				pending++
			}
			if regexp.MustCompile(`(?i)renew|soon`).MatchString(text) {
				soon++
			}
		})
		next := document.Find("a").FilterFunction(func(_ int, link *goquery.Selection) bool {
			href, _ := link.Attr("href")
			return strings.Contains(href, "?after=")
		})
		path, _ = next.First().Attr("href")
	}
	for _, step := range demoStory() {
		if step.name != "" {
			roleCounts[len(step.roles)]++
		}
	}
	if seen != demoKeys {
		t.Errorf("the pages list %d keys; want %d", seen, demoKeys)
	}
	if inactive < demoKeys/10 || inactive > demoKeys/5 {
		t.Errorf("%d keys are inactive; want about 15 %%", inactive)
	}
	if expired == 0 || soon == 0 || expired > demoKeys/2 {
		t.Errorf("%d tokens are expired and %d are to be renewed soon; want some of each", expired, soon)
	}
	if pending < 3 {
		t.Errorf("%d renewals are open; want some", pending)
	}
	marked := newBrowser(t, address)
	marked.signIn(demoMarkedEmail, password)
	_, list, _ := strings.Cut(marked.get("/account/api-keys/generated").body, "<tbody>")
	for _, chip := range []string{"Renewal highly recommended", "Renewal recommended", "Renew soon"} {
		if strings.Count(list, chip) != 1 {
			t.Errorf("%d keys of %s are marked %q; want one", strings.Count(list, chip), demoMarked, chip)
		}
	}
	if strings.Contains(list, "Expired") {
		t.Errorf("%s refuses tokens", demoMarked)
	}
	for n := range 5 {
		if roleCounts[n] == 0 {
			t.Errorf("no key has %d roles", n)
		}
	}
	p.stop()
	if _, err := os.Stat(folders[0]); !os.IsNotExist(err) {
		t.Errorf("the demo's folder is still there: %v", err)
	}
	if strings.Contains(p.stderr.String(), password) {
		t.Error("the demo's password is in the log")
	}
}

// shownDemo is a demo that runs, and what somebody who is signed in sees of it.
type shownDemo struct {
	*browser
	t *testing.T
}

// page is the page at a path.
func (d shownDemo) page(path string) *goquery.Document {
	d.t.Helper()
	got := d.get(path)
	document, err := goquery.NewDocumentFromReader(strings.NewReader(got.body))
	if err != nil || got.status != http.StatusOK {
		d.t.Fatalf("%s answered %d: %v", path, got.status, err)
	}
	return document
}

// folds is a text with its white space folded.
func folds(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// row is the row of a table that has a text.
func (d shownDemo) row(page *goquery.Document, text string) *goquery.Selection {
	d.t.Helper()
	row := page.Find("tbody tr").FilterFunction(func(_ int, row *goquery.Selection) bool { return strings.Contains(row.Text(), text) })
	if row.Length() != 1 {
		d.t.Fatalf("%d rows have %q", row.Length(), text)
	}
	return row
}

// says asserts that a selection has each of some texts.
func (d shownDemo) says(s *goquery.Selection, texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if !strings.Contains(folds(s), text) {
			d.t.Errorf("%q does not have %q", folds(s), text)
		}
	}
}

// demoName is the name of one of the story's keys.
func demoName(t *testing.T, key int) string {
	t.Helper()
	story := demoStory()
	at := slices.IndexFunc(story, func(step demoStep) bool { return step.key == key && step.name != "" })
	if at < 0 {
		t.Fatalf("there is no key %d", key)
	}
	return story[at].name
}

func TestTheDemoShowsEveryLotOfALinkAndOfAUser(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "demo", "--listen", "127.0.0.1:0")
	address := p.line(`is served on (http://127\.0\.0\.1:\d+)$`)
	email, password := p.line(`^    (\S+@\S+)$`), p.line(`^    (\S+)$`)
	d := shownDemo{newBrowser(t, address), t}
	d.signIn(email, password)

	list := d.page("/account/api-keys/generated")
	for key, want := range map[int]struct{ row, page string }{
		131:        {"No token yet Link not opened yet, 23 h left", "has not been opened yet"},
		130:        {"days left", "was opened on"},
		demoResent: {"Link not opened yet, 21 h left", "has not been opened yet"},
		126:        {"No token", "was taken back on"},
		125:        {"No token", "without being opened"},
	} {
		row := d.row(list, demoName(t, key))
		d.says(row, want.row)
		href, _ := row.Find("th a").Attr("href")
		d.says(d.page(href).Find("main"), want.page)
	}
	opened, _ := d.row(list, demoName(t, 130)).Find("th a").Attr("href")
	d.says(d.page(opened).Find("main"), "from "+demoOpener)
	for filter, want := range map[string]string{"link": "2 keys match", "none": "3 keys match"} {
		d.says(d.page("/account/api-keys/generated?token_state="+filter).Find("#count"), want)
	}

	users := d.page("/account/users")
	for email, want := range map[string][]string{
		demoEmail: {"Owner", "Active"}, demoHelper: {"User Administrator", "Active"}, demoViewer: {"Auditor", "Active"},
		demoLeft: {"On call", "Inactive"}, demoInvited: {"Invited", "Link not opened yet, 22 h left"},
		demoCame: {"Auditor", "Active", "Link opened 2 days ago from " + demoOpener}, demoForgot: {"On call", "Active", "Link not opened yet, 23 h left"},
	} {
		d.says(d.row(users, email), want...)
	}
	if external := d.page("/account/api-keys/external").Find("tbody tr"); external.Length() != 2 {
		t.Errorf("%d external keys", external.Length())
	} else {
		d.says(external, demoMarked, "Logistics operator", "+1")
	}
	d.says(d.page("/account/audit").Find("tbody"), "Single-access link created", "User invited")

	viewer := shownDemo{newBrowser(t, address), t}
	viewer.signIn(demoViewer, password)
	if looks := viewer.page("/account/api-keys/generated"); looks.Find("tbody [popovertarget], [name=id], a[href$='/new']").Length() != 0 {
		t.Error("who only looks at keys is offered to change them")
	}
	viewer.page("/account/audit")
	if got := viewer.get("/account/users"); got.status != http.StatusForbidden {
		t.Errorf("who only looks at keys gets the users: %d", got.status)
	}
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), "latchkey-demo-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("the demo's folders are %v, %v; want one", folders, err)
	}
	cli(t, "", "audit", "verify", "--data", folders[0]).ok(t)
	p.stop()
}

func TestTheDemoStaysOnThisMachine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cli(t, "", "demo", "--listen", "0.0.0.0:0").refused(t, "0.0.0.0:0")
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("a refused demo left %v, %v", left, err)
	}
}

func TestTheDemosStoryIsTheSameEveryTime(t *testing.T) {
	story := demoStory()
	names := map[string]bool{}
	for i, step := range story {
		if i > 0 && story[i-1].ago < step.ago || step.ago <= 0 {
			t.Errorf("step %d is out of order", i)
		}
		if step.name != "" {
			names[step.name] = true
		}
	}
	if len(names) != demoKeys {
		t.Errorf("the keys have %d names; want %d", len(names), demoKeys)
	}
	if !slices.EqualFunc(story, demoStory(), func(a, b demoStep) bool { return a.ago == b.ago && a.name == b.name }) {
		t.Error("two stories differ")
	}
}

// usedDemo is a filled demo: how its first account's keys were used, by their names.
type usedDemo struct {
	keys   map[string]keys.Key
	usage  map[string]keys.KeyUsage
	alarms int
}

func useOfDemo(t *testing.T, now time.Time) usedDemo {
	t.Helper()
	clock := &demoClock{now: func() time.Time { return now }}
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), databaseFile), store.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := fillDemo(t.Context(), s, clock, goodPassword); err != nil {
		t.Fatal(err)
	}
	accounts, err := s.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account := accounts[slices.IndexFunc(accounts, func(a keys.Account) bool { return a.Slug == demoAccount })]
	by := keys.Command("test").In(account)
	found := usedDemo{map[string]keys.Key{}, map[string]keys.KeyUsage{}, 0}
	for after := ""; ; {
		list, err := s.Keys(t.Context(), by, store.KeyAsk{After: after, Limit: demoKeys})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range list.Keys {
			found.keys[key.Name] = key
			if found.usage[key.Name], err = s.KeyUsage(t.Context(), by, key.ID); err != nil {
				t.Fatal(err)
			}
			_, alarm, err := s.KeyAlarm(t.Context(), by, key.ID, now.AddDate(0, 0, -keys.UsageDays))
			if err != nil {
				t.Fatal(err)
			}
			if alarm {
				found.alarms++
			}
		}
		if after = list.Next; after == "" {
			return found
		}
	}
}

func TestTheDemosKeysAreUsed(t *testing.T) {
	now := time.Date(2026, time.November, 24, 12, 34, 56, 0, time.UTC)
	demo := useOfDemo(t, now)
	if len(demo.keys) != demoKeys || demo.alarms != 1 {
		t.Fatalf("%d keys, %d of them with an alarm; want %d and 1", len(demo.keys), demo.alarms, demoKeys)
	}
	var today, never, refused, weekly int
	needs := map[keys.OldTokenNeed]int{}
	for name, key := range demo.keys {
		usage := demo.usage[name]
		if usage.Last.Within(24*time.Hour, now) {
			today++
		}
		if usage.Last.Never() {
			never++
		}
		if usage.Last.At.After(now) || len(usage.Hours) > 0 && usage.Hours[len(usage.Hours)-1].Hour.After(now) {
			t.Errorf("%s was used ahead of time", name)
		}
		var accepted, denied, weekends, hours int64
		for _, hour := range usage.Hours {
			accepted, denied = accepted+hour.Accepted, denied+hour.Refused
			hours++
			if day := hour.Hour.Weekday(); day == time.Saturday || day == time.Sunday {
				weekends++
			}
		}
		if denied > 0 {
			refused++
		}
		if hours > 100 && weekends == 0 {
			weekly++
		}
		if denied > accepted && key.Active() && demoAccepted(key, now) {
			t.Errorf("%s was accepted %d times and refused %d times", name, accepted, denied)
		}
		if key.Renewing() {
			needs[keys.AdviseRenewal(usage.Tokens[key.Tokens[1].Number], usage.Tokens[key.Tokens[0].Number], now).Need]++
		}
	}
	if today < demoKeys/2 || never < 5 || refused < 20 || weekly < 3 {
		t.Errorf("%d keys were used today, %d never, %d were refused at times, %d rest on weekends; want more", today, never, refused, weekly)
	}
	for _, need := range []keys.OldTokenNeed{keys.NeedUnknown, keys.NeedUntilMove, keys.NeedUntilQuiet, keys.NeedNone} {
		if needs[need] == 0 {
			t.Errorf("no renewal advises %q; they advise %v", need, needs)
		}
	}
	if again := useOfDemo(t, now); !reflect.DeepEqual(again.usage, demo.usage) {
		t.Error("two demos of one moment are used differently")
	}
}

// demoAccepted says whether a key's newest token is within its duration.
func demoAccepted(key keys.Key, now time.Time) bool {
	return now.Before(keys.DefaultDuration.Expiry(key.Tokens[0].CreatedAt, time.UTC))
}
