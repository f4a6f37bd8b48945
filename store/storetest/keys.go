package storetest

import (
	"slices"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var keyCases = []testCase{
	{"key/a generated one is active, with its roles, and its token is kept as a digest only", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, " Orders sync ", "orders-manager", "catalog-viewer")
		if _, err := keys.ParseKeyID(string(made.Key.ID)); err != nil || !strings.HasPrefix(string(made.Key.ID), "appkey-acme-") {
			b.Fatalf("its id is %q", made.Key.ID)
		}
		found, err := b.b.Key(b.Context(), by, made.Key.ID)
		b.must(err)
		if found.Name != "Orders sync" || !found.Active() || found.Version != 1 || found.CreatedBy != by.Email ||
			!found.CreatedAt.Equal(b.clock.Now()) || found.Number != made.Key.Number || found.Number == 0 {
			b.Fatalf("found %+v", found)
		}
		if names := roleNames(found); !slices.Equal(names, []string{"catalog-viewer", "orders-manager"}) || !slices.Equal(roleNames(made.Key), names) {
			b.Fatalf("its roles are %q", names)
		}
		if len(found.Tokens) != 1 || found.Tokens[0] != made.Key.Tokens[0] || found.Tokens[0].Hint != made.Token.Hint() {
			b.Fatalf("its tokens are %+v", found.Tokens)
		}
		dump := b.raw.dump()
		if containsAny(dump, made.Token.Reveal()[4:47]) || !containsAny(dump, hex(made.Token.Digest())) {
			b.Fatal("the database holds the token, or not its digest")
		}
	}},
	{"key/a form makes one key, however often it is sent", func(b *bench) {
		by := b.newAccount("acme")
		in := store.NewKey{Name: "Orders sync", Nonce: secret.NewNonce()}
		first, err := b.a.GenerateKey(b.Context(), by, in)
		b.must(err)
		before := b.raw.dump()
		again, err := b.b.GenerateKey(b.Context(), by, in)
		b.must(err)
		if !again.Repeated || !again.Token.IsZero() || again.Key.ID != first.Key.ID || b.raw.dump() != before {
			b.Fatalf("the second time gave %+v", again)
		}
		_, err = b.a.DeleteKey(b.Context(), by, first.Key.ID)
		b.must(err)
		again, err = b.b.GenerateKey(b.Context(), by, in)
		b.must(err)
		if !again.Repeated || again.Key.ID != "" {
			b.Fatalf("after the delete it gave %+v", again)
		}
		foreign, err := b.a.GenerateKey(b.Context(), b.newAccount("other"), in)
		b.must(err)
		if foreign.Repeated {
			b.Fatal("a nonce of one account is known in another")
		}
	}},
	{"key/two may have one name, and it is said", func(b *bench) {
		by := b.newAccount("acme")
		if b.newKey(by, "Orders sync").NameTwin {
			b.Fatal("the first has a twin")
		}
		if !b.newKey(by, "Orders sync").NameTwin || b.newKey(b.newAccount("other"), "Orders sync").NameTwin {
			b.Fatal("a twin of the account is not told, or one of another account is")
		}
		for name, want := range map[string]bool{"Orders sync ": true, "orders sync": false} {
			taken, err := b.b.NameTaken(b.Context(), by, name)
			b.must(err)
			if taken != want {
				b.Fatalf("%q taken: %v", name, taken)
			}
		}
	}},
	{"key/a bad name, an unknown role and a bad nonce are refused", func(b *bench) {
		by := b.newAccount("acme")
		nonce := secret.NewNonce()
		for _, c := range []struct {
			in     store.NewKey
			kind   keys.Kind
			reason keys.Reason
		}{
			{store.NewKey{Name: " \t", Nonce: nonce}, keys.KindInvalid, keys.ReasonNameEmpty},
			{store.NewKey{Name: strings.Repeat("é", 65), Nonce: nonce}, keys.KindInvalid, keys.ReasonNameLong},
			{store.NewKey{Name: "x", Roles: []string{"none"}, Nonce: nonce}, keys.KindInvalid, keys.ReasonRoleUnknown},
			{store.NewKey{Name: "x", Nonce: "short"}, keys.KindMalformed, keys.ReasonNonce},
		} {
			_, err := b.a.GenerateKey(b.Context(), by, c.in)
			b.want(err, c.kind, c.reason)
		}
		made, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: strings.Repeat("é", 64), Nonce: nonce})
		b.must(err)
		if made.Repeated {
			b.Fatal("a refusal used the nonce up")
		}
	}},
	{"key/nobody gives, edits or revives more than they hold, and only an editor changes anything", func(b *bench) {
		by := b.newAccount("acme")
		broad := b.newKey(by, "Broad", keys.RoleOwner).Key
		narrow := b.newKey(by, "Narrow").Key
		editor, viewer := holding(by, keys.EditAPIKeys), holding(by, keys.ViewAPIKeys)
		before := b.raw.dump()
		_, err := b.a.GenerateKey(b.Context(), editor, store.NewKey{Name: "x", Roles: []string{keys.RoleUserAdministrator}, Nonce: secret.NewNonce()})
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		for _, edit := range []store.EditKey{
			{ID: narrow.ID, Version: 1, Name: "x", Roles: []string{keys.RoleOwner}, Active: true},
			{ID: broad.ID, Version: 1, Name: "x", Active: true},
		} {
			_, _, err = b.a.EditKey(b.Context(), editor, edit)
			b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		}
		_, _, err = b.a.ActivateKey(b.Context(), editor, broad.ID)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		for _, change := range b.keyChanges(viewer, narrow.ID) {
			b.want(change(b.b), keys.KindForbidden, keys.ReasonPermissionMissing)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, _, err = b.a.DeactivateKey(b.Context(), editor, broad.ID)
		b.must(err)
	}},
	{"key/a key of another account is not there for any method", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		victim := b.newKey(foreign, "Victim", "orders-viewer").Key
		before := b.raw.dump()
		for _, change := range b.keyChanges(by, victim.ID)[1:] {
			b.want(change(b.a), keys.KindNotFound, keys.ReasonKeyNotFound)
		}
		_, err := b.a.Key(b.Context(), by, victim.ID)
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		_, err = b.a.KeyEvents(b.Context(), by, victim.ID)
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		page, err := b.a.Keys(b.Context(), by, store.KeyAsk{Limit: 25})
		b.must(err)
		if len(page.Keys) != 0 || page.Total != 0 || b.raw.dump() != before {
			b.Fatalf("found %+v, or the database changed", page)
		}
	}},
	{"key/an edit saves name, roles and status, and tells what was before", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer").Key
		b.clock.Advance(time.Minute)
		edited, changed, err := b.a.EditKey(b.Context(), by, store.EditKey{
			ID: made.ID, Version: made.Version, Name: "Catalog sync", Roles: []string{"catalog-editor", "catalog-editor"}, Active: false,
		})
		b.must(err)
		found, err := b.b.Key(b.Context(), by, made.ID)
		b.must(err)
		if !changed || found.Name != "Catalog sync" || found.Active() || found.Version != 2 || edited.Version != 2 ||
			!slices.Equal(roleNames(found), []string{"catalog-editor"}) || edited.Name != found.Name || !found.CreatedAt.Equal(made.CreatedAt) {
			b.Fatalf("edited %+v, found %+v", edited, found)
		}
		events, err := b.b.KeyEvents(b.Context(), by, made.ID)
		b.must(err)
		if got, want := actions(events), []string{"key.deactivated", "key.edited", "token.minted", "key.generated"}; !slices.Equal(got, want) {
			b.Fatalf("events are %q, want %q", got, want)
		}
		edit := events[1]
		name, _ := edit.Details["name"].(map[string]any)
		if name["before"] != "Orders sync" || name["after"] != "Catalog sync" || edit.Actor != by.Email || edit.ActorID != by.UserID ||
			edit.IP != by.IP || edit.RequestID != by.RequestID || edit.Result != "ok" || !edit.At.Equal(b.clock.Now()) || edit.Object != "Catalog sync" {
			b.Fatalf("the event is %+v", edit)
		}
	}},
	{"key/an edit that changes nothing writes nothing", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer").Key
		before := b.raw.dump()
		same, changed, err := b.b.EditKey(b.Context(), by, store.EditKey{ID: made.ID, Version: 1, Name: made.Name, Roles: []string{"orders-viewer"}, Active: true})
		b.must(err)
		if changed || same.Version != 1 || b.raw.dump() != before {
			b.Fatalf("changed = %v, version %d", changed, same.Version)
		}
	}},
	{"key/an edit of an old version is refused and changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync").Key
		_, _, err := b.a.DeactivateKey(b.Context(), by, made.ID)
		b.must(err)
		before := b.raw.dump()
		_, _, err = b.b.EditKey(b.Context(), by, store.EditKey{ID: made.ID, Version: made.Version, Name: "Other", Active: true})
		b.want(err, keys.KindConflict, keys.ReasonKeyChanged)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"key/deactivate and activate do so once", func(b *bench) {
		by := b.newAccount("acme")
		id := b.newKey(by, "Orders sync").Key.ID
		for _, step := range []struct {
			activate, changed bool
			version           int64
		}{{true, false, 1}, {false, true, 2}, {false, false, 2}, {true, true, 3}} {
			do := b.a.DeactivateKey
			if step.activate {
				do = b.a.ActivateKey
			}
			got, changed, err := do(b.Context(), by, id)
			b.must(err)
			found, err := b.b.Key(b.Context(), by, id)
			b.must(err)
			if changed != step.changed || got.Active() != step.activate || found.Active() != step.activate ||
				got.Version != step.version || found.Version != step.version {
				b.Fatalf("step %+v gave changed %v, %+v and %+v", step, changed, got, found)
			}
		}
	}},
	{"key/a deleted one is gone, its tokens are revoked, and its history stays", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		deleted, err := b.a.DeleteKey(b.Context(), by, made.Key.ID)
		b.must(err)
		if deleted.ID != made.Key.ID || deleted.Name != "Orders sync" {
			b.Fatalf("deleted %+v", deleted)
		}
		for _, change := range b.keyChanges(by, made.Key.ID)[1:] {
			b.want(change(b.b), keys.KindNotFound, keys.ReasonKeyNotFound)
		}
		b.wantDeleted(by, made.Key.ID)
		events, err := b.b.KeyEvents(b.Context(), by, made.Key.ID)
		b.must(err)
		if got, want := actions(events), []string{"token.revoked", "key.deleted", "token.minted", "key.generated"}; !slices.Equal(got, want) {
			b.Fatalf("events are %q, want %q", got, want)
		}
	}},
}

