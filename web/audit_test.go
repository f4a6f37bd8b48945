package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views/words"
)

// events are the rows of the audit log, each as the texts of its cells.
func (a answer) events() (rows []map[string]string) {
	a.t.Helper()
	heads := a.Find("thead th").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	a.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) {
		row := map[string]string{}
		tr.Children().Each(func(i int, cell *goquery.Selection) {
			row[heads[i]] = strings.Join(strings.Fields(cell.Text()), " ")
			if label, has := cell.Attr("data-l"); has && label != heads[i] {
				a.t.Errorf("the cell of %s is called %s", heads[i], label)
			}
		})
		rows = append(rows, row)
	})
	return rows
}

func TestTheAuditLogSaysWhoDidWhatWhenAndToWhat(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate(hostile, "orders-viewer")
	k.clock.advance(24 * time.Hour)
	b = k.signIn("ana@acme.example")
	version, _ := b.get(pathKeyEdit(id, "")).Find("input[name=version]").Attr("value")
	b.post(pathKeyEdit(id, ""), url.Values{"name": {"Order mirror"}, "roles": {"catalog-viewer"}, "active": {"on"}, "version": {version}}).is(http.StatusSeeOther)

	a := b.get(pathAudit())
	a.is(http.StatusOK)
	if got := a.Find("thead th").Map(func(_ int, s *goquery.Selection) string { return s.Text() }); !slices.Equal(got, []string{"When", "Who", "Action", "Target", "Source", "Result"}) {
		t.Fatalf("the columns are %q", got)
	}
	if a.Find("tbody th[scope=row]").Length() != a.Find("tbody tr").Length() {
		t.Error("a row has no head")
	}
	top := a.events()[0]
	for column, want := range map[string]string{
		"When": "13 Sep 2026, 10:00 UTC", "Who": "ana@acme.example", "Target": "Key Order mirror", "Source": "198.51.100.7", "Result": "Done",
	} {
		if top[column] != want {
			t.Errorf("%s is %q, not %q", column, top[column], want)
		}
	}
	if !strings.HasPrefix(top["Action"], "Key edited Details") {
		t.Errorf("the action is %q", top["Action"])
	}
	row := a.Find("tbody tr").First()
	if href, _ := row.Find("td a").Attr("href"); href != pathKeyShow(id) {
		t.Errorf("the target leads to %q", href)
	}
	details := map[string]string{}
	row.Find("details dt").Each(func(_ int, dt *goquery.Selection) {
		dd := dt.Next()
		details[dt.Text()] = dd.Find("del").Text() + "|" + dd.Find("ins").Text()
		if dd.Find("del").Length() == 0 {
			details[dt.Text()] = strings.TrimSpace(dd.Text())
		}
	})
	for field, want := range map[string]string{"Name": hostile + "|Order mirror", "Roles": "orders-viewer|catalog-viewer", "Key": string(id)} {
		if details[field] != want {
			t.Errorf("%s is %q, not %q, in %q", field, details[field], want, details)
		}
	}
	if a.Find("img").Length() != 0 {
		t.Error("a name is taken for markup")
	}
	if started := a.events()[len(a.events())-1]; !strings.HasPrefix(started["Action"], "Account created") || !strings.Contains(started["Who"], "Command on the server") {
		t.Errorf("the first event is %q", started)
	}
	b.post(pathKeyDelete(id, ""), url.Values{"understood": {"on"}}).is(http.StatusSeeOther)
	if b.get(pathAudit()).Find("tbody td a").Length() != 0 {
		t.Error("a key that is gone has a link")
	}
}

