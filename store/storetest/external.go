package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// newExternal makes a key in the owner's account and gives it roles in the actor's.
func (b *bench) newExternal(by, owner keys.Actor, roles ...string) keys.ExternalKey {
	b.Helper()
	key := b.newKey(owner, "Price feed", "orders-viewer").Key
	return b.addExternal(by, key.ID, owner.Account, roles...)
}

func (b *bench) addExternal(by keys.Actor, id keys.KeyID, owner string, roles ...string) keys.ExternalKey {
	b.Helper()
	x, err := b.a.AddExternalKey(b.Context(), by, store.NewExternalKey{ID: id, Owner: owner, Roles: roles})
	b.must(err)
	return x
}

// externalEvents are the events about external keys in the log of the actor's account, the oldest first.
func (b *bench) externalEvents(by keys.Actor) []string {
	b.Helper()
	var all []string
	for _, row := range b.raw.rows(`
		SELECT action, actor_kind, actor, object_id, ip, details FROM audit
		WHERE account_id = $1 AND object_kind = 'external' ORDER BY seq`, by.AccountID) {
		all = append(all, strings.Join(row, " "))
	}
	return all
}

// stateOf is everything in the database that belongs to an account, but its sessions.
func (b *bench) stateOf(by keys.Actor) string {
	b.Helper()
	var all []string
	for _, query := range []string{
		`SELECT * FROM account WHERE id = $1`, `SELECT * FROM api_key WHERE account_id = $1`, `SELECT * FROM audit WHERE account_id = $1`,
		`SELECT * FROM change_log WHERE account_id = $1`, `SELECT * FROM external_key WHERE account_id = $1`, `SELECT * FROM role WHERE account_id = $1`,
		`SELECT api_key_role.* FROM api_key_role JOIN api_key ON api_key.id = api_key_role.key_id WHERE account_id = $1`,
	} {
		all = append(all, fmt.Sprint(b.raw.rows(query, by.AccountID)))
	}
	return strings.Join(all, "\n")
}

func externalSlugs(x keys.ExternalKey) (slugs []string) {
	for _, role := range x.Roles {
		slugs = append(slugs, role.Slug)
	}
	return slugs
}

