package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// userChanges are the changes of users for the cases of the frame.
var userChanges = []change{
	{"InviteUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, err := b.a.InviteUser(b.Context(), by, store.InviteUser{Email: "bo@acme.example", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
			return err
		}
	}},
	{"EditUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example", "orders-viewer")
		return func() error {
			_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: bo.Version})
			return err
		}
	}},
	{"DeactivateUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		return func() error { _, _, err := b.a.DeactivateUser(b.Context(), by, made.User.Number); return err }
	}},
	{"ActivateUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		_, _, err := b.a.DeactivateUser(b.Context(), by, made.User.Number)
		b.must(err)
		return func() error { _, _, err := b.a.ActivateUser(b.Context(), by, made.User.Number); return err }
	}},
	{"NewUserLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		return func() error {
			_, err := b.a.NewUserLink(b.Context(), by, made.User.Number, secret.NewNonce())
			return err
		}
	}},
	{"DiscardUserLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		return func() error { _, err := b.a.DiscardUserLink(b.Context(), by, made.User.Number); return err }
	}},
	{"OpenUserLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example")
		b.signIn(b.actorOf(bo), secret.New(secret.KindDevice).Digest())
		made, err := b.a.NewUserLink(b.Context(), by, bo.Number, secret.NewNonce())
		b.must(err)
		return func() error {
			_, err := b.a.OpenUserLink(b.Context(), b.stranger(), presented(made), "another hash")
			return err
		}
	}},
}

