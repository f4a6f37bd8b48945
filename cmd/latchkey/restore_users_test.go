package main

import (
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// TestARestoreKeepsOutWhoWasKeptOutAfterTheBackup: with the audit log, users stay inactive and roles taken;
// without it, open links are void all the same.
func TestARestoreKeepsOutWhoWasKeptOutAfterTheBackup(t *testing.T) {
	folder := initialised(t)
	numbers := map[string]int64{}
	var link store.UserLink
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		for _, name := range []string{"bo", "cy", "dee", "eve"} {
			user, err := s.CreateUser(t.Context(), by, store.NewUser{
				Email: name + "@acme.example", PasswordPHC: "of a test", Roles: []string{"orders-viewer", "catalog-viewer"},
			})
			if err != nil {
				t.Fatal(err)
			}
			numbers[name] = user.Number
		}
		var err error
		if link, err = s.NewUserLink(t.Context(), by, numbers["bo"], secret.NewNonce()); err != nil {
			t.Fatal(err)
		}
	})
	backup := backedUp(t, folder)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		_, _, gone := s.DeactivateUser(t.Context(), by, numbers["cy"])
		_, _, away := s.DeactivateUser(t.Context(), by, numbers["dee"])
		_, _, back := s.ActivateUser(t.Context(), by, numbers["dee"])
		_, _, edited := s.EditUser(t.Context(), by, store.EditUser{Number: numbers["eve"], Version: 1, Roles: []string{"catalog-viewer", "pricing-admin"}})
		for _, err := range []error{gone, away, back, edited} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	fresh, said := restored(t, backup, exported(t, folder))
	for _, words := range []string{"applied again: user.deactivated cy@acme.example", "applied again: user.edited eve@acme.example"} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q: %s", words, said)
		}
	}
	if strings.Contains(said, "dee@acme.example") {
		t.Errorf("it speaks of a user who was activated again: %s", said)
	}
	review, _ := restoredForReview(t, backup)
	for name, folder := range map[string]string{"with the log": fresh, "without it": review} {
		inStore(t, folder, func(s *store.Store, by keys.Actor) {
			presented := store.PresentedLink{ID: link.Link.ID, Digest: link.Secret.Digest()}
			if _, err := s.OpenUserLink(t.Context(), keys.Actor{Kind: keys.ActorNobody}, presented, "stolen"); keys.ReasonOf(err) != keys.ReasonLinkVoided {
				t.Errorf("%s: the open link answers %v", name, err)
			}
		})
	}
	inStore(t, fresh, func(s *store.Store, by keys.Actor) {
		users, err := s.AccountUsers(t.Context(), by)
		if err != nil || len(users) != 5 {
			t.Fatalf("%d users, %v", len(users), err)
		}
		for _, u := range users {
			if u.Active() == (u.Email == "cy@acme.example") {
				t.Errorf("%s is %s", u.Email, u.Status)
			}
			if u.Email == "eve@acme.example" && (len(u.Roles) != 1 || u.Roles[0].Slug != "catalog-viewer" || u.Version != 2) {
				t.Errorf("eve has %+v, version %d", u.Roles, u.Version)
			}
		}
	})
	cli(t, "", "audit", "verify", "--data", fresh).ok(t)
}

// TestUserActivateLetsSomebodyInAgain: on the machine itself, whoever holds what.
func TestUserActivateLetsSomebodyInAgain(t *testing.T) {
	folder := initialised(t)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		bo, err := s.CreateUser(t.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: "of a test", Roles: []string{keys.RoleOwner}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.DeactivateUser(t.Context(), by, bo.Number); err != nil {
			t.Fatal(err)
		}
		if _, err := s.InviteUser(t.Context(), by, store.InviteUser{Email: "cy@acme.example", Nonce: secret.NewNonce()}); err != nil {
			t.Fatal(err)
		}
	})
	list := cli(t, "", "user", "list", "--data", folder).ok(t).stdout
	for _, row := range []string{"bo@acme.example acme Owner inactive never no", "cy@acme.example acme no password never no"} {
		if !strings.Contains(strings.Join(strings.Fields(list), " "), row) {
			t.Errorf("the list lacks %q: %s", row, list)
		}
	}
	reset := cli(t, "", "user", "reset", "bo@acme.example", "--data", folder).ok(t).stdout
	if !strings.Contains(reset, "latchkey user activate bo@acme.example") {
		t.Errorf("the reset of an inactive user says %s", reset)
	}
	cli(t, "", "user", "activate", " BO@acme.example", "--data", folder).ok(t)
	cli(t, "", "user", "activate", "eve@acme.example", "--data", folder).refused(t, "no user", "latchkey user list")
	if list := cli(t, "", "user", "list", "--data", folder).ok(t).stdout; !strings.Contains(strings.Join(strings.Fields(list), " "), "Owner active never") {
		t.Errorf("bo is not active: %s", list)
	}
}
