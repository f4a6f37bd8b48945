package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/store"
)

// roleOf is a role of the browser's account.
func (b *browser) roleOf(slug string) (store.UsedRole, bool) {
	b.kit.t.Helper()
	used, err := b.kit.store.UsedRole(b.kit.t.Context(), b.kit.signIn("ana@acme.example").actor(), slug, 0)
	return used, err == nil
}

// manager makes a user of acme who may manage roles and see keys, and signs them in.
func (k *kit) manager() *browser {
	k.t.Helper()
	k.addRole("role-manager", keys.ManageRoles, keys.ViewAPIKeys)
	k.addUser("max@acme.example", "role-manager")
	return k.signIn("max@acme.example")
}

// roleRow is the row of a role in the list.
func (a answer) roleRow(slug string) *goquery.Selection {
	a.t.Helper()
	row := a.Find("#role-" + slug)
	if row.Length() != 1 {
		a.t.Fatalf("%d rows of %s", row.Length(), slug)
	}
	return row
}

func folded(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// menuOf are the labels and addresses of the items in a role's menu.
func menuOf(row *goquery.Selection) (labels, urls []string) {
	row.Find(".menu a").Each(func(_ int, s *goquery.Selection) {
		labels = append(labels, folded(s))
		urls = append(urls, s.AttrOr("href", ""))
	})
	return labels, urls
}

func TestTheListOfRoles(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync", "orders-viewer", "catalog-editor")
	b.generate("Price feed", "orders-viewer")
	k.addUser("bo@acme.example", "orders-viewer", keys.RoleUserAdministrator)
	a := b.get(pathRoles())
	a.is(http.StatusOK)
	a.says("h1", "Roles")
	a.says("title", "Roles - acme - Latchkey")
	a.says("#count", "12 roles")
	var heads []string
	a.Find("thead th").Each(func(_ int, s *goquery.Selection) { heads = append(heads, folded(s)) })
	if want := []string{"Name", "Permissions", "Keys", "Users", "Type"}; !slices.Equal(heads, want) {
		t.Errorf("columns %q", heads)
	}
	if got := a.Find("tbody tr").Length(); got != 12 || a.Find("tbody tr > th[scope=row]:first-child").Length() != got {
		t.Errorf("%d rows", got)
	}
	for slug, want := range map[string][]string{
		"orders-viewer":      {"Orders viewer Look up orders", "Read orders", "2", "1", "Custom"},
		"catalog-editor":     {"Catalog editor Look up and change products and categories", "Read products and categoriesWrite products and categories", "1", "0", "Custom"},
		"pricing-admin":      {"Pricing admin Look up and change prices and promotions", "Read prices and promotionsWrite prices and promotions", "0", "0", "Custom"},
		"owner":              {"Owner Everything in this account, and everything added later", "All permissions Broad access", "0", "1", "Built-in"},
		"user-administrator": {"User Administrator Manage API keys, their tokens and their settings", "View API KeysEdit API Keys+2 more permissionsRenew API tokenEdit API Keys settings Broad access", "0", "1", "Built-in"},
	} {
		row := a.roleRow(slug)
		var cells []string
		row.Find("th, td[data-l]").Each(func(_ int, s *goquery.Selection) { cells = append(cells, folded(s)) })
		for i := range cells {
			if strings.ReplaceAll(cells[i], " ", "") != strings.ReplaceAll(want[i], " ", "") {
				t.Errorf("%s: column %d says %q, not %q", slug, i+1, cells[i], want[i])
			}
		}
		if href := row.Find("th a").AttrOr("href", ""); href != pathRole(slug) {
			t.Errorf("%s: the name leads to %q", slug, href)
		}
		if linked := row.Find(`td[data-l="Keys"] a`); (want[2] != "0") != (linked.AttrOr("href", "") == pathKeysWithRole(slug)) {
			t.Errorf("%s: the keys lead to %q", slug, linked.AttrOr("href", ""))
		}
	}
	if got := a.roleRow("orders-viewer").Find(`td[data-l="Keys"] a`).AttrOr("aria-label", ""); got != "2 keys with the role Orders viewer" {
		t.Errorf("the link to the keys is called %q", got)
	}
	labels, urls := menuOf(a.roleRow("orders-viewer"))
	if !slices.Equal(labels, []string{"Edit", "Duplicate", "Delete"}) ||
		!slices.Equal(urls, []string{pathRoleEdit("orders-viewer"), pathRoleDuplicate("orders-viewer"), pathRoleDelete("orders-viewer")}) {
		t.Errorf("the menu of a custom role: %q to %q", labels, urls)
	}
	labels, urls = menuOf(a.roleRow("owner"))
	if !slices.Equal(labels, []string{"View", "Duplicate"}) || !slices.Equal(urls, []string{pathRole("owner"), pathRoleDuplicate("owner")}) {
		t.Errorf("the menu of a built-in role: %q to %q", labels, urls)
	}
	if href := a.Find(".head a.primary").AttrOr("href", ""); href != pathRoleCreate() {
		t.Errorf("Create role leads to %q", href)
	}
	if got := a.text(`nav[aria-label="Roles"] [aria-current="page"]`); got != "Roles" {
		t.Errorf("the current tab is %q", got)
	}
}

func TestRolesStandInTheMenuOfWhoManagesThem(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	k.addRole("only-roles", keys.ManageRoles)
	k.addUser("rob@acme.example", "only-roles")
	item := `#account-menu a[href="` + pathRoles() + `"]`
	if got := k.signIn("ana@acme.example").get(pathKeys()).text(item); got != "Roles" {
		t.Errorf("the owner's menu says %q", got)
	}
	if k.signIn("admin@acme.example").get(pathKeys()).Find(item).Length() != 0 {
		t.Error("it stands in the menu of who may not manage roles")
	}
	rob := k.signIn("rob@acme.example")
	k.signIn("ana@acme.example").generate("Order sync", "orders-viewer")
	a := rob.get(pathRoles())
	a.is(http.StatusOK)
	if a.Find(item).Length() != 1 || a.Find(`a[href^="`+pathKeys()+`"]`).Length() != 0 {
		t.Error("who may not see keys is led to them, or not to the roles")
	}
	show := rob.get(pathRole("orders-viewer"))
	show.says("main", "Order sync")
	if show.Find(`a[href^="`+pathKeys()+`"]`).Length() != 0 {
		t.Error("the page of a role leads to keys")
	}
}

func TestARoleIsCreated(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	form := b.get(pathRoleCreate())
	form.is(http.StatusOK)
	form.says("h1", "Create role")
	var groups []string
	form.Find("#resources fieldset > legend").Each(func(_ int, s *goquery.Selection) { groups = append(groups, folded(s)) })
	if want := []string{"Catalog", "Inventory", "Logistics", "Orders", "Pricing", "Latchkey"}; !slices.Equal(groups, want) {
		t.Errorf("the products are %q", groups)
	}
	boxes := form.Find(`#resources input[type=checkbox][name=resources]`)
	if boxes.Length() != len(keys.ConsoleResources())+len(keys.SampleResources()) || form.Find("[checked]").Length() != 0 {
		t.Errorf("%d permissions, %d checked", boxes.Length(), form.Find("[checked]").Length())
	}
	form.says("#resources", "Broad access: with any of these permissions, whoever has this role can administer this console")
	if strings.Contains(form.text("main"), "Changes apply") {
		t.Error("a new role changes something for somebody")
	}
	b.post(pathRoleCreate(), url.Values{
		"name": {" Pedidos São Paulo "}, "description": {"Look up orders and prices"}, "resources": {"pricing.read", "orders.read"},
	}).leadsTo(pathRoles())
	a := b.get(pathRoles())
	a.says("#flash", "Pedidos São Paulo was created.")
	if got := folded(a.roleRow("pedidos-sao-paulo").Find(`[data-l="Type"]`)); got != "Custom" {
		t.Errorf("its type is %q", got)
	}
	role, _ := b.roleOf("pedidos-sao-paulo")
	if role.Name != "Pedidos São Paulo" || role.Description != "Look up orders and prices" || !slices.Equal(role.Resources, []string{"orders.read", "pricing.read"}) || role.Broad() {
		t.Errorf("it is %+v", role)
	}
	b.get(pathKeysGenerate()).says("#roles", "Pedidos São Paulo")
}

func TestAFormOfARoleSaysWhatIsWrong(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	edit := pathRoleEdit("catalog-viewer")
	for _, c := range []struct {
		fields      url.Values
		field, text string
	}{
		{url.Values{"name": {" "}}, "name", "Enter a name for the role"},
		{url.Values{"name": {strings.Repeat("é", 65)}}, "name", "Use 64 characters or fewer"},
		{url.Values{"name": {"ORDERS viewer"}}, "name", "Another role has this name"},
		{url.Values{"name": {"x"}, "description": {strings.Repeat("é", 201)}}, "description", "Use 200 characters or fewer"},
		{url.Values{"name": {"x"}, "resources": {"orders.none"}}, "resources", "A chosen permission no longer exists. Choose again"},
	} {
		c.fields.Add("resources", "orders.write")
		c.fields.Set("version", "1")
		before := k.dump()
		for _, path := range []string{pathRoleCreate(), edit} {
			a := b.post(path, c.fields)
			a.is(http.StatusUnprocessableEntity)
			a.says("title", "Error: ")
			a.says(".summary a", c.text)
			if href := a.Find(".summary a").AttrOr("href", ""); href != "#"+c.field || a.Find(href).Length() != 1 {
				t.Errorf("%s: the summary leads to %q", c.text, href)
			}
			a.says("#"+c.field+"-problem", c.text)
			if got := a.Find("#name").AttrOr("value", ""); got != strings.TrimRight(c.fields.Get("name"), "") {
				t.Errorf("the name typed is %q", got)
			}
			if checked := a.Find("#resources [checked]"); checked.Length() != 1 || checked.AttrOr("value", "") != "orders.write" {
				t.Errorf("%d boxes stay checked", checked.Length())
			}
			if got, _ := a.Find("input[name=version]").Attr("value"); got != "" && got != "1" {
				t.Errorf("the version is %q", got)
			}
		}
		if k.dump() != before {
			t.Errorf("%s: something was saved", c.text)
		}
	}
}

func TestARoleIsDuplicated(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for slug, want := range map[string]struct {
		name    string
		checked int
	}{
		"orders-manager":       {"Orders manager (copy)", 2},
		keys.RoleOwner:         {"Owner (copy)", len(keys.ConsoleResources()) + len(keys.SampleResources())},
		"pricing-viewer":       {"Pricing viewer (copy)", 1},
		"user-administrator":   {"User Administrator (copy)", 4},
		"inventory-sync&x=y#z": {"", 0},
	} {
		a := b.get(pathRoleDuplicate(slug))
		if want.name == "" {
			a.is(http.StatusNotFound)
			continue
		}
		a.is(http.StatusOK)
		if got := a.Find("#name").AttrOr("value", ""); got != want.name {
			t.Errorf("the name is %q", got)
		}
		if got := a.Find("#resources [checked]").Length(); got != want.checked {
			t.Errorf("%s: %d permissions are checked", slug, got)
		}
		if action := a.Find("main form").AttrOr("action", ""); action != pathRoleCreate() || a.Find("input[name=version]").Length() != 0 {
			t.Errorf("%s: the form is sent to %q", slug, action)
		}
	}
	b.post(pathRoleCreate(), url.Values{"name": {"Orders manager (copy)"}, "resources": {"orders.read", "orders.write"}}).leadsTo(pathRoles())
	if copied, found := b.roleOf("orders-manager-copy"); !found || copied.BuiltIn || !slices.Equal(copied.Resources, []string{"orders.read", "orders.write"}) {
		t.Errorf("the copy is %+v", copied)
	}
}

func TestAnEditSaysWhomItReachesAndIsSaved(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	if a := b.get(pathRoleEdit("orders-viewer")); strings.Contains(a.text("main"), "Changes apply") {
		t.Error("an unused role reaches somebody")
	}
	b.generate("Order sync", "orders-viewer")
	b.get(pathRoleEdit("orders-viewer")).says("main form", "Changes apply immediately to 1 key.")
	b.generate("Order mirror", "orders-viewer")
	b.generate("Order export", "orders-viewer")
	b.get(pathRoleEdit("orders-viewer")).says("main form", "Changes apply immediately to 3 keys.")
	k.addUser("bo@acme.example", "orders-viewer")
	form := b.get(pathRoleEdit("orders-viewer"))
	form.says("h1", "Edit role")
	form.says("main form", "Changes apply immediately to 3 keys and 1 user.")
	form.says(".facts", "orders-viewer")
	if form.Find("#name").AttrOr("value", "") != "Orders viewer" || form.Find("#description").AttrOr("value", "") != "Look up orders" ||
		form.Find("#resources [checked]").AttrOr("value", "") != "orders.read" || form.Find("#resources [checked]").Length() != 1 {
		t.Error("the form does not show the role as it is")
	}
	fields := url.Values{"name": {"Orders and prices"}, "description": {""}, "resources": {"orders.read", "pricing.read"}, "version": {form.Find("input[name=version]").AttrOr("value", "")}}
	b.post(pathRoleEdit("orders-viewer"), fields).leadsTo(pathRoles())
	a := b.get(pathRoles())
	a.says("#flash", "Changes saved.")
	if got := folded(a.roleRow("orders-viewer").Find("th")); got != "Orders and prices" {
		t.Errorf("it is called %q", got)
	}
	stale := b.post(pathRoleEdit("orders-viewer"), fields)
	stale.is(http.StatusConflict)
	stale.says("h1", "This role changed after the page was opened")
	if href := stale.Find(".failure a").AttrOr("href", ""); href != pathRoleEdit("orders-viewer") {
		t.Errorf("it leads to %q", href)
	}
	fields.Set("version", "2")
	b.post(pathRoleEdit("orders-viewer"), fields).leadsTo(pathRoles())
	b.get(pathRoles()).says("#flash", "No changes to save.")
}

func TestABuiltInRoleIsReadOnly(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for _, role := range keys.BuiltInRoles() {
		a := b.get(pathRole(role.Slug))
		a.is(http.StatusOK)
		a.says("h1", role.Name)
		a.says(".title", "Built-in")
		a.says(".title", "Broad access")
		a.says("main", role.Description)
		a.says("main", "Built-in roles are the same in every account and cannot be changed.")
		if a.Find("main form, main input").Length() != 0 {
			t.Errorf("%s has a form", role.Slug)
		}
		if got := a.text(".head .actions"); got != "Duplicate" {
			t.Errorf("%s offers %q", role.Slug, got)
		}
		before := k.dump()
		for _, path := range []string{pathRoleEdit(role.Slug), pathRoleDelete(role.Slug)} {
			for _, refused := range []answer{b.get(path), b.post(path, url.Values{"name": {"Mine"}, "version": {"1"}})} {
				refused.is(http.StatusConflict)
				refused.says("h1", "Built-in roles cannot be changed")
				if href := refused.Find(".failure a").AttrOr("href", ""); href != pathRole(role.Slug) {
					t.Errorf("it leads to %q", href)
				}
			}
		}
		if k.dump() != before {
			t.Errorf("%s was changed", role.Slug)
		}
	}
	b.get(pathRole(keys.RoleOwner)).says("main", "This role has every permission of the account, and each that is added later.")
}

func TestThePageOfARole(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	a := b.get(pathRole("orders-manager"))
	a.says("h1", "Orders manager")
	a.says(".facts dt", "Identifier")
	a.says(".facts dd", "orders-manager")
	a.says("main", "Services see it in the header X-Latchkey-Roles. It stays as it is when the name changes.")
	a.says(".items li:first-child", "Read orders Look up and list orders")
	a.says(".items li:first-child code", "orders.read")
	a.says("main", "No key and no user has this role.")
	if got := a.text("main h3"); got != "Orders" || strings.Contains(a.text("main"), "catalog.read") {
		t.Errorf("it shows %q", got)
	}
	if got := a.text(".head .actions"); got != "Edit Duplicate Delete" || a.Find(".title .tag").Length() != 0 {
		t.Errorf("it offers %q", got)
	}
	var last keys.KeyID
	for range 12 {
		last, _ = b.generate("Order sync", "orders-manager")
	}
	k.addUser("bo@acme.example", "orders-manager")
	a = b.get(pathRole("orders-manager"))
	if listed := a.Find(`[aria-labelledby="role-keys"] li`); listed.Length() != 10 || listed.First().Find("a").AttrOr("href", "") != pathKeyShow(last) {
		t.Errorf("%d keys are named, the first is %q", listed.Length(), folded(listed.First()))
	}
	if got := a.text(`a[href="` + pathKeysWithRole("orders-manager") + `"]`); got != "Show all 12 keys" {
		t.Errorf("the link to all keys says %q", got)
	}
	if got := a.text(`[aria-labelledby="role-users"]`); got != "bo@acme.example" {
		t.Errorf("the users are %q", got)
	}
	missing := b.get(pathRole("none"))
	missing.is(http.StatusNotFound)
	missing.says("h1", "That role does not exist or was deleted")
	if href := missing.Find(".failure a").AttrOr("href", ""); href != pathRoles() {
		t.Errorf("it leads to %q", href)
	}
}

func TestARoleInUseIsNotDeleted(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var ids []keys.KeyID
	for range 3 {
		id, _ := b.generate("Order sync", "orders-viewer")
		ids = append(ids, id)
	}
	k.addUser("bo@acme.example", "orders-viewer")
	before := k.dump()
	for status, a := range map[int]answer{
		http.StatusOK:       b.get(pathRoleDelete("orders-viewer")),
		http.StatusConflict: b.post(pathRoleDelete("orders-viewer"), nil),
	} {
		a.is(status)
		a.says("h1", "Delete role")
		a.says(".subject", "Orders viewer")
		a.says(".alert", "This role is used by 3 keys and 1 user. Remove it from them first.")
		for _, id := range ids {
			if got := a.text(`a[href="` + pathKeyShow(id) + `"]`); got != string(id) {
				t.Errorf("the link to %s says %q", id, got)
			}
		}
		if got := a.text(`a[href="` + pathKeysWithRole("orders-viewer") + `"]`); got != "Show all 3 keys" {
			t.Errorf("the link to all keys says %q", got)
		}
		a.says("main", "bo@acme.example")
		if a.Find("main form, main .danger.btn").Length() != 0 {
			t.Error("it can be deleted")
		}
	}
	if k.dump() != before {
		t.Error("the role or something else was changed")
	}
}

func TestARoleIsDeleted(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	a := b.get(pathRoleDelete("pricing-viewer"))
	a.says("h1", "Delete role")
	a.says("main form", "Pricing viewer")
	a.says("main form", "No key and no user has this role, so nothing stops working. This action cannot be undone.")
	a.says("main form button", "Delete")
	if cancel := a.Find("main form a"); folded(cancel) != "Cancel" || cancel.AttrOr("href", "") != pathRolesAt("pricing-viewer") {
		t.Error("there is no way back")
	}
	if k.dump() != before {
		t.Error("asking changed something")
	}
	b.post(pathRoleDelete("pricing-viewer"), nil).leadsTo(pathRoles())
	list := b.get(pathRoles())
	list.says("#flash", "Pricing viewer was deleted.")
	list.says("#count", "11 roles")
	if list.Find("#role-pricing-viewer").Length() != 0 {
		t.Error("it is in the list")
	}
	again := b.post(pathRoleDelete("pricing-viewer"), nil)
	again.is(http.StatusNotFound)
	again.says("h1", "That role does not exist or was deleted")
}

func TestADeletedRoleIsCalledARoleInEveryLanguage(t *testing.T) {
	for language, said := range map[string]string{
		"en": "Pricing viewer was deleted.", "pt-BR": "O perfil de acesso Pricing viewer foi excluído.", "es": "El rol Pricing viewer se eliminó.",
	} {
		k := newKit(t)
		b := k.signIn("ana@acme.example")
		b.prefer(url.Values{"language": {language}})
		b.post(pathRoleDelete("pricing-viewer"), nil).leadsTo(pathRoles())
		b.get(pathRoles()).says("#flash", said)
	}
}
