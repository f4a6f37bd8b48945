package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// usersActivateForm asks whether a user may sign in again.
func (s *Server) usersActivateForm(c echo.Context) error {
	user, err := s.userToChange(c)
	if err != nil {
		return err
	}
	view := s.userConfirm(c, "users.activate-heading", user, pathUserActivate(user.Number), nil)
	return s.render(c, http.StatusOK, views.UsersActivatePage(views.UserActivate{UserConfirm: view, Waiting: !user.HasPassword}))
}

// usersActivate lets a user sign in again.
func (s *Server) usersActivate(c echo.Context) error {
	number, err := userAction(c)
	if err != nil {
		return err
	}
	user, changed, err := s.store.ActivateUser(c.Request().Context(), actor(c), number)
	if err != nil {
		return atUsers(err)
	}
	args := words.Args{"Email": user.Email}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.user-activated", args)}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.user-was-active", args)}
	}
	return s.flashRedirect(c, pathUserRow(number), flash)
}
