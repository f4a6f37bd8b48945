package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"latchkey/keys"
	"latchkey/store"
)

var roleCreateCases = []testCase{
	{"role/a new one has a slug and a number of its own, and is told of", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		numbers := b.raw.Texts(`SELECT number FROM role UNION ALL SELECT number FROM resource`)
		made, err := b.a.CreateRole(b.Context(), by, store.NewRole{
			Name: " Contas a pagar ", Description: " Look up both ", Resources: []string{"pricing.read", "orders.read", "pricing.read"},
		})
		b.must(err)
		found := b.role(by, "contas-a-pagar")
		if made.ID != found.ID || found.Name != "Contas a pagar" || found.Description != "Look up both" || found.Version != 1 || found.BuiltIn || found.Everything ||
			!slices.Equal(found.Resources, []string{"orders.read", "pricing.read"}) || slices.Contains(numbers, fmt.Sprint(found.Number)) {
			b.Fatalf("it is %+v, returned as %+v", found, made)
		}
		roles, err := b.b.Roles(b.Context(), foreign)
		b.must(err)
		if _, there := keys.RoleBySlug(roles, "contas-a-pagar"); there {
			b.Fatal("the other account has it")
		}
		row := b.raw.rows(`SELECT account_id, actor, object_kind, object_id, object, result, details FROM audit WHERE action = 'role.created'`)[0]
		var details map[string]any
		b.must(json.Unmarshal([]byte(row[6]), &details))
		if want := []string{by.AccountID, by.Email, "role", "contas-a-pagar", "Contas a pagar", "ok"}; !slices.Equal(row[:6], want) {
			b.Fatalf("the event is %q, want %q", row, want)
		}
		if fmt.Sprint(details) != "map[description:Look up both name:Contas a pagar resources:[orders.read pricing.read]]" {
			b.Fatalf("it tells %v", details)
		}
		key := b.newKey(by, "Feed", "contas-a-pagar").Key
		if key.Roles[0].Number != found.Number {
			b.Fatalf("the key has %+v", key.Roles)
		}
	}},
	{"role/names that are written alike have slugs that differ, in ASCII", func(b *bench) {
		by := b.newAccount("acme")
		for _, c := range [][2]string{
			{"Orders viewer!", "orders-viewer-2"},
			{"Órders & víewer", "orders-viewer-3"},
			{"New", "new-2"},
			{"Permissions", "permissions-2"},
			{"日本", "role"},
			{"…", "role-2"},
			{strings.Repeat("long ", 12) + "x", strings.Repeat("long-", 9) + "lon"},
		} {
			made, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: c[0]})
			b.must(err)
			if made.Slug != c[1] {
				b.Errorf("%q became %q, not %q", c[0], made.Slug, c[1])
			}
			_ = b.role(by, c[1])
		}
	}},
	{"role/a new one that breaks a rule is refused, and changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		before := b.raw.dump()
		for _, c := range []struct {
			in     store.NewRole
			kind   keys.Kind
			reason keys.Reason
		}{
			{store.NewRole{Name: " "}, keys.KindInvalid, keys.ReasonRoleNameEmpty},
			{store.NewRole{Name: strings.Repeat("é", 65)}, keys.KindInvalid, keys.ReasonNameLong},
			{store.NewRole{Name: "x", Description: strings.Repeat("é", 201)}, keys.KindInvalid, keys.ReasonDescriptionLong},
			{store.NewRole{Name: " orders VIEWER "}, keys.KindInvalid, keys.ReasonRoleNameTaken},
			{store.NewRole{Name: "owner"}, keys.KindInvalid, keys.ReasonRoleNameTaken},
			{store.NewRole{Name: "x", Resources: []string{"orders.none"}}, keys.KindInvalid, keys.ReasonResourceUnknown},
			{store.NewRole{Name: "a\x00b"}, keys.KindMalformed, keys.ReasonNotText},
			{store.NewRole{Name: "x", Description: "\xff"}, keys.KindMalformed, keys.ReasonNotText},
			{store.NewRole{Name: "x", Resources: []string{"\x00"}}, keys.KindMalformed, keys.ReasonNotText},
		} {
			_, err := b.a.CreateRole(b.Context(), by, c.in)
			b.want(err, c.kind, c.reason)
		}
		_, _, err := b.a.EditRole(b.Context(), by, store.EditRole{Slug: "orders-viewer", Version: 1, Name: "Orders Manager"})
		b.want(err, keys.KindInvalid, keys.ReasonRoleNameTaken)
		manager := holding(by, keys.ManageRoles, keys.ViewAPIKeys)
		_, err = b.a.CreateRole(b.Context(), manager, store.NewRole{Name: "x", Resources: []string{keys.EditAPIKeys}})
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, err = b.a.CreateRole(b.Context(), holding(by, keys.EditAPIKeys), store.NewRole{Name: "x"})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, err = b.a.CreateRole(b.Context(), manager, store.NewRole{Name: "x", Resources: []string{keys.ViewAPIKeys, "orders.write"}})
		b.must(err)
	}},
	{"role/of 20 new ones of one name one is made", func(b *bench) {
		by := b.newAccount("acme")
		results := make([]error, 20)
		b.race(20, func(i int, s *store.Store) {
			_, results[i] = s.CreateRole(b.Context(), by, store.NewRole{Name: "Accountant", Resources: []string{"orders.read"}})
		})
		winner := slices.Index(results, nil)
		for i, err := range results {
			if i != winner && keys.ReasonOf(err) != keys.ReasonRoleNameTaken {
				b.Fatalf("%v", results)
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM role WHERE slug LIKE 'accountant%'`); winner < 0 || n != 1 {
			b.Fatalf("%d roles were made", n)
		}
	}},
	{"role/20 new ones whose names are written alike have 20 slugs", func(b *bench) {
		by := b.newAccount("acme")
		slugs := make([]string, 20)
		b.race(20, func(i int, s *store.Store) {
			made, err := s.CreateRole(b.Context(), by, store.NewRole{Name: "Accountant" + strings.Repeat("!", i)})
			if err != nil {
				b.Error(err)
			}
			slugs[i] = made.Slug
		})
		slices.Sort(slugs)
		if len(slices.Compact(slugs)) != 20 {
			b.Fatalf("the slugs are %q", slugs)
		}
	}},
	{"role/an edit that would leave nobody to manage users is refused, and nothing else is", func(b *bench) {
		by := b.newAccount("acme")
		other := b.newAccount("other")
		_, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: "Administrators", Resources: []string{keys.ManageUsers}})
		b.must(err)
		user, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: testPHC, Roles: []string{"administrators"}})
		b.must(err)
		take := func(version int64) error {
			_, _, err := b.a.EditRole(b.Context(), b.command(by), store.EditRole{Slug: "administrators", Version: version, Name: "Administrators", Resources: []string{"orders.read"}})
			return err
		}
		b.must(take(1)) // the owner is left
		b.editRole(by, "administrators", keys.ManageUsers)
		b.raw.Do(`DELETE FROM user_role WHERE user_id = $1`, by.UserID)
		before := b.raw.dump()
		b.want(take(3), keys.KindInvalid, keys.ReasonLastAdministrator)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		b.editRole(b.command(by), "administrators", keys.ManageUsers, keys.ManageRoles)
		b.raw.Do(`DELETE FROM user_role WHERE user_id = $1`, user.ID)
		b.editRole(b.command(by), "orders-viewer", "orders.write") // what takes no administrator away is not held up by their lack
		b.editRole(other, "orders-viewer", "orders.write")
	}},
}
