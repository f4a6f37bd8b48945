package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func TestTheRowSaysThatALinkWaits(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	waiting, _ := b.generateByLink("Waiting")
	pending, _ := b.generate("Pending")
	b.renewByLink(pending)
	none, _ := b.generateByLink("None")
	b.post(pathKeyDiscard(none, ""), nil).leadsTo(pathKeys())
	for passed, hours := range map[time.Duration]string{
		0: "24 h", 29 * time.Minute: "24 h", 41 * time.Minute: "23 h", 23 * time.Hour: "1 h", 23*time.Hour + time.Second: "under 1 h",
	} {
		k.clock.advance(passed)
		list := k.signIn("ana@acme.example").get(pathKeys())
		cell := func(id keys.KeyID) string { return list.text("#row-" + string(id) + " td[data-l='Token duration']") }
		if got, want := cell(waiting), "No token yet Link not opened yet, "+hours+" left"; got != want {
			t.Errorf("after %s: %q, not %q", passed, got, want)
		}
		if got, want := cell(pending), "Link not opened yet, "+hours+" left"; !strings.HasSuffix(got, want) || !strings.Contains(got, "days left") {
			t.Errorf("after %s: %q, not %q", passed, got, want)
		}
		if got := cell(none); got != "No token" {
			t.Errorf("a key without a token: %q", got)
		}
		k.clock.advance(-passed)
	}
	k.clock.advance(24 * time.Hour)
	list := k.signIn("ana@acme.example").get(pathKeys())
	if got := list.text("#row-" + string(waiting) + " td[data-l='Token duration']"); got != "No token" {
		t.Errorf("after the day: %q", got)
	}
	if strings.Contains(list.text("tbody"), "not opened") {
		t.Error("a link that expired seems to wait")
	}
}

func TestQ20BadInput20RenewWhileALinkWaitsExplains(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Price feed", "orders-viewer")
	link := b.renewByLink(id)
	b.get(pathKeys())
	before := k.dump()
	opened, sent := b.get(pathKeyRenew(id, "")), b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}})
	opened.is(http.StatusOK)
	sent.is(http.StatusConflict)
	byLink := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}})
	byLink.is(http.StatusConflict)
	for _, a := range []answer{opened, sent, byLink} {
		a.says("h1", "A renewal is still open")
		a.says("main", "The link for the new token has not been opened. It expires 13 Sep 2026, 10:00 UTC.")
		var ways []string
		for _, way := range []string{pathKeyUndo(id, ""), pathKeyDiscard(id, ""), pathKeys() + "#kebab-" + string(id)} {
			if a.Find(`main .card a[href="`+way+`"]`).Length() == 1 {
				ways = append(ways, way)
			}
		}
		if len(ways) != 3 || a.Find("main form").Length() != 0 {
			t.Errorf("the ways on are %q", ways)
		}
		a.showsNone(link.secret, old)
	}
	if after := k.dump(); after != before {
		t.Fatalf("it changed something:\n%s", difference(before, after))
	}
	ask := b.get(pathKeyDiscard(id, ""))
	ask.says("h1", "Discard link")
	ask.says("main", "The unopened link of "+string(id)+" stops working. Its token was never made.")
	ask.says("main form button", "Discard")
	if k.dump() != before {
		t.Error("asking changed something")
	}
	b.post(pathKeyDiscard(id, ""), nil).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Link discarded.")
	k.browser().opens(link).says("h1", "This link was taken back")
	k.browser().opens(link).is(http.StatusGone)
	b.get(pathKeyShow(id)).says("main", "The single-access link of 12 Sep 2026, 10:00 UTC was taken back on 12 Sep 2026, 10:00 UTC before anybody opened it.")
	_, token := b.renew(id)
	k.hasTokens(id, token, old)
}