var usersGuardCases = []testCase{
	{"users/nobody gives, edits, revives or resets more than they hold, but may stop it", func(b *bench) {
		by := b.newAccount("acme")
		manager := b.newManager(by, "manager@acme.example", keys.ManageUsers, keys.ViewAPIKeys)
		strong := b.newUser(by, "strong@acme.example", keys.RoleUserAdministrator)
		weak := b.newUser(by, "weak@acme.example", "orders-viewer")
		_, _, err := b.a.DeactivateUser(b.Context(), by, strong.Number)
		b.must(err)
		before := b.raw.dump()
		_, err = b.a.InviteUser(b.Context(), manager, store.InviteUser{Email: "x@acme.example", Roles: []string{keys.RoleOwner}, Nonce: secret.NewNonce()})
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, _, err = b.a.EditUser(b.Context(), manager, store.EditUser{Number: weak.Number, Version: 1, Roles: []string{keys.RoleUserAdministrator}})
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, _, err = b.a.EditUser(b.Context(), manager, store.EditUser{Number: strong.Number, Version: 1}) // also to take it away
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, err = b.a.NewUserLink(b.Context(), manager, strong.Number, secret.NewNonce())
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, _, err = b.a.ActivateUser(b.Context(), manager, strong.Number)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, _, err = b.a.ActivateUser(b.Context(), by, strong.Number)
		b.must(err)
		_, changed, err := b.a.DeactivateUser(b.Context(), manager, strong.Number)
		b.must(err)
		_, edited, err := b.a.EditUser(b.Context(), manager, store.EditUser{Number: weak.Number, Version: 1, Roles: []string{"pricing-admin"}})
		b.must(err)
		if !changed || !edited {
			b.Fatalf("deactivated: %v, edited: %v", changed, edited)
		}
	}},
	{"users/without Manage users, or from another account, nothing can be done", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		made := b.invite(by, "bo@acme.example")
		without := holding(by, slices.DeleteFunc(slices.Clone(by.Holds), func(slug string) bool { return slug == keys.ManageUsers })...)
		before := b.raw.dump()
		for _, c := range []struct {
			by     keys.Actor
			kind   keys.Kind
			reason keys.Reason
		}{
			{without, keys.KindForbidden, keys.ReasonPermissionMissing},
			{foreign, keys.KindNotFound, keys.ReasonUserNotFound},
		} {
			_, _, err := b.a.EditUser(b.Context(), c.by, store.EditUser{Number: made.User.Number, Version: 1})
			b.want(err, c.kind, c.reason)
			_, _, err = b.a.DeactivateUser(b.Context(), c.by, made.User.Number)
			b.want(err, c.kind, c.reason)
			_, _, err = b.a.ActivateUser(b.Context(), c.by, made.User.Number)
			b.want(err, c.kind, c.reason)
			_, err = b.a.NewUserLink(b.Context(), c.by, made.User.Number, "no nonce") // what is typed must not tell that the user exists
			b.want(err, c.kind, c.reason)
			_, err = b.a.DiscardUserLink(b.Context(), c.by, made.User.Number)
			b.want(err, c.kind, c.reason)
			_, err = b.a.AccountUser(b.Context(), c.by, made.User.Number)
			b.want(err, c.kind, c.reason)
		}
		_, err := b.a.InviteUser(b.Context(), without, store.InviteUser{Email: "cy@acme.example", Nonce: secret.NewNonce()})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"users/nobody makes a link for themselves: a password is changed with the current one", func(b *bench) {
		by := b.newAccount("acme")
		before := b.raw.dump()
		_, err := b.a.NewUserLink(b.Context(), by, b.entry(by, by.Email).Number, secret.NewNonce())
		b.want(err, keys.KindConflict, keys.ReasonOwnPassword)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"users/a link is void once its maker could not make it any more, and no other is", func(b *bench) {
		by := b.newAccount("acme")
		edit := func(email string, roles ...string) {
			u := b.entry(by, email)
			_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: u.Number, Version: u.Version, Roles: roles})
			b.must(err)
		}
		for name, happens := range map[string]func(maker, guest string){
			"the guest gets a role": func(_, guest string) { edit(guest, keys.RoleOwner) },
			"the guest's role gets more": func(_, guest string) {
				b.editRole(by, b.entry(by, guest).Roles[0].Slug, keys.ViewAuditLog)
			},
			"the maker loses the role":   func(maker, _ string) { edit(maker) },
			"the maker's role gets less": func(maker, _ string) { b.editRole(by, b.entry(by, maker).Roles[0].Slug, keys.ViewAPIKeys) },
			"the maker is deactivated": func(maker, _ string) {
				_, _, err := b.a.DeactivateUser(b.Context(), by, b.entry(by, maker).Number)
				b.must(err)
			},
		} {
			n := strings.ReplaceAll(name, " ", "-")
			n = strings.ReplaceAll(n, "'", "")
			maker := b.newManager(by, "m-"+n+"@acme.example", keys.ManageUsers)
			role, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: n, Resources: []string{"orders.read"}})
			b.must(err)
			guest := b.newUser(by, "g-"+n+"@acme.example", role.Slug)
			reset, err := b.a.NewUserLink(b.Context(), maker, guest.Number, secret.NewNonce())
			b.must(err)
			bystander := b.newUser(by, "b-"+n+"@acme.example", "pricing-admin")
			kept, err := b.a.NewUserLink(b.Context(), by, bystander.Number, secret.NewNonce())
			b.must(err)
			b.opensNot(reset, "", guest) // a wrong secret shows that the check can fail
			happens(maker.Email, guest.Email)
			b.opensNot(reset, keys.ReasonLinkVoided, guest)
			if got := b.eventsOf(guest); !slices.Contains(got, "link.voided ok") {
				b.Fatalf("%s: the events are %q", name, got)
			}
			b.opens(kept, name)
			if b.passwordPHC(b.actorOf(bystander)) != name {
				b.Fatalf("%s: the owner's link does not open", name)
			}
		}
	}},
	{"users/a change within what the maker of a link holds leaves the link open", func(b *bench) {
		by := b.newAccount("acme")
		maker := b.newManager(by, "manager@acme.example", keys.ManageUsers, keys.ViewAPIKeys)
		made := b.invite(maker, "guest@acme.example", "orders-viewer")
		b.editRole(by, "orders-viewer", "orders.write", keys.ViewAPIKeys)
		_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: made.User.Number, Version: made.User.Version, Roles: []string{"orders-viewer", "pricing-admin"}})
		b.must(err)
		other := b.newUser(by, "other@acme.example", keys.RoleOwner)
		_, _, err = b.a.DeactivateUser(b.Context(), by, other.Number)
		b.must(err)
		b.opens(made, "opened")
		if b.passwordPHC(b.actorOf(made.User)) != "opened" {
			b.Fatal("the link does not open")
		}
	}},
	{"users/of a user who is deactivated the links of keys are void, too, and of nobody else", func(b *bench) {
		by := b.newAccount("acme")
		maker := b.actorOf(b.newUser(by, "bo@acme.example", keys.RoleUserAdministrator, "orders-viewer"))
		fresh, own := b.linkedKey(maker, "Fresh"), b.linkedKey(by, "Own")
		steady := b.newKey(by, "Steady")
		renewed, err := b.a.RenewKeyByLink(b.Context(), maker, steady.Key.ID, secret.NewNonce())
		b.must(err)
		opened := b.linkedKey(maker, "Opened")
		_, err = b.openKeyLink(b.a, opened)
		b.must(err)
		_, _, err = b.a.DeactivateUser(b.Context(), by, b.entry(by, maker.Email).Number)
		b.must(err)
		for _, link := range []store.Generated{fresh, {Key: renewed.Key, LinkSecret: renewed.LinkSecret}} {
			_, err := b.openKeyLink(b.b, link)
			b.wantGone(err, keys.ReasonLinkVoided, b.clock.Now())
			key, err := b.b.Key(b.Context(), by, link.Key.ID)
			b.must(err)
			if key.Link.Waits(b.clock.Now()) || len(key.Tokens) != len(link.Key.Tokens) {
				b.Fatalf("the key is %+v", key)
			}
		}
		b.wantEvents(by, fresh.Key.ID, "link.voided", "link.created", "key.generated")
		if got := b.raw.count(`SELECT COUNT(*) FROM api_key WHERE link_until > 0`); got != 1 {
			b.Fatalf("%d keys seem to wait for a link; want 1", got)
		}
		_, err = b.openKeyLink(b.b, own)
		b.must(err)
	}},
	{"users/whoever makes very many links can be stopped all the same, and none of the links opens", func(b *bench) {
		by := b.newAccount("acme")
		maker := b.actorOf(b.newUser(by, "bo@acme.example", keys.RoleOwner))
		var made []store.Generated
		for i := range 60 {
			made = append(made, b.linkedKey(maker, fmt.Sprint("Key ", i)))
		}
		guest := b.newUser(by, "guest@acme.example", "orders-viewer")
		reset, err := b.a.NewUserLink(b.Context(), maker, guest.Number, secret.NewNonce())
		b.must(err)
		_, _, err = b.a.DeactivateUser(b.Context(), by, b.entry(by, maker.Email).Number)
		b.must(err)
		waiting := func() int64 {
			return b.raw.count(`SELECT COUNT(*) FROM link WHERE opened_at IS NULL AND voided_at IS NULL`)
		}
		if got := waiting(); got != 11 {
			b.Fatalf("%d links seem to be open; want 11 that nobody has looked at", got)
		}
		for _, link := range made {
			opened, err := b.openKeyLink(b.b, link)
			b.wantGone(err, keys.ReasonLinkVoided, b.clock.Now())
			if !opened.Token.IsZero() {
				b.Fatal("a token was handed over")
			}
		}
		b.raw.Do(`UPDATE link SET voided_at = NULL WHERE user_id = $1`, guest.ID) // as if nobody had looked at it either
		_, err = b.a.UserOfLink(b.Context(), b.stranger(), presented(reset))
		b.want(err, keys.KindGone, keys.ReasonLinkVoided)
		b.opensNot(reset, keys.ReasonLinkVoided, guest)
		if got := waiting(); got != 0 {
			b.Fatalf("%d links seem to be open after they were presented", got)
		}
		if got := b.raw.count(`SELECT COUNT(*) FROM api_token`); got != 0 {
			b.Fatalf("%d tokens were made", got)
		}
	}},
	{"users/a link of a key is void once its maker could not make it any more", func(b *bench) {
		by := b.newAccount("acme")
		for name, happens := range map[string]func(maker keys.Actor, key keys.Key){
			"loses-the-role": func(maker keys.Actor, _ keys.Key) {
				u := b.entry(by, maker.Email)
				_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: u.Number, Version: u.Version, Roles: []string{"orders-viewer"}})
				b.must(err)
			},
			"the-role-gets-less": func(maker keys.Actor, _ keys.Key) {
				b.editRole(by, b.entry(by, maker.Email).Roles[0].Slug, keys.ViewAPIKeys)
			},
			"the-key-gets-more": func(_ keys.Actor, key keys.Key) {
				_, _, err := b.a.EditKey(b.Context(), by, store.EditKey{ID: key.ID, Version: key.Version, Name: key.Name, Active: true, Roles: []string{keys.RoleOwner}})
				b.must(err)
			},
		} {
			maker := b.newManager(by, name+"@acme.example", keys.ViewAPIKeys, keys.EditAPIKeys, keys.RenewAPIToken)
			waits, kept := b.linkedKey(maker, name), b.linkedKey(by, "kept, "+name)
			happens(maker, waits.Key)
			key, err := b.b.Key(b.Context(), by, waits.Key.ID)
			b.must(err)
			if key.Link.Waits(b.clock.Now()) {
				b.Fatalf("%s: the link seems to wait", name)
			}
			_, err = b.openKeyLink(b.a, waits)
			b.wantGone(err, keys.ReasonLinkVoided, b.clock.Now())
			_, err = b.openKeyLink(b.a, kept)
			b.must(err)
		}
	}},
	{"users/what is one's own needs no permission", func(b *bench) {
		by := b.newAccount("acme")
		bo := b.newUser(by, "bo@acme.example", keys.RoleOwner)
		who, current, other := b.actorOf(bo), secret.Digest{}, secret.Digest{}
		current, other = b.signIn(who, secret.Digest{}), b.signIn(who, secret.Digest{})
		_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: bo.Number, Version: bo.Version, Roles: []string{"orders-viewer"}})
		b.must(err)
		_, err = b.a.ChangePreferences(b.Context(), who, keys.Preferences{Language: "es", Theme: "dark"})
		b.must(err)
		b.must(b.a.ChangePassword(b.Context(), who, store.LoginCandidate{PasswordPHC: b.passwordPHC(who)}, store.LoginTry{Email: bo.Email}, testPHC+"2", current))
		_, err = b.a.Session(b.Context(), other)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		b.must(b.a.Logout(b.Context(), who, current))
		if got := b.eventsOf(bo); !slices.Contains(got, "user.password_changed ok") {
			b.Fatalf("the events are %q", got)
		}
		if got := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'logout'`); got != 1 {
			b.Fatalf("%d events of logging out; want 1", got)
		}
	}},
	{"users/whoever was deactivated or lost a role since they asked changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		for name, loses := range map[string]func(number, version int64) error{
			"deactivated": func(number, _ int64) error { _, _, err := b.a.DeactivateUser(b.Context(), by, number); return err },
			"demoted": func(number, version int64) error {
				_, _, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: number, Version: version, Roles: []string{"orders-viewer"}})
				return err
			},
		} {
			user := b.newUser(by, name+"@acme.example", keys.RoleOwner)
			who := b.actorOf(user)
			b.must(loses(user.Number, user.Version))
			before := b.raw.dump()
			for does, err := range map[string]error{
				"invites": func() error {
					_, err := b.a.InviteUser(b.Context(), who, store.InviteUser{Email: "x@acme.example", Roles: []string{keys.RoleOwner}, Nonce: secret.NewNonce()})
					return err
				}(),
				"edits a user": func() error {
					_, _, err := b.a.EditUser(b.Context(), who, store.EditUser{Number: user.Number, Version: user.Version + 1, Roles: []string{keys.RoleOwner}})
					return err
				}(),
				"makes a role": func() error {
					_, err := b.a.CreateRole(b.Context(), who, store.NewRole{Name: "Spies", Resources: []string{keys.ViewAuditLog}})
					return err
				}(),
				"generates": func() error {
					_, err := b.a.GenerateKey(b.Context(), who, store.NewKey{Name: "Mine", Nonce: secret.NewNonce()})
					return err
				}(),
				"renews":  func() error { _, err := b.a.RenewKey(b.Context(), who, key.ID, secret.NewNonce()); return err }(),
				"deletes": func() error { _, err := b.a.DeleteKey(b.Context(), who, key.ID); return err }(),
				"exports": b.a.RecordExport(b.Context(), who, store.Export{Permission: keys.ViewAPIKeys, Format: "csv"}),
			} {
				if keys.KindOf(err) != keys.KindForbidden || keys.ReasonOf(err) != keys.ReasonPermissionMissing {
					b.Errorf("who was %s %s: %v", name, does, err)
				}
			}
			if b.raw.dump() != before {
				b.Fatal("a refusal changed the database")
			}
		}
	}},
	{"users/the last administrator stays, on every path, and nobody locks themselves out", func(b *bench) {
		by := b.newAccount("acme")
		ana := b.entry(by, by.Email)
		b.invite(by, "bo@acme.example", keys.RoleOwner) // has no password, so is no administrator yet
		idle := b.newUser(by, "cy@acme.example", keys.RoleOwner)
		_, _, err := b.a.DeactivateUser(b.Context(), by, idle.Number)
		b.must(err)
		other := b.command(by)
		before := b.raw.dump()
		for _, who := range []keys.Actor{by, other} {
			_, _, err = b.a.DeactivateUser(b.Context(), who, ana.Number)
			b.want(err, keys.KindInvalid, keys.ReasonLastAdministrator)
			for _, roles := range [][]string{nil, {keys.RoleUserAdministrator}} {
				_, _, err = b.a.EditUser(b.Context(), who, store.EditUser{Number: ana.Number, Version: ana.Version, Roles: roles})
				b.want(err, keys.KindInvalid, keys.ReasonLastAdministrator)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, _, err = b.a.ActivateUser(b.Context(), by, idle.Number)
		b.must(err)
		before = b.raw.dump()
		_, _, err = b.a.DeactivateUser(b.Context(), by, ana.Number)
		b.want(err, keys.KindInvalid, keys.ReasonSelfLockout)
		_, _, err = b.a.EditUser(b.Context(), by, store.EditUser{Number: ana.Number, Version: ana.Version, Roles: []string{"orders-viewer"}})
		b.want(err, keys.KindInvalid, keys.ReasonSelfLockout)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, changed, err := b.a.EditUser(b.Context(), by, store.EditUser{Number: ana.Number, Version: ana.Version, Roles: []string{keys.RoleOwner, "orders-viewer"}})
		b.must(err)
		_, gone, err := b.a.DeactivateUser(b.Context(), b.actorOf(idle), ana.Number)
		b.must(err)
		if !changed || !gone {
			b.Fatal("what is allowed was refused")
		}
	}},
	{"users/a role that manages users makes an administrator too", func(b *bench) {
		by := b.newAccount("acme")
		b.editRole(by, "orders-viewer", keys.ManageUsers)
		deputy := b.newUser(by, "bo@acme.example", "orders-viewer")
		who := b.actorOf(deputy)
		who.Holds = []string{keys.ManageUsers}
		_, changed, err := b.a.DeactivateUser(b.Context(), who, b.entry(by, by.Email).Number)
		b.must(err)
		if !changed {
			b.Fatal("nothing changed")
		}
		_, _, err = b.a.DeactivateUser(b.Context(), b.command(by), deputy.Number)
		b.want(err, keys.KindInvalid, keys.ReasonLastAdministrator)
	}},
}

// opensNot fails the test unless a link does not open: for a reason, or with a wrong secret when there is none.
func (b *bench) opensNot(made store.UserLink, reason keys.Reason, user keys.User) {
	b.Helper()
	link, kind := presented(made), keys.KindGone
	if reason == "" {
		link.Digest, kind, reason = secret.New(secret.KindLink).Digest(), keys.KindNotFound, keys.ReasonLinkNotFound
	}
	before := b.passwordPHC(b.actorOf(user))
	_, err := b.b.OpenUserLink(b.Context(), b.stranger(), link, "stolen")
	b.want(err, kind, reason)
	if b.passwordPHC(b.actorOf(user)) != before {
		b.Fatal("the password is another one")
	}
}

// userLink is the nth link: an invitation for an even one, and one that resets a password for the rest.
func (b *bench) userLink(by keys.Actor, n int) store.UserLink {
	b.Helper()
	email := fmt.Sprintf("bo%d@acme.example", n)
	if n%2 == 0 {
		return b.invite(by, email, "orders-viewer")
	}
	made, err := b.a.NewUserLink(b.Context(), by, b.newUser(by, email, "orders-viewer").Number, secret.NewNonce())
	b.must(err)
	return made
}

var usersRaceCases = []testCase{
	{"users/64 opens of each of 200 links of users: one sets the password", func(b *bench) {
		by := b.newAccount("acme")
		links, openers := 200, 64
		if testing.Short() {
			links, openers = 10, 16
		}
		for n := range links {
			made := b.userLink(by, n)
			opened, used := make([]bool, openers), make([]bool, openers)
			b.race(openers, func(i int, s *store.Store) {
				_, err := s.OpenUserLink(b.Context(), b.stranger(), presented(made), strings.Repeat("x", i+1))
				opened[i], used[i] = err == nil, keys.KindOf(err) == keys.KindGone && keys.ReasonOf(err) == keys.ReasonLinkUsed
			})
			winner := slices.Index(opened, true)
			if count(opened) != 1 || count(used) != openers-1 || b.passwordPHC(b.actorOf(made.User)) != strings.Repeat("x", winner+1) {
				b.Fatalf("link %d: %d opened it, %d found it used", n, count(opened), count(used))
			}
			opens := slices.DeleteFunc(b.eventsOf(made.User), func(e string) bool { return e != "link.opened ok" })
			if len(opens) != 1 {
				b.Fatalf("link %d: the events are %q", n, b.eventsOf(made.User))
			}
		}
		b.Logf("%d links of users, %d openers each: one success each", links, openers)
	}},
	{"users/of two administrators who deactivate each other at once one stays", func(b *bench) {
		by := b.newAccount("acme")
		both := []keys.Actor{by, b.actorOf(b.newUser(by, "bo@acme.example", keys.RoleOwner))}
		for range rounds {
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				_, _, results[i] = s.DeactivateUser(b.Context(), both[i], b.entry(by, both[1-i].Email).Number)
			})
			winner := slices.Index(results, nil)
			if winner < 0 || keys.ReasonOf(results[1-winner]) != keys.ReasonPermissionMissing {
				b.Fatalf("the results are %v", results)
			}
			if n := b.raw.count(`SELECT COUNT(*) FROM app_user WHERE status = 'active'`); n != 1 {
				b.Fatalf("%d stayed", n)
			}
			_, _, err := b.a.ActivateUser(b.Context(), both[winner], b.entry(by, both[1-winner].Email).Number)
			b.must(err)
		}
	}},
	{"users/of two administrators who take each other's role away at once one stays", func(b *bench) {
		by := b.newAccount("acme")
		both := []keys.Actor{by, b.actorOf(b.newUser(by, "bo@acme.example", keys.RoleOwner))}
		for range rounds {
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				them := b.entry(by, both[1-i].Email)
				_, _, results[i] = s.EditUser(b.Context(), both[i], store.EditUser{Number: them.Number, Version: them.Version})
			})
			winner := slices.Index(results, nil)
			if winner < 0 || keys.ReasonOf(results[1-winner]) != keys.ReasonPermissionMissing {
				b.Fatalf("the results are %v", results)
			}
			lost := b.entry(by, both[1-winner].Email)
			_, _, err := b.a.EditUser(b.Context(), both[winner], store.EditUser{Number: lost.Number, Version: lost.Version, Roles: []string{keys.RoleOwner}})
			b.must(err)
		}
	}},
	{"users/a link that is opened while it is taken back does one or the other", func(b *bench) {
		by := b.newAccount("acme")
		for round := range rounds {
			made := b.invite(by, "bo"+strings.Repeat("o", round)+"@acme.example")
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				if i == 0 {
					_, results[i] = s.OpenUserLink(b.Context(), b.stranger(), presented(made), testPHC)
					return
				}
				_, results[i] = s.DiscardUserLink(b.Context(), by, made.User.Number)
			})
			opened := b.entry(by, made.User.Email).HasPassword
			if (results[0] == nil) != opened || (results[1] == nil) == opened ||
				!opened && keys.ReasonOf(results[0]) != keys.ReasonLinkVoided || opened && keys.ReasonOf(results[1]) != keys.ReasonLinkNotOpen {
				b.Fatalf("opened = %v, %v", opened, results)
			}
		}
	}},
}
