package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// hostileEmail is a valid address that would be markup, and a formula, where nobody takes care.
const hostileEmail = `=1+1&<b>"@acme.example`

func TestUsersTheListAndItsColumns(t *testing.T) {
	k := newKit(t)
	k.clock.advance(26 * time.Hour)
	k.addUser("bo@acme.example", "orders-viewer", "catalog-viewer", "pricing-viewer")
	k.addUser("dee@acme.example")
	b := k.signIn("ana@acme.example")
	guest := b.inviteByForm("cy@acme.example", "orders-viewer")
	b.post(pathUserDeactivate(k.userNumber("dee@acme.example")), nil).leadsTo(pathUsers())

	a := b.open(pathUsers())
	a.is(http.StatusOK)
	a.says("h1", "Users")
	a.says("title", "Users - acme - Latchkey")
	heads := a.Find("main table thead th[scope=col]").Map(func(_ int, s *goquery.Selection) string { return strings.TrimSpace(s.Text()) })
	if !slices.Equal(heads, []string{"Email", "Roles", "Last sign-in", "Status"}) {
		t.Errorf("the columns are %q", heads)
	}
	emails := a.Find("main tbody th[scope=row] .subject").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if !slices.Equal(emails, []string{"ana@acme.example", "bo@acme.example", "cy@acme.example", "dee@acme.example"}) {
		t.Errorf("the users are %q", emails)
	}
	for _, c := range []struct{ email, roles, signedIn, status string }{
		{"ana@acme.example", "Owner", "13 Sep 2026", "Active"},
		{"bo@acme.example", "Catalog viewer Orders viewer +1 more role Pricing viewer", "Never", "Active"},
		{"cy@acme.example", "Orders viewer", "Never", "Invited Link not opened yet, 24 h left"},
		{"dee@acme.example", "No roles", "Never", "Inactive"},
	} {
		got := []string{k.userCell(a, c.email, "Roles"), k.userCell(a, c.email, "Last sign-in"), k.userCell(a, c.email, "Status")}
		if want := []string{c.roles, c.signedIn, c.status}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", c.email, got, want)
		}
	}
	if !strings.Contains(k.userCell(a, "ana@acme.example", ""), "You") || strings.Count(a.text("tbody"), "You") != 1 {
		t.Error("the reader's row is not marked")
	}
	for email, want := range map[string][]string{
		"ana@acme.example": {"Edit roles"},
		"bo@acme.example":  {"Edit roles", "Reset password", "Deactivate"},
		"cy@acme.example":  {"Edit roles", "New invitation link", "Discard link", "Deactivate"},
		"dee@acme.example": {"Edit roles", "Activate"},
	} {
		id := strconv.FormatInt(k.userNumber(email), 10)
		items := a.Find("#menu-" + id + " a").Map(func(_ int, s *goquery.Selection) string { return strings.TrimSpace(s.Text()) })
		if !slices.Equal(items, want) {
			t.Errorf("%s: the menu has %q", email, items)
		}
		a.Find("#menu-" + id + " a").Each(func(_ int, s *goquery.Selection) {
			b.get(s.AttrOr("href", "")).is(http.StatusOK)
		})
		if label := a.Find("#kebab-"+id).AttrOr("aria-label", ""); label != "Actions for "+email {
			t.Errorf("the menu is called %q", label)
		}
	}
	if strings.Contains(a.body, guest.secret) || strings.Contains(a.body, guest.link) || strings.Contains(a.body, "globex") {
		t.Error("the list shows a link or another account")
	}
	if to := a.Find(".head a").AttrOr("href", ""); to != pathUsersInvite() {
		t.Errorf("Invite user leads to %q", to)
	}
	k.clock.advance(41 * time.Minute)
	b = k.signIn("ana@acme.example")
	if got := k.userCell(b.get(pathUsers()), guest.email, "Status"); got != "Invited Link not opened yet, 23 h left" {
		t.Errorf("after 41 minutes: %q", got)
	}
	k.clock.advance(22*time.Hour + 20*time.Minute)
	b = k.signIn("ana@acme.example")
	if got := k.userCell(b.get(pathUsers()), guest.email, "Status"); got != "Invited Link not opened yet, under 1 h left" {
		t.Errorf("in the last hour: %q", got)
	}
	k.clock.advance(time.Hour)
	b = k.signIn("ana@acme.example")
	a = b.get(pathUsers())
	if got := k.userCell(a, guest.email, "Status"); got != "Invited No open link" {
		t.Errorf("expired: %q", got)
	}
	if strings.Contains(a.text("#menu-"+strconv.FormatInt(guest.number, 10)), "Discard link") {
		t.Error("an expired link can be discarded")
	}
}

