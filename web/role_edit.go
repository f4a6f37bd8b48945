package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views/ui"
)

// roleEditForm shows the form for a role's name, description and permissions.
func (s *Server) roleEditForm(c echo.Context) error {
	used, err := s.roleToChange(c)
	if err != nil {
		return err
	}
	return s.roleForm(c, http.StatusOK, &used, roleFields{
		Name: used.Name, Description: used.Description, Resources: used.Resources, Version: used.Version,
	}, nil)
}

// roleEdit saves the form, unless the role changed after the form was opened.
func (s *Server) roleEdit(c echo.Context) error {
	var in roleFields
	if err := bind(c, &in); err != nil {
		return err
	}
	used, err := s.roleToChange(c)
	if err != nil {
		return err
	}
	_, changed, err := s.store.EditRole(c.Request().Context(), actor(c), store.EditRole{
		Slug: used.Slug, Version: in.Version, Name: in.Name, Description: in.Description, Resources: in.Resources,
	})
	if problems := roleProblems(c, err); problems != nil {
		return s.roleForm(c, http.StatusUnprocessableEntity, &used, in, problems)
	}
	if keys.ReasonOf(err) == keys.ReasonRoleChanged {
		return retryAt(err, pathRoleEdit(used.Slug), "error.back.retry")
	}
	if err != nil {
		return toRoles(err)
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.changes-saved")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, pathRolesAt(used.Slug), flash)
}

// roleToChange is the role that the path names, or Conflict when it is built in, or Forbidden when it holds
// more than the viewer does.
func (s *Server) roleToChange(c echo.Context) (store.UsedRole, error) {
	used, err := s.roleOfPath(c)
	if err != nil {
		return store.UsedRole{}, err
	}
	if used.BuiltIn {
		return store.UsedRole{}, retryAt(keys.Conflict(keys.ReasonRoleBuiltIn), pathRole(used.Slug), "error.back.role")
	}
	return used, toRoles(actor(c).MayGrant([]keys.Role{used.Role}))
}
