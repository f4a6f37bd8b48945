package storetest

import (
	"slices"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var roleDeleteCases = []testCase{
	{"role/one that nobody holds is deleted, and its slug is free", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		was := b.role(by, "pricing-admin")
		deleted, err := b.a.DeleteRole(b.Context(), by, "pricing-admin")
		b.must(err)
		roles, err := b.b.Roles(b.Context(), by)
		b.must(err)
		if _, there := keys.RoleBySlug(roles, "pricing-admin"); there || deleted.ID != was.ID || len(roles) != len(keys.BuiltInRoles())+len(keys.SampleRoles())-1 {
			b.Fatalf("deleted %+v, left %d", deleted, len(roles))
		}
		_ = b.role(foreign, "pricing-admin")
		if left := b.raw.count(`SELECT COUNT(*) FROM role_resource WHERE role_id = $1`, was.ID); left != 0 {
			b.Fatalf("%d of its resources are left", left)
		}
		row := b.raw.rows(`SELECT account_id, object_kind, object_id, object, details FROM audit WHERE action = 'role.deleted'`)[0]
		if want := []string{
			by.AccountID, "role", "pricing-admin", "Pricing admin",
			`{"description":"Look up and change prices and promotions","name":"Pricing admin","resources":["pricing.read","pricing.write"]}`,
		}; !slices.Equal(row, want) {
			b.Fatalf("the event is %q", row)
		}
		again, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: "Pricing admin"})
		b.must(err)
		if again.Slug != "pricing-admin" || again.Number == was.Number {
			b.Fatalf("the next one is %+v", again)
		}
	}},
	{"role/one that is held, built in, beyond the actor or not there is not deleted", func(b *bench) {
		by := b.newAccount("acme")
		b.newAccount("other")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		_, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: testPHC, Roles: []string{"catalog-viewer"}})
		b.must(err)
		b.editRole(by, "pricing-admin", keys.EditAPIKeys)
		manager := holding(by, keys.ManageRoles)
		before := b.raw.dump()
		for _, c := range []struct {
			by     keys.Actor
			slug   string
			kind   keys.Kind
			reason keys.Reason
		}{
			{by, "orders-viewer", keys.KindConflict, keys.ReasonRoleInUse},
			{by, "catalog-viewer", keys.KindConflict, keys.ReasonRoleInUse},
			{by, keys.RoleOwner, keys.KindConflict, keys.ReasonRoleBuiltIn},
			{by, keys.RoleUserAdministrator, keys.KindConflict, keys.ReasonRoleBuiltIn},
			{by, "none", keys.KindNotFound, keys.ReasonRoleNotFound},
			{by, "", keys.KindNotFound, keys.ReasonRoleNotFound},
			{by, "a\x00b", keys.KindMalformed, keys.ReasonNotText},
			{manager, "pricing-admin", keys.KindForbidden, keys.ReasonEscalation},
			{holding(by, keys.EditAPIKeys), "pricing-viewer", keys.KindForbidden, keys.ReasonPermissionMissing},
		} {
			_, err := b.a.DeleteRole(b.Context(), c.by, c.slug)
			b.want(err, c.kind, c.reason)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, err = b.a.DeleteKey(b.Context(), by, key.ID)
		b.must(err)
		_, err = b.a.DeleteRole(b.Context(), manager, "orders-viewer")
		b.must(err)
	}},
	{"role/a delete against whoever gives it away never leaves a holder of nothing", func(b *bench) {
		by := b.newAccount("acme")
		idle := b.newKey(by, "Idle").Key
		gone, given := 0, 0
		for round := range 2 * rounds {
			role, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: "Short-lived", Resources: []string{"orders.read"}})
			b.must(err)
			idle, err = b.a.Key(b.Context(), by, idle.ID)
			b.must(err)
			var deleted error
			results := make([]error, 4)
			b.race(4, func(i int, s *store.Store) {
				switch i {
				case 0:
					_, deleted = s.DeleteRole(b.Context(), by, role.Slug)
				case 1:
					_, results[i] = s.GenerateKey(b.Context(), by, store.NewKey{Name: "x", Roles: []string{role.Slug}, Nonce: secret.NewNonce()})
				case 2:
					_, _, results[i] = s.EditKey(b.Context(), by, store.EditKey{ID: idle.ID, Version: idle.Version, Name: "Idle", Roles: []string{role.Slug}, Active: true})
				default:
					email := string(rune('a'+round)) + "x@acme.example"
					_, results[i] = s.CreateUser(b.Context(), by, store.NewUser{Email: email, PasswordPHC: testPHC, Roles: []string{role.Slug}})
				}
			})
			holders := b.raw.count(`SELECT COUNT(*) FROM api_key_role WHERE role_id = $1`, role.ID) +
				b.raw.count(`SELECT COUNT(*) FROM user_role WHERE role_id = $1`, role.ID)
			switch keys.ReasonOf(deleted) {
			case "":
				gone++
				for _, err := range results[1:] {
					if keys.ReasonOf(err) != keys.ReasonRoleUnknown {
						b.Fatalf("round %d: it is gone, and %v", round, results)
					}
				}
				if deleted != nil || holders != 0 {
					b.Fatalf("round %d: %v, %d hold what is gone", round, deleted, holders)
				}
			case keys.ReasonRoleInUse:
				given++
				if holders == 0 {
					b.Fatalf("round %d: nobody holds it", round)
				}
				b.free(by, role)
			default:
				b.Fatalf("round %d: %v", round, deleted)
			}
		}
		b.Logf("%d were deleted first, %d given first", gone, given)
	}},
}

