package views

import (
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"latchkey/views/ui"
)

func texts(s *goquery.Selection) []string {
	return s.Map(func(_ int, s *goquery.Selection) string { return squeezed(s) })
}

func TestListHasItsColumnsInOrderAndNamesItsRows(t *testing.T) {
	doc := parse(t, KeysListPage(fullList()))
	want := []string{"Key/Name", "Token duration", "Roles", "Created date", "Status"}
	if got := texts(doc.Find(`thead th[scope="col"]`)); !slices.Equal(got, want) {
		t.Errorf("columns are %q, want %q", got, want)
	}
	rows := doc.Find("tbody tr")
	if rows.Length() != 25 {
		t.Fatalf("%d rows", rows.Length())
	}
	rows.Each(func(_ int, row *goquery.Selection) {
		if row.Find(`th[scope="row"]`).Length() != 1 {
			t.Error("a row has no header")
		}
		if got := row.Find("td[data-l]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("data-l", "") }); !slices.Equal(got, want[1:]) {
			t.Errorf("cells are labelled %q", got)
		}
	})
}

func TestRowShowsKeyNameDurationRolesDateAndState(t *testing.T) {
	row := sampleRow(sampleKey, sampleName, true)
	row.Roles = []string{"One", "Two", "Three", "Four"}
	row.Durations[0].Chips = []ui.Chip{{Tone: "info", Icon: "clock", Text: "Renew soon"}}
	doc := parse(t, KeysListPage(sampleList(row)))
	tr := doc.Find("tbody tr")
	if id := tr.AttrOr("id", ""); id != "row-"+sampleKey {
		t.Errorf("the row's id is %q", id)
	}
	for selector, want := range map[string]string{
		"th":                               sampleKey + " " + sampleName,
		"th code":                          sampleKey,
		`[data-l="Token duration"]`:        "62 days left Renew soon",
		`[data-l="Roles"] > .cell > bdi`:   "One Two",
		`[data-l="Roles"] details summary`: "+2 more roles",
		`[data-l="Roles"] details ul`:      "Three Four",
		`[data-l="Created date"] time`:     "12 Sep 2026",
		`[data-l="Status"]`:                "Active",
		`td > button[id^="kebab"]`:         "",
	} {
		found := tr.Find(selector)
		if found.Length() == 0 {
			t.Errorf("%s is not there", selector)
		} else if got := squeezed(found); got != want {
			t.Errorf("%s says %q, want %q", selector, got, want)
		}
	}
	if href := tr.Find("th a").AttrOr("href", ""); href != row.URL {
		t.Errorf("the key leads to %q, want %q", href, row.URL)
	}
	stamp := tr.Find("time")
	if stamp.AttrOr("datetime", "") != row.Created.Datetime || stamp.AttrOr("title", "") != row.Created.Title {
		t.Error("the date lacks its full form")
	}
}

func TestStatusIsAWordWithAHiddenIcon(t *testing.T) {
	for want, active := range map[string]bool{"Active": true, "Inactive": false} {
		cell := parse(t, KeysListPage(sampleList(sampleRow(sampleKey, sampleName, active)))).Find(`td[data-l="Status"]`)
		if got := squeezed(cell); got != want {
			t.Errorf("status says %q, want %q", got, want)
		}
		if cell.Find(`svg[aria-hidden="true"]`).Length() != 1 {
			t.Error("status has no hidden icon")
		}
	}
}

