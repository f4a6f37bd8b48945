package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views/words"
)

// record adds uses to what was counted.
func (k *kit) record(uses ...keys.TokenUsage) {
	k.t.Helper()
	k.batches++
	must(k.t, k.store.RecordUsage(k.t.Context(), keys.UsageBatch{Writer: "test", Number: k.batches, Uses: uses}))
}

// used records that a token was accepted once, so long ago, from an address.
func (k *kit) used(token int64, ago time.Duration, ip string) {
	k.t.Helper()
	at := k.clock.now().Add(-ago)
	k.record(keys.TokenUsage{Token: token, Hour: at.Truncate(time.Hour), Accepted: 1, Last: keys.LastUse{At: at, IP: ip}})
}

// tokens are the numbers of a key's live tokens, the newest first.
func (b *browser) tokens(id keys.KeyID) (numbers []int64) {
	b.kit.t.Helper()
	key, err := b.kit.store.Key(b.kit.t.Context(), b.actor(), id)
	must(b.kit.t, err)
	for _, token := range key.Tokens {
		numbers = append(numbers, token.Number)
	}
	return numbers
}

// alarm records that a replaced token of a key was presented now.
func (b *browser) alarm(id keys.KeyID, ip string) {
	b.kit.t.Helper()
	must(b.kit.t, b.kit.store.RecordRefusals(b.kit.t.Context(), map[keys.Refusal]int{{
		Action: keys.ActionTokenReuse, AccountID: b.actor().AccountID, Key: id, IP: ip, Reason: "rotated", Alarm: true,
	}: 2}))
}

const (
	usageSection = `section[aria-labelledby="usage"]`
	minute       = time.Minute
	hour         = time.Hour
)

// usageRow is the row of the table of days that is about a day so many days ago.
func (a answer) usageRow(ago int) []string {
	return a.texts(fmt.Sprintf("%s tbody tr:nth-child(%d) > *", usageSection, ago+1))
}

func TestTheTokensTableSaysWhenAndFromWhereEachWasLastUsed(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.renew(id)
	numbers := b.tokens(id)
	k.used(numbers[1], 40*day, "2001:db8::7")
	k.used(numbers[1], 2*day, "203.0.113.7")
	cells := func() [][]string {
		a := b.get(pathKeyShow(id))
		a.is(http.StatusOK)
		return [][]string{a.texts(`td[data-l="Last used"]`), a.texts(`td[data-l="From"]`)}
	}
	if got := cells(); !slices.Equal(got[0], []string{"Never", "2 days ago"}) || !slices.Equal(got[1], []string{"–", "203.0.113.7"}) {
		t.Errorf("the cells say %q", got)
	}
	k.used(numbers[0], 3*minute, "")
	if got := cells(); !slices.Equal(got[0], []string{"3 minutes ago", "2 days ago"}) || !slices.Equal(got[1], []string{"–", "203.0.113.7"}) {
		t.Errorf("with a use from nowhere the cells say %q", got)
	}
	stamp := b.get(pathKeyShow(id)).Find(`td[data-l="Last used"] time`).First()
	if at, title := stamp.AttrOr("datetime", ""), stamp.AttrOr("title", ""); at != "2026-09-12T09:57:00Z" || title != "12 Sep 2026, 09:57 UTC" {
		t.Errorf("the last use is at %q, in full %q", at, title)
	}
}

func TestHowLongAgoIsSaidInTheLargestWholeUnit(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for ago, want := range map[time.Duration]string{
		-minute: "just now", 0: "just now", 59 * time.Second: "just now",
		minute: "1 minute ago", 3*minute + 59*time.Second: "3 minutes ago", 59 * minute: "59 minutes ago",
		hour: "1 hour ago", 23*hour + 59*minute: "23 hours ago",
		day: "1 day ago", 47 * hour: "1 day ago", 29*day + 23*hour: "29 days ago",
	} {
		id, _ := b.generate("Order sync")
		k.used(b.tokens(id)[0], ago, "203.0.113.7")
		if got := b.get(pathKeyShow(id)).texts(`td[data-l="Last used"]`); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, not %q", ago, got, want)
		}
	}
}

