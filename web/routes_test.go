package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

func TestEveryRouteNamesItsPermission(t *testing.T) {
	table := (&Server{}).routes()
	if len(table) == 0 {
		t.Fatal("the table is empty")
	}
	for _, fault := range permissionFaults(table) {
		t.Error(fault)
	}
	for name, bad := range map[string]route{
		"no permission":             {Method: "GET", Path: "/account/x"},
		"a permission of nobody":    {Method: "GET", Path: "/account/x", Permission: "latchkey.keys"},
		"an account page is public": {Method: "GET", Path: "/account/x", Permission: public},
	} {
		if len(permissionFaults([]route{bad})) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

// permissionFaults are the rows whose permission does not exist or is too little.
func permissionFaults(table []route) (faults []string) {
	known := []string{public, signedIn}
	for _, r := range keys.ConsoleResources() {
		known = append(known, r.Slug)
	}
	for _, r := range table {
		if !slices.Contains(known, r.Permission) {
			faults = append(faults, fmt.Sprintf("%s %s has no permission that exists: %q", r.Method, r.Path, r.Permission))
		}
		if strings.HasPrefix(r.Path, "/account/") && r.Permission == public {
			faults = append(faults, fmt.Sprintf("%s %s is public", r.Method, r.Path))
		}
	}
	return faults
}

func TestOnlyPostsChange(t *testing.T) {
	for _, fault := range methodFaults((&Server{}).routes()) {
		t.Error(fault)
	}
	for name, bad := range map[string]route{
		"a GET that changes":     {Method: "GET", Path: "/x", Kind: form},
		"a POST that only shows": {Method: "POST", Path: "/x", Kind: page},
		"another method":         {Method: "DELETE", Path: "/x", Kind: page},
	} {
		if len(methodFaults([]route{bad})) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

// methodFaults are the rows whose method does not go with what they do.
func methodFaults(table []route) (faults []string) {
	for _, r := range table {
		changes := r.Kind == form || r.Kind == secretForm
		if changes != (r.Method == http.MethodPost) {
			faults = append(faults, fmt.Sprintf("%s %s is a %s", r.Method, r.Path, r.Kind))
		}
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			faults = append(faults, fmt.Sprintf("%s %s: only GET and POST are used", r.Method, r.Path))
		}
	}
	return faults
}

func TestNothingIsServedOutsideTheTable(t *testing.T) {
	k := newEmptyKit(t)
	table := k.server.routes()
	if len(k.server.echo.Routes()) == 0 {
		t.Fatal("nothing is served")
	}
	for _, fault := range servingFaults(k.server.echo.Routes(), table) {
		t.Error(fault)
	}
	if len(servingFaults(k.server.echo.Routes(), table[1:])) == 0 {
		t.Error("a handler outside the table is not found")
	}
	if len(servingFaults(k.server.echo.Routes(), append(table, route{Method: "GET", Path: "/x"}))) == 0 {
		t.Error("a row without a handler is not found")
	}
}

// servingFaults are handlers without a row, and rows without a handler.
func servingFaults(served []*echo.Route, table []route) (faults []string) {
	rows := map[string]bool{}
	for _, r := range table {
		rows[r.Method+" "+r.Path] = true
		if r.Method == http.MethodGet {
			rows["HEAD "+r.Path] = true
		}
	}
	for _, r := range served {
		if !rows[r.Method+" "+r.Path] {
			faults = append(faults, fmt.Sprintf("%s %s is served but not in the table", r.Method, r.Path))
		}
		delete(rows, r.Method+" "+r.Path)
	}
	for row := range rows {
		faults = append(faults, row+" is in the table but not served")
	}
	return faults
}

func TestEveryPathIsARowOfTheTable(t *testing.T) {
	const id = keys.KeyID("appkey-acme-QKZWPD4T")
	paths := []string{
		pathHome(), pathHelp(), pathSetup(), pathLogin(), pathLogout(), pathAccountPassword(), pathKeys(), pathKeysGenerate(),
		pathKeysBulk(""), pathKeyEdit(id, ""), pathKeyDeactivate(id, ""), pathKeyActivate(id, "after=x"), pathKeyDelete(id, ""),
		pathKeyShow(id), pathKeyRenew(id, fromKey), pathKeyRenewal(id, 12, ""), pathKeyUndo(id, ""), pathKeyDeleteOld(id, ""), pathSettings(), pathSettingsPreview(), pathKeysReview(), pathHelpProtect(),
		pathKeyDiscard(id, ""), pathCredential("0123456789abcdefABCDEF"),
		pathExternal(), pathExternalAdd(), pathExternalEdit(id, ""), pathExternalRemove(id, "before=x"),
		pathRoles(), pathRoleCreate(), pathRoleDuplicate("acme-only"), pathRole("acme-only"), pathRoleEdit("acme-only"), pathRoleDelete("acme-only"),
		pathRolesAt("acme-only"), pathKeysWithRole("acme-only"), pathResources(), pathResourceAdd(),
		pathUsers(), pathUsersInvite(), pathUserEdit(34), pathUserDeactivate(34), pathUserActivate(34), pathUserReset(34), pathUserLinkDiscard(34),
		pathPassword("0123456789abcdefABCDEF"),
		pathKeysExport(formatXLSX), pathKeysExport(formatCSV), pathAudit(), pathAuditExport(formatXLSX), pathAuditExport(formatCSV),
		pathLanguage(), pathAccountPreferences(), pathAccountSessions(), pathAccountSessionsEnd(), pathAccountSessionEnd(":session"),
	}
	table := (&Server{}).routes()
	for _, path := range paths {
		path, _, _ = strings.Cut(path, "?")
		path, _, _ = strings.Cut(path, "#")
		row := strings.NewReplacer(string(id), ":id", "/12", "/:rid", "/34/", "/:uid/", "/0123456789abcdefABCDEF", "/:lid", "/acme-only", "/:slug").Replace(path)
		if !slices.ContainsFunc(table, func(r route) bool { return r.Path == row }) {
			t.Errorf("%s is no row", path)
		}
	}
}

// TestAGetChangesNothing asks for every page of the table and compares the whole database; and then
// for a page that does change something, which must be seen. Downloads are left out: an export is an event
// of the audit log, and nothing else, which TestAnExportChangesTheAuditLogAlone shows. They are links, so
// that they work without script and in every browser, and a link asks by GET.
func TestAGetChangesNothing(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id := b.keyFor(route{})
	open, waiting, external := b.keyFor(route{Path: "/renew/:slug"}), b.keyFor(route{Path: "/link/"}), b.keyFor(route{Path: pathExternal()})
	b.invite()
	before := k.dump()
	asked := 0
	for _, r := range k.server.routes() {
		if r.Method != http.MethodGet || r.Kind == download {
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, who := range []*browser{b, k.browser()} {
				for _, key := range []keys.KeyID{id, open, waiting, external} {
					who.send(who.request(method, k.address(r, key), nil))
					asked++
				}
			}
		}
	}
	if asked == 0 {
		t.Fatal("no page was asked for")
	}
	if after := k.dump(); after != before {
		t.Errorf("reading changed the database:\n%s", difference(before, after))
	}
	bad := route{Method: http.MethodGet, Path: "/bad/:id", Kind: page, Permission: keys.EditAPIKeys, Handler: k.server.keysDeactivate}
	k.server.mount(k.server.echo, bad)
	b.get("/bad/" + string(id))
	if k.dump() == before {
		t.Error("a GET that changes something is not seen")
	}
}

// anotherSession makes the session that a route is about: one of the same user, or a foreign one. It is
// older than the session that is about to ask.
func (k *kit) anotherSession(r route, account, email string) {
	k.t.Helper()
	if !strings.Contains(r.Path, ":session") {
		return
	}
	if account == "foreign" {
		email = "ana@globex.example"
	}
	k.clock.advance(time.Second)
	other := k.signIn(email)
	k.session = k.raw.Texts(`SELECT id FROM session WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1`, other.actor().UserID)[0]
	k.clock.advance(time.Second)
}

var (
	idInPath = regexp.MustCompile(`:id`)
	// aboutOne matches the routes that are about one thing of an account's.
	aboutOne = regexp.MustCompile(`:(id|slug|uid|session)`)
)

// needsRenewal says whether a route is about a key whose renewal is open.
func needsRenewal(r route) bool {
	return strings.Contains(r.Path, "/renew/") || strings.Contains(r.Path, "/old-token/")
}

// needsLink says whether a route is about a key whose link waits.
func needsLink(r route) bool {
	return strings.Contains(r.Path, "/link/") || strings.HasPrefix(r.Path, "/credentials/")
}

// isExternal says whether a route is about a key of another account.
func isExternal(r route) bool { return strings.HasPrefix(r.Path, pathExternal()) }

// keyFor makes a key in the state that a route is about, the role that only its account has, and a user for a
// route that is about one.
func (b *browser) keyFor(r route) keys.KeyID {
	b.kit.t.Helper()
	return b.namedKeyFor(r, "Order sync", "orders-viewer")
}

// namedKeyFor is keyFor for a key of another name, with another role.
func (b *browser) namedKeyFor(r route, name, role string) keys.KeyID {
	b.kit.t.Helper()
	if strings.Contains(r.Path, ":slug") {
		b.ownRole()
	}
	activates := strings.HasSuffix(r.Path, "/activate")
	if strings.Contains(r.Path, ":uid") || strings.HasPrefix(r.Path, "/password/") {
		if guest := b.invite(); activates {
			b.post(pathUserDeactivate(guest.number), nil).leadsTo(pathUsers())
		}
	}
	if isExternal(r) {
		return b.external(role)
	}
	id, _ := b.generate(name, role)
	switch {
	case needsRenewal(r):
		b.renew(id)
	case needsLink(r):
		b.renewByLink(id)
	case activates:
		b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	}
	return id
}

// ownRole makes a role that no other account has, unless there is one.
func (b *browser) ownRole() {
	b.kit.t.Helper()
	name := b.actor().Account + " only"
	if _, err := b.kit.store.UsedRole(b.kit.t.Context(), b.actor(), ownRole(b.actor().Account), 0); err == nil {
		return
	}
	_, err := b.kit.store.CreateRole(b.kit.t.Context(), b.actor(), store.NewRole{Name: name, Resources: []string{"orders.read"}})
	must(b.kit.t, err)
}

func ownRole(account string) string { return account + "-only" }

// fill puts a key, its newest token, the role of its account alone and the newest user of its account in the place of a path's parameters.
func (k *kit) fill(path string, id keys.KeyID) string {
	k.t.Helper()
	path = strings.Replace(path, "/static/*", "/static/app.css", 1)
	path = strings.Replace(path, ":session", k.session, 1)
	path = strings.Replace(path, ":rid", k.newestToken(id), 1)
	if link, sent := k.links[id]; sent {
		path = strings.Replace(path, "/credentials/:lid", link.path, 1)
	}
	path = strings.Replace(path, ":slug", ownRole(strings.Split(string(id)+"-", "-")[1]), 1)
	path = strings.Replace(path, ":uid", k.newestUser(id), 1)
	path = strings.Replace(path, ":lid", cmp.Or(k.invited.link, secret.NewNonce()), 1)
	return idInPath.ReplaceAllString(path, string(id))
}

// address is a page of the table about a key, with the query that it needs.
func (k *kit) address(r route, id keys.KeyID) string {
	k.t.Helper()
	if r.Path == pathKeysBulk("") {
		return r.Path + "?action=deactivate&id=" + string(id)
	}
	return k.fill(r.Path, id)
}

// settingsVersion is that of acme, which a form carries. Who may change settings need not see them.
func (k *kit) settingsVersion() string {
	k.t.Helper()
	return k.raw.Texts(`SELECT settings_version FROM account WHERE slug = 'acme'`)[0]
}

// newestUser is the number of the user of a key's account who came last.
func (k *kit) newestUser(id keys.KeyID) string {
	k.t.Helper()
	account := strings.Split(string(id)+"-", "-")[1]
	numbers := k.raw.Texts(`SELECT app_user.number FROM app_user JOIN account ON account.id = app_user.account_id WHERE account.slug = $1 ORDER BY app_user.number DESC LIMIT 1`, account)
	if len(numbers) == 0 {
		return "1"
	}
	return numbers[0]
}

// newestToken is the number that names a key's renewal, or that of no renewal.
func (k *kit) newestToken(id keys.KeyID) string {
	k.t.Helper()
	numbers := k.raw.Texts(`SELECT max(api_token.number) FROM api_token JOIN api_key ON api_key.id = api_token.key_id WHERE app_key = $1 HAVING count(*) > 0`, string(id))
	if len(numbers) == 0 {
		return "1"
	}
	return numbers[0]
}

// try asks for a route as its own form would.
func (b *browser) try(r route, id keys.KeyID) answer {
	b.kit.t.Helper()
	return b.ask(r, id, b.fieldsOf(r, id))
}

func (b *browser) ask(r route, id keys.KeyID, fields url.Values) answer {
	b.kit.t.Helper()
	if r.Method == http.MethodGet {
		return b.get(b.kit.address(r, id))
	}
	return b.post(b.kit.fill(r.Path, id), fields)
}

// unchangedSince asserts that a refused request left the database as it was.
func (k *kit) unchangedSince(before, name string) {
	k.t.Helper()
	if after := k.dump(); after != before {
		k.t.Errorf("%s was refused and changed something:\n%s", name, difference(before, after))
	}
}

// fieldsOf is a form that the route accepts.
func (b *browser) fieldsOf(r route, id keys.KeyID) url.Values {
	b.kit.t.Helper()
	switch {
	case strings.Contains(r.Path, ":uid") || strings.HasPrefix(r.Path, "/password/") || r.Path == pathUsersInvite():
		return b.userFieldsOf(r, id)
	case r.Path == pathKeysGenerate():
		return url.Values{"name": {"Price feed"}, "nonce": {secret.NewNonce()}}
	case r.Path == pathKeysBulk(""):
		return url.Values{"action": {"deactivate"}, "id": {string(id)}}
	case r.Path == pathExternalAdd():
		id, _ := b.kit.signIn("ana@globex.example").generate("Price feed")
		return url.Values{"key": {string(id)}, "owner": {"globex"}, "roles": {"orders-viewer"}}
	case r.Path == pathRoleCreate():
		return url.Values{"name": {secret.NewNonce()}, "resources": {"orders.read"}}
	case r.Path == pathResourceAdd():
		return url.Values{"slug": {strings.ToLower(secret.NewNonce())}, "product": {"Billing"}, "name": {"Read invoices"}}
	case strings.HasSuffix(r.Path, "/edit"):
		version := "1"
		if opened := b.get(b.kit.fill(r.Path, id)); opened.status == http.StatusOK {
			version, _ = opened.Find("input[name=version]").Attr("value")
		}
		return url.Values{"name": {"Order sync " + version}, "version": {version}, "active": {"on"}}
	case strings.HasSuffix(r.Path, "/renew"):
		return url.Values{"nonce": {secret.NewNonce()}}
	case strings.HasSuffix(r.Path, "/:rid"):
		return url.Values{"old": {"later"}}
	case r.Path == pathSettings():
		version := b.kit.settingsVersion()
		return url.Values{"duration": {"custom"}, "days": {"10" + version}, "enforce": {"on"}, "zone": {"UTC"}, "version": {version}}
	case r.Path == pathKeysReview():
		b.kit.putUnderReview()
		return url.Values{"since": {"1700000000000000"}, "looked": {"on"}}
	case r.Path == "/credentials/:lid":
		return url.Values{"secret": {b.kit.links[id].secret}}
	case strings.HasSuffix(r.Path, "/delete"):
		return url.Values{"understood": {"on"}}
	case r.Path == pathLanguage():
		return url.Values{"language": {"es"}}
	case r.Path == pathAccountPreferences():
		return url.Values{"theme": {"dark"}}
	case r.Path == pathLogin():
		return url.Values{"email": {"ana@acme.example"}, "password": {password}}
	case r.Path == pathAccountPassword():
		const other = "seven lanterns over a quiet harbour"
		return url.Values{"current": {password}, "password": {other}, "repeat": {other}}
	}
	return url.Values{}
}
