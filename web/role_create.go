package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// roleCreateForm shows the form for a new role: an empty one, or one that is filled with what the role in
// the parameter "from" allows.
func (s *Server) roleCreateForm(c echo.Context) error {
	from := c.QueryParam("from")
	if from == "" {
		return s.roleForm(c, http.StatusOK, nil, roleFields{}, nil)
	}
	used, err := s.store.UsedRole(c.Request().Context(), actor(c), from, 0)
	if err != nil {
		return toRoles(err)
	}
	role := sayRole(c, used.Role)
	if err := actor(c).MayGrant([]keys.Role{role}); err != nil {
		return toRoles(err)
	}
	return s.roleForm(c, http.StatusOK, nil, roleFields{
		Name: t(c, "role.copy-name", words.Args{"Name": words.Verbatim(role.Name)}), Description: role.Description, Resources: role.Resources,
	}, nil)
}

// roleCreate makes the role.
func (s *Server) roleCreate(c echo.Context) error {
	var in roleFields
	if err := bind(c, &in); err != nil {
		return err
	}
	role, err := s.store.CreateRole(c.Request().Context(), actor(c), store.NewRole{
		Name: in.Name, Description: in.Description, Resources: in.Resources,
	})
	if problems := roleProblems(c, err); problems != nil {
		return s.roleForm(c, http.StatusUnprocessableEntity, nil, in, problems)
	}
	if err != nil {
		return toRoles(err)
	}
	return s.flashRedirect(c, pathRolesAt(role.Slug), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.role-created", words.Args{"Name": role.Name})})
}