func TestTheChartShowsThirtyDays(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	before := b.tokens(id)[0]
	b.renew(id)
	token := b.tokens(id)[0]
	at := func(ago time.Duration) time.Time { return k.clock.now().Add(-ago).Truncate(hour) }
	k.record(
		keys.TokenUsage{Token: before, Hour: at(30 * day), Accepted: 5000},
		keys.TokenUsage{Token: before, Hour: at(29 * day), Accepted: 1560, Refused: 4},
		keys.TokenUsage{Token: before, Hour: at(2 * day), Accepted: 1480},
		keys.TokenUsage{Token: token, Hour: at(2*day + hour), Accepted: 30, Refused: 66},
		keys.TokenUsage{Token: token, Hour: at(2 * day), Refused: 4},
		keys.TokenUsage{Token: token, Hour: at(0), Accepted: 96},
	)
	a := b.get(pathKeyShow(id))
	a.is(http.StatusOK)
	chart := a.Find(usageSection + ` svg[role="img"]`)
	title, desc := chart.AttrOr("aria-labelledby", ""), chart.AttrOr("aria-describedby", "")
	if got := a.text("#" + title); got != "3,240 requests in 30 days, most on 10 Sep (1,580)" {
		t.Errorf("the title says %q", got)
	}
	if got := a.text("#" + desc); got != "74 were refused." {
		t.Errorf("the description says %q", got)
	}
	a.says(usageSection, "3,166 accepted")
	a.says(usageSection, "74 refused")
	bars := a.texts(usageSection + ` svg g title`)
	if len(bars) != 30 || chart.Find("rect.good").Length() != 3 || chart.Find(`rect[fill="url(#bad)"]`).Length() != 2 {
		t.Fatalf("%d days, %d with accepted and %d with refused requests", len(bars), chart.Find("rect.good").Length(), chart.Find(`rect[fill="url(#bad)"]`).Length())
	}
	if rows := a.Find(usageSection + " tbody tr").Length(); rows != 30 {
		t.Fatalf("the table has %d rows", rows)
	}
	for ago, want := range map[int][]string{0: {"12 Sep", "96", "0"}, 1: {"11 Sep", "0", "0"}, 2: {"10 Sep", "1,510", "70"}, 29: {"14 Aug", "1,560", "4"}} {
		if got := bars[29-ago]; got != fmt.Sprintf("%s: %s accepted, %s refused", want[0], want[1], want[2]) {
			t.Errorf("the bar of %d days ago says %q, not %q", ago, got, want)
		}
		if got := a.usageRow(ago); !slices.Equal(got, []string{want[0] + " 2026", want[1], want[2]}) {
			t.Errorf("the row of %d days ago says %q, not %q", ago, got, want)
		}
	}
	if got := a.texts(usageSection + " tfoot td"); !slices.Equal(got, []string{"3,166", "74"}) {
		t.Errorf("the totals are %q", got)
	}
	if got := a.texts(usageSection + " summary"); !slices.Equal(got, []string{"Show as table"}) {
		t.Errorf("the table is behind %q", got)
	}
	a.showsNoID("the page", newCatalogue())
}

