package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/views/words"
)

func TestTheCatalogueOfPermissions(t *testing.T) {
	a := newKit(t).signIn("ana@acme.example").get(pathResources())
	a.is(http.StatusOK)
	a.says("title", "Permissions - acme - Latchkey")
	if got := a.text(`nav[aria-label="Roles"] [aria-current="page"]`); got != "Permissions" {
		t.Errorf("the current tab is %q", got)
	}
	var products []string
	a.Find("main h2").Each(func(_ int, s *goquery.Selection) { products = append(products, folded(s)) })
	if want := []string{"Catalog", "Inventory", "Logistics", "Orders", "Pricing", "Latchkey"}; !slices.Equal(products, want) {
		t.Errorf("the products are %q", products)
	}
	a.Find("main table").Each(func(i int, table *goquery.Selection) {
		var heads []string
		table.Find("thead th").Each(func(_ int, s *goquery.Selection) { heads = append(heads, folded(s)) })
		if !slices.Equal(heads, []string{"Permission", "Identifier", "Description"}) || folded(table.Find("caption")) != "Permissions of "+products[i] {
			t.Errorf("columns %q of %q", heads, folded(table.Find("caption")))
		}
	})
	for _, r := range append(keys.ConsoleResources(), keys.SampleResources()...) {
		row := a.Find(`[id="permission-` + r.Slug + `"]`)
		if got := folded(row.Find("th")) + "|" + folded(row.Find(`[data-l="Identifier"]`)) + "|" + folded(row.Find(`[data-l="Description"]`)); got != r.Name+"|"+r.Slug+"|"+r.Description {
			t.Errorf("%s: the row says %q", r.Slug, got)
		}
	}
	if href := a.Find(".head a.primary").AttrOr("href", ""); href != pathResourceAdd() {
		t.Errorf("Add permission leads to %q", href)
	}
}

func TestAPermissionIsAdded(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	form := b.get(pathResourceAdd())
	form.says("h1", "Add permission")
	form.says("main form", "What a service asks for, such as orders.read.")
	form.says("main form", "Keys and users with the role Owner have the new permission at once.")
	b.post(pathResourceAdd(), url.Values{"slug": {"invoices.read"}, "product": {"Billing"}, "name": {"Read invoices"}, "description": {"Look up invoices"}}).leadsTo(pathResources())
	a := b.get(pathResources())
	a.says("#flash", "invoices.read was added. Roles can give it from now on.")
	if got := folded(a.Find("main h2").First()); got != "Billing" {
		t.Errorf("the first product is %q", got)
	}
	a.says(`[id="permission-invoices.read"]`, "Read invoices")
	if owner, _ := b.roleOf(keys.RoleOwner); !slices.Contains(owner.Resources, "invoices.read") {
		t.Error("Owner does not have it")
	}
	b.post(pathRoleCreate(), url.Values{"name": {"Accountant"}, "resources": {"invoices.read"}}).leadsTo(pathRoles())
	b.post(pathResourceAdd(), url.Values{"slug": {"orders.cancel"}, "product": {"ORDERS"}, "name": {"Cancel orders"}}).leadsTo(pathResources())
	if got := b.get(pathResources()).Find("main h2").Length(); got != 7 {
		t.Errorf("%d products: a product in capitals is another one", got)
	}
	if k.signIn("ana@globex.example").get(pathResources()).Find(`[id="permission-invoices.read"]`).Length() != 0 {
		t.Error("the other account has it too")
	}
}

func TestAPermissionThatBreaksARuleIsNotAdded(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	const shape = "Use up to 64 lowercase letters, digits or any of . _ : - and begin with a letter or digit"
	good := url.Values{"slug": {"invoices.read"}, "product": {"Billing"}, "name": {"Read invoices"}, "description": {"Look up"}}
	before := k.dump()
	for _, c := range []struct{ field, typed, text string }{
		{"slug", "", shape},
		{"slug", "Invoices.Read", shape},
		{"slug", ".read", shape},
		{"slug", "in voices", shape},
		{"slug", "fakturę", shape},
		{"slug", strings.Repeat("a", 65), shape},
		{"slug", hostile, shape},
		{"slug", "latchkey.keys.own", "Identifiers that begin with “latchkey.” belong to this console. Choose another"},
		{"slug", "latchkey.keys.view", "Identifiers that begin with “latchkey.” belong to this console. Choose another"},
		{"slug", "orders.read", "A permission with this identifier exists already"},
		{"product", " ", "Enter the product that it belongs to"},
		{"product", "latchKEY", "This is the name of the console itself. Choose another"},
		{"product", strings.Repeat("é", 65), "Use 64 characters or fewer"},
		{"name", "", "Enter a name for the permission"},
		{"name", strings.Repeat("é", 65), "Use 64 characters or fewer"},
		{"description", strings.Repeat("é", 201), "Use 200 characters or fewer"},
	} {
		fields := url.Values{}
		for name, values := range good {
			fields[name] = values
		}
		fields[c.field] = []string{c.typed}
		a := b.post(pathResourceAdd(), fields)
		a.is(http.StatusUnprocessableEntity)
		if got := a.text(".summary a"); got != c.text {
			t.Errorf("%s %q: the summary says %q", c.field, c.typed, got)
		}
		if href := a.Find(".summary a").AttrOr("href", ""); href != "#"+c.field {
			t.Errorf("%s %q: the summary leads to %q", c.field, c.typed, href)
		}
		input := a.Find("#" + c.field)
		if input.AttrOr("aria-invalid", "") != "true" || input.AttrOr("value", "") != c.typed {
			t.Errorf("%s %q: the input holds %q", c.field, c.typed, input.AttrOr("value", ""))
		}
		if a.Find("img").Length() != 0 {
			t.Errorf("%s became markup", c.typed)
		}
	}
	if k.dump() != before {
		t.Error("something was saved")
	}
}

// TestTheConsolesOwnRolesAndPermissionsHaveWords: they are the same everywhere, so they are translated.
func TestTheConsolesOwnRolesAndPermissionsHaveWords(t *testing.T) {
	for _, role := range keys.BuiltInRoles() {
		for form, want := range map[string]string{"name": role.Name, "description": role.Description} {
			if got := words.T(t.Context(), "role."+role.Slug+"."+form); got != want {
				t.Errorf("role.%s.%s says %q, not %q", role.Slug, form, got, want)
			}
		}
	}
	for _, r := range keys.ConsoleResources() {
		for form, want := range map[string]string{"name": r.Name, "description": r.Description} {
			if got := words.T(t.Context(), "permission."+r.Slug+"."+form); got != want {
				t.Errorf("permission.%s.%s says %q, not %q", r.Slug, form, got, want)
			}
		}
	}
}
