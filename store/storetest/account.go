package storetest

import (
	"slices"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var accountCases = []testCase{
	{"account/a new one has the default duration, the whole catalogue, the roles, and an owner", func(b *bench) {
		by := b.newAccount("acme")
		account := b.account(by)
		if account.Duration != keys.DefaultDuration || !account.EnforceExpiry || account.Zone != "Europe/Lisbon" ||
			account.KeyCount != 0 || !account.CreatedAt.Equal(b.clock.Now()) {
			b.Fatalf("made %+v", account)
		}
		numbers := b.raw.Texts(`SELECT number FROM account UNION ALL SELECT number FROM resource
			UNION ALL SELECT number FROM role UNION ALL SELECT number FROM app_user`)
		want := 1 + len(keys.ConsoleResources()) + len(keys.SampleResources()) + len(keys.BuiltInRoles()) + len(keys.SampleRoles()) + 1
		slices.Sort(numbers)
		if len(slices.Compact(numbers)) != want || want < 30 {
			b.Fatalf("%d different numbers, want %d", len(numbers), want)
		}
		users, err := b.b.Users(b.Context())
		b.must(err)
		if len(users) != 1 || users[0].Email != "ana@acme.example" || users[0].Account != "acme" || users[0].Roles[0].Slug != keys.RoleOwner ||
			users[0].Locked || !users[0].LastSignInAt.IsZero() {
			b.Fatalf("users are %+v", users)
		}
	}},
	{"account/a taken slug and a taken email are refused and leave nothing behind", func(b *bench) {
		b.newAccount("acme")
		before := b.raw.dump()
		_, _, err := b.b.CreateAccount(b.Context(), keys.Command("test"), store.NewAccount{Slug: "acme", Zone: "UTC", Email: "bo@acme.example"})
		b.want(err, keys.KindInvalid, keys.ReasonAccountTaken)
		_, _, err = b.b.CreateAccount(b.Context(), keys.Command("test"), store.NewAccount{Slug: "other", Zone: "UTC", Email: "ANA@acme.example"})
		b.want(err, keys.KindInvalid, keys.ReasonEmailTaken)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"account/all are listed in the order of their making", func(b *bench) {
		b.newAccount("zebra")
		b.newAccount("acme")
		all, err := b.b.Accounts(b.Context())
		b.must(err)
		if len(all) != 2 || all[0].Slug != "zebra" || all[1].Slug != "acme" {
			b.Fatalf("listed %+v", all)
		}
		_, err = b.b.Keys(b.Context(), keys.Actor{AccountID: "none"}, store.KeyAsk{Limit: 25})
		b.want(err, keys.KindNotFound, keys.ReasonAccountNotFound)
	}},
}

var userCases = []testCase{
	{"user/a new one has the roles that were given, and may be given no more than the giver holds", func(b *bench) {
		by := b.newAccount("acme")
		in := store.NewUser{Email: " Bo@acme.example", PasswordPHC: testPHC, Roles: []string{keys.RoleUserAdministrator}}
		user, err := b.a.CreateUser(b.Context(), by, in)
		b.must(err)
		bo := keys.Actor{Kind: keys.ActorUser, UserID: user.ID, Email: user.Email, IP: "192.0.2.9"}
		bo.AccountID, bo.Account = by.AccountID, by.Account
		found, err := b.b.Session(b.Context(), b.signIn(bo, secret.Digest{}))
		b.must(err)
		want := []string{keys.ViewAPIKeys, keys.EditAPIKeys, keys.RenewAPIToken, keys.EditAPIKeySettings}
		if user.Email != "bo@acme.example" || !slices.Equal(found.Actor.Holds, want) {
			b.Fatalf("%q holds %q, want %q", user.Email, found.Actor.Holds, want)
		}
		_, err = b.b.CreateUser(b.Context(), by, in)
		b.want(err, keys.KindInvalid, keys.ReasonEmailTaken)
		in.Email = "cy@acme.example"
		_, err = b.a.CreateUser(b.Context(), found.Actor, in)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.CreateUser(b.Context(), holding(by, keys.ManageUsers), in)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		in.Roles = []string{"none"}
		_, err = b.a.CreateUser(b.Context(), by, in)
		b.want(err, keys.KindInvalid, keys.ReasonRoleUnknown)
		if n := b.raw.count(`SELECT COUNT(*) FROM app_user`); n != 2 {
			b.Fatalf("%d users, want 2", n)
		}
	}},
}

var roleCases = []testCase{
	{"role/roles come in the order of their names with what they allow, the owner's with everything", func(b *bench) {
		by := b.newAccount("acme")
		b.newAccount("other")
		roles, err := b.b.Roles(b.Context(), by)
		b.must(err)
		if len(roles) != len(keys.BuiltInRoles())+len(keys.SampleRoles()) || len(roles) < 12 {
			b.Fatalf("%d roles", len(roles))
		}
		if !slices.IsSortedFunc(roles, func(a, c keys.Role) int { return slices.Compare([]byte(a.Name), []byte(c.Name)) }) {
			b.Fatalf("roles are %+v", roles)
		}
		owner, _ := keys.RoleBySlug(roles, keys.RoleOwner)
		if !owner.Everything || len(owner.Resources) != len(keys.ConsoleResources())+len(keys.SampleResources()) {
			b.Fatalf("the owner holds %q", owner.Resources)
		}
		manager, _ := keys.RoleBySlug(roles, "orders-manager")
		if !slices.Equal(manager.Resources, []string{"orders.read", "orders.write"}) || manager.BuiltIn {
			b.Fatalf("the orders manager is %+v", manager)
		}
	}},
}
