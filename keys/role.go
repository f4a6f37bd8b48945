package keys

import (
	"slices"
	"unicode/utf8"
)

// Role is a named set of resources. Keys and users hold roles.
type Role struct {
	// ID is the role's internal id, a UUIDv7.
	ID string
	// Number is the role's stable integer for machines.
	Number int64
	// Slug names the role in forms, headers and URLs.
	Slug string
	// Name and Description say what it is for.
	Name, Description string
	// BuiltIn roles are the same in every account and cannot be changed.
	BuiltIn bool
	// Everything means every resource of the account's catalogue, later ones too.
	Everything bool
	// Resources are the slugs of what the role allows. Of a role that allows everything it is the
	// whole catalogue at the moment of reading.
	Resources []string
	// Version counts the changes of the role. An edit names the version that it was made from.
	Version int64
}

// The slugs of the built-in roles.
const (
	RoleOwner             = "owner"
	RoleUserAdministrator = "user-administrator"
)

// BuiltInRoles returns the roles that every account has and nobody can change.
func BuiltInRoles() []Role {
	return []Role{
		{
			Slug: RoleOwner, Name: "Owner", Description: "Everything in this account, and everything added later",
			BuiltIn: true, Everything: true,
		},
		{
			Slug: RoleUserAdministrator, Name: "User Administrator", Description: "Manage API keys, their tokens and their settings",
			BuiltIn: true, Resources: []string{ViewAPIKeys, EditAPIKeys, RenewAPIToken, EditAPIKeySettings},
		},
	}
}

// SampleRoles returns the roles that a new account starts with over SampleResources. The admin can
// change or delete them.
func SampleRoles() []Role {
	return []Role{
		sampleRole("orders-viewer", "Orders viewer", "Look up orders", "orders.read"),
		sampleRole("orders-manager", "Orders manager", "Look up, create and change orders", "orders.read", "orders.write"),
		sampleRole("catalog-viewer", "Catalog viewer", "Look up products and categories", "catalog.read"),
		sampleRole("catalog-editor", "Catalog editor", "Look up and change products and categories", "catalog.read", "catalog.write"),
		sampleRole("pricing-viewer", "Pricing viewer", "Look up prices and promotions", "pricing.read"),
		sampleRole("pricing-admin", "Pricing admin", "Look up and change prices and promotions", "pricing.read", "pricing.write"),
		sampleRole("inventory-viewer", "Inventory viewer", "Look up stock levels", "inventory.read"),
		sampleRole("inventory-sync", "Inventory sync", "Look up and update stock levels", "inventory.read", "inventory.write"),
		sampleRole("logistics-viewer", "Logistics viewer", "Follow shipments", "logistics.read"),
		sampleRole("logistics-operator", "Logistics operator", "Follow, create and change shipments", "logistics.read", "logistics.write"),
	}
}

func sampleRole(slug, name, description string, resources ...string) Role {
	return Role{Slug: slug, Name: name, Description: description, Resources: resources}
}

// MaxDescription is the longest description, in code points, of a role or a resource.
const MaxDescription = 200

// CheckRole returns an Invalid error for the fields "name" and "description" when the normal form of a
// role's name is empty or longer than MaxName code points, or that of its description is longer than
// MaxDescription.
func CheckRole(name, description string) error {
	return Problems(checkTitle("name", name, ReasonRoleNameEmpty), checkDescription(description))
}

// checkTitle is the rule for what a list shows in one line.
func checkTitle(field, title string, empty Reason) error {
	switch length := utf8.RuneCountInString(title); {
	case length == 0:
		return Problem(field, empty)
	case length > MaxName:
		return Problem(field, ReasonNameLong)
	}
	return nil
}

func checkDescription(description string) error {
	if utf8.RuneCountInString(description) > MaxDescription {
		return Problem("description", ReasonDescriptionLong)
	}
	return nil
}

// Broad says whether a role allows so much that its token needs a warning: everything, or any of the
// console's own resources, with which a key could manage other keys.
func (r Role) Broad() bool { return r.Everything || slices.ContainsFunc(r.Resources, IsConsole) }

// RoleBySlug returns the role of that slug out of roles, and whether there is one.
func RoleBySlug(roles []Role, slug string) (Role, bool) {
	i := slices.IndexFunc(roles, func(r Role) bool { return r.Slug == slug })
	if i < 0 {
		return Role{}, false
	}
	return roles[i], true
}
