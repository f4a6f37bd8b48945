package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// EditRole is what a form says of a role.
type EditRole struct {
	// Slug is the role, and Version the one that the form was made from.
	Slug    string
	Version int64
	// Name, Description and Resources, by their slugs, are what the role shall be.
	Name, Description string
	Resources         []string
}

// EditRole gives a role of the actor's account its name, description and resources, and says whether
// that changed anything. Open links whose makers could not make them any more are void. It
// returns NotFound when there is no such role, Conflict when it is built in or
// was changed since the form was made, Invalid when the name breaks a rule or is another role's, when a
// resource is unknown or when no user would be left who may manage users, and Forbidden when the actor may
// not manage roles or does not hold what the role gives or shall give.
func (s *Store) EditRole(ctx context.Context, by keys.Actor, in EditRole) (role keys.Role, changed bool, err error) {
	in.Name, in.Description = keys.NormalName(in.Name), keys.NormalName(in.Description)
	if err := checkRole(by, in.Name, in.Description, append([]string{in.Slug}, in.Resources...)); err != nil {
		return keys.Role{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		before, numberOf, err := t.roleForEdit(ctx, account.ID, in)
		if err != nil {
			return err
		}
		if role, err = in.apply(before, numberOf); err != nil {
			return err
		}
		if err := by.MayGrant([]keys.Role{role}); err != nil {
			return err
		}
		details := roleDetails(before, role)
		if len(details) == 0 {
			return errUnchanged
		}
		role.Version, changed = role.Version+1, true
		t.record(keys.AuditEvent{
			Action: keys.ActionRoleEdited, ObjectKind: objectRole, ObjectID: role.Slug, Object: role.Name, Details: details,
		})
		if err := t.saveRole(ctx, before, role, numberOf); err != nil {
			return err
		}
		return t.voidLinksOfRole(ctx, role)
	})
	if err != nil {
		return keys.Role{}, false, err
	}
	return role, changed, nil
}

// roleForEdit is the role as it is, with the account's catalogue, if the actor may edit it to what the form
// says. The account is locked, so it stays so.
func (t *tx) roleForEdit(ctx context.Context, accountID string, in EditRole) (keys.Role, map[string]int64, error) {
	all, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return keys.Role{}, nil, err
	}
	role, found := keys.RoleBySlug(all, in.Slug)
	switch {
	case !found:
		return keys.Role{}, nil, keys.NotFound(keys.ReasonRoleNotFound)
	case role.BuiltIn:
		return keys.Role{}, nil, keys.Conflict(keys.ReasonRoleBuiltIn)
	case role.Version != in.Version:
		return keys.Role{}, nil, keys.Conflict(keys.ReasonRoleChanged)
	}
	if err := t.by.MayGrant([]keys.Role{role}); err != nil {
		return keys.Role{}, nil, err
	}
	if err := nameIsFree(keys.Role{ID: role.ID, Name: in.Name}, all); err != nil {
		return keys.Role{}, nil, err
	}
	numberOf, err := t.resourceNumbers(ctx, accountID)
	return role, numberOf, err
}

// resourceNumbers are the numbers of an account's catalogue by their slugs.
func (t *tx) resourceNumbers(ctx context.Context, accountID string) (map[string]int64, error) {
	numberOf := map[string]int64{}
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var number int64
		var slug string
		err = row.Scan(&number, &slug)
		numberOf[slug] = number
		return none, err
	}, `SELECT number, slug FROM resource WHERE account_id = $1`, accountID)
	return numberOf, err
}

// apply is the role as the form says.
func (in EditRole) apply(role keys.Role, catalogue map[string]int64) (_ keys.Role, err error) {
	role.Name, role.Description = in.Name, in.Description
	role.Resources, err = inCatalogue(in.Resources, catalogue)
	return role, err
}

// roleDetails are the fields that differ, before and after.
func roleDetails(before, after keys.Role) map[string]any {
	details := map[string]any{}
	if before.Name != after.Name {
		details["name"] = map[string]string{"before": before.Name, "after": after.Name}
	}
	if before.Description != after.Description {
		details["description"] = map[string]string{"before": before.Description, "after": after.Description}
	}
	if !slices.Equal(before.Resources, after.Resources) {
		details["resources"] = map[string][]string{"before": append([]string{}, before.Resources...), "after": after.Resources}
	}
	return details
}

func (t *tx) saveRole(ctx context.Context, before, r keys.Role, numberOf map[string]int64) error {
	_, err := t.exec(ctx, `
		UPDATE role SET name = $2, description = $3, version = $4 WHERE id = $1`, r.ID, r.Name, r.Description, r.Version)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM role_resource WHERE role_id = $1`, r.ID); err != nil {
		return err
	}
	if err := t.grant(ctx, r, numberOf); err != nil {
		return err
	}
	if !slices.Contains(before.Resources, keys.ManageUsers) || slices.Contains(r.Resources, keys.ManageUsers) {
		return nil
	}
	return t.checkAdministrators(ctx)
}
