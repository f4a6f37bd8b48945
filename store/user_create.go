package store

import (
	"context"

	"latchkey/keys"
)

// NewUser is what a further user of an account is made of.
type NewUser struct {
	Email, PasswordPHC string
	// Roles are the slugs of the user's roles.
	Roles []string
}

// CreateUser makes a user of the actor's account. It returns Invalid when the email breaks a rule or
// is taken or a role is unknown, and Forbidden when the actor may not manage users or does not hold
// what a role gives.
func (s *Store) CreateUser(ctx context.Context, by keys.Actor, in NewUser) (user keys.User, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return keys.User{}, err
	}
	if in.Email, err = normalEmail(in.Email); err != nil {
		return keys.User{}, err
	}
	if err := keys.CheckEmail(in.Email); err != nil {
		return keys.User{}, err
	}
	if err := checkText(in.Roles...); err != nil {
		return keys.User{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		roles, err := t.grantable(ctx, in.Roles)
		if err != nil {
			return err
		}
		user, err = t.makeUser(ctx, account, in.Email, in.PasswordPHC, roles)
		return err
	})
	return user, err
}