func TestKebabItemsFollowTheState(t *testing.T) {
	for _, c := range []struct {
		active bool
		want   []string
	}{
		{true, []string{"Edit", "Deactivate", "Renew Token", "Delete Key"}},
		{false, []string{"Edit", "Activate", "Renew Token", "Delete Key"}},
	} {
		row := sampleRow(sampleKey, sampleName, c.active)
		doc := parse(t, KeysListPage(sampleList(row)))
		button := doc.Find("#kebab-" + sampleKey)
		if got, want := button.AttrOr("aria-label", ""), "Actions for "+sampleName; got != want {
			t.Errorf("the button is called %q, want %q", got, want)
		}
		if button.AttrOr("aria-haspopup", "") != "" || doc.Find("[role=menu], [role=menuitem]").Length() != 0 {
			t.Error("roles of a menu are promised without the script that keeps them")
		}
		menu := doc.Find("#" + button.AttrOr("popovertarget", "?"))
		if got := texts(menu.Find("a, button")); !slices.Equal(got, c.want) {
			t.Errorf("items are %q, want %q", got, c.want)
		}
		menu.Find("a").Each(func(_ int, s *goquery.Selection) {
			href := s.AttrOr("href", "")
			if _, dialog := s.Attr("data-dialog"); href == "" || dialog != (squeezed(s) != "Edit" && squeezed(s) != "Renew Token") {
				t.Errorf("%s leads to %q, in the dialog %v", squeezed(s), href, dialog)
			}
		})
		if !c.active {
			form := menu.Find("form")
			if form.AttrOr("action", "") != row.Menu.ActivateURL || form.AttrOr("hx-post", "") != row.Menu.ActivateURL || form.AttrOr("hx-target", "") != "closest tr" {
				t.Error("Activate is not a form for its row")
			}
			note := menu.Find("#" + form.Find("button").AttrOr("aria-describedby", "?"))
			if !strings.HasPrefix(squeezed(note), "Only if you are sure") {
				t.Errorf("the warning says %q", squeezed(note))
			}
		}
	}
}

func TestListWithoutPermissionsOffersNothing(t *testing.T) {
	list := sampleList(sampleRow(sampleKey, sampleName, true))
	list.GenerateURL, list.Rows[0].Menu, list.Bulk, list.Rows[0].Pick = "", nil, nil, false
	doc := parse(t, KeysListPage(list))
	if got := doc.Find("main form:not([role=search]), main [popovertarget], main .primary, main input[type=checkbox]").Length(); got != 0 {
		t.Errorf("%d controls are drawn", got)
	}
	if doc.Find("thead tr > *").Length() != 5 || doc.Find("tbody tr > *").Length() != 5 {
		t.Error("there is a column for menus that are not there")
	}
}

func TestListPages(t *testing.T) {
	list := sampleList(sampleRow(sampleKey, sampleName, true))
	doc := parse(t, KeysListPage(list))
	if got := squeezed(doc.Find(`#count[role="status"]`)); got != "1,240 keys" {
		t.Errorf("the count says %q", got)
	}
	if doc.Find(`nav a[rel="next"][href="/keys?after=x"]`).Length() == 0 || doc.Find(`nav a[aria-disabled="true"]`).Length() == 0 {
		t.Error("the first page does not lead to the next one only")
	}
	list.NextURL = ""
	if doc := parse(t, KeysListPage(list)); doc.Find("a[rel]").Length() != 0 {
		t.Error("a list of one page leads to others")
	}
}

func TestEmptyListSaysHowToBegin(t *testing.T) {
	doc := parse(t, KeysListPage(sampleList()))
	if doc.Find("table").Length() != 0 {
		t.Error("an empty table is drawn")
	}
	if got := squeezed(doc.Find(".empty")); got != "No API keys yet Generate a key for each integration that connects to this account + Generate Key" {
		t.Errorf("it says %q", got)
	}
	if doc.Find(`a[href="/keys/new"]`).Length() != 1 {
		t.Error("there is not exactly one way to generate a key")
	}
}

func TestTabsAreLinksWithOneCurrent(t *testing.T) {
	doc := parse(t, KeysListPage(sampleList()))
	nav := doc.Find(`nav[aria-label="API Keys"]`)
	if nav.Find(`a[aria-current="page"]`).Length() != 1 || doc.Find("[role=tablist]").Length() != 0 {
		t.Error("tabs are not links with one current")
	}
}

