package store

import (
	"context"

	"latchkey/keys"
)

// checkAdministrators returns Invalid unless the actor's account, as it is in this transaction, has an
// administrator: an active user with a password who may manage users. The account is locked, so of two
// changes that would each take one of two administrators away, one is refused.
func (t *tx) checkAdministrators(ctx context.Context) error {
	var found bool
	err := t.row(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM app_user
			JOIN user_role ON user_role.user_id = app_user.id
			JOIN role ON role.id = user_role.role_id
			WHERE app_user.account_id = $1 AND app_user.status = 'active' AND app_user.password_phc <> $3
				AND (role.everything OR EXISTS (
					SELECT 1 FROM role_resource JOIN resource ON resource.number = role_resource.resource
					WHERE role_resource.role_id = role.id AND resource.slug = $2)))`,
		t.by.AccountID, keys.ManageUsers, noPassword).Scan(&found)
	if err == nil && !found {
		return keys.Problem("roles", keys.ReasonLastAdministrator)
	}
	return err
}
