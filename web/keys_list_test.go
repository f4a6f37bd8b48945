package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
)

func TestQ01APIKeysLeadsToTheGeneratedTab(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	b.get("/account/api-keys").leadsTo(pathKeys())
	b.get("/").leadsTo(pathKeys())
	a := b.get(pathKeys())
	a.is(http.StatusOK)
	for path, label := range map[string]string{pathKeys(): "Generated", pathExternal(): "External", pathSettings(): "Settings"} {
		page := b.get(path)
		tabs := page.Find(`nav[aria-label="API Keys"] a`).Map(func(_ int, tab *goquery.Selection) string { return folded(tab) + " " + tab.AttrOr("href", "") })
		if want := []string{"Generated " + pathKeys(), "External " + pathExternal(), "Settings " + pathSettings()}; !slices.Equal(tabs, want) {
			t.Errorf("%s: the tabs are %q", path, tabs)
		}
		if page.Find(`[role=tab], [role=tablist]`).Length() != 0 {
			t.Errorf("%s: a tab promises the keys of one that is no link", path)
		}
		current := page.Find(`nav[aria-label="API Keys"] [aria-current]`)
		if current.Length() != 1 || strings.TrimSpace(current.Text()) != label {
			t.Errorf("%s: the current tab is %q", path, current.Text())
		}
		if value, _ := current.Attr("aria-current"); value != "page" {
			t.Errorf("%s: aria-current is %q", path, value)
		}
		if href, _ := current.Attr("href"); href != path {
			t.Errorf("%s: the current tab leads to %q", path, href)
		}
	}
	a.says("h1", "API Keys")
	a.says("title", "API Keys - acme - Latchkey")
}

func TestQ02TheTableHasItsFiveColumnsInOrder(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, token := b.generate("Order sync", "orders-viewer", "pricing-admin", "catalog-viewer")
	a := b.get(pathKeys())
	var headers []string
	a.Find("thead th").Each(func(_ int, th *goquery.Selection) { headers = append(headers, strings.TrimSpace(th.Text())) })
	want := []string{"Key/Name", "Token duration", "Roles", "Created date", "Status"}
	if len(headers) < 5 || !slices.Equal(headers[:5], want) {
		t.Errorf("headers %q", headers)
	}
	rows := a.Find("tbody tr")
	if rows.Length() != 1 || rows.Find(`th[scope="row"]`).Length() != 1 {
		t.Fatalf("%d rows, %d row headers", rows.Length(), rows.Find(`th[scope="row"]`).Length())
	}
	head := strings.Join(strings.Fields(rows.Find("th").Text()), " ")
	if head != string(id)+" Order sync" {
		t.Errorf("the row's head is %q", head)
	}
	if href, _ := rows.Find("th a").Attr("href"); href != pathKeyShow(id) {
		t.Errorf("the key leads to %q", href)
	}
	a.says("tbody td[data-l='Token duration']", "91 days left")
	a.says("tbody td[data-l='Roles']", "Catalog viewer")
	a.says("tbody td[data-l='Roles']", "Orders viewer")
	a.says("tbody td[data-l='Roles']", "+1")
	a.says("tbody td[data-l='Roles']", "Pricing admin")
	a.says("tbody td[data-l='Created date'] time", "12 Sep 2026")
	if at, _ := a.Find("tbody time").Attr("datetime"); at != "2026-09-12T10:00:00Z" {
		t.Errorf("created at %q", at)
	}
	a.says("tbody td[data-l='Status']", "Active")
	for _, secret := range []string{token, token[len(token)-49:]} {
		if strings.Contains(a.body, secret) {
			t.Error("the token is on the list")
		}
	}
}

func TestQ03StatusIsActiveOrInactiveWithAnIcon(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	id, _ := b.generate("Price feed")
	b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	a := b.get(pathKeys())
	var got []string
	a.Find("tbody tr td[data-l='Status']").Each(func(_ int, td *goquery.Selection) {
		got = append(got, strings.TrimSpace(td.Text()))
		if td.Find(`svg[aria-hidden="true"]`).Length() != 1 {
			t.Error("the status has no icon that is hidden from screen readers")
		}
	})
	if !slices.Equal(got, []string{"Inactive", "Active"}) {
		t.Errorf("statuses %q, newest first", got)
	}
}