func TestAccountMenu(t *testing.T) {
	doc := parse(t, KeysListPage(sampleList()))
	button := doc.Find("header .avatar")
	if squeezed(button) != "A" || button.AttrOr("aria-label", "") != "Account menu for ana@acme.example" {
		t.Errorf("the button is %q, called %q", squeezed(button), button.AttrOr("aria-label", ""))
	}
	menu := doc.Find("#" + button.AttrOr("popovertarget", "?"))
	if got, want := squeezed(menu), "ana@acme.example Account Settings API Keys Roles Users Audit log Preferences Change password Log out"; got != want {
		t.Errorf("the menu says %q, want %q", got, want)
	}
	list := sampleList()
	list.Shell.Viewer.APIKeysURL = ""
	if got := squeezed(parse(t, KeysListPage(list)).Find("#account-menu")); !strings.Contains(got, "Account Settings Roles Users Audit log") || strings.Contains(got, "API Keys") {
		t.Errorf("without API keys the menu says %q", got)
	}
	list.Shell.Viewer.RolesURL, list.Shell.Viewer.UsersURL, list.Shell.Viewer.AuditURL = "", "", ""
	if got := squeezed(parse(t, KeysListPage(list)).Find("#account-menu")); strings.Contains(got, "API Keys") || strings.Contains(got, "Account Settings") {
		t.Errorf("without permission the menu says %q", got)
	}
}

func TestDialogAndPageAskTheSame(t *testing.T) {
	for name, pair := range map[string][2]templ.Component{
		"deactivate": {KeysDeactivatePage(sampleDeactivate()), KeysDeactivateDialog(sampleDeactivate())},
		"delete":     {KeysDeletePage(sampleDelete()), KeysDeleteDialog(sampleDelete())},
	} {
		page, dialog := parse(t, pair[0]).Find("main form"), parse(t, pair[1]).Find("form")
		if squeezed(page) != squeezed(dialog) {
			t.Errorf("%s: the page says %q, the dialog %q", name, squeezed(page), squeezed(dialog))
		}
		if page.AttrOr("action", "") != dialog.AttrOr("action", "") || page.AttrOr("hx-post", "") != "" {
			t.Errorf("%s: the page's form is not the plain one", name)
		}
		if dialog.AttrOr("hx-post", "") != dialog.AttrOr("action", "") || dialog.AttrOr("hx-target", "") != "#row-"+sampleKey || dialog.AttrOr("hx-swap", "") != "outerHTML" {
			t.Errorf("%s: the dialog's form does not swap its row", name)
		}
		for _, form := range []*goquery.Selection{page, dialog} {
			if focus := form.Find("[autofocus]"); squeezed(focus) != "Cancel" || focus.AttrOr("href", "") != "/keys" {
				t.Errorf("%s: the focus is on %q", name, squeezed(focus))
			}
			if !strings.Contains(squeezed(form), sampleKey) {
				t.Errorf("%s: the key is not named", name)
			}
		}
		if dialog.Find("h2#dlg-title").Length() != 1 || dialog.Find("#dlg-text").Length() != 1 {
			t.Errorf("%s: the dialog has nothing to be labelled by", name)
		}
	}
}

func TestDeleteNeedsItsBoxChecked(t *testing.T) {
	box := parse(t, KeysDeletePage(sampleDelete())).Find("#understood")
	_, required := box.Attr("required")
	if _, checked := box.Attr("checked"); !required || checked {
		t.Error("the box is not an unchecked, required one")
	}
	failed := parse(t, KeysDeleteDialog(sampleDelete(ui.Problem{Field: "understood", Text: "Check this option to delete the key"})))
	if failed.Find(`.summary[autofocus] a[href="#understood"]`).Length() != 1 || failed.Find("#understood").AttrOr("aria-invalid", "") != "true" {
		t.Error("the problem is not shown")
	}
}

