package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// holderOfLink is whoever was sent a link.
var holderOfLink = keys.Actor{Kind: keys.ActorNobody, IP: "203.0.113.9", RequestID: "request-2"}

// linkedKey makes a key that waits for its link to be opened.
func (b *bench) linkedKey(by keys.Actor, name string) store.Generated {
	b.Helper()
	made, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: name, Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce(), ByLink: true})
	b.must(err)
	if made.Repeated || !made.Token.IsZero() || made.LinkSecret.Kind() != secret.KindLink || len(made.Key.Tokens) != 0 || !made.Key.Link.Waits(b.clock.Now()) {
		b.Fatalf("generated is %+v", made)
	}
	return made
}

// openKeyLink opens the link of a key with a secret.
func (b *bench) openKeyLink(s *store.Store, made store.Generated) (store.OpenedLink, error) {
	return s.OpenKeyLink(b.Context(), holderOfLink, made.Key.Link.ID, made.LinkSecret.Digest())
}

// wantGone fails the test unless an error says that a link is over, why, and since when.
func (b *bench) wantGone(err error, reason keys.Reason, since time.Time) {
	b.Helper()
	b.want(err, keys.KindGone, reason)
	if e := err.(*keys.Error); !e.At.Equal(since) { //nolint:errorlint,forcetypeassert // want has seen it
		b.Fatalf("it is over since %s, want %s", e.At, since)
	}
}

