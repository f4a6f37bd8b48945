package storetest

import (
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var usersCases = []testCase{
	{"users/the list has the account's users by email, with roles, status, last sign-in and link", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.signIn(by, secret.Digest{})
		b.clock.Advance(time.Hour)
		b.signIn(by, secret.Digest{})
		made := b.invite(by, " Zoe@acme.example", "orders-viewer", "catalog-viewer")
		b.invite(by, "bo@acme.example")
		b.invite(foreign, "eve@other.example")
		users, err := b.b.AccountUsers(b.Context(), by)
		b.must(err)
		if len(users) != 3 || users[0].Email != "ana@acme.example" || users[1].Email != "bo@acme.example" || users[2].Email != "zoe@acme.example" {
			b.Fatalf("listed %+v", users)
		}
		ana, zoe := users[0], users[2]
		if !ana.Active() || !ana.HasPassword || ana.Link.ID != "" || !ana.LastSignInAt.Equal(b.clock.Now()) || ana.Roles[0].Slug != keys.RoleOwner ||
			!slices.Contains(ana.Roles[0].Resources, keys.ManageUsers) {
			b.Fatalf("ana is %+v", ana)
		}
		if !zoe.Active() || zoe.HasPassword || !zoe.LastSignInAt.IsZero() || zoe.Version != 1 || zoe.Number != made.User.Number ||
			zoe.Link != made.Link || zoe.Link.Kind != keys.LinkInvitation || !zoe.Link.ExpiresAt.Equal(b.clock.Now().Add(24*time.Hour)) {
			b.Fatalf("zoe is %+v", zoe)
		}
		if slugs := []string{zoe.Roles[0].Slug, zoe.Roles[1].Slug}; len(zoe.Roles) != 2 || !slices.Equal(slugs, []string{"catalog-viewer", "orders-viewer"}) {
			b.Fatalf("zoe has %+v", zoe.Roles)
		}
		one, err := b.b.AccountUser(b.Context(), by, zoe.Number)
		b.must(err)
		if one.ID != zoe.ID || one.Link != zoe.Link || len(one.Roles) != 2 {
			b.Fatalf("one is %+v", one)
		}
		_, err = b.b.AccountUser(b.Context(), foreign, zoe.Number)
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		_, err = b.b.AccountUsers(b.Context(), holding(by, keys.ManageRoles, keys.ViewAPIKeys))
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
	}},
	{"users/nobody signs in as a user who was invited before the link is opened", func(b *bench) {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example", keys.RoleUserAdministrator)
		c, err := b.a.BeginLogin(b.Context(), store.LoginTry{Email: "bo@acme.example", IP: "192.0.2.9"})
		b.must(err)
		if c.PasswordPHC != "" || c.UserID != made.User.ID {
			b.Fatalf("the candidate is %+v", c)
		}
		for _, digest := range []secret.Digest{{}, secret.New(secret.KindLink).Digest()} {
			_, err = b.a.UserOfLink(b.Context(), b.stranger(), store.PresentedLink{ID: made.Link.ID, Digest: digest})
			b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
			_, err = b.a.OpenUserLink(b.Context(), b.stranger(), store.PresentedLink{ID: made.Link.ID, Digest: digest}, "stolen")
			b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
		}
		user, err := b.b.UserOfLink(b.Context(), b.stranger(), presented(made))
		b.must(err)
		if user.Email != "bo@acme.example" || user.Account != "acme" {
			b.Fatalf("the link is of %+v", user)
		}
		b.opens(made, testPHC)
		found, err := b.b.Session(b.Context(), b.signIn(b.actorOf(made.User), secret.Digest{}))
		b.must(err)
		if !found.Actor.May(keys.EditAPIKeys) || found.Actor.May(keys.ManageUsers) {
			b.Fatalf("they hold %q", found.Actor.Holds)
		}
		want := []string{"user.invited ok", "link.created ok", "link.opened ok"}
		if got := b.eventsOf(made.User); !slices.Equal(got[:3], want) {
			b.Fatalf("the events are %q", got)
		}
		entry, err := b.b.AccountUser(b.Context(), by, made.User.Number)
		b.must(err)
		if !entry.HasPassword || !entry.Link.OpenedAt.Equal(b.clock.Now()) || entry.Link.OpenedIP != "203.0.113.50" {
			b.Fatalf("it is %+v", entry)
		}
	}},
	{"users/one form invites once, and an email is taken once on the installation", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		in := store.InviteUser{Email: "bo@acme.example", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()}
		var made, repeated [20]bool
		b.race(20, func(i int, s *store.Store) {
			got, err := s.InviteUser(b.Context(), by, in)
			if err != nil || got.User.Email != "bo@acme.example" || got.Link.ID == "" || got.Repeated != got.Secret.IsZero() {
				b.Errorf("%+v, %v", got, err)
			}
			made[i], repeated[i] = !got.Repeated, got.Repeated
		})
		if n := count(made[:]); n != 1 || count(repeated[:]) != 19 || b.raw.count(`SELECT COUNT(*) FROM link`) != 1 {
			b.Fatalf("%d made, %d repeated", n, count(repeated[:]))
		}
		before := b.raw.dump()
		in.Nonce = secret.NewNonce()
		for _, who := range []keys.Actor{by, foreign} {
			_, err := b.b.InviteUser(b.Context(), who, in)
			b.want(err, keys.KindInvalid, keys.ReasonEmailTaken)
		}
		for _, c := range []struct {
			in     store.InviteUser
			kind   keys.Kind
			reason keys.Reason
		}{
			{store.InviteUser{Email: " ", Nonce: in.Nonce}, keys.KindInvalid, keys.ReasonEmailEmpty},
			{store.InviteUser{Email: "bo", Nonce: in.Nonce}, keys.KindInvalid, keys.ReasonEmailMalformed},
			{store.InviteUser{Email: "cy@acme.example", Nonce: "x"}, keys.KindMalformed, keys.ReasonNonce},
			{store.InviteUser{Email: "c\xffy@acme.example", Nonce: in.Nonce}, keys.KindMalformed, keys.ReasonNotText},
			{store.InviteUser{Email: "cy@acme.example", Nonce: in.Nonce, Roles: []string{"\x00"}}, keys.KindMalformed, keys.ReasonNotText},
			{store.InviteUser{Email: "cy@acme.example", Nonce: in.Nonce, Roles: []string{"none"}}, keys.KindInvalid, keys.ReasonRoleUnknown},
		} {
			_, err := b.a.InviteUser(b.Context(), by, c.in)
			b.want(err, c.kind, c.reason)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"users/an edit gives and takes roles from the next request on, once for each version", func(b *bench) {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example", "orders-viewer")
		session := b.signIn(b.actorOf(bo), secret.Digest{})
		edited, changed, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: bo.Version, Roles: []string{keys.RoleUserAdministrator}})
		b.must(err)
		if !changed || edited.Version != bo.Version+1 || edited.Roles[0].Slug != keys.RoleUserAdministrator {
			b.Fatalf("edited is %+v", edited)
		}
		found, err := b.b.Session(b.Context(), session)
		b.must(err)
		if !found.Actor.May(keys.EditAPIKeys) || found.Actor.May("orders.read") {
			b.Fatalf("they hold %q", found.Actor.Holds)
		}
		details := b.raw.Texts(`SELECT details FROM audit WHERE action = 'user.edited'`)
		if !slices.Equal(details, []string{`{"roles":{"after":["user-administrator"],"before":["orders-viewer"]}}`}) {
			b.Fatalf("told by %q", details)
		}
		b.signIn(b.actorOf(bo), secret.Digest{}) // a sign-in is no edit
		_, changed, err = b.a.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: edited.Version, Roles: []string{keys.RoleUserAdministrator}})
		b.must(err)
		before := b.raw.dump()
		_, _, err = b.b.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: bo.Version, Roles: nil})
		b.want(err, keys.KindConflict, keys.ReasonUserChanged)
		_, _, err = b.b.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: edited.Version, Roles: []string{"none"}})
		b.want(err, keys.KindInvalid, keys.ReasonRoleUnknown)
		_, _, err = b.b.EditUser(b.Context(), by, store.EditUser{Number: 1, Version: 1})
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		if changed || b.raw.dump() != before {
			b.Fatal("what is no change changed the database")
		}
	}},
	{"users/a deactivation ends sessions and links at once, and nobody signs in until it is undone", func(b *bench) {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example", "orders-viewer")
		session := b.signIn(b.actorOf(bo), secret.Digest{})
		made, err := b.a.NewUserLink(b.Context(), by, bo.Number, secret.NewNonce())
		b.must(err)
		candidate, err := b.a.BeginLogin(b.Context(), store.LoginTry{Email: bo.Email, IP: "192.0.2.9"})
		b.must(err)
		_, changed, err := b.a.DeactivateUser(b.Context(), by, bo.Number)
		b.must(err)
		_, gone := b.b.Session(b.Context(), session)
		b.want(gone, keys.KindNotFound, keys.ReasonSessionEnded)
		_, err = b.b.OpenUserLink(b.Context(), b.stranger(), presented(made), "stolen")
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
		start := store.SessionStart{Session: secret.New(secret.KindSession).Digest()}
		err = b.b.FinishLogin(b.Context(), b.actorOf(bo), candidate, store.LoginTry{Email: bo.Email}, start, "") // the password was right a moment ago
		b.want(err, keys.KindConflict, keys.ReasonPasswordChanged)
		candidate, err = b.b.BeginLogin(b.Context(), store.LoginTry{Email: bo.Email, IP: "192.0.2.10"})
		b.must(err)
		if !changed || candidate.PasswordPHC != "" {
			b.Fatalf("changed = %v, candidate %+v", changed, candidate)
		}
		before := b.raw.dump()
		_, changed, err = b.a.DeactivateUser(b.Context(), by, bo.Number)
		b.must(err)
		_, err = b.a.NewUserLink(b.Context(), by, bo.Number, secret.NewNonce())
		b.want(err, keys.KindConflict, keys.ReasonUserInactive)
		if changed || b.raw.dump() != before {
			b.Fatal("a second deactivation changed the database")
		}
		_, changed, err = b.b.ActivateUser(b.Context(), by, bo.Number)
		b.must(err)
		_, again, err := b.b.ActivateUser(b.Context(), by, bo.Number)
		b.must(err)
		_, gone = b.b.Session(b.Context(), session)
		b.want(gone, keys.KindNotFound, keys.ReasonSessionEnded)
		b.signIn(b.actorOf(bo), secret.Digest{})
		if got := b.eventsOf(bo); !changed || again || !slices.Equal(got, []string{
			"user.created ok", "link.created ok", "user.deactivated ok", "link.voided ok", "user.activated ok",
		}) {
			b.Fatalf("the events are %q", got)
		}
	}},
	{"users/a reset link leaves the password alone until it is opened, and then ends everything of before", func(b *bench) {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example", "orders-viewer")
		device := secret.New(secret.KindDevice).Digest()
		b.signIn(b.actorOf(bo), device)
		b.lock(bo.Email)
		made, err := b.a.NewUserLink(b.Context(), by, bo.Number, secret.NewNonce())
		b.must(err)
		session := b.signIn(b.actorOf(bo), device)
		if made.Link.Kind != keys.LinkReset || made.Repeated || made.User.Email != bo.Email {
			b.Fatalf("made %+v", made)
		}
		b.opens(made, "another hash")
		_, err = b.b.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		users, err := b.b.AccountUsers(b.Context(), by)
		b.must(err)
		if phc := b.passwordPHC(b.actorOf(bo)); phc != "another hash" || b.knows(b.actorOf(bo), device) || users[1].Locked {
			b.Fatalf("the hash is %q, the browser is known: %v, %+v", phc, b.knows(b.actorOf(bo), device), users[1])
		}
		before := b.raw.dump()
		whose, err := b.a.OpenUserLink(b.Context(), b.stranger(), presented(made), "a third hash")
		b.want(err, keys.KindGone, keys.ReasonLinkUsed)
		asked, err := b.a.UserOfLink(b.Context(), b.stranger(), presented(made))
		b.want(err, keys.KindGone, keys.ReasonLinkUsed)
		if whose.ID != bo.ID || asked.ID != bo.ID || whose.AccountID != by.AccountID || b.raw.dump() != before {
			b.Fatal("of a link that is over it is not said whose it is, or something is written that has no bound")
		}
		got := b.eventsOf(bo)
		if !slices.Equal(got[len(got)-2:], []string{"link.opened ok", "user.reset ok"}) {
			b.Fatalf("the events are %q", got)
		}
	}},
	{"users/of two links of a user the later one counts, and a form makes one", func(b *bench) {
		by := b.newAccount("acme")
		first := b.invite(by, "bo@acme.example")
		nonce := secret.NewNonce()
		second, err := b.a.NewUserLink(b.Context(), by, first.User.Number, nonce)
		b.must(err)
		again, err := b.b.NewUserLink(b.Context(), by, first.User.Number, nonce)
		b.must(err)
		if !again.Repeated || !again.Secret.IsZero() || again.Link != second.Link || second.Link.Kind != keys.LinkInvitation {
			b.Fatalf("second %+v, again %+v", second, again)
		}
		_, err = b.a.NewUserLink(b.Context(), by, first.User.Number, "x")
		b.want(err, keys.KindMalformed, keys.ReasonNonce)
		_, err = b.a.UserOfLink(b.Context(), b.stranger(), presented(first))
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
		b.opens(second, testPHC)
	}},
	{"users/a link can be taken back until it is over", func(b *bench) {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		_, err := b.a.DiscardUserLink(b.Context(), by, made.User.Number)
		b.must(err)
		_, err = b.b.OpenUserLink(b.Context(), b.stranger(), presented(made), "stolen")
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
		entry, err := b.b.AccountUser(b.Context(), by, made.User.Number)
		b.must(err)
		if entry.Link.ID != "" {
			b.Fatalf("it has %+v", entry.Link)
		}
		expired := b.invite(by, "cy@acme.example")
		b.clock.Advance(keys.LinkLife)
		before := b.raw.dump()
		for _, number := range []int64{made.User.Number, expired.User.Number} {
			_, err = b.a.DiscardUserLink(b.Context(), by, number)
			b.want(err, keys.KindConflict, keys.ReasonLinkNotOpen)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"users/a link lasts 24 hours less a moment", func(b *bench) {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		late := b.invite(by, "cy@acme.example")
		b.clock.Advance(keys.LinkLife - time.Microsecond)
		b.opens(made, testPHC)
		b.clock.Advance(time.Microsecond)
		_, err := b.a.UserOfLink(b.Context(), b.stranger(), presented(late))
		b.want(err, keys.KindGone, keys.ReasonLinkExpired)
		_, err = b.a.OpenUserLink(b.Context(), b.stranger(), presented(late), "late")
		b.want(err, keys.KindGone, keys.ReasonLinkExpired)
		if phc := b.passwordPHC(b.actorOf(late.User)); phc != "" {
			b.Fatalf("the hash is %q", phc)
		}
	}},
	{"users/a new password voids the link that would set another", func(b *bench) {
		by := b.newAccount("acme")
		helper := b.actorOf(b.newUser(by, "bo@acme.example", keys.RoleOwner))
		for _, how := range []string{"changed", "reset"} {
			made, err := b.a.NewUserLink(b.Context(), helper, b.entry(by, by.Email).Number, secret.NewNonce())
			b.must(err)
			if how == "changed" {
				keep := b.signIn(by, secret.Digest{})
				b.must(b.a.ChangePassword(b.Context(), by, store.LoginCandidate{PasswordPHC: b.passwordPHC(by)}, store.LoginTry{Email: by.Email}, testPHC+"2", keep))
			} else {
				b.must(b.a.ResetUser(b.Context(), keys.Command("latchkey user reset"), by.Email, testPHC))
			}
			_, err = b.b.OpenUserLink(b.Context(), b.stranger(), presented(made), "stolen")
			b.want(err, keys.KindGone, keys.ReasonLinkVoided)
		}
	}},
	{"users/20 wrong secrets a minute from one address, one alarm for a link, and none for a right one", func(b *bench) {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		wrong := store.PresentedLink{ID: made.Link.ID, Digest: secret.New(secret.KindLink).Digest()}
		for i := range keys.WrongSecretsPerAddress {
			link := wrong
			if i%2 == 1 {
				link.ID = []string{secret.NewNonce(), "", "x\x00"}[i%3]
			}
			_, err := b.a.UserOfLink(b.Context(), b.stranger(), link)
			b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
		}
		for _, id := range []string{made.Link.ID, secret.NewNonce()} {
			_, err := b.b.UserOfLink(b.Context(), b.stranger(), store.PresentedLink{ID: id, Digest: wrong.Digest})
			b.want(err, keys.KindTooMany, keys.ReasonLinkThrottled)
		}
		if alarms := b.raw.rows(`SELECT account_id, object_id, alarm FROM audit WHERE action = 'link.wrong_secret'`); len(alarms) != 1 ||
			alarms[0][0] != by.AccountID || alarms[0][1] != made.User.ID || alarms[0][2] == "false" || alarms[0][2] == "0" {
			b.Fatalf("the alarms are %q", alarms)
		}
		elsewhere := b.stranger()
		elsewhere.IP = "198.51.100.1"
		_, err := b.a.UserOfLink(b.Context(), elsewhere, wrong)
		b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
		b.opens(made, testPHC)
		b.clock.Advance(time.Minute)
		_, err = b.a.UserOfLink(b.Context(), b.stranger(), wrong)
		b.want(err, keys.KindNotFound, keys.ReasonLinkNotFound)
	}},
}

// invite invites a user to the actor's account.
func (b *bench) invite(by keys.Actor, email string, roles ...string) store.UserLink {
	b.Helper()
	made, err := b.a.InviteUser(b.Context(), by, store.InviteUser{Email: email, Roles: roles, Nonce: secret.NewNonce()})
	b.must(err)
	if made.Repeated || made.Secret.IsZero() || made.Link.ID == "" {
		b.Fatalf("made %+v", made)
	}
	return made
}

// newUser makes a user with a password.
func (b *bench) newUser(by keys.Actor, email string, roles ...string) keys.User {
	b.Helper()
	user, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: email, PasswordPHC: testPHC, Roles: roles})
	b.must(err)
	return user
}

