package storetest

import (
	"slices"
	"strconv"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var renewalCases = []testCase{
	{"renewal/a renewed key has two live tokens, the newest first, and the new one is kept as a digest only", func(b *bench) {
		by := b.newAccount("acme")
		old := b.newKey(by, "Orders sync", "orders-viewer")
		b.clock.Advance(time.Hour)
		made, err := b.a.RenewKey(b.Context(), by, old.Key.ID, secret.NewNonce())
		b.must(err)
		found, err := b.b.Key(b.Context(), by, old.Key.ID)
		b.must(err)
		want := []keys.Token{{Number: made.Renewal, Hint: made.Token.Hint(), CreatedAt: b.clock.Now().UTC()}, old.Key.Tokens[0]}
		if made.Repeated || made.Token.IsZero() || made.Renewal <= want[1].Number || !slices.Equal(found.Tokens, want) ||
			!slices.EqualFunc(made.Key.Tokens, want, sameToken) || !found.Renewing() || found.Version != 2 || made.Key.Version != 2 {
			b.Fatalf("made %+v, found %+v", made, found)
		}
		page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: 25})
		b.must(err)
		if !slices.Equal(page.Keys[0].Tokens, want) {
			b.Fatalf("the list has %+v", page.Keys[0].Tokens)
		}
		dump := b.raw.dump()
		if containsAny(dump, made.Token.Reveal()[4:47]) || !containsAny(dump, hex(made.Token.Digest())) || !containsAny(dump, hex(old.Token.Digest())) {
			b.Fatal("the database holds the token, or not both digests")
		}
		b.wantEvents(by, found.ID, "token.minted", "renew.started", "token.minted", "key.generated")
		events, err := b.b.KeyEvents(b.Context(), by, found.ID)
		b.must(err)
		minted, started := events[0], events[1]
		if started.Details["new"] != want[0].Hint || started.Details["old"] != want[1].Hint || started.Actor != by.Email || started.Object != "Orders sync" ||
			minted.ObjectID != strconv.FormatInt(made.Renewal, 10) || minted.Details["hint"] != want[0].Hint {
			b.Fatalf("the events are %+v and %+v", started, minted)
		}
	}},
	{"renewal/a form renews a key once, however often it is sent", func(b *bench) {
		by := b.newAccount("acme")
		id, nonce := b.newKey(by, "Orders sync").Key.ID, secret.NewNonce()
		first, err := b.a.RenewKey(b.Context(), by, id, nonce)
		b.must(err)
		wantRepeated := func(when string) {
			before := b.raw.dump()
			again, err := b.b.RenewKey(b.Context(), by, id, nonce)
			b.must(err)
			found, err := b.a.Key(b.Context(), by, id)
			b.must(err)
			if !again.Repeated || !again.Token.IsZero() || again.Renewal != first.Renewal || b.raw.dump() != before ||
				again.Key.ID != id || again.Key.Version != found.Version || !slices.Equal(again.Key.Tokens, found.Tokens) {
				b.Fatalf("%s: the second time gave %+v, and the key is %+v", when, again, found)
			}
		}
		wantRepeated("at once")
		_, err = b.a.UndoRenewal(b.Context(), by, id)
		b.must(err)
		wantRepeated("after the undo")
		_, _, err = b.a.DeactivateKey(b.Context(), by, id)
		b.must(err)
		wantRepeated("when the key is inactive")
		_, err = b.a.DeleteKey(b.Context(), by, id)
		b.must(err)
		_, err = b.a.RenewKey(b.Context(), by, id, nonce)
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
	}},
	{"renewal/a form that made a key, or renewed another one, renews none", func(b *bench) {
		by := b.newAccount("acme")
		generated, renewed := secret.NewNonce(), secret.NewNonce()
		made, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: "Orders sync", Nonce: generated})
		b.must(err)
		one, another := made.Key.ID, b.newKey(by, "Catalog sync").Key.ID
		_, err = b.a.RenewKey(b.Context(), by, another, renewed)
		b.must(err)
		before := b.raw.dump()
		for _, c := range []struct {
			id    keys.KeyID
			nonce string
		}{{one, generated}, {another, generated}, {one, renewed}, {one, "short"}, {one, ""}} {
			got, err := b.b.RenewKey(b.Context(), by, c.id, c.nonce)
			if keys.KindOf(err) != keys.KindMalformed || keys.ReasonOf(err) != keys.ReasonNonce || !got.Token.IsZero() {
				b.Errorf("%+v: %v, %+v", c, err, got)
			}
		}
		again, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: "x", Nonce: renewed})
		b.must(err)
		if !again.Repeated || !again.Token.IsZero() || b.raw.dump() != before {
			b.Errorf("a form that renewed a key made %+v", again)
		}
		foreign := b.newAccount("other")
		got, err := b.a.RenewKey(b.Context(), foreign, b.newKey(foreign, "x").Key.ID, renewed)
		b.must(err)
		if got.Repeated {
			b.Error("a nonce of one account is known in another")
		}
	}},
	{"renewal/the store does what the table says, for every state and every event", func(b *bench) {
		by := b.newAccount("acme")
		cells := 0
		for _, state := range tableStates {
			for _, event := range tableEvents {
				cells++
				b.wantArrow(by, state, event.event, event.actions)
			}
		}
		if cells != 10*11 {
			b.Fatalf("%d cells", cells)
		}
		b.wantSettled()
	}},
	{"renewal/Later keeps the old token, and can be asked again", func(b *bench) {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		for _, s := range []*store.Store{b.a, b.b} {
			key, err := s.CompleteRenewal(b.Context(), by, made.Key.ID, made.Renewal, true)
			b.must(err)
			if !slices.Equal(key.Tokens, made.Key.Tokens) || !slices.Equal(b.tokenRows(made.Key.ID), []string{"live  never false", "live  never false"}) {
				b.Fatalf("its tokens are %+v, %q", key.Tokens, b.tokenRows(made.Key.ID))
			}
		}
		events, err := b.a.KeyEvents(b.Context(), by, made.Key.ID)
		b.must(err)
		if events[0].Action != keys.ActionRenewCompleted || events[0].Details["old_token"] != "later" {
			b.Fatalf("the event is %+v", events[0])
		}
		key, err := b.a.CompleteRenewal(b.Context(), by, made.Key.ID, made.Renewal, false)
		b.must(err)
		if len(key.Tokens) != 1 || key.Tokens[0].Number != made.Renewal {
			b.Fatalf("Now after Later leaves %+v", key.Tokens)
		}
	}},
	{"renewal/Now and the end of the old token retire it, in favour of the new one", func(b *bench) {
		by := b.newAccount("acme")
		for name, end := range map[string]func(made store.Renewed) (keys.Key, error){
			"now": func(made store.Renewed) (keys.Key, error) {
				return b.a.CompleteRenewal(b.Context(), by, made.Key.ID, made.Renewal, false)
			},
			"delete old token": func(made store.Renewed) (keys.Key, error) { return b.a.DeleteOldToken(b.Context(), by, made.Key.ID) },
		} {
			made := b.renewedKey(by, name)
			b.clock.Advance(time.Hour)
			key, err := end(made)
			b.must(err)
			found, err := b.b.Key(b.Context(), by, key.ID)
			b.must(err)
			if !slices.Equal(key.Tokens, made.Key.Tokens[:1]) || !slices.Equal(found.Tokens, key.Tokens) || key.Version != 3 || found.Version != 3 {
				b.Fatalf("%s: its tokens are %+v, %+v", name, key.Tokens, found.Tokens)
			}
			if rows, want := b.tokenRows(key.ID), []string{"retired replaced now true", "live  never false"}; !slices.Equal(rows, want) {
				b.Fatalf("%s: the tokens are %q, want %q", name, rows, want)
			}
			successor := b.raw.count(`SELECT newer.number FROM api_token JOIN api_token AS newer ON newer.id = api_token.replaced_by
				WHERE api_token.number = $1`, made.Key.Tokens[1].Number)
			if successor != made.Renewal {
				b.Fatalf("%s: it is replaced by %d", name, successor)
			}
			events, err := b.a.KeyEvents(b.Context(), by, key.ID)
			b.must(err)
			if e := events[0]; e.Action != keys.ActionTokenRetired || e.Details["reason"] != "replaced" || e.Details["hint"] != made.Key.Tokens[1].Hint {
				b.Fatalf("%s: the event is %+v", name, e)
			}
		}
	}},
	{"renewal/an undo revokes the new token, and the old one is as it was", func(b *bench) {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		b.clock.Advance(time.Hour)
		key, err := b.a.UndoRenewal(b.Context(), by, made.Key.ID)
		b.must(err)
		found, err := b.b.Key(b.Context(), by, key.ID)
		b.must(err)
		if !slices.Equal(key.Tokens, made.Key.Tokens[1:]) || !slices.Equal(found.Tokens, key.Tokens) || found.Renewing() {
			b.Fatalf("its tokens are %+v, %+v", key.Tokens, found.Tokens)
		}
		if rows, want := b.tokenRows(key.ID), []string{"live  never false", "revoked renewal undone now false"}; !slices.Equal(rows, want) {
			b.Fatalf("the tokens are %q, want %q", rows, want)
		}
		again, err := b.b.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		if again.Repeated || len(again.Key.Tokens) != 2 || again.Renewal <= made.Renewal {
			b.Fatalf("renewed again: %+v", again)
		}
	}},
	{"renewal/a renewal that is over is neither undone nor completed, also by the number of an earlier one", func(b *bench) {
		by := b.newAccount("acme")
		first := b.renewedKey(by, "Orders sync")
		id := first.Key.ID
		_, err := b.a.DeleteOldToken(b.Context(), by, id)
		b.must(err)
		_, err = b.a.UndoRenewal(b.Context(), by, id)
		b.want(err, keys.KindConflict, keys.ReasonNothingToUndo)
		_, err = b.a.DeleteOldToken(b.Context(), by, id)
		b.want(err, keys.KindConflict, keys.ReasonNoOldToken)
		second, err := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
		b.must(err)
		_, err = b.a.UndoRenewal(b.Context(), by, id)
		b.must(err)
		_, err = b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
		b.must(err)
		before := b.raw.dump()
		for _, wrong := range []int64{0, -1, first.Renewal, second.Renewal, second.Renewal + 1_000} {
			for _, keepOld := range []bool{true, false} {
				_, err := b.b.CompleteRenewal(b.Context(), by, id, wrong, keepOld)
				b.want(err, keys.KindConflict, keys.ReasonRenewalOver)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"renewal/each method needs its resource and no other", func(b *bench) {
		by := b.newAccount("acme")
		methods := map[string]struct {
			resource string
			call     func(by keys.Actor, made store.Renewed) error
		}{
			"RenewKey": {keys.RenewAPIToken, func(by keys.Actor, made store.Renewed) error {
				_, err := b.a.UndoRenewal(b.Context(), by, made.Key.ID)
				if err == nil {
					_, err = b.a.RenewKey(b.Context(), by, made.Key.ID, secret.NewNonce())
				}
				return err
			}},
			"RenewKey of an open renewal": {keys.RenewAPIToken, func(by keys.Actor, made store.Renewed) error {
				_, err := b.a.RenewKey(b.Context(), by, made.Key.ID, secret.NewNonce())
				if keys.KindOf(err) == keys.KindConflict {
					return nil
				}
				return err
			}},
			"CompleteRenewal": {keys.RenewAPIToken, func(by keys.Actor, made store.Renewed) error {
				_, err := b.a.CompleteRenewal(b.Context(), by, made.Key.ID, made.Renewal, false)
				return err
			}},
			"UndoRenewal": {keys.RenewAPIToken, func(by keys.Actor, made store.Renewed) error {
				_, err := b.a.UndoRenewal(b.Context(), by, made.Key.ID)
				return err
			}},
			"DeleteOldToken": {keys.EditAPIKeys, func(by keys.Actor, made store.Renewed) error {
				_, err := b.a.DeleteOldToken(b.Context(), by, made.Key.ID)
				return err
			}},
		}
		for name, m := range methods {
			made := b.renewedKey(by, name, "orders-viewer")
			without := slices.DeleteFunc(slices.Clone(by.Holds), func(slug string) bool { return slug == m.resource })
			before := b.raw.dump()
			b.want(m.call(holding(by, without...), made), keys.KindForbidden, keys.ReasonPermissionMissing)
			b.want(m.call(holding(by), made), keys.KindForbidden, keys.ReasonPermissionMissing)
			if b.raw.dump() != before {
				b.Fatalf("%s: a refusal changed the database", name)
			}
			if err := m.call(holding(by, m.resource), made); err != nil {
				b.Fatalf("%s with %s alone: %v", name, m.resource, err)
			}
		}
	}},
	{"renewal/nobody gets a token that may more than they may themselves, but anybody who renews may end one", func(b *bench) {
		by := b.newAccount("acme")
		broad := b.newKey(by, "Broad", "orders-viewer", keys.RoleOwner).Key
		administrator := holding(by, keys.ViewAPIKeys, keys.EditAPIKeys, keys.RenewAPIToken, keys.EditAPIKeySettings)
		before := b.raw.dump()
		made, err := b.a.RenewKey(b.Context(), administrator, broad.ID, secret.NewNonce())
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		if !made.Token.IsZero() || b.raw.dump() != before {
			b.Fatalf("a token came with the error, or the database changed: %+v", made)
		}
		nonce := secret.NewNonce()
		_, err = b.a.RenewKey(b.Context(), by, broad.ID, nonce)
		b.must(err)
		_, err = b.a.RenewKey(b.Context(), administrator, broad.ID, nonce)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, err = b.a.UndoRenewal(b.Context(), administrator, broad.ID)
		b.must(err)
		own := b.newKey(by, "Own", keys.RoleUserAdministrator).Key
		_, err = b.a.RenewKey(b.Context(), administrator, own.ID, secret.NewNonce())
		b.must(err)
	}},
	{"renewal/a key of another account is not there, and nothing of it or of its history changes", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.renewedKey(by, "Own")
		victim := b.renewedKey(foreign, "Victim", "orders-viewer")
		steady := b.newKey(foreign, "Steady").Key
		before := b.raw.dump()
		for _, id := range []keys.KeyID{victim.Key.ID, steady.ID, "appkey-acme-00000000", "appkey-other", ""} {
			_, renewed := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
			_, later := b.a.CompleteRenewal(b.Context(), by, id, victim.Renewal, true)
			_, now := b.a.CompleteRenewal(b.Context(), by, id, victim.Renewal, false)
			_, undone := b.a.UndoRenewal(b.Context(), by, id)
			_, ended := b.a.DeleteOldToken(b.Context(), by, id)
			for _, err := range []error{renewed, later, now, undone, ended} {
				b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("something changed")
		}
		b.wantEvents(foreign, victim.Key.ID, "token.minted", "renew.started", "token.minted", "key.generated")
	}},
	{"renewal/an inactive key may be renewed, and stays inactive", func(b *bench) {
		by := b.newAccount("acme")
		id := b.newKey(by, "Orders sync").Key.ID
		_, _, err := b.a.DeactivateKey(b.Context(), by, id)
		b.must(err)
		made, err := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
		b.must(err)
		key, err := b.b.CompleteRenewal(b.Context(), by, id, made.Renewal, false)
		b.must(err)
		if made.Key.Active() || key.Active() || len(key.Tokens) != 1 || key.Tokens[0].Number != made.Renewal || len(key.Renewal().Verifying()) != 0 {
			b.Fatalf("the key is %+v", key)
		}
	}},
	{"renewal/the newest token is the one that was minted last, whatever the clock did, and no jump changes a token", func(b *bench) {
		const jump = 10 * 365 * 24 * time.Hour
		by := b.newAccount("acme")
		for name, c := range map[string]struct{ first, second time.Duration }{
			"the first was made in a far future":  {jump, -jump},
			"the second was made in a far future": {0, jump},
			"the second was made in a far past":   {0, -jump},
			"both were made at once":              {0, 0},
		} {
			start := b.clock.Now()
			b.clock.Advance(c.first)
			first := b.newKey(by, name).Key
			b.clock.Advance(c.second)
			made, err := b.a.RenewKey(b.Context(), by, first.ID, secret.NewNonce())
			b.must(err)
			b.clock.Advance(start.Sub(b.clock.Now()))
			want := []int64{made.Renewal, first.Tokens[0].Number}
			var seen []keys.Token
			for _, away := range []time.Duration{0, jump, -2 * jump, jump} {
				b.clock.Advance(away)
				found, err := b.b.Key(b.Context(), by, first.ID)
				b.must(err)
				page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: 25})
				b.must(err)
				i := slices.IndexFunc(page.Keys, func(k keys.Key) bool { return k.ID == first.ID })
				if seen == nil {
					seen = found.Tokens
				}
				if !slices.Equal(numbersOf(found.Tokens), want) || !slices.Equal(found.Tokens, seen) || i < 0 || !slices.Equal(page.Keys[i].Tokens, seen) ||
					!seen[1].CreatedAt.Equal(start.Add(c.first)) || !seen[0].CreatedAt.Equal(start.Add(c.first+c.second)) {
					b.Fatalf("%s: want the tokens %d, got %+v and %+v", name, want, found.Tokens, page.Keys)
				}
			}
			key, err := b.a.UndoRenewal(b.Context(), by, first.ID)
			b.must(err)
			if !slices.Equal(numbersOf(key.Tokens), want[1:]) {
				b.Fatalf("%s: the undo left %+v", name, key.Tokens)
			}
			again, err := b.a.RenewKey(b.Context(), by, first.ID, secret.NewNonce())
			b.must(err)
			key, err = b.a.DeleteOldToken(b.Context(), by, first.ID)
			b.must(err)
			if !slices.Equal(numbersOf(key.Tokens), []int64{again.Renewal}) {
				b.Fatalf("%s: the end of the old token left %+v", name, key.Tokens)
			}
		}
	}},
	{"renewal/a key that is deleted during its renewal loses both tokens", func(b *bench) {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync", "orders-viewer")
		_, err := b.a.DeleteKey(b.Context(), by, made.Key.ID)
		b.must(err)
		b.wantDeleted(by, made.Key.ID)
		if rows, want := b.tokenRows(made.Key.ID), []string{"revoked key deleted now false", "revoked key deleted now false"}; !slices.Equal(rows, want) {
			b.Fatalf("the tokens are %q", rows)
		}
		for _, change := range b.keyChanges(by, made.Key.ID)[1:] {
			b.want(change(b.b), keys.KindNotFound, keys.ReasonKeyNotFound)
		}
		b.wantEvents(by, made.Key.ID, "token.revoked", "token.revoked", "key.deleted", "token.minted", "renew.started", "token.minted", "key.generated")
	}},
	{"renewal/an edit of a form from before the renewal is refused", func(b *bench) {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		_, _, err := b.a.EditKey(b.Context(), by, store.EditKey{ID: made.Key.ID, Version: 1, Name: "x", Active: true})
		b.want(err, keys.KindConflict, keys.ReasonKeyChanged)
	}},
}