// The days of the chart begin at the account's midnight, and the newest is the account's today.
func TestTheDaysOfTheChartAreThoseOfTheAccount(t *testing.T) {
	for zone, want := range map[string][2]string{
		"UTC":               {"11 Sep: 1 accepted, 0 refused; 12 Sep: 2 accepted, 0 refused", "13 Sep"},
		"America/Sao_Paulo": {"11 Sep: 3 accepted, 0 refused; 12 Sep: 0 accepted, 0 refused", "12 Sep"},
		"Pacific/Auckland":  {"11 Sep: 0 accepted, 0 refused; 12 Sep: 3 accepted, 0 refused", "13 Sep"},
		"Asia/Kolkata":      {"11 Sep: 0 accepted, 0 refused; 12 Sep: 3 accepted, 0 refused", "13 Sep"},
	} {
		k := newEmptyKit(t)
		_, _, err := k.store.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{
			Slug: "initech", Zone: zone, Email: "bo@initech.example", PasswordPHC: hashOnce(),
		})
		must(t, err)
		b := k.signIn("bo@initech.example")
		id, _ := b.generate("Order sync")
		for _, hour := range []string{"2026-09-11T23:00:00Z", "2026-09-12T00:00:00Z", "2026-09-12T02:00:00Z"} {
			at, err := time.Parse(time.RFC3339, hour)
			must(t, err)
			k.record(keys.TokenUsage{Token: b.tokens(id)[0], Hour: at, Accepted: 1})
		}
		bars := b.get(pathKeyShow(id)).texts(usageSection + ` svg g title`)
		if got := strings.Join(bars[len(bars)-2:], "; "); got != want[0] {
			t.Errorf("%s: %q, not %q", zone, got, want[0])
		}
		k.clock.advance(15 * hour)
		bars = k.signIn("bo@initech.example").get(pathKeyShow(id)).texts(usageSection + ` svg g title`)
		if got := bars[len(bars)-1]; !strings.HasPrefix(got, want[1]) {
			t.Errorf("%s: at 1:00 UTC of 13 Sep the last bar says %q", zone, got)
		}
	}
}

func TestAKeyWithoutRequestsHasNoChart(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	check := func() {
		t.Helper()
		a := b.get(pathKeyShow(id))
		if got := a.text(usageSection); got != "Usage"+"No requests in the last 30 days" || a.Find(usageSection+" :is(svg, table, details)").Length() != 0 {
			t.Errorf("the section says %q", got)
		}
	}
	check()
	k.used(b.tokens(id)[0], 30*day, "203.0.113.7")
	check()
}

func TestTheKeysPageAdvisesOnTheOldToken(t *testing.T) {
	const never = time.Duration(-1)
	for _, c := range []struct {
		old, renewed  time.Duration
		heading, text string
		safe          bool
	}{
		{never, never, "Neither token has been used yet.", "Keep the old one until the new one is in use.", false},
		{3 * hour, never, "The new one has not been used yet.", "Do not delete the old one yet: it was last used on 12 Sep 2026, 07:00 UTC.", false},
		{
			3 * hour, minute, "but is still used.",
			"It was last used on 12 Sep 2026, 07:00 UTC, the new one on 12 Sep 2026, 09:59 UTC. If it stays unused, it is safe to delete from 13 Sep 2026, 07:00 UTC on.", false,
		},
		{2 * day, minute, "It is safe to delete now.", "It was last used on 10 Sep 2026, 10:00 UTC, the new one on 12 Sep 2026, 09:59 UTC.", true},
		{never, hour, "It is safe to delete now.", "It was never used. The new one was last used on 12 Sep 2026, 09:00 UTC.", true},
	} {
		k := newKit(t)
		b := k.signIn("ana@acme.example")
		id, _ := b.generate("Order sync")
		if a := b.get(pathKeyShow(id)); a.Find("main .alert").Length() != 0 {
			t.Errorf("without a renewal there is an alert: %q", a.texts("main .alert"))
		}
		b.renew(id)
		numbers := b.tokens(id)
		for i, ago := range []time.Duration{c.renewed, c.old} {
			if ago != never {
				k.used(numbers[i], ago, "203.0.113.7")
			}
		}
		alert := b.get(pathKeyShow(id)).Find("main .alert")
		got := strings.Join(strings.Fields(alert.Text()), " ")
		if alert.Length() != 1 || !strings.Contains(got, c.heading) || !strings.Contains(got, c.text) || !strings.HasPrefix(got, "The old token waits for deletion") {
			t.Errorf("old %s, new %s: it says %q, not %q and %q", c.old, c.renewed, got, c.heading, c.text)
		}
		if alert.HasClass("success") != c.safe || alert.HasClass("warning") == c.safe {
			t.Errorf("old %s, new %s: its tone is %q", c.old, c.renewed, alert.AttrOr("class", ""))
		}
		if strings.Count(got, "UTC") != alert.Find("time[datetime]").Length() {
			t.Errorf("%d times are marked up in %q", alert.Find("time[datetime]").Length(), got)
		}
		for _, path := range []string{pathKeyUndo(id, fromKey), pathKeyDeleteOld(id, fromKey)} {
			if alert.Find(`a[href="`+path+`"]`).Length() != 1 {
				t.Errorf("it does not lead to %s", path)
			}
		}
	}
}

