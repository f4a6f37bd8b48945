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
	err = s.read(ctx, func(t *tx) error {
		roles, err = t.accountRoles(ctx, by.AccountID)
		return err
	})
	return roles, err
}

// accountRoles are the roles of an account in the order of their names.
func (t *tx) accountRoles(ctx context.Context, accountID string) ([]keys.Role, error) {
	roles, err := list(ctx, t, scanRole, `
		SELECT id, number, slug, name, description, built_in, everything, version FROM role WHERE account_id = $1`, accountID)
	if err != nil {
		return nil, err
	}
	granted, err := list(ctx, t, scanGrant, `
		SELECT role.id, resource.slug
		FROM role
		JOIN resource ON resource.account_id = role.account_id
		LEFT JOIN role_resource ON role_resource.role_id = role.id AND role_resource.resource = resource.number
		WHERE role.account_id = $1 AND (role.everything OR role_resource.role_id IS NOT NULL)`, accountID)
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

// chosenRoles are the roles of these slugs, in the order of all. A slug that is not among them is a
// problem of the field "roles".
func chosenRoles(all []keys.Role, slugs []string) ([]keys.Role, error) {
	for _, slug := range slugs {
		if _, ok := keys.RoleBySlug(all, slug); !ok {
			return nil, keys.Problem("roles", keys.ReasonRoleUnknown)
		}
	}
	return rolesWhere(all, func(r keys.Role) bool { return slices.Contains(slugs, r.Slug) }), nil
}

// rolesWhere are those of all that are wanted, in the order of all.
func rolesWhere(all []keys.Role, wanted func(r keys.Role) bool) (some []keys.Role) {
	for _, r := range all {
		if wanted(r) {
			some = append(some, r)
		}
	}
	return some
}

// roleSlugs are the slugs of roles, for an event.
func roleSlugs(roles []keys.Role) []string {
	slugs := make([]string, 0, len(roles))
	for _, r := range roles {
		slugs = append(slugs, r.Slug)
	}
	return slugs
}
