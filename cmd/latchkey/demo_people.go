package main

import (
	"context"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// demoViewer may look at keys and at the audit log, and change nothing.
const demoViewer = "carla@acme.example"

// demoRoles are the roles that the demo's owner made for people, and demoUsers the users who have a password.
var (
	demoRoles = []store.NewRole{
		{Name: "Auditor", Description: "Look at keys and at the audit log", Resources: []string{keys.ViewAPIKeys, keys.ViewAuditLog}},
		{Name: "On call", Description: "Renew tokens and stop keys at night", Resources: []string{keys.ViewAPIKeys, keys.EditAPIKeys, keys.RenewAPIToken}},
	}
	demoUsers = []struct{ email, role string }{
		{demoHelper, keys.RoleUserAdministrator},
		{demoViewer, "auditor"},
		{"dan@acme.example", "on-call"},
		{demoLeft, "on-call"},
	}
)

// The users to whom something happened: one left, one was invited and has not come yet, one was invited and
// came, and one gets another password.
const (
	demoLeft    = "emil@acme.example"
	demoInvited = "fay@acme.example"
	demoCame    = "gil@acme.example"
	demoForgot  = "dan@acme.example"
)

// staffDemo makes the roles and the users of the demo's account.
func staffDemo(ctx context.Context, s *store.Store, by keys.Actor, phc string) (map[string]keys.User, error) {
	for _, role := range demoRoles {
		if _, err := s.CreateRole(ctx, by, role); err != nil {
			return nil, err
		}
	}
	users := map[string]keys.User{}
	for _, user := range demoUsers {
		made, err := s.CreateUser(ctx, by, store.NewUser{Email: user.email, PasswordPHC: phc, Roles: []string{user.role}})
		if err != nil {
			return nil, err
		}
		users[user.email] = made
	}
	return users, nil
}

// moveDemoStaff lets users come and go in the last days of the story.
func moveDemoStaff(ctx context.Context, s *store.Store, clock *demoClock, by keys.Actor, users map[string]keys.User, phc string) error {
	now := clock.now()
	clock.set(now.Add(-9 * 24 * time.Hour))
	if _, _, err := s.DeactivateUser(ctx, by, users[demoLeft].Number); err != nil {
		return err
	}
	clock.set(now.Add(-3 * 24 * time.Hour))
	came, err := s.InviteUser(ctx, by, store.InviteUser{Email: demoCame, Roles: []string{"auditor"}, Nonce: secret.NewNonce()})
	if err != nil {
		return err
	}
	clock.set(clock.Now().Add(5 * time.Hour))
	link := store.PresentedLink{ID: came.Link.ID, Digest: came.Secret.Digest()}
	if _, err := s.OpenUserLink(ctx, keys.Actor{Kind: keys.ActorNobody, IP: demoOpener}, link, phc); err != nil {
		return err
	}
	clock.set(now.Add(-2 * time.Hour))
	if _, err := s.InviteUser(ctx, by, store.InviteUser{Email: demoInvited, Roles: []string{"on-call"}, Nonce: secret.NewNonce()}); err != nil {
		return err
	}
	clock.set(now.Add(-time.Hour))
	_, err = s.NewUserLink(ctx, by, users[demoForgot].Number, secret.NewNonce())
	return err
}