func TestEveryAdviceHasItsWords(t *testing.T) {
	ids := words.IDs()
	for _, need := range []keys.OldTokenNeed{keys.NeedUnknown, keys.NeedUntilMove, keys.NeedUntilQuiet, keys.NeedNone} {
		for _, part := range []string{".heading", ".text"} {
			if !slices.Contains(ids, "advice."+string(need)+part) {
				t.Errorf("advice.%s%s has no words", need, part)
			}
		}
	}
}

func TestAnAlarmStandsOnTheKeysPageForThirtyDays(t *testing.T) {
	k := newKit(t)
	theirs := k.signIn("ana@globex.example")
	other, _ := theirs.generate("Their key")
	theirs.alarm(other, "198.51.100.99")
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	quiet, _ := b.generate("Price feed")
	b.alarm(id, "198.51.100.77")
	check := func(want string) {
		t.Helper()
		b = k.signIn("ana@acme.example")
		if got := b.get(pathKeyShow(id)).text("main .alert.danger"); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("it says %q, not %q", got, want)
		}
		if got := b.get(pathKeyShow(quiet)).texts("main .alert"); len(got) != 0 {
			t.Errorf("the page of another key says %q", got)
		}
	}
	check("A token of this key that was replaced is still presented: last on 12 Sep 2026, 10:00 UTC from 198.51.100.77.")
	b.get(pathKeyShow(id)).says("main .alert.danger", "If you do not know who that is, somebody may hold a copy")
	b.get(pathKeyShow(id)).says(`section[aria-labelledby="history"] li:first-child`, "Replaced token presented and refused")
	k.clock.advance(30 * day)
	check("A token of this key that was replaced is still presented: last on 12 Sep 2026")
	k.clock.advance(time.Second)
	check("")
	b.alarm(id, "")
	check("A token of this key that was replaced is still presented: last on 12 Oct 2026, 10:00 UTC.")
}

// questions are the pages that ask before a key or a token stops, each with how the line on its last use
// begins.
func questions(id keys.KeyID) map[string]string {
	return map[string]string{
		pathKeyDeactivate(id, ""): "Last used", pathKeyDelete(id, ""): "Last used", pathKeyDeleteOld(id, ""): "Last used",
		pathKeyUndo(id, ""): "The new token was last used", pathKeyEdit(id, ""): "Last used",
	}
}

