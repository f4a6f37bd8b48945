package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// EditKey is what an edit form says.
type EditKey struct {
	// ID is the key, and Version the one that the form was made from.
	ID      keys.KeyID
	Version int64
	// Name, Roles, by their slugs, and Active are what the key shall be.
	Name   string
	Roles  []string
	Active bool
}

// EditKey gives a key its name, roles and status, and says whether that changed anything. It returns
// NotFound when there is no such key, Conflict when the key was changed since the form was made,
// Invalid and Malformed as GenerateKey does, and Forbidden when the actor may not edit keys or does
// not hold what a role gives, one that the key has or one that it shall have.
func (s *Store) EditKey(ctx context.Context, by keys.Actor, in EditKey) (key keys.Key, changed bool, err error) {
	in.Name = keys.NormalName(in.Name)
	if err := in.check(by); err != nil {
		return keys.Key{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		k, roles, err := t.lockForEdit(ctx, in)
		if err != nil {
			return err
		}
		if err := t.edit(ctx, &k, in.Name, roles); err != nil {
			return err
		}
		if err := t.voidIfBeyondMaker(ctx, &k); err != nil {
			return err
		}
		if err := t.setStatus(ctx, &k, in.status()); err != nil {
			return err
		}
		key, changed, err = t.saved(k)
		return err
	})
	if err != nil {
		return keys.Key{}, false, err
	}
	return key, changed, nil
}

func (in EditKey) check(by keys.Actor) error {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return err
	}
	if err := checkText(append([]string{in.Name}, in.Roles...)...); err != nil {
		return err
	}
	return keys.CheckName(in.Name)
}

func (in EditKey) status() keys.Status {
	if in.Active {
		return keys.StatusActive
	}
	return keys.StatusInactive
}

// lockForEdit returns the key as it is and the roles that it shall have.
func (t *tx) lockForEdit(ctx context.Context, in EditKey) (keyRow, []keys.Role, error) {
	if _, err := t.lockAccount(ctx); err != nil {
		return keyRow{}, nil, err
	}
	k, err := t.lockKey(ctx, in.ID)
	if err != nil {
		return keyRow{}, nil, err
	}
	if k.Version-1 != in.Version {
		return keyRow{}, nil, keys.Conflict(keys.ReasonKeyChanged)
	}
	if err := t.by.MayGrant(k.Roles); err != nil {
		return keyRow{}, nil, err
	}
	roles, err := t.grantable(ctx, in.Roles)
	return k, roles, err
}

// edit saves the name and the roles of a key, if they differ from those that it has.
func (t *tx) edit(ctx context.Context, k *keyRow, name string, roles []keys.Role) error {
	details := map[string]any{}
	if k.Name != name {
		details["name"] = map[string]string{"before": k.Name, "after": name}
	}
	if before, after := roleSlugs(k.Roles), roleSlugs(roles); !slices.Equal(before, after) {
		details["roles"] = map[string][]string{"before": before, "after": after}
	}
	if len(details) == 0 {
		return nil
	}
	k.Name, k.Roles = name, roles
	t.record(keyEvent(keys.ActionKeyEdited, k.Key, details))
	_, err := t.exec(ctx, `UPDATE api_key SET name = $2, find_text = $3, name_key = $4 WHERE id = $1`, k.id, name, findText(k.ID, name), nameKey(name))
	if err != nil {
		return err
	}
	return t.setRoles(ctx, *k, roles)
}
