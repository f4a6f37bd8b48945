package web

import (
	"slices"

	"latchkey/keys"
	"latchkey/views"
)

// roleChoices are the roles that the actor may give, with those in chosen checked.
func roleChoices(who keys.Actor, roles []keys.Role, chosen []string) []views.RoleChoice {
	var choices []views.RoleChoice
	for _, role := range roles {
		if who.MayGrant([]keys.Role{role}) != nil {
			continue
		}
		choices = append(choices, views.RoleChoice{
			Slug: role.Slug, Name: role.Name, Description: role.Description,
			Checked: slices.Contains(chosen, role.Slug), Broad: role.Broad(),
		})
	}
	return choices
}
