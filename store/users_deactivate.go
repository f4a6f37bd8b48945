package store

import (
	"context"

	"latchkey/keys"
)

// DeactivateUser keeps a user of the actor's account out, and says whether they were active: their sessions
// end at once, and their open link is void, as are the open links that they made for others. Whoever manages users may also stop a user who holds more than
// they do. It returns NotFound when there is no such user, Forbidden when the actor may not manage users, and
// Invalid when the user is the actor, or when nobody would manage users any more.
func (s *Store) DeactivateUser(ctx context.Context, by keys.Actor, number int64) (user keys.User, changed bool, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return keys.User{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		var locked lockedUser
		if user, locked, err = t.lockAccountUser(ctx, number); err != nil {
			return err
		}
		if err := t.setUserStatus(ctx, &user, keys.UserInactive); err != nil {
			return err
		}
		if err := t.checkAdministrators(ctx); err != nil {
			return err
		}
		if err := t.checkSelf(user, false, nil); err != nil {
			return err
		}
		ended, err := t.endSessions(ctx, user.ID)
		if err != nil {
			return err
		}
		changed = true
		t.record(userEvent(keys.ActionUserDeactivated, user, map[string]any{"sessions_ended": ended}))
		if err := t.voidUserLinks(ctx, locked, voidDeactivated); err != nil {
			return err
		}
		return t.voidLinksAround(ctx, user)
	})
	if err != nil {
		return keys.User{}, false, err
	}
	return user, changed, nil
}