func TestTheAuditLogIsNarrowedByEachFilter(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-editor", keys.ViewAPIKeys, keys.EditAPIKeys)
	k.addUser("ben@acme.example", "keys-editor")
	k.signIn("ana@acme.example").generate("Order sync")
	k.signIn("ben@acme.example")
	k.clock.advance(24 * time.Hour)
	b, ben := k.signIn("ana@acme.example"), k.signIn("ben@acme.example")
	id, _ := ben.generate("Price feed")
	k.signIn("ana@globex.example").generate("Foreign")
	ben.post(pathKeyDeactivate(id, ""), nil).is(http.StatusSeeOther)
	k.alarm("acme", id)

	for query, want := range map[string]struct {
		column, says string
		rows         int
	}{
		"actor=+BEN@acme.example":                              {"Who", "ben@acme.example", 5},
		"action=key.generated":                                 {"Action", "Key generated", 2},
		"target=" + string(id):                                 {"Target", "Price feed", 4},
		"target=Order+sync":                                    {"Target", "Order sync", 2},
		"from=2026-09-13&actor=ben@acme.example":               {"When", "13 Sep 2026", 4},
		"to=2026-09-12&target=Order+sync":                      {"When", "12 Sep 2026", 2},
		"from=2026-09-13&to=2026-09-13&action=key.deactivated": {"Action", "Key deactivated", 1},
		"alarm=1": {"Result", "Refused", 1},
	} {
		a := b.get(pathAudit() + "?" + query)
		a.is(http.StatusOK)
		if got := a.events(); len(got) != want.rows {
			t.Errorf("%s gives %d rows, not %d: %q", query, len(got), want.rows, got)
		}
		for _, row := range a.events() {
			if !strings.Contains(row[want.column], want.says) {
				t.Errorf("%s gives %q", query, row)
			}
		}
		values, err := url.ParseQuery(query)
		must(t, err)
		for _, format := range []string{formatCSV, formatXLSX} {
			link := a.Find(`.head a[download][href^="` + pathAuditExport(format) + `?"]`)
			href, _ := link.Attr("href")
			at, err := url.Parse(href)
			must(t, err)
			if len(at.Query()) != len(values) {
				t.Errorf("%s: the export leads to %q", query, href)
			}
			if n := len(b.get(pathAuditExport(formatCSV) + "?" + at.RawQuery).lines()); n != want.rows+1 {
				t.Errorf("%s: the export has %d lines", query, n)
			}
		}
	}
	a := b.get(pathAudit() + "?actor=ben%40acme.example&action=key.generated&target=Price+feed&from=2026-09-13&to=2026-09-14&alarm=1")
	form := a.Find("search form[method=get]")
	for selector, want := range map[string]string{"#actor": "ben@acme.example", "#target": "Price feed", "#from": "2026-09-13", "#to": "2026-09-14", "#action option[selected]": "key.generated"} {
		if got, _ := form.Find(selector).Attr("value"); got != want {
			t.Errorf("%s is %q, not %q", selector, got, want)
		}
	}
	if form.Find("[name=alarm][checked]").Length() != 1 || form.Find("button[type=submit]").Length() != 1 {
		t.Error("the form does not keep its box, or has no button")
	}
	a.says(".empty h2", "No events match these filters")
	if a.Find("table").Length() != 0 || a.Find("[download]").Length() != 0 {
		t.Error("nothing has a table or an export")
	}
	// What is no filter narrows nothing.
	if len(b.get(pathAudit()+"?from=x&to=2026-02-30&action=x&actor=%00&alarm=2").events()) != len(b.get(pathAudit()).events()) {
		t.Error("a filter that is none narrows")
	}
}

func TestFiltersOfTheAuditLogInPlaceAnswerTheTableAndItsAddress(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for i := range auditPageSize {
		b.generate(fmt.Sprint("Key ", i))
	}
	id, _ := b.generate("Order sync")
	whole := b.get(pathAudit())
	whole.says("#count", "50 events on this page")
	if got := whole.Find("p#count").AttrOr("role", ""); got != "status" || whole.header.Get("HX-Push-Url") != "" || whole.Find("#clear a").Length() != 0 {
		t.Errorf("the count has the role %q, or the page answers as for htmx, or offers to clear nothing", got)
	}
	form := whole.Find("search form")
	for name, want := range map[string]string{
		"method": "get", "action": pathAudit(), "hx-get": pathAudit(), "hx-target": "#results", "hx-select": "#results", "hx-swap": "outerHTML",
		"hx-push-url": "true", "hx-sync": "this:replace", "autocomplete": "off",
		"hx-trigger": "submit, change from:#action, change delay:300ms from:#from, change delay:300ms from:#to, change from:#only-alarms",
	} {
		if got := form.AttrOr(name, ""); got != want {
			t.Errorf("the form has %s=%q", name, got)
		}
	}
	a := b.hx(http.MethodGet, pathAudit()+"?actor=&action=key.generated&target="+string(id)+"&from=&to=", nil)
	a.is(http.StatusOK)
	filters := "?action=key.generated&target=" + string(id)
	if got := a.header.Get("HX-Push-Url"); got != pathAudit()+filters {
		t.Errorf("the address becomes %q", got)
	}
	if !slices.Contains(a.header.Values("Vary"), "HX-Request") {
		t.Errorf("Vary is %q", a.header.Values("Vary"))
	}
	if strings.Contains(a.body, "<html") || a.Find("form, .alarms, h1").Length() != 0 || a.Find("#results tbody tr").Length() != 1 {
		t.Errorf("it is not the table alone: %q", a.events())
	}
	for _, part := range []string{"#count", "#exports", "#clear"} {
		if a.Find(part+"[hx-swap-oob=innerHTML]").Length() != 1 {
			t.Errorf("%s stays as it was", part)
		}
	}
	a.says("#count", "1 event")
	a.says("#clear a", "Clear")
	if a.Find(`#exports a[href$="`+filters+`"]`).Length() != 2 {
		t.Error("the exports are not of the same events")
	}
	none := b.hx(http.MethodGet, pathAudit()+"?actor=nobody@acme.example", nil)
	none.says("#results h2", "No events match these filters")
	none.says("#count", "0 events")
	if none.Find("#exports").Children().Length() != 0 {
		t.Error("nothing can be exported")
	}

	older := whole.Find("#results [rel=next]")
	page := b.hx(http.MethodGet, older.AttrOr("hx-get", ""), nil)
	if got := page.header.Get("HX-Push-Url"); got != older.AttrOr("href", "-") || page.Find("#results [rel=prev]").Length() != 1 {
		t.Errorf("the older page is at %q", got)
	}
	newer := page.Find("#results [rel=prev]").AttrOr("href", "")
	if got := b.hx(http.MethodGet, newer, nil).header.Get("HX-Push-Url"); got != newer {
		t.Errorf("the newer page is at %q", got)
	}
	if got := b.hx(http.MethodGet, pathAudit()+"?actor=ana%40acme.example&after=x", nil).header.Get("HX-Redirect"); got != pathAudit()+"?actor=ana%40acme.example" {
		t.Errorf("a cursor that cannot be read leads to %q", got)
	}
}

