package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/keys"
)

// ladder is an account with a deputy who may do everything but introspect tokens, and one of each thing that
// holds just that: a role, users, and keys in each state.
type ladder struct {
	*kit
	deputy                         *browser
	steady, stopped, open          keys.KeyID
	linked, pending                keys.KeyID
	weak, external, plain, free    keys.KeyID
	strongUser, idleUser, weakUser int64
	guest                          invited
	renewal                        int64
}

// beyond is the role that holds what the deputy does not.
const beyond = "introspector"

func newLadder(t *testing.T) *ladder {
	t.Helper()
	l := &ladder{kit: newKit(t)}
	var most []string
	for _, r := range keys.ConsoleResources() {
		if r.Slug != keys.IntrospectTokens {
			most = append(most, r.Slug)
		}
	}
	l.addRole("deputies", most...)
	l.addRole(beyond, keys.IntrospectTokens)
	for email, role := range map[string]string{"dep": "deputies", "strong": beyond, "idle": beyond, "weak": "orders-viewer"} {
		l.addUser(email+"@acme.example", role)
	}
	l.strongUser, l.idleUser, l.weakUser = l.userNumber("strong@acme.example"), l.userNumber("idle@acme.example"), l.userNumber("weak@acme.example")
	owner := l.signIn("ana@acme.example")
	l.steady, _ = owner.generate("Steady", beyond)
	l.stopped, _ = owner.generate("Stopped", beyond)
	l.open, _ = owner.generate("Open", beyond)
	l.renewal, _ = owner.renew(l.open)
	l.linked, _ = owner.generate("Linked", beyond)
	owner.renewByLink(l.linked)
	l.pending, _ = owner.generate("Pending", beyond)
	owner.renewByLink(l.pending)
	l.weak, _ = owner.generate("Weak", "orders-viewer")
	l.external, l.plain = owner.external(beyond), owner.external("orders-viewer")
	l.free, _ = l.signIn("ana@globex.example").generate("Free")
	l.guest = owner.invite(beyond)
	owner.post(pathUserDeactivate(l.idleUser), nil).leadsTo(pathUsers())
	owner.post(pathKeyDeactivate(l.stopped, ""), nil).leadsTo(pathKeys())
	l.deputy = l.signIn("dep@acme.example")
	return l
}

// attempt is a form that the deputy sends to a route, or a page that they open when it has no fields.
type attempt struct {
	route, path string
	fields      url.Values
}

// made sends the form or opens the page.
func (try attempt) made(b *browser) answer {
	b.kit.t.Helper()
	if try.fields == nil {
		return b.get(try.path)
	}
	return b.post(try.path, try.fields)
}

// granting are the fields of a form that gives roles, with everything that a form needs beside them.
func granting(roles ...string) url.Values {
	return url.Values{
		"roles": roles, "name": {"Mine"}, "email": {"mine@acme.example"}, "version": {"1"}, "nonce": {nonce()}, "active": {"on"},
		"understood": {"on"}, "old": {"later"},
	}
}

// escalations are the attempts to give, edit, renew, reveal, revive or reset what holds more than the deputy.
func (l *ladder) escalations() (all []attempt) {
	with := func(fields url.Values, pairs ...string) url.Values {
		for i := 0; i < len(pairs); i += 2 {
			fields.Set(pairs[i], pairs[i+1])
		}
		return fields
	}
	role := func(resources ...string) url.Values {
		return url.Values{"name": {"Mine"}, "version": {"1"}, "resources": resources}
	}
	on := func(route, path string, forms ...url.Values) {
		for _, fields := range forms {
			all = append(all, attempt{route, path, fields})
		}
	}
	on("/account/api-keys/generated/new", pathKeysGenerate(), granting(beyond), granting("orders-viewer", keys.RoleOwner), with(granting(beyond), "handover", "link"))
	on("/account/api-keys/generated/:id/edit", pathKeyEdit(l.weak, ""), granting(beyond))
	on("/account/api-keys/generated/:id/edit", pathKeyEdit(l.steady, ""), granting(), granting(beyond), nil)
	on("/account/api-keys/generated/:id/edit", pathKeyEdit(l.stopped, ""), granting(beyond))
	on("/account/api-keys/generated/:id/activate", pathKeyActivate(l.stopped, ""), granting(), nil)
	on("/account/api-keys/generated/:id/renew", pathKeyRenew(l.steady, ""), granting(), with(granting(), "handover", "link"), nil)
	on("/account/api-keys/external/new", pathExternalAdd(), with(granting(beyond), "key", string(l.free), "owner", "globex"))
	on("/account/api-keys/external/:id/edit", pathExternalEdit(l.plain, ""), granting(beyond))
	on("/account/api-keys/external/:id/edit", pathExternalEdit(l.external, ""), granting(), nil)
	on("/account/api-keys/review", pathKeysReview(), url.Values{"since": {"1700000000000000"}, "looked": {"on"}})
	on("/account/users/invite", pathUsersInvite(), granting(beyond), granting(keys.RoleOwner))
	on("/account/users/:uid/edit", pathUserEdit(l.weakUser), granting(beyond))
	on("/account/users/:uid/edit", pathUserEdit(l.strongUser), granting(), nil)
	on("/account/users/:uid/reset", pathUserReset(l.strongUser), granting(), nil)
	on("/account/users/:uid/reset", pathUserReset(l.guest.number), granting(), nil)
	on("/account/users/:uid/activate", pathUserActivate(l.idleUser), granting(), nil)
	on("/account/roles/new", pathRoleCreate(), role("orders.read", keys.IntrospectTokens))
	on("/account/roles/new", pathRoleDuplicate(beyond), nil)
	on("/account/roles/:slug/edit", pathRoleEdit("orders-viewer"), role(keys.IntrospectTokens))
	on("/account/roles/:slug/edit", pathRoleEdit(beyond), role(), nil)
	on("/account/roles/:slug/delete", pathRoleDelete(beyond), granting(), nil)
	return all
}