func TestQ04TheMenuHasTheItemsOfTheKeysState(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	active, _ := b.generate("Order sync")
	inactive, _ := b.generate("Price feed")
	renewing, _ := b.generate("Stock feed")
	stopped, _ := b.generate("Old feed")
	b.renew(renewing)
	b.renew(stopped)
	b.post(pathKeyDeactivate(inactive, ""), nil)
	b.post(pathKeyDeactivate(stopped, ""), nil)
	waiting, _ := b.generateByLink("New feed")
	pending, _ := b.generate("Stock sync")
	b.renewByLink(pending)
	none, _ := b.generateByLink("Lost link")
	b.post(pathKeyDiscard(none, ""), nil)
	stoppedWaiting, _ := b.generateByLink("Stopped link")
	stoppedPending, _ := b.generate("Stopped sync")
	b.renewByLink(stoppedPending)
	stoppedNone, _ := b.generateByLink("Stopped and lost")
	b.post(pathKeyDiscard(stoppedNone, ""), nil)
	for _, id := range []keys.KeyID{stoppedWaiting, stoppedPending, stoppedNone} {
		b.post(pathKeyDeactivate(id, ""), nil)
	}
	list := b.get(pathKeys())
	for id, want := range map[keys.KeyID]string{
		active:         "Edit, Deactivate, Renew Token, —, Delete Key",
		inactive:       "Edit, Activate, Renew Token, —, Delete Key",
		renewing:       "Edit, Deactivate, Undo Renewal, —, Delete Old Token, Delete Key",
		stopped:        "Edit, Activate, Undo Renewal, —, Delete Old Token, Delete Key",
		waiting:        "Edit, Deactivate, Renew Token, Discard link, —, Delete Key",
		pending:        "Edit, Deactivate, Renew Token, Undo Renewal, Discard link, —, Delete Key",
		none:           "Edit, Deactivate, Renew Token, —, Delete Key",
		stoppedWaiting: "Edit, Activate, Renew Token, Discard link, —, Delete Key",
		stoppedPending: "Edit, Activate, Renew Token, Undo Renewal, Discard link, —, Delete Key",
		stoppedNone:    "Edit, Activate, Renew Token, —, Delete Key",
	} {
		row := list.Find("#row-" + string(id))
		button, name := row.Find("#kebab-"+string(id)), row.Find("th > bdi").Text()
		if label := button.AttrOr("aria-label", ""); name == "" || label != "Actions for "+name {
			t.Errorf("the menu button of %q is labelled %q", name, label)
		}
		menu := row.Find("#" + button.AttrOr("popovertarget", ""))
		if got := strings.Join(itemsOf(menu), ", "); got != want {
			t.Errorf("%s: items %q, not %q", name, got, want)
		}
		menu.Find("a").Each(func(_ int, item *goquery.Selection) { b.get(item.AttrOr("href", "")).is(http.StatusOK) })
		activate := menu.Find("button").Closest("form")
		if strings.Contains(want, "Activate") != (activate.AttrOr("action", "") == pathKeyActivate(id, "") && activate.AttrOr("method", "") == "post") {
			t.Errorf("%s: Activate sends %s %q", name, activate.AttrOr("method", ""), activate.AttrOr("action", ""))
		}
	}
}

// itemsOf are the items of a menu, with the line that parts the red ones from the rest.
func itemsOf(menu *goquery.Selection) (items []string) {
	red := false
	menu.Find("li").Each(func(_ int, item *goquery.Selection) {
		if !red && item.HasClass("red") {
			items = append(items, "—")
		}
		red = item.HasClass("red")
		items = append(items, strings.TrimSpace(item.Find("a, button").Text()))
	})
	return items
}