func TestUsersAreInTheMenuOfThoseWhoManageThem(t *testing.T) {
	k := newKit(t)
	k.addRole("deputies", keys.ManageUsers)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	k.addUser("dep@acme.example", "deputies")
	for email, want := range map[string][]string{
		"ana@acme.example":   {pathKeys(), pathUsers()},
		"admin@acme.example": {pathKeys()},
		"dep@acme.example":   {pathUsers()},
	} {
		b := k.signIn(email)
		a := b.get(pathHelp())
		items := a.Find("#account-menu ul a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") })
		items = slices.DeleteFunc(items, func(href string) bool { return href != pathKeys() && href != pathUsers() })
		if !slices.Equal(items, want) {
			t.Errorf("%s: %q", email, items)
		}
	}
	refused := k.signIn("admin@acme.example").get(pathUsers())
	refused.is(http.StatusForbidden)
	refused.says("main", "You cannot manage users. Ask someone with the Manage users permission.")
}

func TestUsersTheInviteForm(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	a := b.get(pathUsersInvite())
	a.is(http.StatusOK)
	a.says("h1", "Invite user")
	if a.Find("input[name=roles]").Length() != len(keys.BuiltInRoles())+len(keys.SampleRoles()) || a.Find("input[name=roles][checked]").Length() != 0 {
		t.Error("not every role is offered, unchecked")
	}
	if _, required := a.Find("input#email").Attr("required"); !required || a.Find("[hx-post], [hx-get]").Length() != 0 {
		t.Error("the email is not required, or the form goes through htmx")
	}
	a.says("#roles", "Without a role this person can log in but may see and do nothing.")
	for _, word := range []string{"integration", "this key", "leaks"} {
		if strings.Contains(a.text("main"), word) {
			t.Errorf("it speaks of keys: %q", word)
		}
	}
	before := k.dump()
	for email, want := range map[string]string{
		"":                   "Enter an email",
		"bo":                 "Enter an email such as ana@acme.example",
		"ANA@acme.example":   "A user with this email exists already",
		"ana@globex.example": "A user with this email exists already",
	} {
		a := b.post(pathUsersInvite(), url.Values{"email": {email}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}})
		a.is(http.StatusUnprocessableEntity)
		if got := a.text(`[role="alert"] a[href="#email"]`); got != want {
			t.Errorf("%q: %q", email, got)
		}
		if a.Find("#role-orders-viewer[checked]").Length() != 1 || a.Find("#email").AttrOr("value", "") != email || a.Find("#email").AttrOr("aria-invalid", "") != "true" {
			t.Errorf("%q: what was typed is not kept", email)
		}
		if !strings.HasPrefix(a.text("title"), "Error: ") || secretInText.MatchString(a.body) {
			t.Errorf("%q: title %q", email, a.text("title"))
		}
	}
	unknown := b.post(pathUsersInvite(), url.Values{"email": {"bo@acme.example"}, "roles": {"none"}, "nonce": {secret.NewNonce()}})
	unknown.is(http.StatusUnprocessableEntity)
	unknown.says(`[role="alert"] a[href="#roles"]`, "A chosen role no longer exists")
	b.post(pathUsersInvite(), url.Values{"email": {"bo@acme.example"}}).is(http.StatusBadRequest)
	k.unchangedSince(before, "an invitation that breaks a rule")
}

