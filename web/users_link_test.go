package web

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// TestQ10TheLifeOfAnInvitation: previews open the address as often as they like; a person opens it once.
func TestQ10TheLifeOfAnInvitation(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	guest := b.inviteByForm("bo@acme.example", keys.RoleUserAdministrator)
	before := k.dump()
	for i := range 20 {
		preview := k.browser()
		preview.header.Set("User-Agent", []string{"Slackbot-LinkExpanding 1.0", "Microsoft Office Outlook", "Mozilla/5.0 (Macintosh) Safari/605.1.15"}[i%3])
		preview.get(pathPassword(guest.link)).is(http.StatusOK)
		preview.send(preview.request(http.MethodHead, pathPassword(guest.link), nil)).is(http.StatusOK)
	}
	k.unchangedSince(before, "a preview")
	k.browser().post(pathLogin(), login(guest.email, newPassword)).is(http.StatusUnprocessableEntity)

	guestBrowser := k.browser()
	a := guestBrowser.post(pathPassword(guest.link), passwordForm(guest.secret, newPassword))
	a.leadsTo(pathLogin() + "?notice=password-set")
	if len(guestBrowser.cookies) != 0 {
		t.Error("the link signs in")
	}
	guestBrowser.get(a.header.Get("Location")).says("main", "Password set. Log in with it.")
	k.clock.advance(time.Minute)
	guestBrowser.post(pathLogin(), login(guest.email, newPassword)).leadsTo(pathKeys())
	guestBrowser.get(pathKeys()).is(http.StatusOK)

	k.clock.advance(time.Minute)
	second := k.browser().post(pathPassword(guest.link), passwordForm(guest.secret, "eleven loud herons wade"))
	second.is(http.StatusGone)
	second.says("h1", "This link was already used")
	second.says("main", "It was opened on 12 Sep 2026, 10:00 UTC. If that was not you, tell whoever sent it now.")
	k.browser().post(pathLogin(), login(guest.email, "eleven loud herons wade")).is(http.StatusUnprocessableEntity)
	list := b.get(pathUsers())
	if got := k.userCell(list, guest.email, "Status"); got != "Active Link opened 2 minutes ago from 198.51.100.7" {
		t.Errorf("the one who sent it sees %q", got)
	}
	if got := k.userCell(list, guest.email, "Last sign-in"); got != "12 Sep 2026" {
		t.Errorf("signed in %q", got)
	}
	before = k.dump()
	for range 20 {
		k.browser().post(pathPassword(guest.link), passwordForm(guest.secret, "eleven loud herons wade")).is(http.StatusGone)
	}
	k.unchangedSince(before, "a link that is over, presented again and again")
	k.server.FlushRefusals(t.Context())
	if got := k.eventsOfUser(guest.email); !slices.Equal(got, []string{"user.invited ok", "link.created ok", "link.opened ok", "link.reopen_attempt link-used"}) {
		t.Errorf("the events are %q", got)
	}
	k.clock.advance(8 * 24 * time.Hour)
	if got := k.userCell(k.signIn("ana@acme.example").get(pathUsers()), guest.email, "Status"); got != "Active" {
		t.Errorf("a week later: %q", got)
	}
}