func TestWhatStopsSomethingSaysWhenItWasLastUsed(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.renew(id)
	line := func(path string, hx bool) answer {
		t.Helper()
		a := b.get(path)
		if hx {
			a = b.hx(http.MethodGet, path, nil)
		}
		a.is(http.StatusOK)
		if found := a.Find("form .hint").Length(); found != 1 {
			t.Fatalf("%s has %d such lines", path, found)
		}
		return a
	}
	for path := range questions(id) {
		want := "Not used in the last 30 days."
		if path == pathKeyUndo(id, "") {
			want = "The new token has not been used yet."
		}
		for _, hx := range []bool{false, true} {
			if got := line(path, hx).text("form .hint"); got != want {
				t.Errorf("%s says %q, not %q", path, got, want)
			}
		}
	}
	for _, token := range b.tokens(id) {
		k.used(token, 3*minute, "203.0.113.7")
	}
	for path, begin := range questions(id) {
		for _, hx := range []bool{false, true} {
			a := line(path, hx)
			if got, want := a.text("form .hint"), begin+" 3 minutes ago from 203.0.113.7."; got != want {
				t.Errorf("%s says %q, not %q", path, got, want)
			}
			stamp := a.Find("form .hint time")
			if stamp.Text() != "3 minutes ago" || stamp.AttrOr("datetime", "") != "2026-09-12T09:57:00Z" || stamp.AttrOr("title", "") != "12 Sep 2026, 09:57 UTC" {
				t.Errorf("%s: the time is %q, %q", path, stamp.AttrOr("datetime", ""), stamp.AttrOr("title", ""))
			}
		}
	}
	if got := b.get(pathKeyActivate(id, "")).Find(".hint").Length(); got != 0 {
		t.Error("the page that asks before activating speaks of the last use")
	}
	k.clock.advance(30*day - 3*minute)
	b = k.signIn("ana@acme.example")
	for path := range questions(id) {
		want := "Not used in the last 30 days."
		if path == pathKeyUndo(id, "") {
			want = "The new token was last used 30 days ago from 203.0.113.7."
		}
		if got := line(path, false).text("form .hint"); got != want {
			t.Errorf("30 days later %s says %q, not %q", path, got, want)
		}
	}
}

// Each page speaks of what it ends: the key, or one of its tokens.
func TestTheLastUseIsThatOfWhatEnds(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	const late, early = "5 hours ago from 203.0.113.5", "9 hours ago from 203.0.113.9"
	for _, newest := range []int{0, 1} {
		id, _ := b.generate("Order sync")
		b.renew(id)
		numbers := b.tokens(id)
		k.used(numbers[newest], 5*hour, "203.0.113.5")
		k.used(numbers[1-newest], 9*hour, "203.0.113.9")
		for path, want := range map[string]string{
			pathKeyDeactivate(id, ""): late, pathKeyDelete(id, ""): late, pathKeyEdit(id, ""): late,
			pathKeyUndo(id, ""): []string{late, early}[newest], pathKeyDeleteOld(id, ""): []string{early, late}[newest],
		} {
			b.get(path).says("form .hint", want)
		}
		b.post(pathKeyUndo(id, ""), nil)
		b.get(pathKeyDelete(id, "")).says("form .hint", late)
	}
}

func TestDeletingAKeyInUseAdvisesToDeactivateItFirst(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	advised := func(path string) bool {
		t.Helper()
		found := false
		for _, a := range []answer{b.get(path), b.hx(http.MethodGet, path, nil), b.post(path, nil)} {
			alert := a.Find("form .alert.warning")
			found = alert.Length() == 1
			if !found {
				continue
			}
			a.says("form .alert.warning", "ago. Deactivate it first to see what breaks.")
			if alert.Find("time[title]").Length() != 1 || alert.Find(`a[href="`+strings.Replace(path, "/delete", "/deactivate", 1)+`"]`).Length() != 1 {
				t.Error("the advice lacks its time or its link")
			}
		}
		return found
	}
	if advised(pathKeyDelete(id, "")) {
		t.Error("a key that was never used is in use")
	}
	k.used(b.tokens(id)[0], day-minute, "203.0.113.7")
	if !advised(pathKeyDelete(id, "")) || !advised(pathKeyDelete(id, fromKey)) {
		t.Error("a key that was used today is not in use")
	}
	b.get(pathKeyDelete(id, "")).says("form .alert.warning", "This key was used 23 hours ago.")
	b.post(pathKeyDeactivate(id, ""), nil)
	if advised(pathKeyDelete(id, "")) {
		t.Error("it is advised to deactivate an inactive key")
	}
	b.post(pathKeyActivate(id, ""), nil)
	k.clock.advance(minute)
	if advised(pathKeyDelete(id, "")) {
		t.Error("a key that was used a day ago is in use")
	}
}