func TestUsersTheLinkIsShownOnceAndAFormMakesOne(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	form := url.Values{"email": {"bo@acme.example"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}}
	a := b.post(pathUsersInvite(), form)
	a.is(http.StatusOK)
	a.says("h1", "User invited")
	link := k.linkShown(a, "bo@acme.example")
	a.says("main", "Opens once. Expires 13 Sep 2026, 10:00 UTC (24 hours) if nobody opens it.")
	a.says("main", "Official links always start with http://latchkey.test/password/")
	a.says(`[role="alert"]`, "Copy the link before leaving. It cannot be shown again.")
	a.says("main", "bo@acme.example")
	if a.Find("[data-secret]").Length() != 1 || a.Find(`script[src*="htmx"]`).Length() != 0 || a.Find(`[data-copy="link"]`).Length() != 1 {
		t.Error("it shows another secret, loads htmx, or cannot be copied")
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Encoding") != "" {
		t.Errorf("the answer is cached or compressed: %v", a.header)
	}
	before := k.dump()
	again := b.post(pathUsersInvite(), form)
	again.leadsTo(pathUsers())
	shown := b.get(pathUsers())
	shown.says("#flash", "The link for bo@acme.example was shown once and cannot be shown again.")
	if to := shown.Find("#flash a").AttrOr("href", ""); to != pathUserLinkDiscard(link.number) {
		t.Errorf("the flash leads to %q", to)
	}
	k.unchangedSince(before, "the same form again")

	reset := url.Values{"nonce": {secret.NewNonce()}}
	second := k.linkShown(b.post(pathUserReset(link.number), reset), link.email)
	if second.link == link.link || second.secret == link.secret {
		t.Error("it is the same link")
	}
	before = k.dump()
	b.post(pathUserReset(link.number), reset).leadsTo(pathUsers())
	k.unchangedSince(before, "the same form again")
	k.browser().post(pathPassword(link.link), passwordForm(link.secret, newPassword)).is(http.StatusGone)
	k.browser().post(pathPassword(second.link), passwordForm(second.secret, newPassword)).leadsTo(pathLogin() + "?notice=password-set")
	b.post(pathUserReset(link.number), reset).leadsTo(pathUsers())
	if b.get(pathUsers()).Find("#flash a").Length() != 0 {
		t.Error("a link that was opened can be discarded")
	}
}

func TestUsersEditCountsFromTheNextRequestOn(t *testing.T) {
	k := newKit(t)
	k.addUser("bo@acme.example", "orders-viewer")
	b, bo := k.signIn("ana@acme.example"), k.signIn("bo@acme.example")
	number := k.userNumber("bo@acme.example")
	bo.get(pathKeys()).is(http.StatusForbidden)
	a := b.get(pathUserEdit(number))
	a.is(http.StatusOK)
	a.says("h1", "Edit roles")
	a.says("main dl", "bo@acme.example")
	if chosen := a.Find("input[name=roles][checked]"); chosen.Length() != 1 || chosen.AttrOr("value", "") != "orders-viewer" {
		t.Errorf("%d roles are checked", chosen.Length())
	}
	version := a.Find("input[name=version]").AttrOr("value", "")
	k.signIn("bo@acme.example") // a sign-in is no edit
	b.post(pathUserEdit(number), url.Values{"roles": {keys.RoleUserAdministrator}, "version": {version}}).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "The roles of bo@acme.example were saved.")
	bo.get(pathKeys()).is(http.StatusOK)

	before := k.dump()
	stale := b.post(pathUserEdit(number), url.Values{"version": {version}})
	stale.is(http.StatusConflict)
	stale.says("h1", "This user changed after the page was opened")
	if to := stale.Find("main a.btn").AttrOr("href", ""); to != pathUserEdit(number) {
		t.Errorf("it leads to %q", to)
	}
	version = b.get(pathUserEdit(number)).Find("input[name=version]").AttrOr("value", "")
	b.post(pathUserEdit(number), url.Values{"roles": {keys.RoleUserAdministrator}, "version": {version}}).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "No changes to save.")
	bad := b.post(pathUserEdit(number), url.Values{"roles": {"none"}, "version": {version}})
	bad.is(http.StatusUnprocessableEntity)
	bad.says(`[role="alert"] a[href="#roles"]`, "A chosen role no longer exists")
	k.unchangedSince(before, "what is no edit")
	b.post(pathUserEdit(number), url.Values{"version": {version}}).leadsTo(pathUsers())
	bo.get(pathKeys()).is(http.StatusForbidden)
}