func TestEditFormIsThePagesForm(t *testing.T) {
	m := sampleEdit(true)
	page, fragment := parse(t, KeysEditPage(m)).Find("main form"), parse(t, KeysEditForm(m)).Find("form")
	a, _ := goquery.OuterHtml(page)
	b, _ := goquery.OuterHtml(fragment)
	if a != b {
		t.Error("the fragment is not the form of the page")
	}
	for selector, want := range map[string]string{`[name="version"]`: "7", "#name": sampleName, "#active": "on"} {
		if got := page.Find(selector).AttrOr("value", ""); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	for consequence, active := range map[string]bool{"stop working immediately": true, "Only if you are sure": false} {
		form := parse(t, KeysEditForm(sampleEdit(active)))
		if _, checked := form.Find("#active").Attr("checked"); checked != active {
			t.Errorf("active is %v, the box %v", active, checked)
		}
		if got := squeezed(form.Find(".consequence")); !strings.Contains(got, consequence) {
			t.Errorf("changing the box of a key that is active %v warns %q", active, got)
		}
	}
}

func TestRowSwapIsOneRowAndTheFlash(t *testing.T) {
	html := render(t, KeysRowSwap(sampleRow(sampleKey, sampleName, false), ui.Flash{Tone: "success", Text: "Order sync is inactive."}))
	if strings.Contains(html, "<html") || strings.Count(html, "<tr") != 1 || !strings.HasPrefix(strings.TrimSpace(html), `<tr id="row-`+sampleKey+`"`) {
		t.Errorf("the answer does not begin with its one row: %.60q", html)
	}
	if strings.Count(html, "hx-swap-oob") != 1 || !strings.Contains(html, `<div id="flash" hx-swap-oob="innerHTML">`) {
		t.Error("the flash does not come along")
	}
	row := parse(t, KeysListPage(sampleList(sampleRow(sampleKey, sampleName, false)))).Find("tbody tr")
	inPage, _ := goquery.OuterHtml(row)
	swapped, err := goquery.NewDocumentFromReader(strings.NewReader("<table><tbody>" + html[:strings.Index(html, "<div id=\"flash\"")] + "</tbody></table>"))
	if err != nil {
		t.Fatal(err)
	}
	alone, _ := goquery.OuterHtml(swapped.Find("tr"))
	if inPage != alone {
		t.Error("the row is not the row of the page")
	}
}

func TestRowGoneBringsCountAndFlashOnly(t *testing.T) {
	doc := parse(t, KeysRowGone(KeysGone{Count: KeysCount{Total: 131}, Flash: ui.Flash{Tone: "success", Text: "Order sync was deleted."}}))
	if got := squeezed(doc.Find("#count[hx-swap-oob]")); got != "131 keys" {
		t.Errorf("the count says %q", got)
	}
	if got := squeezed(doc.Find("#flash[hx-swap-oob]")); !strings.HasPrefix(got, "Order sync was deleted.") {
		t.Errorf("the flash says %q", got)
	}
	if doc.Find("body > *:not([hx-swap-oob])").Length() != 0 {
		t.Error("there is content that would take the row's place")
	}
}

func TestFlashActionPosts(t *testing.T) {
	form := parse(t, samplePages()["list"]).Find("#flash form")
	if form.AttrOr("action", "") != "/keys/x/activate" || squeezed(form.Find("button")) != "Activate" {
		t.Error("the flash does not offer its action as a form")
	}
}

func TestHelpHasASectionForEachTask(t *testing.T) {
	doc := parse(t, HelpPage(Help{Shell: sampleShell("Help")}))
	for _, id := range []string{"generate", "token", "edit", "deactivate", "delete", "duration", "roles", "password"} {
		section := doc.Find("section#" + id)
		if section.Find("h2").Length() != 1 || section.Find("p").Length() == 0 || doc.Find(`nav a[href="#`+id+`"]`).Length() != 1 {
			t.Errorf("there is no section %s with heading, text and link", id)
		}
	}
}

func TestAnOpenRenewalShowsBothTokensAndItsOwnItems(t *testing.T) {
	doc := parse(t, KeysListPage(sampleList(samplePending())))
	if got, want := squeezed(doc.Find(`[data-l="Token duration"]`)), "New token: 91 days left Old token: 9 days left Renew soon Pending deletion - Old token"; got != want {
		t.Errorf("the durations say %q, want %q", got, want)
	}
	items := doc.Find("[id^=menu-] a")
	if got, want := texts(items), []string{"Edit", "Deactivate", "Undo Renewal", "Delete Old Token", "Delete Key"}; !slices.Equal(got, want) {
		t.Errorf("items are %q, want %q", got, want)
	}
	if red := texts(doc.Find("[id^=menu-] .red")); !slices.Equal(red, []string{"Delete Old Token", "Delete Key"}) {
		t.Errorf("%q are red", red)
	}
}
