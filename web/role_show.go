package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/words"
)

// holdersShown is how many of the keys and of the users that have a role are named.
const holdersShown = 10

// roleShow shows what a role allows and who has it.
func (s *Server) roleShow(c echo.Context) error {
	used, err := s.roleOfPath(c)
	if err != nil {
		return err
	}
	catalogue, err := s.store.Resources(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	role := sayRole(c, used.Role)
	shell := s.bareShell(c, role.Name)
	shell.Flash = s.takeFlash(c)
	menu := roleMenu(actor(c), role)
	view := views.RoleShow{
		Shell: shell, BackURL: pathRoles(), Slug: role.Slug, Name: role.Name, Description: role.Description,
		BuiltIn: role.BuiltIn, Everything: role.Everything, Broad: role.Broad(), Beyond: sayBeyond(c, role),
		EditURL: menu.EditURL, DuplicateURL: menu.DuplicateURL, DeleteURL: menu.DeleteURL, Holders: roleHolders(c, used),
	}
	given := slices.DeleteFunc(catalogue, func(r keys.Resource) bool { return !slices.Contains(role.Resources, r.Slug) })
	view.Groups = permissionGroups(c, given, nil)
	return s.render(c, http.StatusOK, views.RoleShowPage(view))
}

// roleOfPath is the role that the path names, in the viewer's account, with the first of those who hold it.
func (s *Server) roleOfPath(c echo.Context) (store.UsedRole, error) {
	used, err := s.store.UsedRole(c.Request().Context(), actor(c), c.Param("slug"), holdersShown)
	return used, toRoles(err)
}

// toRoles says that what failed can be begun again from the list of roles.
func toRoles(err error) error {
	if err == nil {
		return nil
	}
	return retryAt(err, pathRoles(), "error.back.roles")
}

// sayBeyond says which permission keeps the viewer from changing a role of the account's own, or nothing.
func sayBeyond(c echo.Context, role keys.Role) string {
	if role.BuiltIn {
		return ""
	}
	refused, ok := errors.AsType[*keys.Error](actor(c).MayGrant([]keys.Role{role}))
	if !ok {
		return ""
	}
	return t(c, "role.beyond", words.Args{"Permission": t(c, "permission."+refused.Details["resource"]+".name")})
}

func roleHolders(c echo.Context, used store.UsedRole) views.RoleHolders {
	view := views.RoleHolders{KeyCount: used.Use.Keys, External: used.Use.External, UserCount: used.Use.Users, Users: used.Holders.Users}
	mayView := actor(c).May(keys.ViewAPIKeys)
	for _, key := range used.Holders.Keys {
		shown := views.RoleKey{ID: string(key.ID), Name: key.Name}
		if mayView {
			shown.URL = pathKeyShow(key.ID)
		}
		view.Keys = append(view.Keys, shown)
	}
	if mayView && used.Use.Keys > 0 {
		view.KeysURL = pathKeysWithRole(used.Slug)
	}
	if used.Use.Users > 0 && actor(c).May(keys.ManageUsers) {
		view.UsersURL = pathUsers()
	}
	return view
}