// TestQ11TheLinkPageSaysNothing looks at the page of a link in every state.
func TestQ11TheLinkPageSaysNothing(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	open, used, voided := b.inviteByForm("bo@acme.example"), b.inviteByForm("cy@acme.example"), b.inviteByForm("dee@acme.example")
	k.browser().post(pathPassword(used.link), passwordForm(used.secret, newPassword)).leadsTo(pathLogin() + "?notice=password-set")
	b.post(pathUserLinkDiscard(voided.number), nil).leadsTo(pathUsers())
	var pages []string
	for _, link := range []string{open.link, used.link, voided.link} {
		for _, who := range []*browser{k.browser(), b} {
			a := who.get(pathPassword(link))
			a.is(http.StatusOK)
			pages = append(pages, strings.ReplaceAll(a.body, link, ""))
			if a.header.Get("X-Robots-Tag") != "noindex, nofollow" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", a.header)
			}
		}
	}
	for i, page := range pages {
		if page != pages[0] {
			t.Errorf("page %d differs", i)
		}
	}
	a := k.browser().get(pathPassword(open.link))
	a.says("h1", "Set your password")
	a.says("main", "This page should be on latchkey.test. If the address differs, close it.")
	for _, word := range []string{"acme", "bo@", "hx-", "og:", "htmx", "lkl_", "ana@"} {
		if strings.Contains(a.body, word) {
			t.Errorf("the page holds %q", word)
		}
	}
	a.hasOnlyTheFragmentScript()
	if a.Find("form").Length() != 1 || a.Find("main form").AttrOr("method", "") != "post" || a.Find("main form button").Length() != 1 {
		t.Error("not one form with one button")
	}
	for id, autocomplete := range map[string]string{"secret": "off", "password": "new-password", "repeat": "new-password"} {
		if got := a.Find("main input#" + id); got.AttrOr("autocomplete", "") != autocomplete || a.text(`label[for="`+id+`"]`) == "" {
			t.Errorf("%s: %q", id, got.AttrOr("autocomplete", ""))
		}
	}
}

// TestT5ThePagesOfLinksThatAreOver: who has the secret is told what happened; who has not learns nothing.
func TestT5ThePagesOfLinksThatAreOver(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	open, voided := b.inviteByForm("bo@acme.example"), b.inviteByForm("cy@acme.example")
	k.clock.advance(time.Minute)
	b.post(pathUserLinkDiscard(voided.number), nil).leadsTo(pathUsers())
	b.get(pathUsers()).says("#flash", "The link for cy@acme.example no longer works.")
	a := k.browser().post(pathPassword(voided.link), passwordForm(voided.secret, newPassword))
	a.is(http.StatusGone)
	a.says("h1", "This link was taken back")
	a.says("main", "It stopped working on 12 Sep 2026, 10:01 UTC. Ask for a new one.")
	again := b.post(pathUserLinkDiscard(voided.number), nil)
	again.is(http.StatusConflict)
	again.says("h1", "There is no open link")
	b.get(pathUserLinkDiscard(voided.number)).is(http.StatusConflict)

	_, key := b.generate("Order sync")
	never := k.browser().get(pathPassword(secret.NewNonce()))
	never.is(http.StatusNotFound)
	for name, a := range map[string]answer{
		"unknown, posted": k.browser().post(pathPassword(secret.NewNonce()), passwordForm(open.secret, newPassword)),
		"wrong secret":    k.browser().post(pathPassword(open.link), passwordForm(secret.New(secret.KindLink).Reveal(), newPassword)),
		"another's":       k.browser().post(pathPassword(open.link), passwordForm(voided.secret, newPassword)),
		"wrong and weak":  k.browser().post(pathPassword(open.link), passwordForm(secret.New(secret.KindLink).Reveal(), "x")),
		"used up, wrong":  k.browser().post(pathPassword(voided.link), passwordForm(open.secret, newPassword)),
		"a token":         k.browser().post(pathPassword(open.link), passwordForm(key, newPassword)),
		"no secret":       k.browser().post(pathPassword(open.link), url.Values{"password": {newPassword}}),
		"no id":           k.browser().get(pathPassword("%00")),
		"too short":       k.browser().get(pathPassword("x")),
	} {
		if a.status != http.StatusNotFound || a.body != never.body || a.header.Get("X-Robots-Tag") != "noindex, nofollow" {
			t.Errorf("%s: %d, and the page differs: %v", name, a.status, a.body != never.body)
		}
	}
	if ran := k.server.passwords.Ran(); ran != 0 {
		t.Errorf("%d passwords were hashed for strangers", ran)
	}

	k.clock.advance(keys.LinkLife - 2*time.Minute)
	k.browser().post(pathPassword(open.link), passwordForm(open.secret, "short")).is(http.StatusUnprocessableEntity)
	k.clock.advance(time.Minute + time.Second) // 24 hours and a second
	late := k.browser().post(pathPassword(open.link), passwordForm(open.secret, newPassword))
	late.is(http.StatusGone)
	late.says("h1", "This link expired")
	late.says("main", "It could be opened until 13 Sep 2026, 10:00 UTC. Ask for a new one.")
	k.browser().post(pathLogin(), login("bo@acme.example", newPassword)).is(http.StatusUnprocessableEntity)
	k.server.FlushRefusals(t.Context())
	if got := k.eventsOfUser("bo@acme.example"); len(got) < 3 || got[len(got)-1] != "link.reopen_attempt link-expired" {
		t.Errorf("the events are %q", got)
	}
}

