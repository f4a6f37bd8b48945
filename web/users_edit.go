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

// userEditFields is what the form for a user's roles sends.
type userEditFields struct {
	Roles   []string `form:"roles"`
	Version int64    `form:"version"`
}

// usersEditForm shows the form for a user's roles.
func (s *Server) usersEditForm(c echo.Context) error {
	user, err := s.userToChange(c)
	if err != nil {
		return err
	}
	in := userEditFields{Version: user.Version}
	for _, role := range user.Roles {
		in.Roles = append(in.Roles, role.Slug)
	}
	return s.renderUserEdit(c, http.StatusOK, user, in, nil)
}

// usersEdit saves the form, unless the user was edited after it was opened.
func (s *Server) usersEdit(c echo.Context) error {
	var in userEditFields
	if err := bind(c, &in); err != nil {
		return err
	}
	user, err := s.userToChange(c)
	if err != nil {
		return err
	}
	_, changed, err := s.store.EditUser(c.Request().Context(), actor(c), store.EditUser{
		Number: user.Number, Version: in.Version, Roles: in.Roles,
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderUserEdit(c, http.StatusUnprocessableEntity, user, in, problems)
	}
	if keys.ReasonOf(err) == keys.ReasonUserChanged {
		return retryAt(err, pathUserEdit(user.Number), "error.back.retry")
	}
	if err != nil {
		return atUsers(err)
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.user-roles-saved", words.Args{"Email": user.Email})}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, pathUserRow(user.Number), flash)
}

func (s *Server) renderUserEdit(c echo.Context, status int, user store.AccountUser, in userEditFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	shell := s.shell(c, "users.edit-heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.UsersEditPage(views.UsersEdit{
		Shell: shell, URL: pathUserEdit(user.Number), CancelURL: pathUserRow(user.Number), Email: user.Email, Version: in.Version,
		Roles: roleChoices(actor(c), sayRoles(c, roles), in.Roles), Problems: problems,
	}))
}
