package store

import (
	"context"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// NewUserLink makes a link with which a user of the actor's account sets a password: another one, or the
// first. The password that they have works until the link is opened. An earlier link of the user is void.
// The form with the nonce makes one link, however often it is sent. It returns NotFound when there is no such
// user, Conflict when they are inactive or the actor, who changes their own password with the current one, Malformed when the nonce is not one of ours, and Forbidden when the
// actor may not manage users or does not hold what the user holds.
func (s *Store) NewUserLink(ctx context.Context, by keys.Actor, number int64, nonce string) (made UserLink, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return UserLink{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, locked, err := t.lockAccountUser(ctx, number)
		if err != nil {
			return err
		}
		if !secret.ValidNonce(nonce) {
			return keys.Malformed(keys.ReasonNonce)
		}
		var repeated bool
		if made, repeated, err = t.userLinkOfForm(ctx, nonce); err != nil || repeated {
			return orUnchanged(err)
		}
		if err := by.MayGrant(user.Roles); err != nil {
			return err
		}
		switch {
		case user.ID == by.UserID:
			return keys.Conflict(keys.ReasonOwnPassword)
		case !user.Active():
			return keys.Conflict(keys.ReasonUserInactive)
		}
		made, err = t.newUserLink(ctx, user, locked, nonce)
		return err
	})
	if err != nil {
		return UserLink{}, err
	}
	return made, nil
}

// DiscardUserLink takes the open link of a user of the actor's account back. It returns NotFound when there
// is no such user, Conflict when they have no open link, and Forbidden when the actor may not manage users.
func (s *Store) DiscardUserLink(ctx context.Context, by keys.Actor, number int64) (user keys.User, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return keys.User{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		var locked lockedUser
		if user, locked, err = t.lockAccountUser(ctx, number); err != nil {
			return err
		}
		if err := t.voidUserLinks(ctx, locked, voidDiscarded); err != nil {
			return err
		}
		if len(t.events) == 0 {
			return keys.Conflict(keys.ReasonLinkNotOpen)
		}
		return nil
	})
	if err != nil {
		return keys.User{}, err
	}
	return user, nil
}