func TestAnAuditLogThatCannotBeLoadedKeepsItsFilters(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	k.exec(`ALTER TABLE audit RENAME TO gone`)
	a := b.get(pathAudit() + "?target=Order+sync&from=2026-09-01")
	a.is(http.StatusServiceUnavailable)
	if got := a.Find("main .failure a").AttrOr("href", ""); got != pathAudit()+"?from=2026-09-01&target=Order+sync" {
		t.Errorf("Try again leads to %q", got)
	}
	held := b.hx(http.MethodGet, pathAudit()+"?target=Order+sync", nil)
	if held.status != http.StatusServiceUnavailable || held.body != "" || held.header.Get("Latchkey-Message") == "" {
		t.Errorf("in place it answers %d with %q", held.status, held.body)
	}
}

// alarm lets a replaced token of a key be presented.
func (k *kit) alarm(slug string, id keys.KeyID) {
	k.t.Helper()
	accounts, err := k.store.Accounts(k.t.Context())
	must(k.t, err)
	account := accounts[slices.IndexFunc(accounts, func(a keys.Account) bool { return a.Slug == slug })]
	must(k.t, k.store.RecordRefusals(k.t.Context(), map[keys.Refusal]int{
		{Action: keys.ActionTokenReuse, AccountID: account.ID, Key: id, IP: "203.0.113.9", Reason: "rotated", Alarm: true}: 3,
	}))
}

func TestAlarmsStandOnTopForThirtyDays(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	if b.get(pathAudit()).Find(".alarms").Length() != 0 {
		t.Error("there are alarms without any")
	}
	var ids []keys.KeyID
	for i := range 7 {
		id, _ := b.generate(fmt.Sprint("Key ", i))
		ids = append(ids, id)
		k.clock.advance(time.Minute)
		k.alarm("acme", id)
	}
	a := b.get(pathAudit())
	if a.Find(".alarms li").Length() != 5 {
		t.Errorf("%d alarms are shown", a.Find(".alarms li").Length())
	}
	first := a.Find(".alarms li").First()
	if href, _ := first.Find("a").Attr("href"); href != pathKeyShow(ids[6]) {
		t.Errorf("the newest alarm leads to %q", href)
	}
	for _, says := range []string{"Key 6", "Replaced token presented: last on 12 Sep 2026, 10:07 UTC from 203.0.113.9.", "renew the token"} {
		if !strings.Contains(strings.Join(strings.Fields(first.Text()), " "), says) {
			t.Errorf("the alarm does not say %q: %s", says, first.Text())
		}
	}
	if first.Find("time").Length() != 1 {
		t.Error("the moment is no time")
	}
	all, _ := a.Find(".alarms .alert-text > p a").Attr("href")
	if n := len(b.get(all).events()); n != 7 {
		t.Errorf("all alarms are %d at %q", n, all)
	}
	k.clock.advance(31 * 24 * time.Hour)
	later := k.signIn("ana@acme.example")
	if later.get(pathAudit()).Find(".alarms").Length() != 0 {
		t.Error("an alarm stays for more than 30 days")
	}
}

