package keys

import (
	"regexp"
	"strings"
)

// Resource is a permission: something that a role allows. Pages call it a permission.
type Resource struct {
	// Number is the resource's stable integer for machines.
	Number int64
	// Slug names the resource, such as orders.read.
	Slug string
	// Product groups resources, such as Orders.
	Product string
	// Name and Description say what it allows.
	Name, Description string
}

// ConsolePrefix starts the slugs of the console's own resources. Accounts cannot use it.
const ConsolePrefix = "latchkey."

// The console's own resources. A route names one of them; whoever does not hold it is refused.
const (
	ViewAPIKeys        = "latchkey.keys.view"
	EditAPIKeys        = "latchkey.keys.edit"
	RenewAPIToken      = "latchkey.keys.renew"
	EditAPIKeySettings = "latchkey.keys.settings"
	ManageRoles        = "latchkey.roles.manage"
	ManageUsers        = "latchkey.users.manage"
	ViewAuditLog       = "latchkey.audit.view"
	IntrospectTokens   = "latchkey.introspect"
)

const console = "Latchkey"

// ConsoleResources returns the console's own resources, as every account has them in its catalogue.
func ConsoleResources() []Resource {
	return []Resource{
		{Slug: ViewAPIKeys, Product: console, Name: "View API Keys", Description: "View, search, filter, sort and export API keys"},
		{Slug: EditAPIKeys, Product: console, Name: "Edit API Keys", Description: "Generate, edit, activate, deactivate and delete API keys"},
		{Slug: RenewAPIToken, Product: console, Name: "Renew API token", Description: "Renew tokens and undo renewals"},
		{Slug: EditAPIKeySettings, Product: console, Name: "Edit API Keys settings", Description: "Change how long tokens are valid"},
		{Slug: ManageRoles, Product: console, Name: "Manage roles", Description: "Create, edit and delete roles"},
		{Slug: ManageUsers, Product: console, Name: "Manage users", Description: "Invite users and change their roles"},
		{Slug: ViewAuditLog, Product: console, Name: "View audit log", Description: "Read and export the audit log"},
		{Slug: IntrospectTokens, Product: console, Name: "Introspect tokens", Description: "Ask what a presented token is and may do"},
	}
}

// SampleResources returns the resources that a new account starts with, so that its role list is
// never empty: orders, catalog, pricing, inventory and logistics, each with read and write.
func SampleResources() []Resource {
	var all []Resource
	for _, p := range sampleProducts {
		slug := strings.ToLower(p.name)
		all = append(all,
			Resource{Slug: slug + ".read", Product: p.name, Name: "Read " + p.things, Description: "Look up and list " + p.things},
			Resource{Slug: slug + ".write", Product: p.name, Name: "Write " + p.things, Description: "Create, change and delete " + p.things})
	}
	return all
}

var sampleProducts = []struct{ name, things string }{
	{"Orders", "orders"},
	{"Catalog", "products and categories"},
	{"Pricing", "prices and promotions"},
	{"Inventory", "stock levels"},
	{"Logistics", "shipments and carriers"},
}

// IsConsole says whether a slug is one of the console's own resources.
func IsConsole(slug string) bool { return strings.HasPrefix(slug, ConsolePrefix) }

var resourceSlug = regexp.MustCompile(`^[a-z0-9][a-z0-9._:-]{0,63}$`)

// IsResourceSlug says whether slug can name a resource.
func IsResourceSlug(slug string) bool { return resourceSlug.MatchString(slug) }

// CheckResource returns an Invalid error for the fields "slug", "product", "name" and "description"
// when an account may not add a resource of that normal form to its catalogue. The slugs and the
// product of the console's own resources are not for accounts.
func CheckResource(r Resource) error {
	return Problems(checkResourceSlug(r.Slug), checkProduct(r.Product), checkTitle("name", r.Name, ReasonResourceNameEmpty),
		checkDescription(r.Description))
}

func checkResourceSlug(slug string) error {
	switch {
	case !IsResourceSlug(slug):
		return Problem("slug", ReasonResourceSlug)
	case IsConsole(slug):
		return Problem("slug", ReasonResourceReserved)
	}
	return nil
}

func checkProduct(product string) error {
	if strings.EqualFold(product, console) {
		return Problem("product", ReasonProductReserved)
	}
	return checkTitle("product", product, ReasonProductEmpty)
}
