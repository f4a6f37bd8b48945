package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// userLinkFields is what the form sends that makes a link for a user.
type userLinkFields struct {
	Nonce string `form:"nonce"`
}

// usersResetForm asks whether a user shall get a link with which they set a password.
func (s *Server) usersResetForm(c echo.Context) error {
	user, err := s.userToChange(c)
	if err != nil {
		return err
	}
	switch {
	case user.ID == actor(c).UserID:
		return atUsers(keys.Conflict(keys.ReasonOwnPassword))
	case !user.Active():
		return atUsers(keys.Conflict(keys.ReasonUserInactive))
	}
	titleID := "users.reset-heading"
	if !user.HasPassword {
		titleID = "users.relink-heading"
	}
	view := s.userConfirm(c, titleID, user, pathUserReset(user.Number), nil)
	view.Nonce = secret.NewNonce()
	return s.render(c, http.StatusOK, views.UsersResetPage(views.UserReset{
		UserConfirm: view, Invitation: !user.HasPassword, Open: user.Link.Waits(s.now()),
	}))
}

// usersReset makes the link and answers with it, in this answer and never again.
func (s *Server) usersReset(c echo.Context) error {
	number, err := userParam(c)
	if err != nil {
		return atUsers(err)
	}
	var in userLinkFields
	if err := bind(c, &in); err != nil {
		return err
	}
	made, err := s.store.NewUserLink(c.Request().Context(), actor(c), number, in.Nonce)
	if err != nil {
		return atUsers(err)
	}
	return s.answerUserLink(c, made)
}

// usersDiscardForm asks whether the open link of a user shall be taken back.
func (s *Server) usersDiscardForm(c echo.Context) error {
	user, err := s.userOfPath(c)
	if err != nil {
		return err
	}
	if !user.Link.Waits(s.now()) {
		return atUsers(keys.Conflict(keys.ReasonLinkNotOpen))
	}
	view := s.userConfirm(c, "users.discard-heading", user, pathUserLinkDiscard(user.Number), nil)
	return s.render(c, http.StatusOK, views.UsersDiscardPage(view))
}

// usersDiscard takes the open link of a user back.
func (s *Server) usersDiscard(c echo.Context) error {
	number, err := userAction(c)
	if err != nil {
		return err
	}
	user, err := s.store.DiscardUserLink(c.Request().Context(), actor(c), number)
	if err != nil {
		return atUsers(err)
	}
	return s.flashRedirect(c, pathUserRow(number), ui.Flash{
		Tone: toneSuccess, Text: t(c, "flash.user-link-discarded", words.Args{"Email": user.Email}),
	})
}