var historyCases = []testCase{
	{"history/a key's is what happened to it and to its tokens, the newest first, also to dead ones", func(b *bench) {
		by := b.newAccount("acme")
		other := b.renewedKey(by, "Other")
		key := b.newKey(by, "Orders sync").Key
		_, err := b.a.UndoRenewal(b.Context(), by, other.Key.ID)
		b.must(err)
		_, err = b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		_, err = b.a.UndoRenewal(b.Context(), by, key.ID)
		b.must(err)
		_, err = b.a.DeleteKey(b.Context(), by, other.Key.ID)
		b.must(err)
		b.clock.Advance(time.Hour)
		_, err = b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		_, err = b.a.DeleteOldToken(b.Context(), by, key.ID)
		b.must(err)
		_, _, err = b.a.DeactivateKey(b.Context(), by, key.ID)
		b.must(err)
		events, err := b.b.KeyHistory(b.Context(), by, key.ID, 100)
		b.must(err)
		want := []string{
			"key.deactivated", "token.retired", "token.minted", "renew.started", "token.revoked", "renew.undone",
			"token.minted", "renew.started", "token.minted", "key.generated",
		}
		if !slices.Equal(actions(events), want) {
			b.Fatalf("it is %q, want %q", actions(events), want)
		}
		full, err := b.b.KeyEvents(b.Context(), by, key.ID)
		b.must(err)
		for i, e := range events {
			if e.Actor != by.Email || e.ActorKind != by.Kind || e.IP != by.IP || e.Result != "ok" || !e.At.Equal(full[i].At) ||
				e.ObjectKind != full[i].ObjectKind || e.ObjectID != full[i].ObjectID || e.Details["hint"] != full[i].Details["hint"] {
				b.Fatalf("the event %+v is %+v in full", e, full[i])
			}
		}
		for _, limit := range []int{0, 1, 4, 10} {
			some, err := b.b.KeyHistory(b.Context(), by, key.ID, limit)
			b.must(err)
			if !slices.Equal(actions(some), want[:limit]) {
				b.Fatalf("the newest %d are %q", limit, actions(some))
			}
		}
	}},
	{"history/the newest change of a key is that of its last event, unless that was a refusal", func(b *bench) {
		by := b.newAccount("acme")
		key := b.renewedKey(by, "Orders sync").Key
		newest := func() (fed int64) {
			b.Helper()
			events, err := b.b.KeyHistory(b.Context(), by, key.ID, 1)
			b.must(err)
			change, err := b.b.KeyChange(b.Context(), by, key.ID)
			b.must(err)
			fed = b.raw.count(`SELECT COALESCE(MAX(seq), 0) FROM change_log`)
			if change != events[0].Seq || change != fed {
				b.Fatalf("the newest change is %d; the newest event is %d, and that of the feed %d", change, events[0].Seq, fed)
			}
			return change
		}
		renewed := newest()
		_, _, err := b.a.DeactivateKey(b.Context(), by, key.ID)
		b.must(err)
		deactivated := newest()
		if deactivated <= renewed {
			b.Fatalf("after the deactivation the newest change is %d; before it %d", deactivated, renewed)
		}
		b.newKey(by, "Another")
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
			{Action: keys.ActionTokenReuse, AccountID: by.AccountID, Key: key.ID, Reason: "rotated", Alarm: true}: 1,
		}))
		if change, err := b.b.KeyChange(b.Context(), by, key.ID); err != nil || change != deactivated {
			b.Fatalf("after what changes nothing of it, the newest change is %d, with %v; want %d", change, err, deactivated)
		}
	}},
	{"history/a key that is deleted, unknown or of another account has none", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		victim, deleted := b.renewedKey(foreign, "Victim").Key, b.newKey(by, "Deleted").Key
		_, err := b.a.DeleteKey(b.Context(), by, deleted.ID)
		b.must(err)
		for _, id := range []keys.KeyID{victim.ID, deleted.ID, "appkey-acme-00000000", "x", ""} {
			events, err := b.a.KeyHistory(b.Context(), by, id, 10)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			if len(events) != 0 {
				b.Fatalf("%s: events came with the error", id)
			}
			_, err = b.a.KeyChange(b.Context(), by, id)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		}
	}},
}

