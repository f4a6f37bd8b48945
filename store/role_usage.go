package store

import (
	"context"

	"latchkey/keys"
)

// RoleUse is how many there are who hold a role.
type RoleUse struct {
	// Keys and Users are the account's own.
	Keys, Users int
	// External are keys of other accounts that this account gave the role to.
	External int
}

// Any says whether anybody holds the role.
func (u RoleUse) Any() bool { return u != RoleUse{} }

// roleHolders are the tables that say who holds a role, each with what its rows count as. A role that a
// row of any of them names is in use.
var roleHolders = []struct {
	table string
	count func(*RoleUse) *int
}{
	{"api_key_role", func(u *RoleUse) *int { return &u.Keys }},
	{"user_role", func(u *RoleUse) *int { return &u.Users }},
	{"external_key_role", func(u *RoleUse) *int { return &u.External }},
}

// UsedRole is a role with those who hold it.
type UsedRole struct {
	keys.Role
	Use RoleUse
	// Holders are the first keys and the emails of the first users that hold the role, where they were
	// asked for.
	Holders RoleHolders
}

// RoleHolders are some of those who hold a role: keys without roles and tokens, the newest first, and
// the emails of users in the order of their making.
type RoleHolders struct {
	Keys  []keys.Key
	Users []string
}

// UsedRoles returns the roles of the actor's account in the order of their names, with how many hold
// each. It returns Forbidden when the actor may not manage roles.
func (s *Store) UsedRoles(ctx context.Context, by keys.Actor) (roles []UsedRole, err error) {
	if err := by.Require(keys.ManageRoles); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		roles, err = t.usedRoles(ctx, `role.account_id = $1`, by.AccountID)
		return err
	})
	return roles, err
}

// UsedRole returns a role of the actor's account with those who hold it, of keys and users each at most
// limit. It returns NotFound when there is no such role, and Forbidden when the actor may not manage
// roles.
func (s *Store) UsedRole(ctx context.Context, by keys.Actor, slug string, limit int) (role UsedRole, err error) {
	if err := by.Require(keys.ManageRoles); err != nil {
		return UsedRole{}, err
	}
	if err := checkText(slug); err != nil {
		return UsedRole{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		if role, err = t.usedRole(ctx, by.AccountID, slug); err != nil {
			return err
		}
		role.Holders, err = t.roleHolders(ctx, role.Role, limit)
		return err
	})
	return role, err
}

// usedRole is a role of an account with how many hold it.
func (t *tx) usedRole(ctx context.Context, accountID, slug string) (UsedRole, error) {
	found, err := t.usedRoles(ctx, `role.account_id = $1 AND role.slug = $2`, accountID, slug)
	if err != nil {
		return UsedRole{}, err
	}
	if len(found) == 0 {
		return UsedRole{}, keys.NotFound(keys.ReasonRoleNotFound)
	}
	return found[0], nil
}

// usedRoles are the roles for which a condition holds, with how many hold each, in the order of their
// names.
func (t *tx) usedRoles(ctx context.Context, condition string, args ...any) ([]UsedRole, error) {
	roles, err := t.rolesWhere(ctx, condition, args...)
	if err != nil {
		return nil, err
	}
	uses := map[string]RoleUse{}
	for _, holders := range roleHolders {
		_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
			var id string
			var count int
			err = row.Scan(&id, &count)
			use := uses[id]
			*holders.count(&use) = count
			uses[id] = use
			return none, err
		}, `
			SELECT role.id, COUNT(*) FROM role JOIN `+holders.table+` held ON held.role_id = role.id
			WHERE `+condition+` GROUP BY role.id`, args...)
		if err != nil {
			return nil, err
		}
	}
	used := make([]UsedRole, len(roles))
	for i, role := range roles {
		used[i] = UsedRole{Role: role, Use: uses[role.ID]}
	}
	return used, nil
}

// roleHolders are the first keys and users that hold a role.
func (t *tx) roleHolders(ctx context.Context, role keys.Role, limit int) (h RoleHolders, err error) {
	rows, err := list(ctx, t, scanKey, `
		SELECT `+keyColumns+` FROM api_key
		WHERE number IN (SELECT key_number FROM api_key_role WHERE role_id = $1 ORDER BY key_number DESC LIMIT $2)
		ORDER BY number DESC`, role.ID, limit)
	if err != nil {
		return h, err
	}
	for _, k := range rows {
		h.Keys = append(h.Keys, k.Key)
	}
	h.Users, err = list(ctx, t, scanText, `
		SELECT email FROM app_user JOIN user_role ON user_role.user_id = app_user.id
		WHERE user_role.role_id = $1 ORDER BY app_user.number LIMIT $2`, role.ID, limit)
	return h, err
}