// takingAway are the forms about what holds more than the deputy that do no more than to take access away. They
// work: an emergency does not wait for somebody who holds everything.
func (l *ladder) takingAway() []attempt {
	return []attempt{
		{"/account/api-keys/generated/:id/deactivate", pathKeyDeactivate(l.steady, ""), granting()},
		{"/account/api-keys/generated/:id/renew/:rid", pathKeyRenewal(l.open, l.renewal, ""), granting()},
		{"/account/api-keys/generated/:id/old-token/delete", pathKeyDeleteOld(l.open, ""), granting()},
		{"/account/api-keys/generated/:id/renew/undo", pathKeyUndo(l.pending, ""), granting()},
		{"/account/api-keys/generated/:id/link/discard", pathKeyDiscard(l.linked, ""), granting()},
		{"/account/api-keys/generated/:id/delete", pathKeyDelete(l.stopped, ""), granting()},
		{"/account/api-keys/external/:id/remove", pathExternalRemove(l.external, ""), granting()},
		{"/account/users/:uid/deactivate", pathUserDeactivate(l.strongUser), granting()},
		{"/account/users/:uid/link/discard", pathUserLinkDiscard(l.guest.number), granting()},
	}
}

// TestEscalationIsRefusedOnEveryPath: nobody gives, edits, renews, reveals, revives or resets what they do not
// hold themselves. They are told why, nothing changes, and the audit log tells of it.
func TestEscalationIsRefusedOnEveryPath(t *testing.T) {
	l := newLadder(t)
	l.putUnderReview()
	before, forms := l.dump(), map[string]int{}
	for i, try := range l.escalations() {
		name, a := fmt.Sprintf("attempt %d, %s", i+1, try.path), try.made(l.deputy)
		if got := a.text("h1"); a.status != http.StatusForbidden || got != "This role allows more than you may" {
			t.Errorf("%s: %d, %q", name, a.status, got)
		}
		if got := a.text("main"); !strings.Contains(got, "includes the permission Introspect tokens, which you do not have. Nothing was changed. Ask someone who has it.") {
			t.Errorf("%s is refused with %q", name, got)
		}
		if secretInText.MatchString(a.body) {
			t.Errorf("%s shows a secret", name)
		}
		if try.fields != nil {
			forms[try.route]++
		}
	}
	l.unchangedSince(before, "an escalation")
	l.server.FlushRefusals(t.Context())
	for route, sent := range forms {
		if got := l.denied(http.MethodPost + " " + route); got != sent {
			t.Errorf("%s: of %d attempts the audit log tells of %d", route, sent, got)
		}
	}
}

// denied is how many escalations of the deputy on a route the audit log tells of.
func (l *ladder) denied(route string) (count int) {
	l.t.Helper()
	for _, details := range l.raw.Texts(`SELECT details FROM audit WHERE action = 'authz.denied' AND result = 'escalation' AND actor = 'dep@acme.example'`) {
		var told struct {
			Route string
			Count int
		}
		must(l.t, json.Unmarshal([]byte(details), &told))
		if told.Route == route {
			count += told.Count
		}
	}
	return count
}

func TestWhoHoldsLessMayStillTakeAccessAway(t *testing.T) {
	l := newLadder(t)
	for _, try := range l.takingAway() {
		if a := try.made(l.deputy); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d, %q", try.path, a.status, a.text("main"))
		}
	}
	l.server.FlushRefusals(t.Context())
	if strings.Contains(l.dump(), string(keys.ActionAuthzDenied)) {
		t.Error("the audit log tells of a refusal")
	}
}

// TestEveryFormIsAskedAboutEscalation: a form that needs a permission is tried as an escalation, takes access
// away, or is known to give nobody a permission of the console.
func TestEveryFormIsAskedAboutEscalation(t *testing.T) {
	asked := map[string]bool{
		"/account/api-keys/generated/bulk": true, // TestNoEscalationInBulk: of many keys each is refused by itself
		"/account/api-keys/settings":       true, // it has no role
		"/account/roles/permissions/new":   true, // TestAPermissionThatBreaksARuleIsNotAdded: none of the console's
	}
	l := newLadder(t)
	for _, try := range append(l.escalations(), l.takingAway()...) {
		asked[try.route] = true
	}
	for _, r := range l.server.routes() {
		if r.Method == http.MethodPost && strings.HasPrefix(r.Permission, "latchkey.") && !asked[r.Path] {
			t.Errorf("nobody tried what %s does for who holds less", r.Path)
		}
	}
}