// Every arrow of the table that has a link, and its event; everything else is 409 and changes nothing.
func TestTheArrowsOfALink(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, old := b.generate("Price feed")
	generated := []keys.Action{keys.ActionKeyGenerated, keys.ActionTokenMinted}
	events := generated

	// steady, renew by link: pending; both steps say so, and Later changes nothing.
	a := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}})
	first := a.link()
	rid := a.renewal()
	a.says("h1", "The link is ready")
	a.says("fieldset#old", "No token works until the link is opened.")
	a.asksForTheOldToken()
	k.hasTokens(id, old)
	step := b.get(pathKeyRenewal(id, rid, ""))
	step.says("main .alert", "The link was shown once and cannot be shown again. Discard it, then renew again to get another.")
	step.showsNone(first.secret, old)
	b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"later"}}).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "Token renewed. The old token still works.")
	k.hasTokens(id, old)
	b.post(pathKeyDeleteOld(id, ""), nil).is(http.StatusConflict)
	events = append(events, keys.ActionRenewStarted, keys.ActionLinkCreated, keys.ActionRenewCompleted)

	// pending, undo: steady, and the link is void.
	ask := b.get(pathKeyUndo(id, ""))
	ask.says("main", "The link for the new token of "+string(id)+" stops working. The old token stays valid.")
	ask.says("main", "has not been opened")
	b.post(pathKeyUndo(id, ""), nil).leadsTo(pathKeys())
	k.browser().opens(first).is(http.StatusGone)
	k.hasTokens(id, old)
	b.post(pathKeyUndo(id, ""), nil).is(http.StatusConflict)
	b.post(pathKeyRenewal(id, rid, ""), url.Values{"old": {"now"}}).is(http.StatusConflict)
	b.post(pathKeyDiscard(id, ""), nil).is(http.StatusConflict)
	b.get(pathKeyDiscard(id, "")).is(http.StatusConflict)
	events = append(events, keys.ActionRenewUndone, keys.ActionLinkVoided)

	// pending, Now: waiting, with no token at all, which the page had said.
	a = b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}})
	second := a.link()
	b.post(pathKeyRenewal(id, a.renewal(), ""), url.Values{"old": {"now"}}).leadsTo(pathKeys())
	k.hasTokens(id)
	b.post(pathKeyUndo(id, ""), nil).is(http.StatusConflict)
	b.post(pathKeyRenewal(id, a.renewal(), ""), url.Values{"old": {"later"}}).is(http.StatusConflict)
	b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}}).is(http.StatusConflict)
	events = append(events, keys.ActionRenewStarted, keys.ActionLinkCreated, keys.ActionRenewCompleted, keys.ActionTokenRetired)

	// waiting, discard: a key without a token, which a renewal here gives one, with nothing to ask.
	b.post(pathKeyDiscard(id, ""), nil).leadsTo(pathKeys())
	k.browser().opens(second).is(http.StatusGone)
	b.get(pathKeyRenew(id, "")).says("main", "A token is created for "+string(id)+", which has none now.")
	alone := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}})
	token := alone.text("[data-secret]")
	if alone.Find("main form, input[name=old]").Length() != 0 || alone.Find("main .actions a").Length() != 1 {
		t.Error("there is something to complete")
	}
	alone.says("main .actions a", "Close")
	k.hasTokens(id, token)
	b.post(pathKeyUndo(id, ""), nil).is(http.StatusConflict)
	events = append(events, keys.ActionLinkVoided, keys.ActionRenewStarted, keys.ActionTokenMinted)
	k.hasEvents(id, events...)

	// pending, open: overlap, as after a renewal here.
	third := b.renewByLink(id)
	opened := k.browser().opens(third)
	fresh := opened.text("[data-secret]")
	k.hasTokens(id, fresh, token)
	b.get(pathKeys()).says("#row-"+string(id), pendingChip)
	b.post(pathKeyDeleteOld(id, ""), nil).leadsTo(pathKeys())
	k.hasTokens(id, fresh)

	// any, delete: the link is void for ever.
	gone, last := b.generateByLink("Gone")
	b.post(pathKeyDelete(gone, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	k.browser().opens(last).is(http.StatusGone)
	k.hasEvents(gone, keys.ActionKeyGenerated, keys.ActionLinkCreated, keys.ActionKeyDeleted, keys.ActionLinkVoided)
}

func TestARenewalByLinkIsRepeatedWithoutItsLink(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Price feed")
	fields := url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}}
	a := b.post(pathKeyRenew(id, ""), fields)
	link, rid := a.link(), a.renewal()
	again := b.post(pathKeyRenew(id, ""), fields)
	again.leadsTo(pathKeyRenewal(id, rid, ""))
	if strings.Contains(again.body, link.secret) {
		t.Error("the link is shown again")
	}
	none, _ := b.generateByLink("No token")
	b.post(pathKeyDiscard(none, ""), nil)
	fields.Set("nonce", secret.NewNonce())
	b.post(pathKeyRenew(none, ""), fields).link()
	b.post(pathKeyRenew(none, ""), fields).leadsTo(pathKeyShow(none))
	b.get(pathKeyShow(none)).says("#flash", "The link was shown once and cannot be shown again.")
}

// Whoever sent a link sees what became of it also when the one who opened it never got the answer.
func TestAClientThatVanishesGetsNoSecondReveal(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed")
	gone := k.browser()
	r := gone.request(http.MethodPost, link.path, &vanishing{text: url.Values{"secret": {link.secret}}.Encode()})
	ctx, cancel := context.WithCancel(r.Context())
	r.Body.(*vanishing).gone = cancel
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.ContentLength = int64(len(url.Values{"secret": {link.secret}}.Encode()))
	first := gone.send(r.WithContext(ctx))
	if ctx.Err() == nil {
		t.Fatal("the client is still there")
	}
	second := k.browser().opens(link)
	key, err := k.store.Key(t.Context(), b.actor(), id)
	must(t, err)
	if key.Link.OpenedAt.IsZero() {
		// Nothing was done for who had gone, so the link is as it was, and was now opened by the second.
		t.Fatalf("the link was not opened: first %d, second %d", first.status, second.status)
	}
	switch first.status {
	case http.StatusOK: // the answer was made, and nobody took it
		second.is(http.StatusGone)
		second.says("h1", "This link was already used")
	default: // it was refused before anything was done
		second.is(http.StatusOK)
	}
	k.tells(id, keys.ActionLinkOpened, 1)
	k.tells(id, keys.ActionTokenMinted, 1)
	b.get(pathKeyShow(id)).says("main", "The single-access link was opened on 12 Sep 2026, 10:00 UTC from 198.51.100.7")
}

// vanishing is a body whose sender goes away once it was read.
type vanishing struct {
	text string
	gone func()
}

func (v *vanishing) Read(p []byte) (int, error) {
	n := copy(p, v.text)
	if v.text = v.text[n:]; v.text == "" {
		v.gone()
		return n, io.EOF
	}
	return n, nil
}

func (v *vanishing) Close() error { return nil }