var linkCases = []testCase{
	{"link/a link is kept as a digest, and its token is made when it is opened, once", func(b *bench) {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		link := made.Key.Link
		if link.Kind != keys.LinkKey || link.CreatedBy != by.Email || link.Token != made.Key.Number+1 || !link.ExpiresAt.Equal(b.clock.Now().Add(24*time.Hour)) {
			b.Fatalf("the link is %+v", link)
		}
		if live, all := b.tokenCounts(made.Key.ID); live != 0 || all != 0 {
			b.Fatalf("%d tokens were made, %d live", all, live)
		}
		b.wantEvents(by, made.Key.ID, "link.created", "key.generated")
		b.clock.Advance(time.Hour)
		opened, err := b.openKeyLink(b.b, made)
		b.must(err)
		found, err := b.a.Key(b.Context(), by, made.Key.ID)
		b.must(err)
		want := keys.Token{Number: link.Token, Hint: opened.Token.Hint(), CreatedAt: b.clock.Now()}
		if opened.Token.Kind() != secret.KindToken || opened.Account != "acme" || opened.AccountID != by.AccountID || opened.Key.ID != found.ID ||
			len(found.Tokens) != 1 || !sameToken(found.Tokens[0], want) || !found.Link.OpenedAt.Equal(b.clock.Now()) || found.Link.OpenedIP != holderOfLink.IP {
			b.Fatalf("opened %+v, found %+v", opened, found)
		}
		dump := b.raw.dump()
		for _, value := range []secret.Value{made.LinkSecret, opened.Token} {
			if containsAny(dump, value.Reveal()[4:47]) || !containsAny(dump, hex(value.Digest())) {
				b.Fatal("the database holds a secret, or not its digest")
			}
		}
		b.wantEvents(by, made.Key.ID, "token.minted", "link.opened", "link.created", "key.generated")
		b.clock.Advance(time.Minute)
		before := b.raw.dump()
		again, err := b.openKeyLink(b.a, made)
		b.wantGone(err, keys.ReasonLinkUsed, found.Link.OpenedAt)
		if !again.Token.IsZero() || again.Account != "acme" || again.Key.ID != made.Key.ID || b.raw.dump() != before {
			b.Fatalf("the second time gave %+v", again)
		}
	}},
	{"link/a form makes one link, however often it is sent, and its secret comes once", func(b *bench) {
		by := b.newAccount("acme")
		in := store.NewKey{Name: "Orders sync", Nonce: secret.NewNonce(), ByLink: true}
		first, err := b.a.GenerateKey(b.Context(), by, in)
		b.must(err)
		again, err := b.b.GenerateKey(b.Context(), by, in)
		b.must(err)
		if !again.Repeated || !again.LinkSecret.IsZero() || !again.Token.IsZero() || again.Key.ID != first.Key.ID || !again.Key.Link.Waits(b.clock.Now()) {
			b.Fatalf("the second time gave %+v", again)
		}
		opened, err := b.openKeyLink(b.a, first)
		b.must(err)
		nonce := secret.NewNonce()
		renewed, err := b.a.RenewKeyByLink(b.Context(), by, first.Key.ID, nonce)
		b.must(err)
		more, err := b.b.RenewKeyByLink(b.Context(), by, first.Key.ID, nonce)
		b.must(err)
		if !more.Repeated || !more.LinkSecret.IsZero() || more.Renewal != renewed.Renewal || renewed.Renewal != renewed.Key.Link.Token || renewed.Key.Link.Kind != keys.LinkRenewal {
			b.Fatalf("renewed %+v, then %+v", renewed, more)
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM link`); n != 2 || renewed.Renewal <= opened.Key.Tokens[0].Number {
			b.Fatalf("%d links, the renewal is %d", n, renewed.Renewal)
		}
	}},
	{"link/it can be opened until the day is over, and no clock that goes back helps afterwards", func(b *bench) {
		by := b.newAccount("acme")
		last, over := b.linkedKey(by, "Last moment"), b.linkedKey(by, "Too late")
		b.clock.Advance(24*time.Hour - time.Microsecond)
		_, err := b.openKeyLink(b.a, last)
		b.must(err)
		b.clock.Advance(time.Microsecond)
		opened, err := b.openKeyLink(b.a, over)
		b.wantGone(err, keys.ReasonLinkExpired, over.Key.Link.ExpiresAt)
		if live, all := b.tokenCounts(over.Key.ID); !opened.Token.IsZero() || live != 0 || all != 0 {
			b.Fatalf("an expired link made a token: %+v", opened)
		}
		b.wantEvents(by, over.Key.ID, "link.expired", "link.created", "key.generated")
		b.clock.Advance(-2 * time.Hour)
		_, err = b.openKeyLink(b.a, over)
		b.wantGone(err, keys.ReasonLinkExpired, over.Key.Link.ExpiresAt)
		b.wantEvents(by, over.Key.ID, "link.expired", "link.created", "key.generated")
	}},
	{"link/the end of a link that nobody opens is written down once, and the key can be renewed", func(b *bench) {
		by := b.newAccount("acme")
		waiting, renewed := b.linkedKey(by, "Orders sync"), b.newKey(by, "Price feed").Key
		_, err := b.a.RenewKeyByLink(b.Context(), by, renewed.ID, secret.NewNonce())
		b.must(err)
		b.must(b.a.ExpireLinks(b.Context()))
		b.wantEvents(by, waiting.Key.ID, "link.created", "key.generated")
		b.clock.Advance(24 * time.Hour)
		fresh := b.linkedKey(by, "Fresh")
		b.race(4, func(_ int, s *store.Store) {
			if err := s.ExpireLinks(b.Context()); err != nil {
				b.Error(err)
			}
		})
		b.wantEvents(by, waiting.Key.ID, "link.expired", "link.created", "key.generated")
		b.wantEvents(by, renewed.ID, "link.expired", "link.created", "renew.started", "token.minted", "key.generated")
		b.wantEvents(by, fresh.Key.ID, "link.created", "key.generated")
		events, err := b.b.KeyEvents(b.Context(), by, waiting.Key.ID)
		b.must(err)
		if e := events[0]; e.ActorKind != keys.ActorSystem || e.Object != "Orders sync" || e.Details["link"] != waiting.Key.Link.ID {
			b.Fatalf("the event is %+v", e)
		}
		for _, id := range []keys.KeyID{waiting.Key.ID, renewed.ID} {
			made, err := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
			b.must(err)
			if made.Token.IsZero() {
				b.Fatalf("renewed is %+v", made)
			}
		}
	}},
	{"link/the newest link is the one that was made last, whatever the clock did", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		_, err := b.a.RenewKeyByLink(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		_, err = b.a.DiscardLink(b.Context(), by, key.ID)
		b.must(err)
		b.clock.Advance(-time.Hour)
		second, err := b.b.RenewKeyByLink(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		_, err = b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
		b.want(err, keys.KindConflict, keys.ReasonLinkWaits)
		found, err := b.b.Key(b.Context(), by, key.ID)
		b.must(err)
		if found.Link.ID != second.Key.Link.ID {
			b.Fatalf("the newest link is %+v", found.Link)
		}
		_, err = b.a.DiscardLink(b.Context(), by, key.ID)
		b.must(err)
		_, err = b.openKeyLink(b.a, store.Generated{Key: second.Key, LinkSecret: second.LinkSecret})
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
	}},
	{"link/a link that was used says so, also when its key is gone", func(b *bench) {
		by := b.newAccount("acme")
		used, waits := b.linkedKey(by, "Used"), b.linkedKey(by, "Waits")
		_, err := b.openKeyLink(b.a, used)
		b.must(err)
		opened := b.clock.Now()
		b.clock.Advance(time.Hour)
		for _, made := range []store.Generated{used, waits} {
			_, err = b.a.DeleteKey(b.Context(), by, made.Key.ID)
			b.must(err)
		}
		b.clock.Advance(time.Hour)
		_, err = b.openKeyLink(b.b, used)
		b.wantGone(err, keys.ReasonLinkUsed, opened)
		_, err = b.openKeyLink(b.b, waits)
		b.wantGone(err, keys.ReasonLinkVoided, opened.Add(time.Hour))
	}},
	{"link/an unknown id and a wrong secret are told the same, and void nothing", func(b *bench) {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		wrong := secret.New(secret.KindLink).Digest()
		for i, id := range []string{made.Key.Link.ID, secret.NewNonce(), "", "x", strings.Repeat("0", 22)} {
			who := holderOfLink
			who.IP = fmt.Sprintf("203.0.113.%d", i)
			opened, err := b.a.OpenKeyLink(b.Context(), who, id, wrong)
			b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
			if opened.Account != "" || opened.Key.ID != "" || !opened.Token.IsZero() {
				b.Fatalf("%q tells %+v", id, opened)
			}
			if exists := b.a.KeyLinkExists(b.Context(), id); (exists == nil) != (i == 0) {
				b.Fatalf("%q: %v", id, exists)
			}
		}
		b.wantEvents(by, made.Key.ID, "link.created", "key.generated")
		_, err := b.openKeyLink(b.a, made)
		b.must(err)
	}},
	{"link/the fifth wrong secret of a link is one alarm about its key", func(b *bench) {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		for i := range 12 {
			who := holderOfLink
			who.IP = fmt.Sprintf("203.0.113.%d", i)
			_, err := b.a.OpenKeyLink(b.Context(), who, made.Key.Link.ID, secret.New(secret.KindLink).Digest())
			b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
			alarm, found, err := b.a.KeyAlarm(b.Context(), by, made.Key.ID, time.Time{})
			b.must(err)
			if found != (i >= 4) || found && (alarm.Action != keys.ActionLinkWrongSecret || alarm.IP != "203.0.113.4") {
				b.Fatalf("after %d wrong secrets the alarm is %+v", i+1, alarm)
			}
		}
		b.wantEvents(by, made.Key.ID, "link.wrong_secret", "link.created", "key.generated")
		_, err := b.openKeyLink(b.a, made)
		b.must(err)
	}},
	{"link/an address has 20 wrong secrets a minute, whatever links they are for, and the right one is never limited", func(b *bench) {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		for i := range 25 {
			id := []string{made.Key.Link.ID, secret.NewNonce()}[i%2]
			_, err := b.a.OpenKeyLink(b.Context(), holderOfLink, id, secret.New(secret.KindLink).Digest())
			if i < keys.WrongSecretsPerAddress {
				b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
				continue
			}
			b.want(err, keys.KindTooMany, keys.ReasonLinkThrottled)
		}
		other := holderOfLink
		other.IP = "203.0.113.77"
		_, err := b.a.OpenKeyLink(b.Context(), other, made.Key.Link.ID, secret.New(secret.KindLink).Digest())
		b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
		_, err = b.openKeyLink(b.a, made)
		b.must(err)
		b.clock.Advance(time.Minute)
		_, err = b.a.OpenKeyLink(b.Context(), holderOfLink, made.Key.Link.ID, secret.New(secret.KindLink).Digest())
		b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
	}},
	{"link/only who may renew takes a link back, of a key of the own account", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		made := b.linkedKey(by, "Orders sync")
		before := b.raw.dump()
		for _, who := range []keys.Actor{holding(by), holding(by, keys.ViewAPIKeys, keys.EditAPIKeys)} {
			_, err := b.a.DiscardLink(b.Context(), who, made.Key.ID)
			b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		}
		_, err := b.a.DiscardLink(b.Context(), foreign, made.Key.ID)
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, err = b.a.DiscardLink(b.Context(), by, made.Key.ID)
		b.must(err)
		_, err = b.openKeyLink(b.a, made)
		b.wantGone(err, keys.ReasonLinkVoided, b.clock.Now())
	}},
	{"link/the link of a deleted key is over since then", func(b *bench) {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		b.clock.Advance(time.Hour)
		_, err := b.a.DeleteKey(b.Context(), by, made.Key.ID)
		b.must(err)
		at := b.clock.Now()
		b.clock.Advance(time.Hour)
		before := b.raw.dump()
		opened, err := b.openKeyLink(b.a, made)
		b.wantGone(err, keys.ReasonLinkVoided, at)
		if !opened.Token.IsZero() || b.raw.dump() != before {
			b.Fatalf("the link of a deleted key gave %+v", opened)
		}
	}},
	{"link/the list has the links that wait, and no others", func(b *bench) {
		by := b.newAccount("acme")
		waits, opened, discarded := b.linkedKey(by, "Waits"), b.linkedKey(by, "Opened"), b.linkedKey(by, "Discarded")
		_, err := b.openKeyLink(b.a, opened)
		b.must(err)
		_, err = b.a.DiscardLink(b.Context(), by, discarded.Key.ID)
		b.must(err)
		shown := func() (with []string) {
			page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: 25})
			b.must(err)
			for _, key := range page.Keys {
				if key.Link.Waits(b.clock.Now()) {
					with = append(with, key.Name)
				}
			}
			return with
		}
		if got := shown(); !slices.Equal(got, []string{"Waits"}) {
			b.Fatalf("links wait of %q", got)
		}
		b.clock.Advance(waits.Key.Link.ExpiresAt.Sub(b.clock.Now()))
		if got := shown(); len(got) != 0 {
			b.Fatalf("links wait of %q", got)
		}
	}},
	{"race/64 opens of each of 200 links: one gets the token", func(b *bench) {
		by := b.newAccount("acme")
		links, openers := 200, 64
		if testing.Short() {
			links, openers = 10, 16
		}
		for range links {
			made := b.linkedKey(by, "Orders sync")
			var won, gone atomic.Int64
			b.race(openers, func(_ int, s *store.Store) {
				switch opened, err := b.openKeyLink(s, made); {
				case err == nil && !opened.Token.IsZero():
					won.Add(1)
				case keys.ReasonOf(err) == keys.ReasonLinkUsed && opened.Token.IsZero():
					gone.Add(1)
				default:
					b.Errorf("%+v, %v", opened, err)
				}
			})
			if live, all := b.tokenCounts(made.Key.ID); won.Load() != 1 || int(gone.Load()) != openers-1 || live != 1 || all != 1 {
				b.Fatalf("%d opened it, %d came too late: %d tokens, %d of them live", won.Load(), gone.Load(), all, live)
			}
		}
		opened := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'link.opened'`)
		minted := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'token.minted'`)
		if int(opened) != links || minted != opened {
			b.Fatalf("%d events of opened links, %d of tokens", opened, minted)
		}
		b.Logf("%d links, %d openers each: one success each", links, openers)
	}},
	{"race/a link is opened, discarded, undone, or replaces the old token, and the key is in a state of the table", func(b *bench) {
		by := b.newAccount("acme")
		for range rounds {
			key := b.newKey(by, "Orders sync").Key
			renewed, err := b.a.RenewKeyByLink(b.Context(), by, key.ID, secret.NewNonce())
			b.must(err)
			results := make([]error, 5)
			b.race(5, func(i int, s *store.Store) {
				switch i {
				case 0:
					_, results[i] = s.OpenKeyLink(b.Context(), holderOfLink, renewed.Key.Link.ID, renewed.LinkSecret.Digest())
				case 1:
					_, results[i] = s.DiscardLink(b.Context(), by, key.ID)
				case 2:
					_, results[i] = s.UndoRenewal(b.Context(), by, key.ID)
				case 3:
					_, results[i] = s.CompleteRenewal(b.Context(), by, key.ID, renewed.Renewal, false)
				case 4:
					_, results[i] = s.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
				}
			})
			for i, err := range results {
				if kind := keys.KindOf(err); err != nil && kind != keys.KindConflict && kind != keys.KindGone {
					b.Fatalf("%d: %v", i, err)
				}
			}
			after, err := b.b.Key(b.Context(), by, key.ID)
			b.must(err)
			opened := results[0] == nil
			if opened && !after.Link.VoidedAt.IsZero() || opened != !after.Link.OpenedAt.IsZero() || len(after.Tokens) > 2 {
				b.Fatalf("%v: %+v", results, after)
			}
			told := b.raw.count(`SELECT COUNT(*) FROM audit WHERE object_id = $1 AND action IN ('link.opened', 'link.voided')`, string(key.ID))
			if waits := after.Link.Waits(b.clock.Now()); told != 1 && (told != 0 || !waits) {
				b.Fatalf("%v: %d events of the end of the link, and it waits: %v", results, told, waits)
			}
		}
	}},
}
