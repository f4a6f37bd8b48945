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
	// It opens nothing, but tells when a link that is over is presented.
	{"UserOfLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.invite(by, "bo@acme.example")
		b.opens(made, testPHC)
		return func() error {
			_, err := b.a.UserOfLink(b.Context(), b.stranger(), presented(made))
			if keys.KindOf(err) == keys.KindGone {
				return nil
			}
			return err
		}
	}},
}

var usersGuardCases = []testCase{
	{"users/nobody gives, edits, revives or resets more than they hold, but may stop it", func(b *bench) {
		by := b.newAccount("acme")
		manager := holding(by, keys.ManageUsers, keys.ViewAPIKeys)
		manager.UserID = "" // another user than the one that is acted on
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
	{"users/the last administrator stays, on every path, and nobody locks themselves out", func(b *bench) {
		by := b.newAccount("acme")
		ana := b.entry(by, by.Email)
		b.invite(by, "bo@acme.example", keys.RoleOwner) // has no password, so is no administrator yet
		idle := b.newUser(by, "cy@acme.example", keys.RoleOwner)
		_, _, err := b.a.DeactivateUser(b.Context(), by, idle.Number)
		b.must(err)
		other := by
		other.UserID, other.Email = "another", "another@acme.example"
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
		_, _, err = b.a.DeactivateUser(b.Context(), by, deputy.Number)
		b.want(err, keys.KindInvalid, keys.ReasonLastAdministrator)
	}},
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
			events := b.eventsOf(made.User)
			again := slices.DeleteFunc(slices.Clone(events), func(e string) bool { return e != "link.reopen_attempt link-used" })
			opens := slices.DeleteFunc(slices.Clone(events), func(e string) bool { return e != "link.opened ok" })
			if len(again) != openers-1 || len(opens) != 1 {
				b.Fatalf("link %d: the events are %q", n, events)
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
			if winner < 0 || keys.ReasonOf(results[1-winner]) != keys.ReasonLastAdministrator {
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
			if winner < 0 || keys.ReasonOf(results[1-winner]) != keys.ReasonLastAdministrator {
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