func TestTheAuditLogIsPaged(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for i := range 40 {
		b.generate(fmt.Sprint("Key ", i))
	}
	var seen []string
	a := b.get(pathAudit() + "?actor=ana%40acme.example&action=")
	var urls []string
	for {
		a.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) { seen = append(seen, tr.AttrOr("id", "")) })
		next, more := a.Find("[rel=next]").Attr("href")
		if !more {
			break
		}
		urls = append(urls, next)
		if !strings.Contains(next, "actor=ana%40acme.example") || strings.Contains(next, "action=") {
			t.Errorf("the next page is %q", next)
		}
		a = b.get(next)
	}
	if sorted := slices.Sorted(slices.Values(seen)); len(slices.Compact(sorted)) != len(seen) || len(seen) < 81 || len(urls) != len(seen)/auditPageSize {
		t.Errorf("%d rows on %d pages", len(seen), len(urls)+1)
	}
	back, _ := a.Find("[rel=prev]").Attr("href")
	if got := b.get(back).Find("tbody tr").First().AttrOr("id", ""); got != seen[0] {
		t.Errorf("back leads to %q, not %q", got, seen[0])
	}
	b.get(pathAudit() + "?actor=ana%40acme.example&after=nonsense").leadsTo(pathAudit() + "?actor=ana%40acme.example")
	b.get(pathAudit() + "?after=0.1").leadsTo(pathAudit())
}

func TestDaysOfTheAuditLogAreThoseOfTheReader(t *testing.T) {
	k := newKit(t)
	k.exec(`UPDATE account SET zone = 'Pacific/Auckland' WHERE slug = 'acme'`) // 12 hours ahead
	k.clock.advance(3 * time.Hour)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync") // on the 13th at 01:00
	a := b.get(pathAudit() + "?action=key.generated&from=2026-09-13&to=2026-09-13")
	if got := a.events(); len(got) != 1 || got[0]["When"] != "13 Sep 2026, 01:00 NZST" {
		t.Errorf("the day has %q", got)
	}
	a.says("search .help", "Pacific/Auckland")
	if got := b.get(pathAudit() + "?action=key.generated&to=2026-09-12").events(); len(got) != 0 {
		t.Errorf("the day before has %q", got)
	}
}

func TestOnlyWhoMayViewTheAuditLogIsLedThere(t *testing.T) {
	k := newKit(t)
	k.addRole("auditor", keys.ViewAuditLog)
	k.addUser("aud@acme.example", "auditor")
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	owner, admin, auditor := k.signIn("ana@acme.example"), k.signIn("admin@acme.example"), k.signIn("aud@acme.example")
	id, _ := owner.generate("Order sync")
	link := owner.get(pathKeyShow(id)).Find("section[aria-labelledby=history] a")
	href, _ := link.Attr("href")
	if href != pathAudit()+"?target="+string(id) || strings.Join(strings.Fields(link.Text()), " ") != "View all in the audit log" {
		t.Errorf("View all is %q to %q", link.Text(), href)
	}
	if got := owner.get(href).events(); len(got) != 2 {
		t.Errorf("the key's log has %q", got)
	}
	if menu := owner.get(pathKeys()).Find(`#account-menu a[href="` + pathAudit() + `"]`); strings.TrimSpace(menu.Text()) != "Audit log" {
		t.Error("the menu does not lead there")
	}
	if admin.get(pathKeyShow(id)).Find(`a[href^="`+pathAudit()+`"]`).Length() != 0 {
		t.Error("who may not see the log is led there")
	}
	for _, path := range []string{pathAudit(), pathAuditExport(formatCSV), pathAuditExport(formatXLSX)} {
		a := admin.get(path)
		a.is(http.StatusForbidden)
		a.says("main", "You cannot view the audit log. Ask someone with the View audit log permission.")
	}
	a := auditor.get(pathAudit())
	a.is(http.StatusOK)
	if a.Find("tbody td a").Length() != 0 {
		t.Error("who may not see keys is led to one")
	}
	auditor.get(pathKeysExport(formatCSV)).is(http.StatusForbidden)
}

