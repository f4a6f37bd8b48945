package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// inviteFields is what the form sends that invites a user.
type inviteFields struct {
	Email string   `form:"email"`
	Roles []string `form:"roles"`
	Nonce string   `form:"nonce"`
}

// usersInviteForm shows the form for a new user.
func (s *Server) usersInviteForm(c echo.Context) error {
	return s.renderInvite(c, http.StatusOK, inviteFields{Nonce: secret.NewNonce()}, nil)
}

// usersInvite makes a user and answers with the link that lets them set a password, in this answer and never
// again.
func (s *Server) usersInvite(c echo.Context) error {
	var in inviteFields
	if err := bind(c, &in); err != nil {
		return err
	}
	made, err := s.store.InviteUser(c.Request().Context(), actor(c), store.InviteUser{Email: in.Email, Roles: in.Roles, Nonce: in.Nonce})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderInvite(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return atUsers(err)
	}
	return s.answerUserLink(c, made)
}

func (s *Server) renderInvite(c echo.Context, status int, in inviteFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	shell := s.shell(c, "users.invite-heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.UsersInvitePage(views.UsersInvite{
		Shell: shell, URL: pathUsersInvite(), CancelURL: pathUsers(), Nonce: in.Nonce, Email: in.Email,
		Roles: roleChoices(actor(c), sayRoles(c, roles), in.Roles), Problems: problems,
	}))
}

// answerUserLink shows a link that was just made, or says that the form has shown it before.
func (s *Server) answerUserLink(c echo.Context, made store.UserLink) error {
	if made.Repeated {
		flash := ui.Flash{Tone: toneInfo, Text: t(c, "flash.user-link-shown", words.Args{"Email": made.User.Email})}
		if made.Link.Waits(s.now()) {
			flash.Action = &ui.Action{Label: t(c, "flash.user-link-discard"), URL: pathUserLinkDiscard(made.User.Number)}
		}
		return s.flashRedirect(c, pathUserRow(made.User.Number), flash)
	}
	titleID := "users.link-reset-heading"
	if made.Link.Kind == keys.LinkInvitation {
		titleID = "users.link-invite-heading"
	}
	return s.render(c, http.StatusOK, views.UserLinkPage(views.UserLink{
		Shell: s.bareShell(c, t(c, titleID)), Email: made.User.Email, CloseURL: pathUserRow(made.User.Number),
		Link:   origin(s.public) + pathPassword(made.Link.ID) + "#" + made.Secret.Reveal(),
		Prefix: origin(s.public) + pathPassword(""), Invitation: made.Link.Kind == keys.LinkInvitation,
		Expires: sayTimes(c, "users.link-expires", words.Args{"At": momentOf(c, made.Link.ExpiresAt)}),
	}))
}