// keyChanges are all changes of keys. Only the first needs no key.
func (b *bench) keyChanges(by keys.Actor, id keys.KeyID) []func(s *store.Store) error {
	return []func(s *store.Store) error{
		func(s *store.Store) error {
			_, err := s.GenerateKey(b.Context(), by, store.NewKey{Name: "x", Nonce: secret.NewNonce()})
			return err
		},
		func(s *store.Store) error {
			_, _, err := s.EditKey(b.Context(), by, store.EditKey{ID: id, Version: 1, Name: "x"})
			return err
		},
		func(s *store.Store) error { _, _, err := s.DeactivateKey(b.Context(), by, id); return err },
		func(s *store.Store) error { _, _, err := s.ActivateKey(b.Context(), by, id); return err },
		func(s *store.Store) error { _, err := s.RenewKey(b.Context(), by, id, secret.NewNonce()); return err },
		func(s *store.Store) error { _, err := s.CompleteRenewal(b.Context(), by, id, 1, true); return err },
		func(s *store.Store) error { _, err := s.UndoRenewal(b.Context(), by, id); return err },
		func(s *store.Store) error { _, err := s.DeleteOldToken(b.Context(), by, id); return err },
		func(s *store.Store) error { _, err := s.DeleteKey(b.Context(), by, id); return err },
	}
}

// wantDeleted fails the test unless nothing is left of the account's only key but its tombstone.
func (b *bench) wantDeleted(by keys.Actor, id keys.KeyID) {
	b.Helper()
	account := b.account(by)
	live := b.raw.count(`SELECT COUNT(*) FROM api_token WHERE state = 'live' OR revoked_at IS NULL OR reason <> 'key deleted'`)
	roles := b.raw.count(`SELECT COUNT(*) FROM api_key_role`)
	tombs := b.raw.count(`SELECT COUNT(*) FROM api_key WHERE app_key = $1 AND deleted_at IS NOT NULL`, string(id))
	if account.KeyCount != 0 || live != 0 || roles != 0 || tombs != 1 {
		b.Fatalf("%d keys counted, %d live tokens, %d roles, %d tombstones", account.KeyCount, live, roles, tombs)
	}
}

func roleNames(k keys.Key) (slugs []string) {
	for _, r := range k.Roles {
		slugs = append(slugs, r.Slug)
	}
	return slugs
}

func actions(events []keys.AuditEvent) (all []string) {
	for _, e := range events {
		all = append(all, string(e.Action))
	}
	return all
}