func TestNowSaysThatTheOldTokenWasUsed(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	old := b.tokens(id)[0]
	k.used(old, 2*day, "203.0.113.7")
	quiet := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}})
	if got := quiet.text("fieldset"); strings.Contains(got, "was used") {
		t.Errorf("two days later it says %q", got)
	}
	b.post(pathKeyUndo(id, ""), nil)
	k.used(old, 2*hour, "203.0.113.7")
	made := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}})
	shown := b.get(pathKeyRenewal(id, made.renewal(), ""))
	again := b.post(pathKeyRenewal(id, made.renewal(), ""), nil)
	again.is(http.StatusUnprocessableEntity)
	for name, a := range map[string]answer{"with the token": made, "without it": shown, "with a problem": again} {
		now := a.Find("#old-now")
		note := strings.Fields(now.AttrOr("aria-describedby", ""))
		if len(note) == 0 || a.text("#"+note[len(note)-1]) != "The old token was used 2 hours ago." {
			t.Errorf("%s: Now is described by %q", name, note)
		}
		if later := a.Find("#old-later"); strings.Contains(later.AttrOr("aria-describedby", ""), "used") {
			t.Errorf("%s: Later speaks of it too", name)
		}
	}
}

// What another account's keys are used for shows nowhere, and nothing of it can be asked for.
func TestAnotherAccountsUseIsNeverShown(t *testing.T) {
	k := newKit(t)
	theirs := k.signIn("ana@globex.example")
	other, _ := theirs.generate("Order sync")
	theirs.renew(other)
	for _, token := range theirs.tokens(other) {
		k.used(token, minute, "198.51.100.99")
	}
	theirs.alarm(other, "198.51.100.99")
	theirs.get(pathKeyShow(other)).says("main", "198.51.100.99")
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.renew(id)
	for path := range questions(id) {
		if a := b.get(path); strings.Contains(a.body, "198.51.100.99") || strings.Contains(a.body, "minute ago") {
			t.Errorf("%s shows their use", path)
		}
	}
	if a := b.get(pathKeyShow(id)); strings.Contains(a.body, "198.51.100.99") || !strings.Contains(a.body, "No requests in the last 30 days") {
		t.Error("the key's page shows their use")
	}
	for path := range questions(other) {
		if a := b.get(path); a.status != http.StatusNotFound || strings.Contains(a.body, "198.51.100.99") {
			t.Errorf("%s answers %d", path, a.status)
		}
	}
	if a := b.get(pathKeyShow(other)); a.status != http.StatusNotFound || strings.Contains(a.body, "198.51.100.99") {
		t.Errorf("their key's page answers %d", a.status)
	}
}

// A page that shows a token comes whatever becomes of the use.
func TestTheNewTokenIsShownWhenTheUseCannotBeRead(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	k.exec(`ALTER TABLE usage_hourly RENAME TO usage_away`)
	if _, token := b.renew(id); token == "" {
		t.Error("there is no token")
	}
	if !strings.Contains(k.log.String(), "usage could not be read") {
		t.Error("nothing is logged")
	}
	b.get(pathKeyShow(id)).is(http.StatusServiceUnavailable)
}

func TestManyHoursMakeOneDay(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	token := b.tokens(id)[0]
	var uses []keys.TokenUsage
	for i := range 40 * 24 {
		uses = append(uses, keys.TokenUsage{Token: token, Hour: k.clock.now().Truncate(hour).Add(-time.Duration(i) * hour), Accepted: 2, Refused: 1})
	}
	k.record(uses...)
	a := b.get(pathKeyShow(id))
	for ago, want := range map[int][]string{0: {"12 Sep 2026", "22", "11"}, 1: {"11 Sep 2026", "48", "24"}, 29: {"14 Aug 2026", "48", "24"}} {
		if got := a.usageRow(ago); !slices.Equal(got, want) {
			t.Errorf("the row of %d days ago says %q, not %q", ago, got, want)
		}
	}
	if got := a.texts(usageSection + " tfoot td"); !slices.Equal(got, []string{"1,414", "707"}) {
		t.Errorf("29 days and 11 hours make %q", got)
	}
}