func TestUsersAWeakPasswordLeavesTheLink(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	guest := b.inviteByForm("bo@acme.example")
	before := k.dump()
	for name, c := range map[string]struct{ password, repeat, field, want string }{
		"nothing":      {"", "", "password", "Use at least 15 characters"},
		"short":        {"fourteen chars", "fourteen chars", "password", "Use at least 15 characters"},
		"common":       {"passwordpassword", "passwordpassword", "password", "This password is easy to guess. Use a few words that do not belong together"},
		"made of name": {"acme acme acme acme", "acme acme acme acme", "password", "This password is easy to guess. Use a few words that do not belong together"},
		"not repeated": {newPassword, newPassword + "!", "repeat", "The two new passwords are not the same"},
	} {
		a := k.browser().post(pathPassword(guest.link), url.Values{"secret": {guest.secret}, "password": {c.password}, "repeat": {c.repeat}})
		a.is(http.StatusUnprocessableEntity)
		if got := a.text(`[role="alert"] a[href="#` + c.field + `"]`); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
		if c.password != "" && strings.Contains(a.body, c.password) || strings.Contains(a.body, "acme.") {
			t.Errorf("%s: the page shows a password or the account", name)
		}
		if kept := a.Find("main form input[type=hidden][name=secret]").AttrOr("value", ""); kept != guest.secret {
			t.Errorf("%s: the form lost its code", name)
		}
	}
	k.unchangedSince(before, "a weak password")
	k.browser().post(pathPassword(guest.link), passwordForm(" #"+guest.secret+"\n", newPassword)).leadsTo(pathLogin() + "?notice=password-set")
}

func TestUsersAResetLinkChangesNothingUntilItIsOpened(t *testing.T) {
	k := newKit(t)
	k.addUser("bo@acme.example", keys.RoleUserAdministrator)
	b := k.signIn("ana@acme.example")
	number := k.userNumber("bo@acme.example")
	a := b.get(pathUserReset(number))
	a.is(http.StatusOK)
	a.says("h1", "Reset password")
	a.says("main", "Their current password works until the link is opened. Then every session of theirs ends.")
	done := b.post(pathUserReset(number), url.Values{"nonce": {secret.NewNonce()}})
	done.says("h1", "Link created")
	link := k.linkShown(done, "bo@acme.example")
	if got := k.userCell(b.get(pathUsers()), link.email, "Status"); got != "Active Link not opened yet, 24 h left" {
		t.Errorf("the row says %q", got)
	}
	bo := k.browser()
	bo.post(pathLogin(), login(link.email, password)).leadsTo(pathKeys())
	other := k.signIn(link.email)
	k.browser().post(pathPassword(link.link), passwordForm(link.secret, newPassword)).leadsTo(pathLogin() + "?notice=password-set")
	bo.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	other.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
	k.clock.advance(time.Minute)
	k.browser().post(pathLogin(), login(link.email, password)).is(http.StatusUnprocessableEntity)
	k.browser().post(pathLogin(), login(link.email, newPassword)).leadsTo(pathKeys())
	if got := k.eventsOfUser(link.email); !slices.Equal(got[len(got)-3:], []string{"link.created ok", "link.opened ok", "user.reset ok"}) {
		t.Errorf("the events are %q", got)
	}
}

