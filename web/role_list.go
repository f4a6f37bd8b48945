package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// roleList shows the account's roles.
func (s *Server) roleList(c echo.Context) error {
	roles, err := s.store.UsedRoles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	catalogue, err := s.store.Resources(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	view := views.RoleList{Shell: s.shell(c, "role.heading"), Tabs: roleTabs(c, pathRoles()), CreateURL: pathRoleCreate()}
	for _, role := range roles {
		view.Rows = append(view.Rows, roleRow(c, role, catalogue))
	}
	return s.render(c, http.StatusOK, views.RoleListPage(view))
}

// roleTabs are the tabs of the Roles page.
func roleTabs(c echo.Context, current string) []ui.Tab {
	return []ui.Tab{
		{Label: t(c, "role.tab.roles"), URL: pathRoles(), Current: current == pathRoles()},
		{Label: t(c, "role.tab.permissions"), URL: pathResources(), Current: current == pathResources()},
	}
}

func roleRow(c echo.Context, used store.UsedRole, catalogue []keys.Resource) views.RoleRow {
	role := sayRole(c, used.Role)
	row := views.RoleRow{
		Slug: role.Slug, Name: role.Name, Description: role.Description, URL: pathRole(role.Slug),
		Everything: role.Everything, Broad: role.Broad(), BuiltIn: role.BuiltIn,
		Keys: used.Use.Keys, External: used.Use.External, Users: used.Use.Users, Menu: roleMenu(actor(c), role),
	}
	if used.Use.Keys > 0 && actor(c).May(keys.ViewAPIKeys) {
		row.KeysURL = pathKeysWithRole(role.Slug)
	}
	for _, group := range permissionGroups(c, catalogue, role.Resources) {
		for _, permission := range group.Permissions {
			if permission.Checked {
				row.Permissions = append(row.Permissions, permission.Name)
			}
		}
	}
	return row
}

// roleMenu holds what the viewer may do with a role.
func roleMenu(who keys.Actor, role keys.Role) (menu views.RoleMenu) {
	mayGrant := who.MayGrant([]keys.Role{role}) == nil
	if mayGrant {
		menu.DuplicateURL = pathRoleDuplicate(role.Slug)
	}
	if role.BuiltIn || !mayGrant {
		menu.ViewURL = pathRole(role.Slug)
		return menu
	}
	menu.EditURL, menu.DeleteURL = pathRoleEdit(role.Slug), pathRoleDelete(role.Slug)
	return menu
}
