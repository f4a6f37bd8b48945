package store

import (
	"context"

	"latchkey/keys"
)

// ActivateUser lets a user of the actor's account sign in again, with the password that they had, and says
// whether they were inactive. It returns NotFound when there is no such user, and Forbidden when the actor
// may not manage users or does not hold what the user holds.
func (s *Store) ActivateUser(ctx context.Context, by keys.Actor, number int64) (user keys.User, changed bool, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return keys.User{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		if user, _, err = t.lockAccountUser(ctx, number); err != nil {
			return err
		}
		if err := by.MayGrant(user.Roles); err != nil {
			return err
		}
		if err := t.setUserStatus(ctx, &user, keys.UserActive); err != nil {
			return err
		}
		changed = true
		t.record(userEvent(keys.ActionUserActivated, user, nil))
		return nil
	})
	if err != nil {
		return keys.User{}, false, err
	}
	return user, changed, nil
}