// free takes a role from all who hold it, and deletes it.
func (b *bench) free(by keys.Actor, role keys.Role) {
	b.Helper()
	b.raw.Do(`DELETE FROM api_key_role WHERE role_id = $1`, role.ID)
	b.raw.Do(`DELETE FROM user_role WHERE role_id = $1`, role.ID)
	_, err := b.a.DeleteRole(b.Context(), by, role.Slug)
	b.must(err)
}

var roleUseCases = []testCase{
	{"role/each tells how many hold it, and who comes first", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.newKey(foreign, "Foreign", "orders-viewer")
		var made []keys.Key
		for _, name := range []string{"One", "Two", "Three"} {
			made = append(made, b.newKey(by, name, "orders-viewer", "catalog-viewer").Key)
		}
		_, err := b.a.DeleteKey(b.Context(), by, b.newKey(by, "Deleted", "orders-viewer").Key.ID)
		b.must(err)
		for _, email := range []string{"zoe@acme.example", "bo@acme.example"} {
			_, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: email, PasswordPHC: testPHC, Roles: []string{"orders-viewer"}})
			b.must(err)
		}
		roles, err := b.b.UsedRoles(b.Context(), by)
		b.must(err)
		uses := map[string]store.RoleUse{}
		for i, role := range roles {
			if i > 0 && roles[i-1].Name > role.Name {
				b.Errorf("%s comes after %s", role.Name, roles[i-1].Name)
			}
			if role.Use.Any() {
				uses[role.Slug] = role.Use
			}
		}
		if len(roles) != 12 || len(uses) != 3 || uses["orders-viewer"] != (store.RoleUse{Keys: 3, Users: 2}) ||
			uses["catalog-viewer"] != (store.RoleUse{Keys: 3}) || uses[keys.RoleOwner] != (store.RoleUse{Users: 1}) {
			b.Fatalf("%d roles, used %v", len(roles), uses)
		}
		used, err := b.b.UsedRole(b.Context(), by, "orders-viewer", 2)
		b.must(err)
		if used.Use != uses["orders-viewer"] || !slices.Equal(used.Resources, []string{"orders.read"}) || len(used.Holders.Keys) != 2 ||
			used.Holders.Keys[0].ID != made[2].ID || used.Holders.Keys[1].Name != "Two" || !slices.Equal(used.Holders.Users, []string{"zoe@acme.example", "bo@acme.example"}) {
			b.Fatalf("it is %+v", used)
		}
		_, err = b.b.UsedRole(b.Context(), by, "none", 2)
		b.want(err, keys.KindNotFound, keys.ReasonRoleNotFound)
		_, err = b.b.UsedRole(b.Context(), by, "a\x00b", 2)
		b.want(err, keys.KindMalformed, keys.ReasonNotText)
		for _, read := range []func(keys.Actor) error{
			func(by keys.Actor) error { _, err := b.a.UsedRoles(b.Context(), by); return err },
			func(by keys.Actor) error { _, err := b.a.UsedRole(b.Context(), by, "orders-viewer", 2); return err },
			func(by keys.Actor) error { _, err := b.a.Resources(b.Context(), by); return err },
		} {
			b.want(read(holding(by, keys.ViewAPIKeys, keys.EditAPIKeys)), keys.KindForbidden, keys.ReasonPermissionMissing)
			b.must(read(holding(by, keys.ManageRoles)))
		}
	}},
}
