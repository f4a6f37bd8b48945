package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// EditExternalKey is what an edit form says.
type EditExternalKey struct {
	// ID is the key, and Version the version of the grant that the form was made from.
	ID      keys.KeyID
	Version int64
	// Roles are the slugs of the roles that it shall have.
	Roles []string
}

// EditExternalKey gives an external key its roles, and says whether that changed anything. It returns
// NotFound when there is no such external key, Conflict when it was changed since the form was made,
// Invalid when a role is unknown, and Forbidden when the actor may not edit keys or does not hold what a
// role gives, one that the key has or one that it shall have.
func (s *Store) EditExternalKey(ctx context.Context, by keys.Actor, in EditExternalKey) (x keys.ExternalKey, changed bool, err error) {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return keys.ExternalKey{}, false, err
	}
	if err := checkText(in.Roles...); err != nil {
		return keys.ExternalKey{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		if _, err := t.lockAccount(ctx); err != nil {
			return err
		}
		found, err := t.lockExternal(ctx, in.ID)
		if err != nil {
			return err
		}
		x = found.ExternalKey
		roles, err := t.externalRoles(ctx, x, in)
		if err != nil {
			return err
		}
		before, after := roleSlugs(x.Roles), roleSlugs(roles)
		if slices.Equal(before, after) {
			x.Version-- // the lock's version is taken back
			return errUnchanged
		}
		x.Roles, changed = roles, true
		t.record(externalEvent(keys.ActionExternalEdited, x, map[string]any{"roles": map[string][]string{"before": before, "after": after}}))
		return t.setExternalRoles(ctx, found.id, roles)
	})
	if err != nil {
		return keys.ExternalKey{}, false, err
	}
	return x, changed, nil
}

// externalRoles are the roles that a locked external key shall have.
func (t *tx) externalRoles(ctx context.Context, x keys.ExternalKey, in EditExternalKey) ([]keys.Role, error) {
	if x.Version-1 != in.Version {
		return nil, keys.Conflict(keys.ReasonKeyChanged)
	}
	if err := t.by.MayGrant(x.Roles); err != nil {
		return nil, err
	}
	return t.grantable(ctx, in.Roles)
}
