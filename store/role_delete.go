package store

import (
	"context"

	"latchkey/keys"
)

// DeleteRole deletes a role of the actor's account and returns it as it was. It returns NotFound when
// there is no such role, Conflict with ReasonRoleInUse while anybody holds it and with ReasonRoleBuiltIn
// when it is built in, and Forbidden when the actor may not manage roles or does not hold what the role
// gives.
func (s *Store) DeleteRole(ctx context.Context, by keys.Actor, slug string) (role keys.Role, err error) {
	if err := by.Require(keys.ManageRoles); err != nil {
		return keys.Role{}, err
	}
	if err := checkText(slug); err != nil {
		return keys.Role{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		found, err := t.usedRole(ctx, account.ID, slug)
		if err != nil {
			return err
		}
		if err := t.mayDelete(found); err != nil {
			return err
		}
		role = found.Role
		t.record(keys.AuditEvent{
			Action: keys.ActionRoleDeleted, ObjectKind: objectRole, ObjectID: role.Slug, Object: role.Name,
			Details: map[string]any{"name": role.Name, "description": role.Description, "resources": append([]string{}, role.Resources...)},
		})
		if _, err := t.exec(ctx, `DELETE FROM role_resource WHERE role_id = $1`, role.ID); err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM role WHERE id = $1`, role.ID)
		return err
	})
	if err != nil {
		return keys.Role{}, err
	}
	return role, nil
}

// mayDelete returns why a role cannot be deleted. The account is locked, and whoever gives a role away
// locks it too, so nobody begins to hold the role meanwhile.
func (t *tx) mayDelete(role UsedRole) error {
	if role.BuiltIn {
		return keys.Conflict(keys.ReasonRoleBuiltIn)
	}
	if err := t.by.MayGrant([]keys.Role{role.Role}); err != nil {
		return err
	}
	if role.Use.Any() {
		return keys.Conflict(keys.ReasonRoleInUse)
	}
	return nil
}
