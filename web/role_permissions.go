package web

import (
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
)

// permissionGroups are resources by their products, in the order in which they come, with those in chosen
// checked.
func permissionGroups(c echo.Context, catalogue []keys.Resource, chosen []string) (groups []views.PermissionGroup) {
	for _, resource := range catalogue {
		ofConsole := keys.IsConsole(resource.Slug)
		if last := len(groups) - 1; last < 0 || groups[last].Product != resource.Product || groups[last].Console != ofConsole {
			groups = append(groups, views.PermissionGroup{ID: "product-" + strconv.Itoa(len(groups)+1), Product: resource.Product, Console: ofConsole})
		}
		said, group := sayResource(c, resource), &groups[len(groups)-1]
		group.Permissions = append(group.Permissions, views.Permission{
			Slug: said.Slug, Name: said.Name, Description: said.Description, Checked: slices.Contains(chosen, said.Slug),
		})
	}
	return groups
}

// offered are the resources of the catalogue that the actor may give to a role.
func offered(who keys.Actor, catalogue []keys.Resource) []keys.Resource {
	return slices.DeleteFunc(slices.Clone(catalogue), func(r keys.Resource) bool { return keys.IsConsole(r.Slug) && !who.May(r.Slug) })
}