var externalCases = []testCase{
	{"external/an added key has the roles of the account that added it, and its owner learns nothing", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		key := b.newKey(owner, "Price feed", "orders-viewer").Key
		before := b.stateOf(owner)
		b.clock.Advance(time.Minute)
		added := b.addExternal(by, "  "+key.ID+" ", " globex ", "orders-manager", "catalog-viewer")
		if b.stateOf(owner) != before {
			b.Fatal("something crossed into the owner's account")
		}
		found, err := b.b.ExternalKey(b.Context(), by, key.ID)
		b.must(err)
		for _, x := range []keys.ExternalKey{added, found} {
			if x.ID != key.ID || x.Owner != "globex" || !x.Active || x.Version != 1 || x.AddedBy != by.Email || !x.AddedAt.Equal(b.clock.Now()) ||
				x.Number == 0 || x.Number == key.Number || !slices.Equal(externalSlugs(x), []string{"catalog-viewer", "orders-manager"}) {
				b.Fatalf("it is %+v", x)
			}
		}
		if len(found.Roles[0].Resources) == 0 {
			b.Fatal("its roles come without what they allow")
		}
		if roles, err := b.b.Key(b.Context(), owner, key.ID); err != nil || len(roles.Roles) != 1 || roles.Version != key.Version {
			b.Fatalf("for its owner it is %+v: %v", roles, err)
		}
		want := []string{`external.added user ana@acme.example ` + string(key.ID) + ` 192.0.2.7 {"owner":"globex","roles":["catalog-viewer","orders-manager"]}`}
		if got := b.externalEvents(by); !slices.Equal(got, want) || len(b.externalEvents(owner)) != 0 {
			b.Fatalf("the events are %q, want %q", got, want)
		}
	}},
	{"external/what cannot be one is refused, and an unknown key is as good as another account's", func(b *bench) {
		by, owner, third := b.newAccount("acme"), b.newAccount("globex"), b.newAccount("initech")
		own, key, foreign := b.newKey(by, "Own").Key, b.newKey(owner, "Price feed").Key, b.newKey(third, "Third").Key
		deleted := b.newKey(owner, "Deleted").Key
		_, err := b.a.DeleteKey(b.Context(), owner, deleted.ID)
		b.must(err)
		before := b.raw.dump()
		for _, c := range []struct {
			in     store.NewExternalKey
			kind   keys.Kind
			reason keys.Reason
			field  string
		}{
			{store.NewExternalKey{Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalKeyEmpty, "key"},
			{store.NewExternalKey{ID: "appkey-globex-short", Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalKeyFormat, "key"},
			{store.NewExternalKey{ID: key.ID}, keys.KindInvalid, keys.ReasonExternalOwnerEmpty, "owner"},
			{store.NewExternalKey{ID: key.ID, Owner: "Globex!"}, keys.KindInvalid, keys.ReasonExternalOwnerFormat, "owner"},
			{store.NewExternalKey{ID: own.ID, Owner: "acme"}, keys.KindInvalid, keys.ReasonExternalOwn, "owner"},
			{store.NewExternalKey{ID: own.ID, Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalUnknown, "key"},
			{store.NewExternalKey{ID: foreign.ID, Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalUnknown, "key"},
			{store.NewExternalKey{ID: "appkey-globex-00000000", Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalUnknown, "key"},
			{store.NewExternalKey{ID: key.ID, Owner: "nobody"}, keys.KindInvalid, keys.ReasonExternalUnknown, "key"},
			{store.NewExternalKey{ID: deleted.ID, Owner: "globex"}, keys.KindInvalid, keys.ReasonExternalUnknown, "key"},
			{store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"none"}}, keys.KindInvalid, keys.ReasonRoleUnknown, "roles"},
			{store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"\x00"}}, keys.KindMalformed, keys.ReasonNotText, ""},
			{store.NewExternalKey{ID: "\xff", Owner: "globex"}, keys.KindMalformed, keys.ReasonNotText, ""},
		} {
			_, err := b.a.AddExternalKey(b.Context(), by, c.in)
			b.want(err, c.kind, c.reason)
			if refusal, _ := errors.AsType[*keys.Error](err); c.field != "" && (len(refusal.Problems) != 1 || refusal.Problems[0].Field != c.field) {
				b.Fatalf("%+v: the problems are %+v", c.in, refusal.Problems)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		b.addExternal(by, key.ID, "globex")
		before = b.raw.dump()
		_, err = b.b.AddExternalKey(b.Context(), by, store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"orders-viewer"}})
		b.want(err, keys.KindInvalid, keys.ReasonExternalAdded)
		if b.raw.dump() != before {
			b.Fatal("a second time changed the database")
		}
		b.addExternal(third, key.ID, "globex", "orders-viewer") // another account may add it, too
	}},
	{"external/an edit gives other roles, tells what was before, and asks for the version that it was made from", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		x := b.newExternal(by, owner, "catalog-viewer", "orders-viewer")
		before := b.stateOf(owner)
		edited, changed, err := b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1, Roles: []string{"orders-viewer", "pricing-admin"}})
		b.must(err)
		found, err := b.b.ExternalKey(b.Context(), by, x.ID)
		b.must(err)
		for _, now := range []keys.ExternalKey{edited, found} {
			if !changed || now.Version != 2 || !slices.Equal(externalSlugs(now), []string{"orders-viewer", "pricing-admin"}) || now.Number != x.Number || !now.AddedAt.Equal(x.AddedAt) {
				b.Fatalf("it is %+v", now)
			}
		}
		if got := b.externalEvents(by); !strings.HasSuffix(got[1], `{"owner":"globex","roles":{"after":["orders-viewer","pricing-admin"],"before":["catalog-viewer","orders-viewer"]}}`) {
			b.Fatalf("it is told by %q", got[1])
		}
		if b.stateOf(owner) != before {
			b.Fatal("something crossed into the owner's account")
		}
		all := b.raw.dump()
		same, changed, err := b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 2, Roles: []string{"pricing-admin", "orders-viewer"}})
		b.must(err)
		if changed || same.Version != 2 {
			b.Fatalf("the same roles are a change: %+v", same)
		}
		_, _, err = b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1})
		b.want(err, keys.KindConflict, keys.ReasonKeyChanged)
		_, _, err = b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 2, Roles: []string{"none"}})
		b.want(err, keys.KindInvalid, keys.ReasonRoleUnknown)
		if b.raw.dump() != all {
			b.Fatal("what changes nothing changed the database")
		}
	}},
	{"external/a removed one is gone at once, with its roles, and may be added again", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		x := b.newExternal(by, owner, "catalog-viewer")
		before := b.stateOf(owner)
		removed, err := b.a.RemoveExternalKey(b.Context(), by, x.ID)
		b.must(err)
		if removed.ID != x.ID || !slices.Equal(externalSlugs(removed), []string{"catalog-viewer"}) || b.stateOf(owner) != before {
			b.Fatalf("it was %+v", removed)
		}
		for _, do := range []func() error{
			func() error { _, err := b.b.ExternalKey(b.Context(), by, x.ID); return err },
			func() error { _, err := b.b.RemoveExternalKey(b.Context(), by, x.ID); return err },
			func() error {
				_, _, err := b.b.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1})
				return err
			},
		} {
			b.want(do(), keys.KindNotFound, keys.ReasonKeyNotFound)
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key`) + b.raw.count(`SELECT COUNT(*) FROM external_key_role`); n != 0 {
			b.Fatalf("%d rows are left", n)
		}
		if again := b.addExternal(by, x.ID, "globex"); again.Number == x.Number || again.Version != 1 {
			b.Fatalf("added again it is %+v", again)
		}
		if got := b.externalEvents(by); !strings.HasPrefix(got[1], "external.removed user ana@acme.example "+string(x.ID)) || !strings.HasSuffix(got[1], `{"owner":"globex","roles":["catalog-viewer"]}`) {
			b.Fatalf("it is told by %q", got)
		}
	}},
	{"external/its owner decides whether it is active, and its deletion ends it in every account", func(b *bench) {
		by, third, owner := b.newAccount("acme"), b.newAccount("initech"), b.newAccount("globex")
		owner.Email, owner.IP = "secret@globex.example", "203.0.113.99"
		x := b.newExternal(by, owner, "catalog-viewer")
		b.addExternal(third, x.ID, "globex")
		_, _, err := b.a.DeactivateKey(b.Context(), owner, x.ID)
		b.must(err)
		if found, err := b.b.ExternalKey(b.Context(), by, x.ID); err != nil || found.Active || found.Version != 1 {
			b.Fatalf("it is %+v: %v", found, err)
		}
		_, _, err = b.a.DeactivateKey(b.Context(), by, x.ID)
		b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound) // nobody else does
		_, err = b.a.DeleteKey(b.Context(), owner, x.ID)
		b.must(err)
		for _, granting := range []keys.Actor{by, third} {
			page, err := b.b.ExternalKeys(b.Context(), granting, store.KeyAsk{Limit: 25})
			b.must(err)
			events := b.externalEvents(granting)
			if page.Total != 0 || len(page.Keys) != 0 || len(events) != 2 ||
				!strings.HasPrefix(events[1], "external.removed system  "+string(x.ID)+"  {") || !strings.Contains(events[1], `"reason":"deleted by its owner"`) {
				b.Fatalf("there is %+v, told by %q", page, events)
			}
			for _, event := range events {
				if strings.Contains(event, owner.Email) || strings.Contains(event, owner.IP) {
					b.Fatalf("it tells who deleted it: %q", event)
				}
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key`) + b.raw.count(`SELECT COUNT(*) FROM external_key_role`); n != 0 || len(b.externalEvents(owner)) != 0 {
			b.Fatalf("%d rows are left", n)
		}
	}},
	{"external/nobody gives more than they hold, nor edits one that has it; to remove it takes only Edit API Keys", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		editor, viewer := holding(by, keys.ViewAPIKeys, keys.EditAPIKeys), holding(by, keys.ViewAPIKeys)
		x := b.newExternal(by, owner, keys.RoleOwner)
		other := b.newKey(owner, "Other").Key
		before := b.raw.dump()
		add := func(who keys.Actor, role string) error {
			_, err := b.a.AddExternalKey(b.Context(), who, store.NewExternalKey{ID: other.ID, Owner: "globex", Roles: []string{role}})
			return err
		}
		edit := func(who keys.Actor, roles ...string) error {
			_, _, err := b.a.EditExternalKey(b.Context(), who, store.EditExternalKey{ID: x.ID, Version: 1, Roles: roles})
			return err
		}
		b.want(add(editor, keys.RoleUserAdministrator), keys.KindForbidden, keys.ReasonEscalation)
		b.want(edit(editor, "orders-viewer"), keys.KindForbidden, keys.ReasonEscalation)
		b.want(add(viewer, "orders-viewer"), keys.KindForbidden, keys.ReasonPermissionMissing)
		b.want(edit(viewer, "orders-viewer"), keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err := b.a.RemoveExternalKey(b.Context(), viewer, x.ID)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.ExternalKeys(b.Context(), holding(by), store.KeyAsk{Limit: 25})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		b.want(b.a.EachExternalKey(b.Context(), holding(by), nil), keys.KindForbidden, keys.ReasonPermissionMissing)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		b.must(add(editor, "orders-manager")) // the account's own resources may be given
		_, err = b.a.RemoveExternalKey(b.Context(), editor, x.ID)
		b.must(err)
	}},
	{"external/of another account's there is none", func(b *bench) {
		by, owner, third := b.newAccount("acme"), b.newAccount("globex"), b.newAccount("initech")
		x := b.newExternal(by, owner, "catalog-viewer")
		before := b.raw.dump()
		for _, stranger := range []keys.Actor{owner, third} {
			_, err := b.a.ExternalKey(b.Context(), stranger, x.ID)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			_, _, err = b.a.EditExternalKey(b.Context(), stranger, store.EditExternalKey{ID: x.ID, Version: 1})
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			_, err = b.a.RemoveExternalKey(b.Context(), stranger, x.ID)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			page, err := b.a.ExternalKeys(b.Context(), stranger, store.KeyAsk{Limit: 25})
			b.must(err)
			if page.Total != 0 || page.Keys != nil {
				b.Fatalf("%s sees %+v", stranger.Account, page)
			}
		}
		for _, id := range []keys.KeyID{"junk", "appkey-globex-00000000"} {
			_, err := b.a.ExternalKey(b.Context(), by, id)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		}
		if b.raw.dump() != before {
			b.Fatal("a stranger changed something")
		}
	}},
	{"external/the list is in pages, the last added first, and each goes through all of it", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		var want []keys.KeyID
		for i := range 7 {
			x := b.newExternal(by, owner, []string{"catalog-viewer", "orders-viewer"}[:i%3]...)
			want = append([]keys.KeyID{x.ID}, want...)
			if i%2 == 0 { // some have one time
				b.clock.Advance(time.Second)
			}
		}
		var seen []keys.KeyID
		var pages []store.ExternalKeyPage
		for ask := (store.KeyAsk{Limit: 3}); ; ask.After = pages[len(pages)-1].Older {
			page, err := b.b.ExternalKeys(b.Context(), by, ask)
			b.must(err)
			pages = append(pages, page)
			for _, x := range page.Keys {
				if len(x.Roles) != (6-len(seen))%3 {
					b.Fatalf("%d has %q", len(seen), externalSlugs(x))
				}
				seen = append(seen, x.ID)
			}
			if page.Total != 7 || page.Fallback || (page.Newer == "") != (len(pages) == 1) {
				b.Fatalf("the page is %+v", page)
			}
			if page.Older == "" {
				break
			}
		}
		if !slices.Equal(seen, want) || len(pages) != 3 {
			b.Fatalf("it shows %q in %d pages, want %q", seen, len(pages), want)
		}
		back, err := b.b.ExternalKeys(b.Context(), by, store.KeyAsk{Before: pages[2].Newer, Limit: 3})
		b.must(err)
		if len(back.Keys) != 3 || back.Keys[0].ID != want[3] || back.Newer == "" || back.Older == "" {
			b.Fatalf("before the last page is %+v", back)
		}
		first, err := b.b.ExternalKeys(b.Context(), by, store.KeyAsk{Before: pages[1].Newer, Limit: 3})
		b.must(err)
		if len(first.Keys) != 3 || first.Keys[0].ID != want[0] || first.Newer != "" || first.Fallback {
			b.Fatalf("before the second page is %+v", first)
		}
		_, err = b.a.RemoveExternalKey(b.Context(), by, want[6])
		b.must(err)
		gone, err := b.b.ExternalKeys(b.Context(), by, store.KeyAsk{After: pages[1].Older, Limit: 3})
		b.must(err)
		if !gone.Fallback || len(gone.Keys) != 3 || gone.Newer != "" {
			b.Fatalf("after the end is %+v", gone)
		}
		_, err = b.b.ExternalKeys(b.Context(), by, store.KeyAsk{After: "junk", Limit: 3})
		b.want(err, keys.KindMalformed, keys.ReasonCursor)
		var each []keys.KeyID
		b.must(b.b.EachExternalKey(b.Context(), by, func(x keys.ExternalKey) error { each = append(each, x.ID); return nil }))
		if !slices.Equal(each, want[:6]) {
			b.Fatalf("each is %q", each)
		}
		stop := errors.New("enough")
		if err := b.b.EachExternalKey(b.Context(), by, func(keys.ExternalKey) error { return stop }); !errors.Is(err, stop) {
			b.Fatalf("it ended with %v", err)
		}
	}},
	{"external/a verifier learns of every grant, and of its end", func(b *bench) {
		by, third, owner := b.newAccount("acme"), b.newAccount("initech"), b.newAccount("globex")
		m := b.loadFeed(b.a)
		x := b.newExternal(by, owner, "orders-viewer", "catalog-viewer")
		b.addExternal(third, x.ID, "globex")
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
		number := slices.Collect(func(yield func(int64) bool) {
			for n := range m.grants {
				if len(m.grants[n]) > 0 && !yield(n) {
					return
				}
			}
		})
		if len(number) != 1 || len(m.grants[number[0]]) != 2 || m.grants[number[0]][0].Account != b.account(by).Number ||
			len(m.grants[number[0]][0].Roles) != 2 || !slices.IsSorted(m.grants[number[0]][0].Roles) || m.grants[number[0]][1].Roles != nil {
			b.Fatalf("it knows %+v", m.grants)
		}
		for _, do := range []func() error{
			func() error {
				_, _, err := b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1})
				return err
			},
			func() error { _, err := b.a.RemoveExternalKey(b.Context(), third, x.ID); return err },
			func() error { _, err := b.a.DeleteKey(b.Context(), owner, x.ID); return err },
		} {
			b.must(do())
			changes := b.followFeed(m.mark)
			if len(changes.Keys) != 1 || changes.Keys[0].ID != x.ID || changes.Accounts != nil {
				b.Fatalf("it says %+v", changes)
			}
			m.apply(changes)
			b.wantModel(m)
		}
		if len(m.grants[number[0]]) != 0 {
			b.Fatalf("of a deleted key it knows %+v", m.grants)
		}
	}},
	{"external/a review confirms external keys too, for who holds what they have", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		x := b.newExternal(by, owner, keys.RoleOwner)
		since := b.putUnderReview(by)
		less := holding(by, keys.ViewAPIKeys, keys.EditAPIKeys)
		_, err := b.a.ConfirmReview(b.Context(), less, since)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		found, err := b.a.ReviewKeys(b.Context(), by, 10)
		b.must(err)
		if found.Count != 0 || found.External != 1 {
			b.Fatalf("there is %+v", found)
		}
		_, _, err = b.a.DeactivateKey(b.Context(), owner, x.ID)
		b.must(err)
		if confirmed, err := b.a.ConfirmReview(b.Context(), less, since); err != nil || confirmed != 0 {
			b.Fatalf("%d were confirmed: %v", confirmed, err)
		}
	}},
	{"external/of 20 that add one key at once one does", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		for range rounds {
			key := b.newKey(owner, "Price feed").Key
			results := make([]error, 20)
			b.race(20, func(i int, s *store.Store) {
				_, results[i] = s.AddExternalKey(b.Context(), by, store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"orders-viewer"}})
			})
			winner := slices.Index(results, nil)
			for i, err := range results {
				if i != winner && keys.ReasonOf(err) != keys.ReasonExternalAdded {
					b.Fatalf("%v", results)
				}
			}
			if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'external.added' AND object_id = $1`, string(key.ID)); winner < 0 || n != 1 {
				b.Fatalf("%d events: %v", n, results)
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key_role`); n != rounds {
			b.Fatalf("%d roles", n)
		}
	}},
	{"external/edits against a removal, and against the deletion of the key, leave no role behind", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		for round := range 2 * rounds {
			x := b.newExternal(by, owner, "catalog-viewer")
			results := make([]error, 4)
			b.race(4, func(i int, s *store.Store) {
				switch {
				case i < 3:
					_, _, results[i] = s.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1, Roles: []string{"orders-viewer", "pricing-viewer", "pricing-admin"}[:1+i]})
				case round%2 == 0:
					_, results[i] = s.RemoveExternalKey(b.Context(), by, x.ID)
				default:
					_, results[i] = s.DeleteKey(b.Context(), owner, x.ID)
				}
			})
			edited := 0
			for _, err := range results[:3] {
				switch {
				case err == nil:
					edited++
				case keys.KindOf(err) != keys.KindNotFound && keys.ReasonOf(err) != keys.ReasonKeyChanged:
					b.Fatalf("%v", results)
				}
			}
			events := b.raw.Texts(`SELECT action FROM audit WHERE object_kind = 'external' AND object_id = $1 ORDER BY seq`, string(x.ID))
			if results[3] != nil || edited > 1 || len(events) != 2+edited || events[len(events)-1] != "external.removed" {
				b.Fatalf("%v, told by %q", results, events)
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key`) + b.raw.count(`SELECT COUNT(*) FROM external_key_role`); n != 0 {
			b.Fatalf("%d rows are left", n)
		}
	}},
	{"external/none is added to a key that is being deleted", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		for range rounds {
			key := b.newKey(owner, "Price feed").Key
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				if i == 0 {
					_, results[i] = s.DeleteKey(b.Context(), owner, key.ID)
					return
				}
				_, results[i] = s.AddExternalKey(b.Context(), by, store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"orders-viewer"}})
			})
			if results[0] != nil || results[1] != nil && keys.ReasonOf(results[1]) != keys.ReasonExternalUnknown {
				b.Fatalf("%v", results)
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key`) + b.raw.count(`SELECT COUNT(*) FROM external_key_role`); n != 0 {
			b.Fatalf("%d rows are left", n)
		}
	}},
	{"external/two accounts that add and delete each other's keys do not wait for ever", func(b *bench) {
		actors := []keys.Actor{b.newAccount("acme"), b.newAccount("globex")}
		for range rounds {
			made := []keys.Key{b.newKey(actors[0], "One").Key, b.newKey(actors[1], "Other").Key}
			b.race(8, func(i int, s *store.Store) {
				me, other := i%2, 1-i%2
				_, err := s.AddExternalKey(b.Context(), actors[me], store.NewExternalKey{ID: made[other].ID, Owner: actors[other].Account, Roles: []string{"orders-viewer"}})
				if kind := keys.KindOf(err); err != nil && kind != keys.KindInvalid {
					b.Errorf("add: %v", err)
				}
				_, err = s.RenewKey(b.Context(), actors[me], made[me].ID, secret.NewNonce())
				if kind := keys.KindOf(err); err != nil && kind != keys.KindConflict && kind != keys.KindNotFound {
					b.Errorf("renew: %v", err)
				}
				_, err = s.DeleteKey(b.Context(), actors[me], made[me].ID)
				if err != nil && keys.KindOf(err) != keys.KindNotFound {
					b.Errorf("delete: %v", err)
				}
			})
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM external_key`); n != 0 {
			b.Fatalf("%d rows are left", n)
		}
	}},
}
