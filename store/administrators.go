package store

import (
	"context"

	"latchkey/keys"
)

// checkAdministrators returns a problem of the field "roles" when no active user of the actor's account may
// manage users any more. It comes at the end of a change, with the account locked.
func (t *tx) checkAdministrators(ctx context.Context) error {
	var administrators int
	err := t.row(ctx, `
		SELECT COUNT(*) FROM app_user
		WHERE account_id = $1 AND EXISTS (
			SELECT 1 FROM user_role JOIN role ON role.id = user_role.role_id
			WHERE user_role.user_id = app_user.id AND (role.everything OR EXISTS (
				SELECT 1 FROM role_resource JOIN resource ON resource.number = role_resource.resource
				WHERE role_resource.role_id = role.id AND resource.slug = $2)))`,
		t.by.AccountID, keys.ManageUsers).Scan(&administrators)
	if err == nil && administrators == 0 {
		return keys.Problem("roles", keys.ReasonLastAdministrator)
	}
	return err
}
