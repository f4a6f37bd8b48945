package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

// TestNobodyMakesARoleThatMayMoreThanThey tries each way to a role with a permission that the manager of
// roles lacks. The form does not offer it, and the server refuses it.
func TestNobodyMakesARoleThatMayMoreThanThey(t *testing.T) {
	k := newKit(t)
	b := k.manager()
	k.addRole("key-editor", keys.EditAPIKeys, "orders.read")
	form := b.get(pathRoleCreate())
	if got := form.Find(`input[value^="latchkey."]`).Length(); got != 2 || form.Find(`input[value="`+keys.ViewAPIKeys+`"]`).Length() != 1 {
		t.Errorf("%d permissions of the console are offered", got)
	}
	form.says("#resources", "Permissions of this console that you do not have yourself are not offered.")
	if owner := k.signIn("ana@acme.example").get(pathRoleCreate()); strings.Contains(owner.text("#resources"), "are not offered") {
		t.Error("the owner is told that something is missing")
	}
	before := k.dump()
	more := url.Values{"name": {"More"}, "resources": {"orders.read", keys.EditAPIKeys}, "version": {"1"}}
	less := url.Values{"name": {"Less"}, "resources": {"orders.read"}, "version": {"1"}}
	for name, refused := range map[string]answer{
		"create":                   b.post(pathRoleCreate(), more),
		"give to a role":           b.post(pathRoleEdit("orders-viewer"), more),
		"take from a role":         b.post(pathRoleEdit("key-editor"), less),
		"open the form of a role":  b.get(pathRoleEdit("key-editor")),
		"delete":                   b.post(pathRoleDelete("key-editor"), nil),
		"ask to delete":            b.get(pathRoleDelete("key-editor")),
		"duplicate":                b.get(pathRoleDuplicate("key-editor")),
		"duplicate a built-in one": b.get(pathRoleDuplicate(keys.RoleUserAdministrator)),
		"duplicate the owner":      b.get(pathRoleDuplicate(keys.RoleOwner)),
	} {
		if refused.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, refused.status)
		}
		refused.says("h1", "This role allows more than you may")
	}
	if k.dump() != before {
		t.Errorf("something was changed:\n%s", difference(before, k.dump()))
	}
	b.post(pathRoleCreate(), url.Values{"name": {"Viewer"}, "resources": {"orders.write", keys.ViewAPIKeys}}).leadsTo(pathRoles())
}

func TestARoleBeyondTheViewerIsOnlyShown(t *testing.T) {
	k := newKit(t)
	b := k.manager()
	k.addRole("key-editor", keys.EditAPIKeys)
	list := b.get(pathRoles())
	if labels, _ := menuOf(list.roleRow("key-editor")); !slices.Equal(labels, []string{"View"}) {
		t.Errorf("its menu is %q", labels)
	}
	if labels, _ := menuOf(list.roleRow(keys.RoleOwner)); !slices.Equal(labels, []string{"View"}) {
		t.Errorf("the menu of Owner is %q", labels)
	}
	a := b.get(pathRole("key-editor"))
	a.is(http.StatusOK)
	a.says(".alert", "You cannot change this role: it includes the permission Edit API Keys, which you do not have.")
	if got := a.text(".head .actions"); got != "" {
		t.Errorf("it offers %q", got)
	}
}

func TestTheLastAdministratorIsNotTakenAwayByARole(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	admins := url.Values{"name": {"Administrators"}, "resources": {keys.ManageUsers, keys.ManageRoles}}
	b.post(pathRoleCreate(), admins).leadsTo(pathRoles())
	k.addUser("bo@acme.example", "administrators")
	k.exec(`DELETE FROM user_role WHERE user_id IN (SELECT id FROM app_user WHERE email = 'ana@acme.example')`)
	bo := k.signIn("bo@acme.example")
	before := k.dump()
	a := bo.post(pathRoleEdit("administrators"), url.Values{"name": {"Administrators"}, "resources": {keys.ManageRoles}, "version": {"1"}})
	a.is(http.StatusUnprocessableEntity)
	a.says(".summary a", "At least one active administrator is needed")
	if href := a.Find(".summary a").AttrOr("href", ""); href != "#resources" {
		t.Errorf("the summary leads to %q", href)
	}
	if k.dump() != before {
		t.Error("it was saved")
	}
	admins.Set("version", "1")
	admins.Set("description", "Who looks after this account")
	bo.post(pathRoleEdit("administrators"), admins).leadsTo(pathRoles())
}