func TestUsersWrongSecretsAreSlowedDownAndRightOnesAreNot(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	guest := b.inviteByForm("bo@acme.example")
	guess := func(who *browser) answer {
		return who.post(pathPassword(guest.link), passwordForm(secret.New(secret.KindLink).Reveal(), newPassword))
	}
	for range keys.WrongSecretsPerAddress {
		guess(k.browser()).is(http.StatusNotFound)
	}
	for range 3 {
		a := guess(k.browser())
		a.is(http.StatusTooManyRequests)
		a.says("h1", "Too many wrong links from this address")
		if a.header.Get("Retry-After") != "60" {
			t.Errorf("come again after %q s", a.header.Get("Retry-After"))
		}
		unknown := k.browser().post(pathPassword(secret.NewNonce()), passwordForm(guest.secret, newPassword))
		if unknown.status != http.StatusTooManyRequests || unknown.body != a.body {
			t.Error("an unknown link is told apart from a wrong secret")
		}
	}
	elsewhere := k.browser()
	elsewhere.ip = "203.0.113.9"
	guess(elsewhere).is(http.StatusNotFound)
	k.browser().get(pathPassword(guest.link)).is(http.StatusOK)
	if got := k.eventsOfUser(guest.email); !slices.Equal(got, []string{"user.invited ok", "link.created ok", "link.wrong_secret link-not-found"}) {
		t.Errorf("the events are %q", got)
	}
	k.browser().post(pathPassword(guest.link), passwordForm(guest.secret, newPassword)).leadsTo(pathLogin() + "?notice=password-set")
	k.clock.advance(time.Minute)
	guess(k.browser()).is(http.StatusNotFound)
}

// TestUsersNoLinkIsKeptAnywhere looks for the secrets of links, as they are, in hex and in base64.
func TestUsersNoLinkIsKeptAnywhere(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var secrets []string
	for _, email := range []string{"bo@acme.example", "cy@acme.example", "dee@acme.example"} {
		secrets = append(secrets, b.inviteByForm(email).secret)
	}
	bo := k.userNumber("bo@acme.example")
	reset := k.linkShown(b.post(pathUserReset(bo), url.Values{"nonce": {secret.NewNonce()}}), "bo@acme.example")
	secrets = append(secrets, reset.secret, newPassword)
	k.browser().post(pathPassword(reset.link), passwordForm(secrets[1], newPassword)).is(http.StatusNotFound)
	k.browser().post(pathPassword(reset.link)+"?secret="+reset.secret, passwordForm(reset.secret, newPassword)).is(http.StatusBadRequest)
	k.browser().post(pathPassword(reset.link), passwordForm(reset.secret, newPassword)).is(http.StatusSeeOther)
	k.browser().post(pathPassword(reset.link), passwordForm(reset.secret, newPassword)).is(http.StatusGone)
	b.post(pathUserLinkDiscard(k.userNumber("cy@acme.example")), nil).is(http.StatusSeeOther)
	k.server.FlushRefusals(t.Context())
	places := k.raw.Files()
	places["log"], places["dump"] = k.log.String(), k.dump()
	for _, path := range []string{pathUsers(), pathUserEdit(bo), pathUserReset(bo), pathUsersInvite(), pathPassword(reset.link), pathKeys()} {
		places[path] = b.get(path).body
	}
	for place, content := range places {
		for _, s := range secrets {
			for form, text := range map[string]string{
				"plain": s, "hex": hex.EncodeToString([]byte(s)), "base64": base64.RawStdEncoding.EncodeToString([]byte(s))[:len(s)],
			} {
				if len(content) == 0 || strings.Contains(content, text) {
					t.Errorf("%s of %.8s… is in %s", form, s, place)
				}
			}
		}
	}
}