func TestTheAuditLogIsExportedWithItsColumns(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate(hostile)
	k.alarm("acme", id)
	heads := []string{"id", "date", "actor", "actorKind", "action", "targetKind", "target", "targetId", "keyName", "source", "result", "alarm", "details", "requestId"}
	lines := b.get(pathAuditExport(formatCSV)).lines()
	if !slices.Equal(lines[0], heads) {
		t.Errorf("the columns are %q", lines[0])
	}
	top := lines[1]
	want := []string{"2026-09-12T10:00:00Z", "", "nobody", "token.reuse_after_rotation", "key", hostile, string(id), string(id), "203.0.113.9", "rotated", "yes"}
	if !slices.Equal(top[1:12], want) || !strings.Contains(top[12], `"count":3`) {
		t.Errorf("the alarm is %q, not %q", top, want)
	}
	a := b.get(pathAuditExport(formatXLSX))
	rows, err := a.book().GetRows("Audit log")
	must(t, err)
	if !slices.Equal(rows[0], heads) || rows[2][6] != hostile {
		t.Errorf("the workbook has %q", rows)
	}
	if got := a.header.Get("Content-Disposition"); got != "attachment; filename=audit-log-acme-20260912.xlsx" {
		t.Errorf("the file is %q", got)
	}
}

func TestEveryActionKindAndFieldOfTheAuditLogHasItsWords(t *testing.T) {
	ids := words.IDs()
	actions := regexp.MustCompile(`Action = "([a-z._]+)"`).FindAllStringSubmatch(sourceOf(t, "../keys/audit_event.go"), -1)
	if len(actions) < 33 {
		t.Fatalf("only %d actions", len(actions))
	}
	for _, action := range actions {
		if id := actionID(keys.Action(action[1])); !slices.Contains(ids, id) {
			t.Errorf("%s has no words", id)
		}
	}
	if got := len(auditActions()); got != len(actions) {
		t.Errorf("%d actions have words, of %d", got, len(actions))
	}
	kinds := regexp.MustCompile(`\bobject[A-Z]\w+\s+= "([a-z-]+)"`).FindAllStringSubmatch(sourceOf(t, "../store/audit.go"), -1)
	if len(kinds) < 8 {
		t.Fatalf("only %d kinds", len(kinds))
	}
	for _, kind := range kinds {
		if !slices.Contains(ids, "audit.kind."+kind[1]) {
			t.Errorf("audit.kind.%s has no words", kind[1])
		}
	}
	for _, kind := range []keys.ActorKind{keys.ActorCommand, keys.ActorNobody, keys.ActorSystem} {
		if !slices.Contains(ids, "audit.who."+string(kind)) {
			t.Errorf("audit.who.%s has no words", kind)
		}
	}
}

// TestAuditValuesAreReadable: whatever the details hold, a person can read it, and no secret comes through.
func TestAuditValuesAreReadable(t *testing.T) {
	c := newEmptyKit(t).server.echo.NewContext(new(http.Request).WithContext(context.Background()), nil)
	for _, check := range []struct {
		value any
		want  string
	}{
		{nil, "None"},
		{"", "None"},
		{[]any{}, "None"},
		{true, "Yes"},
		{false, "No"},
		{1234567.0, "1234567"},
		{"x", "x"},
		{[]any{"a", 2.0}, "a, 2"},
		{map[string]any{"a": 1.0}, `{"a":1}`},
		{"lkt_" + strings.Repeat("0", 49), "lkt_[redacted]"},
		{[]any{"lkl_" + strings.Repeat("A", 49)}, "lkl_[redacted]"},
	} {
		if got := sayValue(c, check.value); got != check.want {
			t.Errorf("%v is said as %q, not %q", check.value, got, check.want)
		}
	}
}

func TestAuditReasonsAreWordsAndNotCodes(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	bo := b.inviteByForm("bo@acme.example").number
	b.post(pathUserLinkDiscard(bo), nil).leadsTo(pathUsers())
	b.post(pathUserReset(bo), url.Values{"nonce": {secret.NewNonce()}}).is(http.StatusOK)
	b.post(pathUserDeactivate(bo), nil).leadsTo(pathUsers())
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	k.signIn("viewer@acme.example").get(pathUsers()).is(http.StatusForbidden)
	k.server.FlushRefusals(t.Context())
	log := b.get(pathAudit())
	for _, want := range []string{"ReasonDiscarded", "ReasonThe user was deactivated", "Why refusedYou do not have permission for this", "KindInvitation", "Expires13 Sep 2026, 10:00 UTC"} {
		log.says("table", want)
	}
	for _, code := range []string{"permission-missing", "Kindinvitation", "2026-09-13T"} {
		if strings.Contains(log.text("table"), code) {
			t.Errorf("the log shows the code %q", code)
		}
	}
}
