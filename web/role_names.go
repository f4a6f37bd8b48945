package web

import (
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// roleName is a role's name as the reader is shown it. The built-in roles are the console's own words;
// every other name is what somebody typed.
func roleName(c echo.Context, role keys.Role) string {
	if isBuiltIn(role) {
		return t(c, "builtin."+role.Slug+".name")
	}
	return role.Name
}

// roleText is a role's description as the reader is shown it.
func roleText(c echo.Context, role keys.Role) string {
	if isBuiltIn(role) {
		return t(c, "builtin."+role.Slug+".text")
	}
	return role.Description
}

// isBuiltIn says whether a role is one that we have words for.
func isBuiltIn(role keys.Role) bool {
	return role.BuiltIn && slices.ContainsFunc(keys.BuiltInRoles(), func(r keys.Role) bool { return r.Slug == role.Slug })
}