// entry is the user of the actor's account with an email.
func (b *bench) entry(by keys.Actor, email string) store.AccountUser {
	b.Helper()
	users, err := b.b.AccountUsers(b.Context(), by)
	b.must(err)
	i := slices.IndexFunc(users, func(u store.AccountUser) bool { return u.Email == email })
	if i < 0 {
		b.Fatalf("there is no user %s", email)
	}
	return users[i]
}

// actorOf is a user as an actor, with what their roles allow now.
func (b *bench) actorOf(u keys.User) keys.Actor {
	b.Helper()
	return keys.Actor{
		Kind: keys.ActorUser, UserID: u.ID, Email: u.Email, IP: "192.0.2.9", AccountID: u.AccountID, Account: u.Account,
		Holds: b.raw.Texts(`
			SELECT DISTINCT resource.slug FROM user_role JOIN role ON role.id = user_role.role_id
			JOIN resource ON resource.account_id = role.account_id
			LEFT JOIN role_resource ON role_resource.role_id = role.id AND role_resource.resource = resource.number
			WHERE user_role.user_id = $1 AND (role.everything OR role_resource.role_id IS NOT NULL)`, u.ID),
	}
}

// newManager makes a user of the actor's account whose one role gives the resources, and returns them as an actor.
func (b *bench) newManager(by keys.Actor, email string, resources ...string) keys.Actor {
	b.Helper()
	role, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: email, Resources: resources})
	b.must(err)
	return b.actorOf(b.newUser(by, email, role.Slug))
}

// stranger is somebody with a link.
func (b *bench) stranger() keys.Actor {
	return keys.Actor{Kind: keys.ActorNobody, IP: "203.0.113.50", RequestID: "request-2"}
}

// presented is a link as whoever it was given to presents it.
func presented(made store.UserLink) store.PresentedLink {
	return store.PresentedLink{ID: made.Link.ID, Digest: made.Secret.Digest()}
}

// opens sets a password with a link.
func (b *bench) opens(made store.UserLink, phc string) {
	b.Helper()
	user, err := b.a.OpenUserLink(b.Context(), b.stranger(), presented(made), phc)
	b.must(err)
	if user.ID != made.User.ID || b.passwordPHC(b.actorOf(user)) != phc {
		b.Fatalf("it set the password of %+v", user)
	}
}

// eventsOf are the actions and results of the events about a user, the oldest first.
func (b *bench) eventsOf(u keys.User) []string {
	b.Helper()
	return b.raw.Texts(`SELECT action || ' ' || result FROM audit WHERE object_kind = 'user' AND object_id = $1 ORDER BY seq`, u.ID)
}

func count(all []bool) (n int) {
	for _, one := range all {
		if one {
			n++
		}
	}
	return n
}
