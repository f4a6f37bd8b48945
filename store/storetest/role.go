package storetest

import (
	"encoding/json"
	"slices"
	"strings"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var roleEditCases = []testCase{
	{"role/an edit saves name, description and resources, and tells what was before", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		before := b.role(by, "orders-viewer")
		edited, changed, err := b.a.EditRole(b.Context(), by, store.EditRole{
			Slug: "orders-viewer", Version: before.Version, Name: " Orders and prices ", Description: "Look up both",
			Resources: []string{"pricing.read", "orders.read", "pricing.read"},
		})
		b.must(err)
		found := b.role(by, "orders-viewer")
		if !changed || found.Name != "Orders and prices" || found.Description != "Look up both" || found.Version != before.Version+1 ||
			!slices.Equal(found.Resources, []string{"orders.read", "pricing.read"}) || found.ID != before.ID || found.Number != before.Number {
			b.Fatalf("it is %+v", found)
		}
		if edited.Name != found.Name || edited.Version != found.Version || !slices.Equal(edited.Resources, found.Resources) {
			b.Fatalf("it returned %+v", edited)
		}
		if other := b.role(foreign, "orders-viewer"); other.Version != before.Version || other.Name != "Orders viewer" || !slices.Equal(other.Resources, []string{"orders.read"}) {
			b.Fatalf("the other account's is %+v", other)
		}
		row := b.raw.rows(`SELECT account_id, actor, object_kind, object_id, object, result, details FROM audit WHERE action = 'role.edited'`)[0]
		var details map[string]map[string]any
		b.must(json.Unmarshal([]byte(row[6]), &details))
		if want := []string{by.AccountID, by.Email, "role", "orders-viewer", "Orders and prices", "ok"}; !slices.Equal(row[:6], want) {
			b.Fatalf("the event is %q, want %q", row, want)
		}
		after, _ := details["resources"]["after"].([]any)
		if details["name"]["before"] != "Orders viewer" || details["description"]["after"] != "Look up both" || len(after) != 2 || len(details) != 3 {
			b.Fatalf("it tells %v", details)
		}
	}},
	{"role/an edit tells only what changed, and may take everything away", func(b *bench) {
		by := b.newAccount("acme")
		role := b.role(by, "orders-viewer")
		edited, changed, err := b.a.EditRole(b.Context(), by, store.EditRole{Slug: role.Slug, Version: 1, Name: role.Name, Description: role.Description})
		b.must(err)
		details := b.raw.Texts(`SELECT details FROM audit WHERE action = 'role.edited'`)
		if !changed || len(edited.Resources) != 0 || len(b.role(by, role.Slug).Resources) != 0 ||
			!slices.Equal(details, []string{`{"resources":{"after":[],"before":["orders.read"]}}`}) {
			b.Fatalf("it is %+v, told by %q", edited, details)
		}
	}},
	{"role/an edit reaches the keys and users that hold the role", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		user, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: testPHC, Roles: []string{"orders-viewer"}})
		b.must(err)
		bo := keys.Actor{Kind: keys.ActorUser, UserID: user.ID, Email: user.Email, IP: "192.0.2.9", AccountID: by.AccountID, Account: by.Account}
		session := b.signIn(bo, secret.Digest{})
		b.editRole(by, "orders-viewer", "catalog.read")
		found, err := b.b.Key(b.Context(), by, key.ID)
		b.must(err)
		signedIn, err := b.b.Session(b.Context(), session)
		b.must(err)
		if !slices.Equal(found.Roles[0].Resources, []string{"catalog.read"}) || !slices.Equal(signedIn.Actor.Holds, []string{"catalog.read"}) {
			b.Fatalf("the key has %+v, the user %q", found.Roles, signedIn.Actor.Holds)
		}
	}},
	{"role/an edit that changes nothing writes nothing", func(b *bench) {
		by := b.newAccount("acme")
		role := b.role(by, "orders-manager")
		before := b.raw.dump()
		same, changed, err := b.a.EditRole(b.Context(), by, store.EditRole{
			Slug: role.Slug, Version: role.Version, Name: role.Name + " ", Description: role.Description, Resources: []string{"orders.write", "orders.read"},
		})
		b.must(err)
		if changed || same.Version != role.Version || b.raw.dump() != before {
			b.Fatalf("changed = %v, %+v", changed, same)
		}
	}},
	{"role/what breaks a rule is refused, and changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		b.newAccount("other")
		b.editRole(by, "catalog-viewer", "catalog.read", "orders.read")
		before := b.raw.dump()
		for _, c := range []struct {
			in     store.EditRole
			kind   keys.Kind
			reason keys.Reason
		}{
			{store.EditRole{Slug: "none", Version: 1, Name: "x"}, keys.KindNotFound, keys.ReasonRoleNotFound},
			{store.EditRole{Slug: "", Version: 1, Name: "x"}, keys.KindNotFound, keys.ReasonRoleNotFound},
			{store.EditRole{Slug: keys.RoleOwner, Version: 1, Name: "x"}, keys.KindConflict, keys.ReasonRoleBuiltIn},
			{store.EditRole{Slug: keys.RoleUserAdministrator, Version: 1, Name: "x"}, keys.KindConflict, keys.ReasonRoleBuiltIn},
			{store.EditRole{Slug: "catalog-viewer", Version: 1, Name: "x"}, keys.KindConflict, keys.ReasonRoleChanged},
			{store.EditRole{Slug: "catalog-viewer", Version: 3, Name: "x"}, keys.KindConflict, keys.ReasonRoleChanged},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: " "}, keys.KindInvalid, keys.ReasonRoleNameEmpty},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: strings.Repeat("é", 65)}, keys.KindInvalid, keys.ReasonNameLong},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x", Resources: []string{"orders.read", "orders.none"}}, keys.KindInvalid, keys.ReasonResourceUnknown},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: "a\x00b"}, keys.KindMalformed, keys.ReasonNotText},
			{store.EditRole{Slug: "a\xffb", Version: 1, Name: "x"}, keys.KindMalformed, keys.ReasonNotText},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x", Description: "\xed\xa0\x80"}, keys.KindMalformed, keys.ReasonNotText},
			{store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x", Resources: []string{"\x00"}}, keys.KindMalformed, keys.ReasonNotText},
		} {
			_, _, err := b.a.EditRole(b.Context(), by, c.in)
			b.want(err, c.kind, c.reason)
		}
		stranger := by
		stranger.AccountID = "none"
		_, _, err := b.a.EditRole(b.Context(), stranger, store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x"})
		b.want(err, keys.KindNotFound, keys.ReasonAccountNotFound)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"role/nobody makes a role that may more than they may, nor edits one that does", func(b *bench) {
		by := b.newAccount("acme")
		manager := holding(by, keys.ManageRoles, keys.ViewAPIKeys)
		without := slices.DeleteFunc(slices.Clone(by.Holds), func(slug string) bool { return slug == keys.ManageRoles })
		b.editRole(by, "pricing-admin", keys.ManageUsers, keys.ViewAPIKeys)
		before := b.raw.dump()
		edit := store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x", Resources: []string{"orders.read"}}
		_, _, err := b.a.EditRole(b.Context(), holding(by, without...), edit)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		edit.Resources = []string{"orders.read", keys.EditAPIKeys}
		_, _, err = b.a.EditRole(b.Context(), manager, edit)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		for _, resources := range [][]string{nil, {keys.ViewAPIKeys}} { // also to take it away
			_, _, err = b.a.EditRole(b.Context(), manager, store.EditRole{Slug: "pricing-admin", Version: 2, Name: "x", Resources: resources})
			b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		edit.Resources = []string{"orders.write", "pricing.write", keys.ViewAPIKeys} // the account's own may be given by whoever edits
		_, changed, err := b.a.EditRole(b.Context(), manager, edit)
		b.must(err)
		if !changed {
			b.Fatal("nothing changed")
		}
	}},
	{"role/of 20 edits of one version one wins", func(b *bench) {
		by := b.newAccount("acme")
		for round := range rounds {
			results := make([]error, 20)
			b.race(20, func(i int, s *store.Store) {
				resources := []string{"orders.read", "orders.write", "catalog.read", "pricing.read"}[i%4:]
				_, _, results[i] = s.EditRole(b.Context(), by, store.EditRole{
					Slug: "orders-viewer", Version: int64(1 + round), Name: strings.Repeat("x", 1+round+i), Resources: resources,
				})
			})
			winner := slices.Index(results, nil)
			for i, err := range results {
				if i != winner && keys.ReasonOf(err) != keys.ReasonRoleChanged {
					b.Fatalf("round %d: %v", round, results)
				}
			}
			if role := b.role(by, "orders-viewer"); winner < 0 || role.Version != int64(2+round) || len(role.Name) != 1+round+winner || len(role.Resources) != 4-winner%4 {
				b.Fatalf("round %d: %d won, and it is %+v", round, winner, role)
			}
		}
	}},
	{"role/nobody slips a role to a key while it is given what they do not hold", func(b *bench) {
		by := b.newAccount("acme")
		editor := holding(by, keys.EditAPIKeys, keys.RenewAPIToken)
		idle := b.newKey(by, "Idle", "orders-viewer").Key
		for range rounds {
			version := b.role(by, "orders-viewer").Version
			_, _, err := b.a.DeactivateKey(b.Context(), by, idle.ID)
			b.must(err)
			b.race(4, func(i int, s *store.Store) {
				var err error
				switch i {
				case 0:
					_, _, err = s.EditRole(b.Context(), by, store.EditRole{Slug: "orders-viewer", Version: version, Name: "x", Resources: []string{keys.ManageUsers}})
				case 1:
					_, err = s.GenerateKey(b.Context(), editor, store.NewKey{Name: "x", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
				case 2:
					_, _, err = s.ActivateKey(b.Context(), editor, idle.ID)
				default:
					_, err = s.RenewKey(b.Context(), editor, idle.ID, secret.NewNonce())
				}
				if err != nil && (i == 0 || keys.ReasonOf(err) != keys.ReasonEscalation) {
					b.Errorf("%d: %v", i, err)
				}
			})
			late := b.raw.Texts(`
				SELECT action FROM audit WHERE action IN ('key.generated', 'key.activated', 'renew.started')
					AND seq > (SELECT MAX(seq) FROM audit WHERE action = 'role.edited')`)
			if len(late) > 0 {
				b.Fatalf("after the edit came %q", late)
			}
			b.editRole(by, "orders-viewer", "orders.read")
			if key, err := b.a.Key(b.Context(), by, idle.ID); err != nil || key.Renewing() {
				_, err := b.a.UndoRenewal(b.Context(), by, idle.ID)
				b.must(err)
			}
		}
	}},
}

// role is a role of the actor's account.
func (b *bench) role(by keys.Actor, slug string) keys.Role {
	b.Helper()
	roles, err := b.b.Roles(b.Context(), by)
	b.must(err)
	role, found := keys.RoleBySlug(roles, slug)
	if !found {
		b.Fatalf("there is no role %s", slug)
	}
	return role
}

// editRole gives a role these resources.
func (b *bench) editRole(by keys.Actor, slug string, resources ...string) {
	b.Helper()
	role := b.role(by, slug)
	_, changed, err := b.a.EditRole(b.Context(), by, store.EditRole{
		Slug: slug, Version: role.Version, Name: role.Name, Description: role.Description, Resources: resources,
	})
	b.must(err)
	if !changed {
		b.Fatalf("%s was so before", slug)
	}
}
