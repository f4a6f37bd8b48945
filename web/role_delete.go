package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// roleDeleteForm asks whether a role shall be deleted for ever, or says who has it.
func (s *Server) roleDeleteForm(c echo.Context) error {
	used, err := s.roleToChange(c)
	if err != nil {
		return err
	}
	return s.renderRoleDelete(c, http.StatusOK, used)
}

// roleDelete deletes a role that nobody has.
func (s *Server) roleDelete(c echo.Context) error {
	if err := bind(c, &struct{}{}); err != nil {
		return err
	}
	used, err := s.roleToChange(c)
	if err != nil {
		return err
	}
	role, err := s.store.DeleteRole(c.Request().Context(), actor(c), used.Slug)
	if keys.ReasonOf(err) == keys.ReasonRoleInUse {
		return s.roleInUse(c)
	}
	if err != nil {
		return toRoles(err)
	}
	return s.flashRedirect(c, pathRoles(), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.role-deleted", words.Args{"Name": role.Name})})
}

// roleInUse says who has a role that could not be deleted.
func (s *Server) roleInUse(c echo.Context) error {
	used, err := s.roleOfPath(c)
	if err != nil {
		return err
	}
	if !used.Use.Any() { // its last holder went meanwhile
		return retryAt(keys.Conflict(keys.ReasonRoleInUse), pathRoleDelete(used.Slug), "error.back.again")
	}
	return s.renderRoleDelete(c, http.StatusConflict, used)
}

func (s *Server) renderRoleDelete(c echo.Context, status int, used store.UsedRole) error {
	shell := s.shell(c, "role.delete-heading")
	shell.Failed = status >= http.StatusBadRequest
	view := views.RoleDelete{
		Shell: shell, URL: pathRoleDelete(used.Slug), CancelURL: pathRolesAt(used.Slug), BackLabel: t(c, "role.tab.roles"), Name: used.Name,
	}
	if used.Use.Any() {
		view.InUse = t(c, "role.in-use", words.Args{"Holders": sayHolders(c, used.Use)})
		view.Holders = roleHolders(c, used)
	}
	return s.render(c, status, views.RoleDeletePage(view))
}
