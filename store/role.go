package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// Roles returns the roles of the actor's account in the order of their names, with their resources.
func (s *Store) Roles(ctx context.Context, by keys.Actor) (roles []keys.Role, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		roles, err = t.accountRoles(ctx, by.AccountID)
		return err
	})
	return roles, err
}

// accountRoles are the roles of an account in the order of their names.
func (t *tx) accountRoles(ctx context.Context, accountID string) ([]keys.Role, error) {
	return t.rolesWhere(ctx, `role.account_id = $1`, accountID)
}

// rolesOfKey are the roles of a key in the order of their names.
func (t *tx) rolesOfKey(ctx context.Context, keyID string) ([]keys.Role, error) {
	return t.rolesWhere(ctx, `role.id IN (SELECT role_id FROM api_key_role WHERE key_id = $1)`, keyID)
}

func (t *tx) rolesOfUser(ctx context.Context, userID string) ([]keys.Role, error) {
	return t.rolesWhere(ctx, `role.id IN (SELECT role_id FROM user_role WHERE user_id = $1)`, userID)
}

// chosenRoles are the roles of the actor's account that have these slugs, in the order of their names. A
// slug that is not among them is a problem of the field "roles".
func (t *tx) chosenRoles(ctx context.Context, slugs []string) (chosen []keys.Role, err error) {
	for _, slug := range slices.Compact(slices.Sorted(slices.Values(slugs))) {
		one, err := t.rolesWhere(ctx, `role.account_id = $1 AND role.slug = $2`, t.by.AccountID, slug)
		if err != nil {
			return nil, err
		}
		if len(one) == 0 {
			return nil, keys.Problem("roles", keys.ReasonRoleUnknown)
		}
		chosen = append(chosen, one...)
	}
	slices.SortFunc(chosen, byName)
	return chosen, nil
}

// rolesWhere are the roles for which a condition holds, with their resources, in the order of their names.
func (t *tx) rolesWhere(ctx context.Context, condition string, args ...any) ([]keys.Role, error) {
	roles, err := list(ctx, t, scanRole, `
		SELECT id, number, slug, name, description, built_in, everything, version FROM role WHERE `+condition, args...)
	if err != nil || len(roles) == 0 {
		return nil, err
	}
	granted, err := list(ctx, t, scanGrant, `
		SELECT role.id, resource.slug
		FROM role JOIN role_resource ON role_resource.role_id = role.id JOIN resource ON resource.number = role_resource.resource
		WHERE `+condition+` AND NOT role.everything
		UNION ALL
		SELECT role.id, resource.slug
		FROM role JOIN resource ON resource.account_id = role.account_id
		WHERE `+condition+` AND role.everything`, args...)
	if err != nil {
		return nil, err
	}
	for i := range roles {
		for _, g := range granted {
			if g.roleID == roles[i].ID {
				roles[i].Resources = append(roles[i].Resources, g.resource)
			}
		}
		slices.Sort(roles[i].Resources)
	}
	slices.SortFunc(roles, byName)
	return roles, nil
}

// byName orders roles in Go: the databases do not order letters alike.
func byName(a, b keys.Role) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Slug, b.Slug))
}

func scanRole(row scanner) (r keys.Role, err error) {
	err = row.Scan(&r.ID, &r.Number, &r.Slug, &r.Name, &r.Description, &r.BuiltIn, &r.Everything, &r.Version)
	return r, err
}

type grant struct{ roleID, resource string }

func scanGrant(row scanner) (g grant, err error) {
	err = row.Scan(&g.roleID, &g.resource)
	return g, err
}

// roleSlugs are the slugs of roles, for an event.
func roleSlugs(roles []keys.Role) []string {
	slugs := make([]string, 0, len(roles))
	for _, r := range roles {
		slugs = append(slugs, r.Slug)
	}
	return slugs
}
