package main

import (
	"net/http"
	"net/url"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

const (
	pathRoles       = "/account/roles"
	pathPermissions = pathRoles + "/permissions"
	// longName is as long as a name can be, without a place to break it.
	longName = "Aroleofapartnerwiththelongestnamethatarolecanbegivenhere64signs."
	longSlug = "aroleofapartnerwiththelongestnamethatarolecanbeg"
	// longKeyName is as long, in words.
	longKeyName = "A partner with the longest name that a key can be given, 64 sig"
)

// longRole makes a role and a permission with names as long as can be.
func (c *console) longRole() {
	c.t.Helper()
	c.does(pathPermissions+"/new", url.Values{
		"slug": {"a.permission.with.the.longest.identifier.that.one.can.be.given.x"}, "product": {longName}, "name": {longName}, "description": {longName},
	})
	c.does(pathRoles+"/new", url.Values{"name": {longName}, "description": {longName}, "resources": {
		"orders.read", "catalog.read", "pricing.read", "a.permission.with.the.longest.identifier.that.one.can.be.given.x", keys.ViewAPIKeys,
	}})
}

func walkRoles(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.longRole()
	c.generate(longKeyName, longSlug)
	w := &walk{tab: c.tab()}
	defer w.done()

	w.click("#account")
	w.leads(func() { w.choose("#account-menu", "Roles") })
	w.state("roles")
	w.until("a role of many permissions", `(document.querySelector("tbody summary")?.click(), document.querySelector("tbody details[open]"))`)
	w.state("roles with the permissions of one unfolded")
	w.click(kebab("orders-viewer"))
	w.state("menu of a role")
	w.leads(func() { w.choose(menuOfRole("orders-viewer"), "Duplicate") })
	w.state("a role that is duplicated")
	w.check(`[id="permission-latchkey.keys.view"]`, true)
	w.state("a role that is given broad access")
	w.fill("#name", "Orders viewer")
	w.leads(func() { w.choose("main", "Create role") })
	w.says(".summary", "Another role has this name")
	w.state("a role with a problem")
	w.fill("#name", "Auditor")
	w.leads(func() { w.choose("main", "Create role") })
	w.says("#flash", "Auditor was created.")
	w.focusOn(kebab("auditor"))
	w.page("create a role", pathRoles+"/new")
	w.page("edit a role that is used", pathRoles+"/"+longSlug+"/edit")
	w.page("a role that is used", pathRoles+"/"+longSlug)
	w.page("a role that nobody has", pathRoles+"/auditor")
	w.page("a built-in role", pathRoles+"/owner")
	w.page("delete a role that is used", pathRoles+"/"+longSlug+"/delete")
	w.open(pathRoles)
	w.click(kebab("auditor"))
	w.leads(func() { w.choose(menuOfRole("auditor"), "Delete") })
	w.focusOn("a cancel")
	w.state("delete a role")
	w.leads(func() { w.choose("main", "Delete") })
	w.says("#flash", "Auditor was deleted.")

	w.page("permissions", pathPermissions)
	w.page("add a permission", pathPermissions+"/new")
	w.leads(func() { w.choose("main", "Add permission") })
	w.state("a permission with problems")
	w.fill("#slug", "invoices.read")
	w.fill("#product", "Billing")
	w.fill("#name", "Read invoices")
	w.leads(func() { w.choose("main", "Add permission") })
	w.says("#flash", "invoices.read was added.")
	w.excuseStatus(http.StatusConflict)
	w.page("edit a built-in role", pathRoles+"/owner/edit")
}

func menuOfRole(slug string) string { return "#menu-" + slug }

// TestB34WithoutScriptRolesWork goes the way of a role from its making to its end.
func TestB34WithoutScriptRolesWork(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.withoutScript()
	b.open(pathPermissions)
	b.leads(func() { b.choose("main", "+ Add permission") })
	b.withoutPromises()
	b.fill("#slug", "invoices.read")
	b.fill("#product", "Billing")
	b.fill("#name", "Read invoices")
	b.leads(func() { b.choose("main", "Add permission") })
	b.says("#flash", "invoices.read was added.")
	b.leads(func() { b.choose("main", "Roles") })
	b.withoutPromises()
	b.leads(func() { b.choose("main", "+ Create role") })
	b.withoutPromises()
	b.leads(func() { b.choose("main", "Create role") })
	b.says(".summary", "Enter a name for the role")
	b.until("the focus is on the summary", `document.activeElement.matches(".summary")`)
	b.fill("#name", "Accountant")
	b.check(`[id="permission-invoices.read"]`, true)
	b.leads(func() { b.choose("main", "Create role") })
	b.says("#flash", "Accountant was created.")
	b.says("#role-accountant", "Read invoices")
	act := func(item string) {
		t.Helper()
		b.click(kebab("accountant"))
		b.leads(func() { b.choose(menuOfRole("accountant"), item) })
	}
	act("Edit")
	b.fill("#name", "Bookkeeper")
	b.leads(func() { b.choose("main", "Save") })
	b.says("#role-accountant", "Bookkeeper")
	b.focusOn(kebab("accountant"))
	act("Delete")
	b.leads(func() { b.choose("main", "Delete") })
	b.says("#flash", "Bookkeeper was deleted.")
}

// TestAChangeOfARoleHoldsForTheVeryNextVerification: of a role that loses a permission, of a permission that
// is new, and of a role that gets it.
func TestAChangeOfARoleHoldsForTheVeryNextVerification(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	viewer, owner := c.generate("Order sync", "orders-viewer"), c.generate("Everything", keys.RoleOwner)
	edit := func(resources ...string) {
		t.Helper()
		path := pathRoles + "/orders-viewer/edit"
		version, _ := document(t, c.http.get(path)).Find("input[name=version]").Attr("value")
		c.does(path, url.Values{"name": {"Orders viewer"}, "resources": resources, "version": {version}})
	}
	for range 10 {
		c.presents(viewer, "?resource=orders.read", http.StatusNoContent)
		edit("catalog.read")
		c.presents(viewer, "?resource=orders.read", http.StatusForbidden)
		c.presents(viewer, "?resource=catalog.read", http.StatusNoContent)
		edit("orders.read")
	}
	const invoices = "?resource=invoices.read"
	c.presents(owner, invoices, http.StatusForbidden)
	c.does(pathPermissions+"/new", url.Values{"slug": {"invoices.read"}, "product": {"Billing"}, "name": {"Read invoices"}})
	c.presents(owner, invoices, http.StatusNoContent)
	c.presents(viewer, invoices, http.StatusForbidden)
	edit("orders.read", "invoices.read")
	c.presents(viewer, invoices, http.StatusNoContent)
}

// TestAPermissionIsForgottenByNoRestart: what is loaded at the start knows what was added before.
func TestAPermissionIsForgottenByNoRestart(t *testing.T) {
	t.Parallel()
	folder, all := guarded(t, 1)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		_, err := s.AddResource(t.Context(), by, store.NewResource{Slug: "invoices.read", Product: "Billing", Name: "Read invoices"})
		if err != nil {
			t.Fatal(err)
		}
		made, err := s.GenerateKey(t.Context(), by, store.NewKey{Name: "Everything", Roles: []string{keys.RoleOwner}, Nonce: secret.NewNonce()})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, issued{made.Key.ID, made.Key.Tokens[0].Number, made.Token.Reveal()})
	})
	served := serveFolder(t, folder)
	caller := newCaller(t, served.url)
	caller.get("/v1/verify?resource=invoices.read", all[0].pair()).is(t, http.StatusForbidden)
	caller.get("/v1/verify?resource=invoices.read", all[1].pair()).is(t, http.StatusNoContent)
}
