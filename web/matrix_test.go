package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

// asker is somebody of the matrix: who they are, and what they hold. Who is not signed in has no email.
type asker struct {
	email string
	holds []string
}

// askers are who asks in the matrix: the owner, a User Administrator, somebody with each single permission,
// somebody with none, and nobody.
func (k *kit) askers() []asker {
	k.t.Helper()
	var console []string
	for _, r := range keys.ConsoleResources() {
		console = append(console, r.Slug)
	}
	all := []asker{{}, {"ana@acme.example", console}}
	for _, role := range keys.BuiltInRoles() {
		if role.Slug == keys.RoleUserAdministrator {
			all = append(all, asker{"admin@acme.example", role.Resources})
			k.addUser("admin@acme.example", role.Slug)
		}
	}
	for _, resource := range console {
		name := "only-" + strings.ReplaceAll(resource, ".", "-")
		k.addRole(name, resource)
		k.addUser(name+"@acme.example", name)
		all = append(all, asker{name + "@acme.example", []string{resource}})
	}
	k.addRole("nothing", "orders.read")
	k.addUser("none@acme.example", "nothing")
	return append(all, asker{email: "none@acme.example"})
}

// may says whether somebody may use a route.
func (who asker) may(r route) bool {
	return r.Permission == signedIn && who.email != "" || slices.Contains(who.holds, r.Permission)
}

// TestWhoMayDoWhat is the matrix of every route, everybody who may ask, and things of the own and of a
// foreign account. What is expected comes from the table and from what people hold alone, so that a route
// is in the matrix as soon as it is in the table.
func TestWhoMayDoWhat(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: the database is compared for each cell")
	}
	cells, denied := 0, 0
	for _, r := range (&Server{}).routes() {
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			k := newKit(t)
			refused := map[string]bool{}
			for _, who := range k.askers() {
				for _, foreign := range []bool{false, true} {
					if foreign && !aboutOne.MatchString(r.Path) {
						continue
					}
					cells++
					if k.cell(r, who, foreign) == http.StatusForbidden {
						refused[who.email] = true
					}
				}
			}
			denied += len(refused)
			k.deniedTo(r, refused)
		})
	}
	t.Logf("note: matrix: %d cells, %d people refused with a reason", cells, denied)
}

// cell asks for a route and asserts what the table says, and returns the status.
func (k *kit) cell(r route, who asker, foreign bool) int {
	k.t.Helper()
	owner, account := "ana@acme.example", "own"
	if foreign {
		owner, account = "ana@globex.example", "foreign"
	}
	id := k.signIn(owner).keyFor(r)
	b := k.browser()
	if who.email != "" {
		k.anotherSession(r, account, who.email)
		b = k.signIn(who.email)
	}
	fields := b.fieldsOf(r, id)
	theirs, everything := k.dumpOf("globex"), k.dump()
	got := b.ask(r, id, fields)
	name := fmt.Sprintf("%s %s by %q on %s", r.Method, r.Path, who.email, account)
	switch {
	case r.Permission == public:
		if got.status >= http.StatusInternalServerError {
			k.t.Errorf("%s: %d", name, got.status)
		}
	case who.may(r) && !foreign:
		if got.status >= http.StatusBadRequest {
			k.t.Errorf("%s: %d: %s", name, got.status, got.text("main"))
		}
		if r.Method == http.MethodPost && k.dump() == everything {
			k.t.Errorf("%s did nothing", name)
		}
	default:
		k.unchangedSince(everything, name)
		k.refusedAs(name, r, who, got)
	}
	if after := k.dumpOf("globex"); after != theirs {
		k.t.Errorf("%s changed the other account:\n%s", name, difference(theirs, after))
	}
	return got.status
}

// refusedAs asserts how somebody is refused: they must sign in, lack a permission that is named, or ask for
// something that does not exist for them.
func (k *kit) refusedAs(name string, r route, who asker, got answer) {
	k.t.Helper()
	switch to := got.header.Get("Location"); {
	case who.email == "":
		if got.status != http.StatusSeeOther || !strings.HasPrefix(to, pathLogin()) {
			k.t.Errorf("%s: %d to %q, not the sign-in", name, got.status, to)
		}
	case !who.may(r):
		want := "Ask someone with the " + permissionName(r.Permission) + " permission."
		if got.status != http.StatusForbidden || !strings.Contains(got.text("main"), want) {
			k.t.Errorf("%s: %d, which says %q; not 403, and %q", name, got.status, got.text("main"), want)
		}
	case got.status != http.StatusNotFound:
		k.t.Errorf("%s: %d, not 404", name, got.status)
	}
}

// permissionName is what pages call a permission of the console.
func permissionName(slug string) string {
	for _, r := range keys.ConsoleResources() {
		if r.Slug == slug {
			return r.Name
		}
	}
	return ""
}

// deniedTo asserts that the audit log tells of exactly these people that a route was refused to them.
func (k *kit) deniedTo(r route, people map[string]bool) {
	k.t.Helper()
	k.server.FlushRefusals(k.t.Context())
	told := map[string]bool{}
	for _, actor := range k.raw.Texts(`SELECT actor FROM audit WHERE action = 'authz.denied' AND details LIKE '%"` + r.Method + ` ` + r.Path + `"%'`) {
		told[actor] = true
	}
	if fmt.Sprint(told) != fmt.Sprint(people) {
		k.t.Errorf("%s %s: refused to %v, and the audit log tells of %v", r.Method, r.Path, people, told)
	}
}

// TestTheMatrixKnowsEveryParameter: whatever a path is about, the matrix tries one of another account's too.
func TestTheMatrixKnowsEveryParameter(t *testing.T) {
	// A link has its own secret and asks nobody who they are; a renewal comes with its key.
	others := []string{":lid", ":rid"}
	for _, r := range (&Server{}).routes() {
		for _, parameter := range regexp.MustCompile(`:\w+`).FindAllString(r.Path, -1) {
			if !aboutOne.MatchString(parameter) && !slices.Contains(others, parameter) {
				t.Errorf("%s %s is about %s, of which the matrix knows none of another account", r.Method, r.Path, parameter)
			}
			if parameter == ":rid" && !strings.Contains(r.Path, ":id/") || parameter == ":lid" && r.Permission != public {
				t.Errorf("%s %s has %s in another place", r.Method, r.Path, parameter)
			}
		}
	}
}
