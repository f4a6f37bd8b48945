package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// Resources returns the catalogue of the actor's account, the resources of one product after the other:
// the account's own products in the order of their names, then the console. It returns Forbidden when the
// actor may not manage roles.
func (s *Store) Resources(ctx context.Context, by keys.Actor) (catalogue []keys.Resource, err error) {
	if err := by.Require(keys.ManageRoles); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		catalogue, err = t.resources(ctx, by.AccountID)
		return err
	})
	return catalogue, err
}

func (t *tx) resources(ctx context.Context, accountID string) ([]keys.Resource, error) {
	all, err := list(ctx, t, func(row scanner) (r keys.Resource, err error) {
		err = row.Scan(&r.Number, &r.Slug, &r.Product, &r.Name, &r.Description)
		return r, err
	}, `SELECT number, slug, product, name, description FROM resource WHERE account_id = $1`, accountID)
	slices.SortFunc(all, byProduct)
	return all, err
}

// byProduct orders resources. Those of the console stand last, in the order of their numbers, which is
// that of its pages.
func byProduct(a, b keys.Resource) int {
	switch consoleA, consoleB := keys.IsConsole(a.Slug), keys.IsConsole(b.Slug); {
	case consoleA && consoleB:
		return cmp.Compare(a.Number, b.Number)
	case consoleA:
		return 1
	case consoleB:
		return -1
	}
	return cmp.Or(strings.Compare(strings.ToLower(a.Product), strings.ToLower(b.Product)), strings.Compare(a.Product, b.Product),
		strings.Compare(a.Slug, b.Slug))
}