func TestUsersDeactivateEndsSessionsAtOnce(t *testing.T) {
	k := newKit(t)
	k.addUser("bo@acme.example", keys.RoleUserAdministrator)
	b, bo := k.signIn("ana@acme.example"), k.signIn("bo@acme.example")
	number := k.userNumber("bo@acme.example")
	before := k.dump()
	a := b.get(pathUserDeactivate(number))
	a.is(http.StatusOK)
	a.says("h1", "Deactivate user")
	a.says("main", "bo@acme.example")
	a.says("main", "They are logged out everywhere at once and cannot log in.")
	a.says("main form button", "Deactivate")
	if cancel := a.Find("main form a[autofocus]"); strings.TrimSpace(cancel.Text()) != "Cancel" || !strings.HasPrefix(cancel.AttrOr("href", ""), pathUsers()) {
		t.Errorf("the focus starts on %q", cancel.Text())
	}
	k.unchangedSince(before, "asking")
	bo.get(pathKeys()).is(http.StatusOK)
	b.post(pathUserDeactivate(number), nil).leadsTo(pathUsers())
	bo.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	a = b.get(pathUsers())
	a.says("#flash", "bo@acme.example is inactive.")
	if to := a.Find("#flash a").AttrOr("href", ""); to != pathUserActivate(number) {
		t.Errorf("the flash leads to %q", to)
	}

	inactive := k.browser().post(pathLogin(), login("bo@acme.example", password))
	wrong := k.browser().post(pathLogin(), login("bo@acme.example", "not the password at all"))
	inactive.is(http.StatusUnprocessableEntity)
	inactive.says(`[role="alert"]`, "Email or password is incorrect")
	if inactive.body != wrong.body {
		t.Error("an inactive user is told apart from a wrong password")
	}
	b.post(pathUserDeactivate(number), nil).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "bo@acme.example was already inactive.")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := b.ask(route{Method: method, Path: pathUserReset(number)}, "", url.Values{"nonce": {secret.NewNonce()}})
		a.is(http.StatusConflict)
		a.says("h1", "This user is inactive")
	}

	a = b.get(pathUserActivate(number))
	a.says("h1", "Activate user")
	a.says("main form button", "Activate")
	b.post(pathUserActivate(number), nil).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "bo@acme.example is active.")
	b.post(pathUserActivate(number), nil).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "bo@acme.example was already active.")
	k.clock.advance(time.Minute)
	k.browser().post(pathLogin(), login("bo@acme.example", password)).leadsTo(pathKeys())
	if got := k.eventsOfUser("bo@acme.example"); !slices.Contains(got, "user.deactivated ok") || !slices.Contains(got, "user.activated ok") || len(got) != 3 {
		t.Errorf("the events are %q", got)
	}
}

func TestUsersTheLastAdministratorStays(t *testing.T) {
	k := newKit(t)
	k.addUser("idle@acme.example", keys.RoleOwner)
	b := k.signIn("ana@acme.example")
	b.post(pathUserDeactivate(k.userNumber("idle@acme.example")), nil).leadsTo(pathUsers())
	b.get(pathUsers())
	b.invite(keys.RoleOwner) // has no password yet
	ana := k.userNumber("ana@acme.example")
	refused := func(want string) {
		t.Helper()
		before := k.dump()
		a := b.post(pathUserDeactivate(ana), nil)
		a.is(http.StatusUnprocessableEntity)
		a.says(`main [role="alert"] li`, want)
		a.says("h1", "Deactivate user")
		if !strings.HasPrefix(a.text("title"), "Error: ") || a.Find(`main [role="alert"] a`).Length() != 0 {
			t.Errorf("title %q, and a link to no field", a.text("title"))
		}
		version := b.get(pathUserEdit(ana)).Find("input[name=version]").AttrOr("value", "")
		for _, roles := range [][]string{nil, {keys.RoleUserAdministrator}} {
			a = b.post(pathUserEdit(ana), url.Values{"roles": roles, "version": {version}})
			a.is(http.StatusUnprocessableEntity)
			a.says(`[role="alert"] a[href="#roles"]`, want)
		}
		k.unchangedSince(before, want)
	}
	refused("At least one active administrator is needed")
	b.post(pathUserActivate(k.userNumber("idle@acme.example")), nil).leadsTo(pathUsers())
	b.get(pathUsers())
	refused("You would lock yourself out. Ask another administrator to do this")
	other := k.signIn("idle@acme.example")
	other.post(pathUserDeactivate(ana), nil).leadsTo(pathUsers())
	b.get(pathUsers()).leadsTo(pathLogin() + "?" + url.Values{"next": {pathUsers()}, "notice": {"ended"}}.Encode())
}