// renewedKey makes a key whose renewal is open.
func (b *bench) renewedKey(by keys.Actor, name string, roles ...string) store.Renewed {
	b.Helper()
	key := b.newKey(by, name, roles...).Key
	made, err := b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
	b.must(err)
	if made.Repeated || len(made.Key.Tokens) != 2 {
		b.Fatalf("renewed is %+v", made)
	}
	// As the database gives it, so that tokens can be compared with those of a later reading.
	made.Key, err = b.a.Key(b.Context(), by, key.ID)
	b.must(err)
	return made
}

// tokenCounts are how many live tokens a key has, and how many it ever had.
func (b *bench) tokenCounts(id keys.KeyID) (live, all int64) {
	b.Helper()
	const of = `SELECT COUNT(*) FROM api_token JOIN api_key ON api_key.id = api_token.key_id WHERE api_key.app_key = $1`
	return b.raw.count(of+` AND api_token.state = 'live'`, string(id)), b.raw.count(of, string(id))
}

// tokenRows says of every token that a key ever had, the oldest first, its state, why and when it ended,
// and whether another replaced it.
func (b *bench) tokenRows(id keys.KeyID) (all []string) {
	b.Helper()
	return b.raw.Texts(`
		SELECT api_token.state || ' ' || api_token.reason
			|| CASE WHEN api_token.revoked_at IS NULL THEN ' never' WHEN api_token.revoked_at = $2 THEN ' now' ELSE ' at another time' END
			|| CASE WHEN api_token.replaced_by IS NULL THEN ' false' ELSE ' true' END
		FROM api_token JOIN api_key ON api_key.id = api_token.key_id
		WHERE api_key.app_key = $1 ORDER BY api_token.number`, string(id), b.clock.Now().UnixMicro())
}

// wantEvents fails the test unless a key's events are these, the newest first.
func (b *bench) wantEvents(by keys.Actor, id keys.KeyID, want ...string) {
	b.Helper()
	events, err := b.b.KeyEvents(b.Context(), by, id)
	b.must(err)
	if got := actions(events); !slices.Equal(got, want) {
		b.Fatalf("events are %q, want %q", got, want)
	}
}

func sameToken(a, b keys.Token) bool {
	return a.Number == b.Number && a.Hint == b.Hint && a.CreatedAt.Equal(b.CreatedAt)
}

func numbersOf(tokens []keys.Token) (all []int64) {
	for _, token := range tokens {
		all = append(all, token.Number)
	}
	return all
}
