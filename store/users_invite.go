package store

import (
	"context"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// InviteUser is what a form says of a user to be.
type InviteUser struct {
	// Email is theirs, and Roles are the slugs of their roles.
	Email string
	Roles []string
	// Nonce is the one of the form: a form makes one user and one link, however often it is sent.
	Nonce string
}

// InviteUser makes a user of the actor's account without a password, and a link with which they set one.
// Until then nobody can sign in as them. It returns Invalid when the email breaks a rule or is taken or a
// role is unknown, Malformed when the nonce is not one of ours, and Forbidden when the actor may not manage
// users or does not hold what a role gives.
func (s *Store) InviteUser(ctx context.Context, by keys.Actor, in InviteUser) (made UserLink, err error) {
	if in.Email, err = in.check(by); err != nil {
		return UserLink{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		var repeated bool
		if made, repeated, err = t.userLinkOfForm(ctx, in.Nonce); err != nil || repeated {
			return orUnchanged(err)
		}
		roles, err := t.grantable(ctx, in.Roles)
		if err != nil {
			return err
		}
		user, err := t.insertUser(ctx, account, in.Email, noPassword, roles)
		if err != nil {
			return err
		}
		t.record(userEvent(keys.ActionUserInvited, user, map[string]any{"roles": roleSlugs(roles)}))
		made, err = t.newUserLink(ctx, user, lockedUser{id: user.ID, accountID: user.AccountID, email: user.Email}, in.Nonce)
		return err
	})
	if err != nil {
		return UserLink{}, err
	}
	return made, nil
}

func (in InviteUser) check(by keys.Actor) (email string, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return "", err
	}
	if !secret.ValidNonce(in.Nonce) {
		return "", keys.Malformed(keys.ReasonNonce)
	}
	if email, err = normalEmail(in.Email); err != nil {
		return "", err
	}
	if err := checkText(in.Roles...); err != nil {
		return "", err
	}
	return email, keys.CheckEmail(email)
}
