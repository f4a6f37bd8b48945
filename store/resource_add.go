package store

import (
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// NewResource is what a resource of an account's own is made of.
type NewResource struct{ Slug, Product, Name, Description string }

// AddResource adds a resource to the catalogue of the actor's account. A role that allows everything
// allows it from then on. A product that the catalogue has in other capitals keeps the capitals that it
// has there. It returns Invalid when a rule is broken or the slug is taken, and Forbidden when the actor
// may not manage roles.
func (s *Store) AddResource(ctx context.Context, by keys.Actor, in NewResource) (resource keys.Resource, err error) {
	if err := by.Require(keys.ManageRoles); err != nil {
		return keys.Resource{}, err
	}
	if err := checkText(in.Slug, in.Product, in.Name, in.Description); err != nil {
		return keys.Resource{}, err
	}
	wanted := keys.Resource{
		Slug: keys.NormalName(in.Slug), Product: keys.NormalName(in.Product), Name: keys.NormalName(in.Name), Description: keys.NormalName(in.Description),
	}
	if err := keys.CheckResource(wanted); err != nil {
		return keys.Resource{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		if resource, err = t.newResource(ctx, account.ID, wanted); err != nil {
			return err
		}
		t.record(keys.AuditEvent{
			Action: keys.ActionResourceAdded, ObjectKind: objectResource, ObjectID: resource.Slug, Object: resource.Name,
			Details: map[string]any{"product": resource.Product, "name": resource.Name, "description": resource.Description},
		})
		return nil
	})
	if err != nil {
		return keys.Resource{}, err
	}
	return resource, nil
}

// newResource writes a resource, unless the catalogue has one of its slug.
func (t *tx) newResource(ctx context.Context, accountID string, r keys.Resource) (keys.Resource, error) {
	catalogue, err := t.resources(ctx, accountID)
	if err != nil {
		return keys.Resource{}, err
	}
	if slices.ContainsFunc(catalogue, func(other keys.Resource) bool { return other.Slug == r.Slug }) {
		return keys.Resource{}, keys.Problem("slug", keys.ReasonResourceTaken)
	}
	if i := slices.IndexFunc(catalogue, func(other keys.Resource) bool { return strings.EqualFold(other.Product, r.Product) }); i >= 0 {
		r.Product = catalogue[i].Product
	}
	if r.Number, err = t.numbers(ctx, 1); err != nil {
		return keys.Resource{}, err
	}
	return r, t.insertResource(ctx, accountID, r)
}
