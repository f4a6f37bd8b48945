package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// usersDeactivateForm asks whether a user shall be kept out.
func (s *Server) usersDeactivateForm(c echo.Context) error {
	user, err := s.userOfPath(c)
	if err != nil {
		return err
	}
	return s.renderUserDeactivate(c, http.StatusOK, user, nil)
}

// usersDeactivate keeps a user out. It asks for no version: an emergency must not fail on a stale page.
func (s *Server) usersDeactivate(c echo.Context) error {
	number, err := userAction(c)
	if err != nil {
		return err
	}
	user, changed, err := s.store.DeactivateUser(c.Request().Context(), actor(c), number)
	if problems := problemsOf(c, err); problems != nil {
		asked, err := s.userOfPath(c)
		if err != nil {
			return err
		}
		return s.renderUserDeactivate(c, http.StatusUnprocessableEntity, asked, ofNoField(problems))
	}
	if err != nil {
		return atUsers(err)
	}
	args := words.Args{"Email": user.Email}
	if !changed {
		return s.flashRedirect(c, pathUserRow(number), ui.Flash{Tone: toneInfo, Text: t(c, "flash.user-was-inactive", args)})
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.user-deactivated", args)}
	if actor(c).MayGrant(user.Roles) == nil {
		flash.Action = &ui.Action{Label: t(c, "flash.user-activate"), URL: pathUserActivate(number)}
	}
	return s.flashRedirect(c, pathUserRow(number), flash)
}

func (s *Server) renderUserDeactivate(c echo.Context, status int, user store.AccountUser, problems []ui.Problem) error {
	view := s.userConfirm(c, "users.deactivate-heading", user, pathUserDeactivate(user.Number), problems)
	return s.render(c, status, views.UsersDeactivatePage(view))
}
