package web

import (
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
)

// roleChoices are the roles that the actor may give, with those in chosen checked.
func roleChoices(c echo.Context, who keys.Actor, roles []keys.Role, chosen []string) []views.RoleChoice {
	var choices []views.RoleChoice
	for _, role := range roles {
		if who.MayGrant([]keys.Role{role}) != nil {
			continue
		}
		choices = append(choices, views.RoleChoice{
			Slug: role.Slug, Name: roleName(c, role), Description: roleText(c, role),
			Checked: slices.Contains(chosen, role.Slug), Broad: role.Broad(),
		})
	}
	return choices
}