// TestQ04TheMenuHasWhatTheViewerMayDo: what the server would refuse is not drawn.
func TestQ04TheMenuHasWhatTheViewerMayDo(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addRole("keys-renewer", keys.ViewAPIKeys, keys.RenewAPIToken)
	k.addRole("keys-editor", keys.ViewAPIKeys, keys.EditAPIKeys)
	for _, role := range []string{"keys-viewer", "keys-renewer", "keys-editor"} {
		k.addUser(role+"@acme.example", role)
	}
	owner := k.signIn("ana@acme.example")
	steady, _ := owner.generate("Order sync")
	renewing, _ := owner.generate("Price feed")
	owner.renew(renewing)
	pending, _ := owner.generate("Stock sync")
	owner.renewByLink(pending)
	for who, want := range map[string]map[keys.KeyID][]string{
		"keys-viewer":  {steady: nil, renewing: nil, pending: nil},
		"keys-renewer": {steady: {"Renew Token"}, renewing: {"Undo Renewal"}, pending: {"Renew Token", "Undo Renewal", "Discard link"}},
		"keys-editor":  {steady: {"Edit", "Deactivate", "Delete Key"}, renewing: {"Edit", "Deactivate", "Delete Old Token", "Delete Key"}, pending: {"Edit", "Deactivate", "Delete Key"}},
	} {
		b := k.signIn(who + "@acme.example")
		for id, items := range want {
			row := b.get(pathKeys()).Find("#row-" + string(id))
			var got []string
			row.Find("[popover] a, [popover] button").Each(func(_ int, item *goquery.Selection) {
				got = append(got, strings.TrimSpace(item.Text()))
				href, _ := item.Attr("href")
				b.get(href).is(http.StatusOK)
			})
			if !slices.Equal(got, items) {
				t.Errorf("%s sees %q, not %q", who, got, items)
			}
			if drawn := row.Find("#kebab-"+string(id)).Length() == 1; drawn != (items != nil) {
				t.Errorf("%s: menu button drawn: %v", who, drawn)
			}
		}
	}
}

func TestQ05TheProfileMenu(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	a := b.get(pathKeys())
	button := a.Find(`button[aria-label="Account menu for ana@acme.example"]`)
	if got := strings.TrimSpace(button.Text()); got != "A" {
		t.Errorf("the avatar shows %q", got)
	}
	target, _ := button.Attr("popovertarget")
	a.says("#"+target, "ana@acme.example")
	a.says("#"+target, "Account Settings")
	if href, _ := a.Find("#" + target + " a").First().Attr("href"); href != pathKeys() {
		t.Errorf("API Keys leads to %q", href)
	}
	a.says("#"+target, "API Keys")
	a.says("#"+target, "Change password")
	a.says("#"+target, "Log out")
}

func TestQ26TheEmptyListSaysWhatToDo(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	a := b.get(pathKeys())
	a.says("main", "No API keys yet")
	a.says("main", "Generate a key for each integration that connects to this account")
	if ways := a.Find(`main a[href="` + pathKeysGenerate() + `"]`); ways.Length() != 1 || folded(ways) != "+ Generate Key" {
		t.Errorf("%d ways to the first key: %q", ways.Length(), folded(ways))
	}
	if a.Find("table, form[role=search], #q, #bulk, #count, #pages, [download]").Length() != 0 {
		t.Error("an empty table, a search or filters are drawn")
	}
}

func TestTheListGoesThroughAllKeysNewestFirst(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var want []string
	for i := range 60 {
		id, _ := b.generate(fmt.Sprintf("Key %d", i))
		want = append([]string{string(id)}, want...)
		if i%7 == 0 {
			k.clock.advance(time.Second)
		}
	}
	var got []string
	path := pathKeys()
	pages := 0
	var lastPage answer
	for path != "" {
		a := b.get(path)
		a.is(http.StatusOK)
		a.says("#count", "60 keys")
		a.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) {
			id, _ := tr.Attr("id")
			got = append(got, strings.TrimPrefix(id, "row-"))
		})
		path, _ = a.Find(`a[rel="next"]`).Attr("href")
		lastPage = a
		pages++
	}
	if pages != 3 || !slices.Equal(got, want) {
		t.Errorf("%d pages with %d keys, in order %v", pages, len(got), slices.Equal(got, want))
	}
	newer, _ := lastPage.Find(`a[rel="prev"]`).Attr("href")
	a := b.get(newer)
	first, _ := a.Find("tbody tr").First().Attr("id")
	if first != "row-"+want[25] || a.Find("tbody tr").Length() != pageSize {
		t.Errorf("back on page two the first row is %q", first)
	}
}

