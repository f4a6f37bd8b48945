package web

import "net/url"

func pathRoles() string       { return "/account/roles" }
func pathRoleCreate() string  { return pathRoles() + "/new" }
func pathResources() string   { return pathRoles() + "/permissions" }
func pathResourceAdd() string { return pathResources() + "/new" }

func pathRole(slug string) string       { return pathRoles() + "/" + url.PathEscape(slug) }
func pathRoleEdit(slug string) string   { return pathRole(slug) + "/edit" }
func pathRoleDelete(slug string) string { return pathRole(slug) + "/delete" }

// pathRoleDuplicate is the form for a new role, filled with what another one allows.
func pathRoleDuplicate(slug string) string {
	return pathRoleCreate() + "?from=" + url.QueryEscape(slug)
}

// pathRolesAt is the list with the focus on the menu of a role's row.
func pathRolesAt(slug string) string { return pathRoles() + "#kebab-" + slug }

// pathKeysWithRole is the list of the keys that have a role.
func pathKeysWithRole(slug string) string { return pathKeys() + "?role=" + url.QueryEscape(slug) }
