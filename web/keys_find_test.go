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
	"latchkey/store/storetest"
)

// rows are the names of the keys in the table, in their order.
func (a answer) rows() string {
	var names []string
	a.Find("tbody th > bdi").Each(func(_ int, s *goquery.Selection) { names = append(names, s.Text()) })
	return strings.Join(names, ", ")
}

// href is where the first element of a selector leads.
func (a answer) href(selector string) string {
	a.t.Helper()
	href, found := a.Find(selector).First().Attr("href")
	if !found {
		a.t.Fatalf("%s leads nowhere", selector)
	}
	return href
}

func TestQ24ASearchFindsByNameAndKeyBlindToCaseAndAccents(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Preços São Paulo", "orders-viewer")
	b.generate("Price feed", "catalog-viewer")
	b.generate("50% off")
	k.signIn("ana@globex.example").generate("Preços")
	for text, want := range map[string]string{
		"precos": "Preços São Paulo", "SÃO PAULO": "Preços São Paulo", "  pr  ": "Price feed, Preços São Paulo", string(id): "Preços São Paulo",
		strings.ToLower(string(id[12:])): "Preços São Paulo", "%": "50% off", "_": "", "feed": "Price feed", "": "50% off, Price feed, Preços São Paulo",
		"\x00feed\xff": "Price feed", "no such key": "",
	} {
		a := b.get(pathKeys() + "?" + url.Values{"q": {text}}.Encode())
		a.is(http.StatusOK)
		if got := a.rows(); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	if a := b.get(pathKeys() + "?q=" + strings.Repeat("a", 20_000)); a.status != http.StatusOK || a.rows() != "" {
		t.Errorf("a very long search answers %d with %q", a.status, a.rows())
	}
}

func TestQ24AFilterIsKeptInTheAddressTheInputsAndEveryLink(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for i := range 30 {
		b.generate(fmt.Sprintf("Order %02d", i), "orders-viewer")
	}
	const query = "?dir=desc&q=Order&role=orders-viewer&sort=name&status=active&token_state=valid"
	a := b.get(pathKeys() + query)
	a.says("#count", "30 keys match")
	if got := strings.SplitN(a.rows(), ", ", 2)[0]; got != "Order 29" {
		t.Errorf("the first row is %q", got)
	}
	if text, _ := a.Find("#q").Attr("value"); text != "Order" {
		t.Errorf("the box says %q", text)
	}
	for name, want := range map[string]string{"status": "active", "role": "orders-viewer", "token_state": "valid"} {
		if got := a.Find("#" + name + " [selected]"); got.Length() != 1 || got.AttrOr("value", "") != want {
			t.Errorf("%s says %q", name, got.AttrOr("value", ""))
		}
	}
	for name, want := range map[string]string{"sort": "name", "dir": "desc"} {
		if got := a.Find(`input[type=hidden][form=find][name=`+name+`]`).AttrOr("value", ""); got != want {
			t.Errorf("a search would order by %s %q", name, got)
		}
	}
	const filters = "q=Order&role=orders-viewer&%sstatus=active&token_state=valid"
	for id, want := range map[string]string{
		"sort-name":     "?" + fmt.Sprintf(filters, "sort=name&"),
		"sort-duration": "?" + fmt.Sprintf(filters, "sort=duration&"),
		"sort-created":  "?" + fmt.Sprintf(filters, ""),
		"sort-status":   "?" + fmt.Sprintf(filters, "sort=status&"),
	} {
		if got := a.href("#" + id); got != pathKeys()+want || a.Find("#"+id).AttrOr("hx-get", "") != got {
			t.Errorf("%s leads to %q", id, got)
		}
	}
	next := a.href(`a[rel="next"]`)
	if !strings.HasPrefix(next, pathKeys()+"?after=") || !strings.HasSuffix(next, "&"+query[1:]) {
		t.Errorf("the next page is %q", next)
	}
	second := b.get(next)
	if second.Find("tbody tr").Length() != 5 || !strings.HasSuffix(second.rows(), "Order 00") {
		t.Errorf("the next page shows %q", second.rows())
	}
	// An action from there leads back there.
	deactivate := second.href("tbody [popover] a[href*='/deactivate']")
	list, err := url.Parse(deactivate)
	must(t, err)
	if "?"+list.Query().Get("list") != strings.TrimPrefix(next, pathKeys()) {
		t.Errorf("an action carries %q", list.Query().Get("list"))
	}
	a = b.get(deactivate)
	back := a.href("a.back")
	if strings.SplitN(back, "#", 2)[0] != next {
		t.Errorf("its page leads back to %q", back)
	}
	b.post(deactivate, nil).leadsTo(next)
	if hidden := second.Find(`#bulk input[name=list]`).AttrOr("value", ""); "?"+hidden != strings.TrimPrefix(next, pathKeys()) {
		t.Errorf("an action on many keys carries %q", hidden)
	}
	if back := a.href(".back"); back == "" {
		t.Error("no way back")
	}
}

func TestTheAddressOfAListIsCanonical(t *testing.T) {
	for query, want := range map[string]list{
		"": "",
		"q=&status=&role=&token_state=&sort=&dir=":    "",
		"q=+x+&status=active&foo=bar":                 "q=x&status=active",
		"status=gone&token_state=x&sort=roles&dir=up": "",
		"dir=desc":                          "",
		"dir=asc":                           "dir=asc",
		"sort=name&dir=asc":                 "sort=name",
		"sort=name&dir=desc":                "dir=desc&sort=name",
		"after=a&before=b":                  "after=a",
		"before=b&q=%C3%A9":                 "before=b&q=%C3%A9",
		"q=%ff%00x":                         "q=x",
		"%zz":                               "",
		"key=page":                          fromKey,
		"key=page&q=x":                      "q=x",
		"role=" + strings.Repeat("r", 5000): "",
	} {
		if got := parseList(query); got != want || parseList(string(got)) != got {
			t.Errorf("%.60q becomes %q", query, got)
		}
	}
}

func TestASearchInPlaceAnswersTheTableAndItsAddress(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	b.generate("Price feed")
	a := b.hx(http.MethodGet, pathKeys()+"?q=order&status=&role=&token_state=&sort=name&dir=asc", nil)
	a.is(http.StatusOK)
	if got := a.header.Get("HX-Push-Url"); got != pathKeys()+"?q=order&sort=name" {
		t.Errorf("the address becomes %q", got)
	}
	if !slices.Contains(a.header.Values("Vary"), "HX-Request") {
		t.Errorf("Vary is %q", a.header.Values("Vary"))
	}
	if strings.Contains(a.body, "<html") || a.Find("#results tbody tr").Length() != 1 || a.rows() != "Order sync" {
		t.Errorf("it is not the table alone: %q", a.rows())
	}
	if a.Find(`#count[hx-swap-oob]`).Length() != 1 || a.Find(`#pages[hx-swap-oob]`).Length() != 1 {
		t.Error("count and pages above the table stay as they were")
	}
	a.says("#count", "1 key matches")
	whole := b.get(pathKeys() + "?q=order")
	form := whole.Find(`form[role="search"]`)
	for name, want := range map[string]string{
		"method": "get", "action": pathKeys(), "hx-get": pathKeys(), "hx-target": "#results", "hx-select": "#results", "hx-swap": "outerHTML",
		"hx-push-url": "true", "hx-sync": "this:replace", "autocomplete": "off",
		"hx-trigger": "input delay:300ms from:#q, submit, change from:#status, change from:#role, change from:#token_state",
	} {
		if got := form.AttrOr(name, ""); got != want {
			t.Errorf("the form has %s=%q", name, got)
		}
	}
	if whole.Find(`form[role="search"] button[type="submit"]`).Length() != 1 || whole.header.Get("HX-Push-Url") != "" {
		t.Error("without script there is no way to search")
	}
	if got := whole.Find("p#count").AttrOr("role", ""); got != "status" {
		t.Errorf("the count has the role %q", got)
	}
}

func TestQ25ASortLinkOrdersTheListAndSaysSo(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("beta")
	k.clock.advance(time.Minute)
	id, _ := b.generate("Alpha")
	k.clock.advance(time.Minute)
	b.generate("gamma")
	b.post(pathKeyDeactivate(id, ""), nil)
	var page answer
	for _, c := range []struct{ path, column, direction, rows string }{
		{"", "Created date", "descending", "gamma, Alpha, beta"},
		{"#sort-created", "Created date", "ascending", "beta, Alpha, gamma"},
		{"#sort-created", "Created date", "descending", "gamma, Alpha, beta"},
		{"#sort-name", "Key/Name", "ascending", "Alpha, beta, gamma"},
		{"#sort-name", "Key/Name", "descending", "gamma, beta, Alpha"},
		{"#sort-status", "Status", "ascending", "beta, gamma, Alpha"},
		{"#sort-status", "Status", "descending", "Alpha, gamma, beta"},
		{"#sort-duration", "Token duration", "ascending", "beta, Alpha, gamma"},
		{"#sort-duration", "Token duration", "descending", "gamma, Alpha, beta"},
	} {
		path := pathKeys()
		if c.path != "" {
			path = page.href(c.path)
		}
		page = b.get(path)
		page.is(http.StatusOK)
		sorted := page.Find("thead [aria-sort]")
		if got := page.rows(); got != c.rows || sorted.Length() != 1 || sorted.AttrOr("aria-sort", "") != c.direction || strings.TrimSpace(sorted.Text()) != c.column {
			t.Errorf("%s: %q by %q, %s", path, got, strings.TrimSpace(sorted.Text()), sorted.AttrOr("aria-sort", ""))
		}
	}
	if page.Find("thead th").Length() != 5 || page.Find("thead th a").Length() != 4 {
		t.Error("not every column but Roles has a link")
	}
}

func TestQ25ACursorOfAnotherOrderLeadsToTheFirstPageOfTheSearch(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for i := range 27 {
		b.generate(fmt.Sprintf("Key %02d", i))
	}
	after, err := url.Parse(b.get(pathKeys()).href(`a[rel="next"]`))
	must(t, err)
	cursor := url.QueryEscape(after.Query().Get("after"))
	b.get(pathKeys() + "?q=key&sort=name&after=" + cursor).leadsTo(pathKeys() + "?q=key&sort=name")
	b.get(pathKeys() + "?q=nothing&after=" + cursor).leadsTo(pathKeys() + "?q=nothing")
	if got := b.hx(http.MethodGet, pathKeys()+"?q=key&after=x", nil); got.status != http.StatusNoContent || got.header.Get("HX-Redirect") != pathKeys()+"?q=key" {
		t.Errorf("in place it answers %d to %q", got.status, got.header.Get("HX-Redirect"))
	}
	if got := b.get(pathKeys() + "?q=key&after=" + cursor).Find("tbody tr").Length(); got != 2 {
		t.Errorf("the second page of a search has %d rows", got)
	}
}

func TestQ26NoMatchKeepsTheFilters(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	if a := b.get(pathKeys() + "?q=x"); a.Find("form[role=search], table").Length() != 0 || !strings.Contains(a.text("main"), "No API keys yet") {
		t.Errorf("without a key it says %q", a.text("main"))
	}
	b.generate("Order sync")
	a := b.get(pathKeys() + "?q=zzz&status=inactive&dir=asc")
	a.says("#results", "No keys match these filters")
	a.says("#count", "0 keys match")
	if a.Find("table, #bulk").Length() != 0 || a.Find("#q").AttrOr("value", "") != "zzz" || a.Find("#status [selected]").AttrOr("value", "") != "inactive" {
		t.Error("the filters are not as they were, or a table is drawn")
	}
	if got := a.href("#results a"); got != pathKeys()+"?dir=asc" {
		t.Errorf("[Clear filters] leads to %q", got)
	}
	a.says("#results a", "Clear filters")
	if a := b.get(pathKeys() + "?role=no-such-role"); a.Find("#role [selected]").AttrOr("value", "") != "no-such-role" || a.rows() != "" {
		t.Error("a role that is gone is not what is filtered by")
	}
}

// TestTheFilterOfTokensSaysWhatTheChipsSay for an account that marks old tokens, and for one that refuses them.
func TestTheFilterOfTokensSaysWhatTheChipsSay(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Old")
	k.clock.advance(80 * 24 * time.Hour)
	b = k.signIn("ana@acme.example")
	b.generate("Fresh")
	for state, want := range map[string]string{"renew-soon": "Old", "valid": "Fresh, Old", "expired": "", "two": "", "none": "", "link": ""} {
		if got := b.get(pathKeys() + "?token_state=" + state).rows(); got != want {
			t.Errorf("%s finds %q", state, got)
		}
	}
	k.clock.advance(20 * 24 * time.Hour)
	b = k.signIn("ana@acme.example")
	a := b.get(pathKeys() + "?token_state=expired")
	a.says("#token_state [selected]", "Expired")
	if a.rows() != "Old" {
		t.Errorf("expired are %q", a.rows())
	}
	k.exec(`UPDATE account SET enforce_expiry = false`)
	k.signIn("ana@acme.example").get(pathKeys()+"?token_state=expired").says("#token_state [selected]", "Outdated")
}

func TestACountOfVeryManyStops(t *testing.T) {
	k := newKit(t)
	storetest.FillKeys(t, k.url, "acme", 1200)
	k.exec(`UPDATE api_key SET status = 'inactive' WHERE app_key <= 'appkey-acme-00000171'`)
	b := k.signIn("ana@acme.example")
	b.get(pathKeys()).says("#count", "1,200 keys")
	b.get(pathKeys()+"?q=integration").says("#count", "1,000+ keys match")
	b.get(pathKeys()+"?status=inactive").says("#count", "171 keys match")
}

func TestARowThatGoesLeavesTheSearchAsItIs(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	first, _ := b.generate("Order 1")
	second, _ := b.generate("Order 2")
	b.generate("Price")
	a := b.hx(http.MethodPost, pathKeyDelete(first, "q=order"), url.Values{"understood": {"on"}})
	a.says("#count", "1 key matches")
	a = b.hx(http.MethodPost, pathKeyDelete(second, "q=order"), url.Values{"understood": {"on"}})
	if got := a.header.Get("HX-Redirect"); got != pathKeys()+"?q=order" {
		t.Errorf("without a row left it leads to %q", got)
	}
}

func TestQ27WhoMayOnlyViewSelectsNothing(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	id, _ := k.signIn("ana@acme.example").generate("Order sync")
	b := k.signIn("viewer@acme.example")
	a := b.get(pathKeys() + "?q=order")
	if a.rows() != "Order sync" || a.Find("#bulk, [type=checkbox], [popovertarget^=menu], [data-pick-all]").Length() != 0 {
		t.Error("who may only view is shown more than the search")
	}
	before := k.dump()
	b.get(pathKeysBulk("") + "?action=delete&id=" + string(id)).is(http.StatusForbidden)
	b.post(pathKeysBulk(""), url.Values{"action": {"delete"}, "id": {string(id)}, "understood": {"on"}}).is(http.StatusForbidden)
	if after := k.dump(); after != before {
		t.Errorf("refused, and changed:\n%s", difference(before, after))
	}
}