func TestQ25AnUnreadableCursorLeadsToTheFirstPage(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var ids []keys.KeyID
	for i := range 27 {
		id, _ := b.generate(fmt.Sprintf("Key %d", i))
		ids = append(ids, id)
	}
	for _, cursor := range []string{"x", "AAAA", "%00", "%ff", strings.Repeat("a", 5000), "../../etc"} {
		b.get(pathKeys() + "?after=" + cursor).leadsTo(pathKeys())
	}
	older, _ := b.get(pathKeys()).Find(`a[rel="next"]`).Attr("href")
	b.post(pathKeyDelete(ids[2], ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	if n := b.get(older).Find("tbody tr").Length(); n != 2 {
		t.Errorf("a cursor whose key is gone shows %d rows, not 2", n)
	}
}

func TestQ27WhoMayOnlyViewSeesNoControls(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	owner, viewer := k.signIn("ana@acme.example"), k.signIn("viewer@acme.example")
	if a := viewer.get(pathKeys()); a.Find(`main a[href="`+pathKeysGenerate()+`"]`).Length() != 0 {
		t.Error("an empty list offers to generate a key")
	}
	id, _ := owner.generate("Order sync")
	a := viewer.get(pathKeys())
	a.is(http.StatusOK)
	a.says("tbody", "Order sync")
	for _, control := range []string{"#kebab-" + string(id), `a[href="` + pathKeysGenerate() + `"]`, "[type=checkbox]", "tbody td a", "tbody form", "tbody input", "tbody button"} {
		if a.Find(control).Length() != 0 {
			t.Errorf("%s is drawn", control)
		}
	}
	refused := 0
	for _, r := range k.server.routes() {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Path, "/account/api-keys/") {
			continue
		}
		key := owner.keyFor(r)
		fields, before := owner.fieldsOf(r, key), k.dump()
		a := viewer.ask(r, key, fields)
		a.is(http.StatusForbidden)
		a.says("h1", "You do not have permission for this")
		k.unchangedSince(before, r.Path)
		refused++
	}
	if refused < 14 {
		t.Errorf("only %d forms were tried", refused)
	}
}

// TestNoEscalationInTheList shows a key that holds Owner to a User Administrator: it can be stopped
// and deleted, but neither edited nor revived.
func TestNoEscalationInTheList(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	owner, admin := k.signIn("ana@acme.example"), k.signIn("admin@acme.example")
	id, _ := owner.generate("Root", keys.RoleOwner)
	items := func() string {
		var all []string
		admin.get(pathKeys()).Find("#row-" + string(id) + " [popover] li").Each(func(_ int, item *goquery.Selection) {
			if text := strings.TrimSpace(item.Text()); text != "" {
				all = append(all, text)
			}
		})
		return strings.Join(all, " ")
	}
	if got := items(); got != "Deactivate Delete Key" {
		t.Errorf("the menu of an active key: %q", got)
	}
	admin.get(pathKeyEdit(id, "")).is(http.StatusForbidden)
	admin.post(pathKeyEdit(id, ""), url.Values{"name": {"Root"}, "version": {"1"}}).is(http.StatusForbidden)
	admin.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	if got := items(); got != "Delete Key" {
		t.Errorf("the menu of an inactive key: %q", got)
	}
	before := k.dump()
	admin.get(pathKeyActivate(id, "")).is(http.StatusForbidden)
	a := admin.post(pathKeyActivate(id, ""), nil)
	a.is(http.StatusForbidden)
	a.says("main", "Owner")
	if after := k.dump(); after != before {
		t.Errorf("a refused change left something:\n%s", difference(before, after))
	}
	if a := admin.get(pathKeysGenerate()); a.Find("#role-owner").Length() != 0 || a.Find("#role-user-administrator").Length() != 1 {
		t.Error("the form offers other roles than the user may give")
	}
	admin.post(pathKeysGenerate(), url.Values{"name": {"Mine"}, "roles": {keys.RoleOwner}, "nonce": {nonce()}}).is(http.StatusForbidden)
}

func TestChipsSayHowTheTokenStands(t *testing.T) {
	k := newKit(t)
	k.signIn("ana@acme.example").generate("Order sync")
	day := 24 * time.Hour
	for _, c := range []struct {
		advance    time.Duration
		text, chip string
	}{
		{0, "91 days left", ""},
		{77 * day, "14 days left", ""},
		{day, "13 days left", "Renew soon"},
		{12 * day, "1 day left", "Renew soon"},
		{day, "Last day", "Renew soon"},
		{day, "Ended today", "Expired"},
		{day, "Ended 1 day ago", "Expired"},
		{day, "Ended 2 days ago", "Expired"},
	} {
		k.clock.advance(c.advance)
		got := k.signIn("ana@acme.example").get(pathKeys()).text("tbody td[data-l='Token duration']")
		if want := strings.TrimSpace(c.text + " " + c.chip); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
