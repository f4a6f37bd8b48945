package storetest

import (
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// tableState is a state of the renewal table that a key in the database can have: how many tokens it has,
// and whether its link waits.
type tableState struct {
	tokens         int
	link, inactive bool
}

// tableStates are all of them.
var tableStates = func() (all []tableState) {
	for _, inactive := range []bool{false, true} {
		all = append(all,
			tableState{tokens: 1, inactive: inactive}, tableState{tokens: 2, inactive: inactive}, tableState{tokens: 1, link: true, inactive: inactive},
			tableState{link: true, inactive: inactive}, tableState{inactive: inactive})
	}
	return all
}()

// tableEvents are the events of the table, and what they write about a key that they change, the newest
// first, besides the ends of tokens and links.
var tableEvents = []struct {
	event   keys.RenewalEvent
	actions []string
}{
	{keys.EventRenew, []string{"token.minted", "renew.started"}},
	{keys.EventRenewByLink, []string{"link.created", "renew.started"}},
	{keys.EventOpen, []string{"token.minted", "link.opened"}},
	{keys.EventDiscard, nil},
	{keys.EventLater, []string{"renew.completed"}},
	{keys.EventNow, []string{"renew.completed"}},
	{keys.EventDeleteOld, nil},
	{keys.EventUndo, []string{"renew.undone"}},
	{keys.EventDeactivate, []string{"key.deactivated"}},
	{keys.EventActivate, []string{"key.activated"}},
	{keys.EventDelete, []string{"key.deleted"}},
}

// inState makes a key in a state, and returns it with the secret of its link.
func (b *bench) inState(by keys.Actor, state tableState) (key keys.Key, link secret.Value) {
	b.Helper()
	in := store.NewKey{Name: "Orders sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce(), ByLink: state.tokens == 0}
	made, err := b.a.GenerateKey(b.Context(), by, in)
	b.must(err)
	id, link := made.Key.ID, made.LinkSecret
	switch {
	case state.tokens == 2:
		_, err = b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
	case state.tokens == 1 && state.link:
		var renewed store.Renewed
		renewed, err = b.a.RenewKeyByLink(b.Context(), by, id, secret.NewNonce())
		link = renewed.LinkSecret
	case state.tokens == 0 && !state.link:
		_, err = b.a.DiscardLink(b.Context(), by, id)
	}
	b.must(err)
	if state.inactive {
		_, _, err := b.a.DeactivateKey(b.Context(), by, id)
		b.must(err)
	}
	b.clock.Advance(time.Second)
	key, err = b.b.Key(b.Context(), by, id)
	b.must(err)
	if len(key.Tokens) != state.tokens || key.Link.Waits(b.clock.Now()) != state.link || key.Active() == state.inactive {
		b.Fatalf("%+v is the key %+v", state, key)
	}
	return key, link
}

// wantArrow brings a key into a state, lets the event happen, and fails the test unless the key is then
// as the table says, with the events that say so, or the database is as it was.
func (b *bench) wantArrow(by keys.Actor, state tableState, event keys.RenewalEvent, tells []string) {
	b.Helper()
	key, link := b.inState(by, state)
	want, refused := key.Renewal().After(event, b.clock.Now())
	events, err := b.b.KeyEvents(b.Context(), by, key.ID)
	b.must(err)
	before := b.raw.dump()
	err = b.happen(by, key, link, event)
	if refused != nil {
		b.wantRefused(err, refused, event, state)
		if b.raw.dump() != before {
			b.Fatalf("%+v, %s: a refusal changed the database", state, event)
		}
		return
	}
	b.must(err)
	after, err := b.b.KeyEvents(b.Context(), by, key.ID)
	b.must(err)
	if got, told := actions(after[:len(after)-len(events)]), state.tells(event, key, want, tells); !slices.Equal(got, told) {
		b.Fatalf("%+v, %s: the events are %q, want %q", state, event, got, told)
	}
	found, err := b.b.Key(b.Context(), by, key.ID)
	if want.Deleted {
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		waiting := b.raw.count(`SELECT COUNT(*) FROM link JOIN api_key ON api_key.id = link.key_id
			WHERE app_key = $1 AND opened_at IS NULL AND voided_at IS NULL`, string(key.ID))
		if live, _ := b.tokenCounts(key.ID); live != 0 || waiting != 0 {
			b.Fatalf("%+v, %s: %d tokens and %d links live on", state, event, live, waiting)
		}
		return
	}
	b.must(err)
	for i, token := range want.Tokens {
		if token.Hint == "" && i < len(found.Tokens) && found.Tokens[i].Number >= max(token.Number, key.Number+1) { // it has just been made
			want.Tokens[i].Number, want.Tokens[i].Hint = found.Tokens[i].Number, found.Tokens[i].Hint
		}
	}
	if !slices.EqualFunc(found.Tokens, want.Tokens, sameToken) || found.Status != want.Status || found.Link.Waits(b.clock.Now()) != want.Link.Waits(b.clock.Now()) {
		b.Fatalf("%+v, %s: the key is %+v, want %+v", state, event, found, want)
	}
}

// wantRefused fails the test unless an event was refused as the table says. Whoever presents a link that is
// not there is told that there is none, and whoever presents one that is over, that it is.
func (b *bench) wantRefused(err, refused error, event keys.RenewalEvent, state tableState) {
	b.Helper()
	switch {
	case event == keys.EventOpen && keys.ReasonOf(refused) == keys.ReasonNoLink && state.tokens == 0:
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
	case event == keys.EventOpen && keys.ReasonOf(refused) == keys.ReasonNoLink:
		b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
	default:
		b.want(err, keys.KindOf(refused), keys.ReasonOf(refused))
	}
}

// tells is what an event that changes a key from what it was to what it shall be writes about it, the newest
// first.
func (s tableState) tells(event keys.RenewalEvent, was keys.Key, next keys.RenewalState, tells []string) (all []string) {
	if event == keys.EventDeactivate && s.inactive || event == keys.EventActivate && !s.inactive {
		return nil
	}
	if s.link && event != keys.EventOpen && next.Link == (keys.Link{}) {
		all = append(all, "link.voided")
	}
	ended := "token.revoked"
	if event == keys.EventNow || event == keys.EventDeleteOld {
		ended = "token.retired"
	}
	for _, token := range was.Tokens {
		if !slices.Contains(next.Tokens, token) {
			all = append(all, ended)
		}
	}
	return append(all, tells...)
}

// happen calls the method of an event.
func (b *bench) happen(by keys.Actor, key keys.Key, link secret.Value, event keys.RenewalEvent) (err error) {
	b.Helper()
	switch event {
	case keys.EventRenew:
		_, err = b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
	case keys.EventRenewByLink:
		_, err = b.a.RenewKeyByLink(b.Context(), by, key.ID, secret.NewNonce())
	case keys.EventOpen:
		// A secret of nobody is the only one that can be presented where there never was a link. It is counted
		// for its address, which is another one each time.
		if link.IsZero() {
			return b.a.KeyLinkExists(b.Context(), "0000000000000000000000")
		}
		_, err = b.a.OpenKeyLink(b.Context(), holderOfLink, key.Link.ID, link.Digest())
	case keys.EventDiscard:
		_, err = b.a.DiscardLink(b.Context(), by, key.ID)
	case keys.EventLater, keys.EventNow:
		number, open := key.OpenRenewal(b.clock.Now())
		if !open && len(key.Tokens) > 0 {
			number = key.Tokens[0].Number
		}
		_, err = b.a.CompleteRenewal(b.Context(), by, key.ID, number, event == keys.EventLater)
	case keys.EventDeleteOld:
		_, err = b.a.DeleteOldToken(b.Context(), by, key.ID)
	case keys.EventUndo:
		_, err = b.a.UndoRenewal(b.Context(), by, key.ID)
	case keys.EventDeactivate:
		_, _, err = b.a.DeactivateKey(b.Context(), by, key.ID)
	case keys.EventActivate:
		_, _, err = b.a.ActivateKey(b.Context(), by, key.ID)
	case keys.EventDelete:
		_, err = b.a.DeleteKey(b.Context(), by, key.ID)
	default:
		b.Fatalf("no method for %s", event)
	}
	return err
}
