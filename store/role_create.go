package store

import (
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// NewRole is what a new role is made of. Resources are slugs.
type NewRole struct {
	Name, Description string
	Resources         []string
}

// CreateRole makes a role of the actor's account. Its slug comes from its name and is no other role's.
// It returns Invalid when the name breaks a rule or is another role's or when a resource is unknown, and
// Forbidden when the actor may not manage roles or does not hold what the role shall give.
func (s *Store) CreateRole(ctx context.Context, by keys.Actor, in NewRole) (role keys.Role, err error) {
	in.Name, in.Description = keys.NormalName(in.Name), keys.NormalName(in.Description)
	if err := checkRole(by, in.Name, in.Description, in.Resources); err != nil {
		return keys.Role{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		if role, err = t.newRole(ctx, account.ID, in); err != nil {
			return err
		}
		t.record(keys.AuditEvent{
			Action: keys.ActionRoleCreated, ObjectKind: objectRole, ObjectID: role.Slug, Object: role.Name,
			Details: map[string]any{"name": role.Name, "description": role.Description, "resources": role.Resources},
		})
		return nil
	})
	if err != nil {
		return keys.Role{}, err
	}
	return role, nil
}

// checkRole is what can be said of a role's fields without the account.
func checkRole(by keys.Actor, name, description string, resources []string) error {
	if err := by.Require(keys.ManageRoles); err != nil {
		return err
	}
	if err := checkText(append([]string{name, description}, resources...)...); err != nil {
		return err
	}
	return keys.CheckRole(name, description)
}

// newRole writes a role that the actor may make.
func (t *tx) newRole(ctx context.Context, accountID string, in NewRole) (keys.Role, error) {
	others, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return keys.Role{}, err
	}
	numberOf, err := t.resourceNumbers(ctx, accountID)
	if err != nil {
		return keys.Role{}, err
	}
	role := keys.Role{ID: newID(), Slug: keys.NewRoleSlug(in.Name, roleSlugs(others)), Name: in.Name, Description: in.Description, Version: 1}
	if role.Resources, err = inCatalogue(in.Resources, numberOf); err != nil {
		return keys.Role{}, err
	}
	if err := t.by.MayGrant([]keys.Role{role}); err != nil {
		return keys.Role{}, err
	}
	if err := nameIsFree(role, others); err != nil {
		return keys.Role{}, err
	}
	if role.Number, err = t.numbers(ctx, 1); err != nil {
		return keys.Role{}, err
	}
	return role, t.insertRole(ctx, accountID, role, numberOf)
}

// nameIsFree returns a problem when another role has the name of this one: people tell roles apart by
// their names alone.
func nameIsFree(role keys.Role, others []keys.Role) error {
	twin := func(other keys.Role) bool { return other.ID != role.ID && strings.EqualFold(other.Name, role.Name) }
	if slices.ContainsFunc(others, twin) {
		return keys.Problem("name", keys.ReasonRoleNameTaken)
	}
	return nil
}

// inCatalogue are resources in order, each once. One that is not in the catalogue is a problem of the
// field "resources".
func inCatalogue(resources []string, catalogue map[string]int64) ([]string, error) {
	chosen := append([]string{}, resources...) // a copy: the caller's list stays as it is
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	for _, slug := range chosen {
		if _, known := catalogue[slug]; !known {
			return nil, keys.Problem("resources", keys.ReasonResourceUnknown)
		}
	}
	return chosen, nil
}
