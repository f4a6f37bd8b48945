package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// EditUser is what a form says of a user.
type EditUser struct {
	// Number is the user, and Version the one that the form was made from.
	Number, Version int64
	// Roles are the slugs of what the user shall hold.
	Roles []string
}

// EditUser gives a user of the actor's account their roles, which count from their next request on, and says
// whether that changed anything. Open links that they made, or that are for them, are void if their makers could not make them now. It returns NotFound when there is no such user, Conflict when the user was
// edited since the form was made, Forbidden when the actor may not manage users or does not hold what the
// user holds or shall hold, and Invalid when a role is unknown, when the actor would not manage users any
// more, or when nobody would.
func (s *Store) EditUser(ctx context.Context, by keys.Actor, in EditUser) (user keys.User, changed bool, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return keys.User{}, false, err
	}
	if err := checkText(in.Roles...); err != nil {
		return keys.User{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		if user, _, err = t.lockAccountUser(ctx, in.Number); err != nil {
			return err
		}
		if user.Version != in.Version {
			return keys.Conflict(keys.ReasonUserChanged)
		}
		if err := by.MayGrant(user.Roles); err != nil {
			return err
		}
		roles, err := t.grantable(ctx, in.Roles)
		if err != nil {
			return err
		}
		before, after := roleSlugs(user.Roles), roleSlugs(roles)
		if slices.Equal(before, after) {
			return errUnchanged
		}
		if err := t.saveUserRoles(ctx, &user, roles); err != nil {
			return err
		}
		changed = true
		t.record(userEvent(keys.ActionUserEdited, user, map[string]any{"roles": map[string][]string{"before": before, "after": after}}))
		if err := t.checkAdministrators(ctx); err != nil {
			return err
		}
		if err := t.checkSelf(user, user.Active(), roles); err != nil {
			return err
		}
		return t.voidLinksAround(ctx, user)
	})
	if err != nil {
		return keys.User{}, false, err
	}
	return user, changed, nil
}

func (t *tx) saveUserRoles(ctx context.Context, user *keys.User, roles []keys.Role) error {
	if _, err := t.exec(ctx, `DELETE FROM user_role WHERE user_id = $1`, user.ID); err != nil {
		return err
	}
	if err := t.insertUserRoles(ctx, user.ID, roles); err != nil {
		return err
	}
	user.Roles, user.Version = roles, user.Version+1
	_, err := t.exec(ctx, `UPDATE app_user SET edit_version = $2 WHERE id = $1`, user.ID, user.Version)
	return err
}