func TestUsersNobodyGivesMoreThanTheyHave(t *testing.T) {
	k := newKit(t)
	k.addRole("deputies", keys.ManageUsers)
	k.addUser("dep@acme.example", "deputies")
	k.addUser("strong@acme.example", keys.RoleUserAdministrator)
	k.addUser("weak@acme.example", "orders-viewer")
	strong, weak := k.userNumber("strong@acme.example"), k.userNumber("weak@acme.example")
	k.signIn("ana@acme.example").post(pathUserDeactivate(strong), nil).leadsTo(pathUsers())
	b := k.signIn("dep@acme.example")
	before := k.dump()
	nonce := url.Values{"nonce": {secret.NewNonce()}}
	for name, a := range map[string]answer{
		"invite":        b.post(pathUsersInvite(), url.Values{"email": {"x@acme.example"}, "roles": {keys.RoleUserAdministrator}, "nonce": nonce["nonce"]}),
		"give":          b.post(pathUserEdit(weak), url.Values{"roles": {keys.RoleUserAdministrator}, "version": {"1"}}),
		"edit":          b.post(pathUserEdit(strong), url.Values{"version": {"1"}}),
		"edit form":     b.get(pathUserEdit(strong)),
		"reset":         b.post(pathUserReset(strong), nonce),
		"reset form":    b.get(pathUserReset(strong)),
		"activate":      b.post(pathUserActivate(strong), nil),
		"activate form": b.get(pathUserActivate(strong)),
	} {
		if a.status != http.StatusForbidden || a.text("h1") != "This role allows more than you may" || !strings.Contains(a.text("main"), "User Administrator") {
			t.Errorf("%s: %d %q", name, a.status, a.text("main"))
		}
		if secretInText.MatchString(a.body) {
			t.Errorf("%s shows a link", name)
		}
	}
	k.unchangedSince(before, "an escalation")
	a := b.get(pathUsers())
	a.is(http.StatusOK)
	if a.Find("#kebab-"+strconv.FormatInt(strong, 10)).Length() != 0 {
		t.Error("the list offers what is refused")
	}
	if invite := b.get(pathUsersInvite()); invite.Find("#role-owner, #role-user-administrator").Length() != 0 || invite.Find("#role-deputies").Length() != 1 {
		t.Error("the form offers a role that may not be given")
	}
	k.signIn("ana@acme.example").post(pathUserActivate(strong), nil)
	b.post(pathUserDeactivate(strong), nil).leadsTo(pathUsers()) // to take access away is allowed
	if flash := b.get(pathUsers()).Find("#flash"); flash.Find("a").Length() != 0 || !strings.Contains(flash.Text(), "is inactive") {
		t.Error("the flash offers what would be refused")
	}
}

func TestUsersAnEmailIsInert(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	refused := b.post(pathUsersInvite(), url.Values{"email": {hostileEmail}, "nonce": {secret.NewNonce()}})
	refused.is(http.StatusUnprocessableEntity)
	k.addUser("helper@acme.example", keys.RoleOwner)
	k.exec(`UPDATE app_user SET email = $1 WHERE email = 'ana@acme.example'`, hostileEmail)
	number := k.userNumber(hostileEmail)
	b = k.signIn("helper@acme.example")
	for _, path := range []string{pathUsers(), pathUserEdit(number), pathUserDeactivate(number), pathUserReset(number)} {
		a := b.get(path)
		a.is(http.StatusOK)
		if a.Find("main b").Length() != 0 || !strings.Contains(a.Find("main bdi").Text(), hostileEmail) {
			t.Errorf("%s shows it as %q", path, a.text("main"))
		}
	}
}

func TestUsersAForeignUserDoesNotExist(t *testing.T) {
	k := newKit(t)
	theirs := k.userNumber("ana@globex.example")
	b := k.signIn("ana@acme.example")
	before := k.dump()
	tried := 0
	for _, r := range k.server.routes() {
		if !strings.Contains(r.Path, ":uid") {
			continue
		}
		ask := func(uid string) answer {
			return b.ask(route{Method: r.Method, Path: strings.Replace(r.Path, ":uid", uid, 1)}, "", url.Values{"version": {"1"}, "nonce": {"x"}})
		}
		foreign := ask(strconv.FormatInt(theirs, 10))
		foreign.is(http.StatusNotFound)
		foreign.says("h1", "That user does not exist")
		for _, uid := range []string{"99999999", "0", "-1", "x", "1e3", "007", "%00", "99999999999999999999999"} {
			if never := ask(uid); never.status != http.StatusNotFound || strip(never) != strip(foreign) {
				t.Errorf("%s %s: %q answers %d otherwise", r.Method, r.Path, uid, never.status)
			}
		}
		tried++
	}
	if tried != 10 {
		t.Errorf("%d routes were tried", tried)
	}
	k.unchangedSince(before, "a foreign user")
}
