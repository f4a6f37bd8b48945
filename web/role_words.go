package web

import (
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views/words"
)

// sayRole is a role with its words for the reader: the words of a built-in one are the console's, those of
// any other its account's.
func sayRole(c echo.Context, role keys.Role) keys.Role {
	if role.BuiltIn {
		role.Name, role.Description = t(c, "role."+role.Slug+".name"), t(c, "role."+role.Slug+".description")
	}
	return role
}

// sayRoles is sayRole for several.
func sayRoles(c echo.Context, roles []keys.Role) []keys.Role {
	said := make([]keys.Role, len(roles))
	for i, role := range roles {
		said[i] = sayRole(c, role)
	}
	return said
}

// sayResource is a resource with its words for the reader.
func sayResource(c echo.Context, r keys.Resource) keys.Resource {
	if keys.IsConsole(r.Slug) {
		r.Name, r.Description = t(c, "permission."+r.Slug+".name"), t(c, "permission."+r.Slug+".description")
	}
	return r
}

// sayHolders says how many hold a role, such as "3 keys and 1 user", or nothing when nobody does.
func sayHolders(c echo.Context, use store.RoleUse) string {
	var parts []string
	if use.Keys > 0 {
		parts = append(parts, n(c, "holders.keys", use.Keys))
	}
	if use.External > 0 {
		parts = append(parts, n(c, "holders.external", use.External))
	}
	if use.Users > 0 {
		parts = append(parts, n(c, "holders.users", use.Users))
	}
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	case 2:
		return t(c, "holders.two", words.Args{"First": parts[0], "Second": parts[1]})
	}
	return t(c, "holders.three", words.Args{"First": parts[0], "Second": parts[1], "Third": parts[2]})
}
