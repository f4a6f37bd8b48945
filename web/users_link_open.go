package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// passwordLinkFields is what the page of a link sends that sets a password.
type passwordLinkFields struct {
	Secret   string `form:"secret"`
	Password string `form:"password"`
	Repeat   string `form:"repeat"`
}

// usersLinkOpenForm shows the page of a link, which is the same for every link that ever was: chat programs
// and scanners open addresses, and learn nothing.
func (s *Server) usersLinkOpenForm(c echo.Context) error {
	hideFromRobots(c)
	exists, err := s.store.UserLinkExists(c.Request().Context(), c.Param("lid"))
	if err != nil {
		return err
	}
	if !exists {
		return keys.NotFound(keys.ReasonLinkNotFound)
	}
	return s.renderPasswordLink(c, http.StatusOK, "", nil)
}

// usersLinkOpen sets the password of the link's user. A password that breaks a rule leaves the link as it is.
func (s *Server) usersLinkOpen(c echo.Context) error {
	hideFromRobots(c)
	var in passwordLinkFields
	if err := bind(c, &in); err != nil {
		return err
	}
	ctx, who, link := c.Request().Context(), stranger(c), in.presented(c)
	user, err := s.store.UserOfLink(ctx, who, link)
	if err != nil {
		return s.countReopening(c, user, err)
	}
	if problems := problemsOf(c, in.check(user)); problems != nil {
		return s.renderPasswordLink(c, http.StatusUnprocessableEntity, strings.TrimSpace(in.Secret), problems)
	}
	hash, err := s.passwords.Hash(ctx, in.Password)
	if err != nil {
		return err
	}
	if user, err := s.store.OpenUserLink(ctx, who, link, hash); err != nil {
		return s.countReopening(c, user, err)
	}
	return s.redirect(c, pathLogin()+"?notice="+noticePassword)
}

// countReopening counts for the audit log that somebody had the right secret of a link of a user that is over,
// and returns err.
func (s *Server) countReopening(c echo.Context, user keys.User, err error) error {
	if keys.KindOf(err) == keys.KindGone {
		s.refusals.add(keys.Refusal{
			Action: keys.ActionLinkReopened, AccountID: user.AccountID, User: user.ID, IP: c.RealIP(), Detail: c.Param("lid"),
			Route: c.Request().Method + " " + c.Path(), Reason: string(keys.ReasonOf(err)),
		}, 1)
	}
	return err
}

// presented is the link of the path with the secret that was sent. What is no secret is a wrong one.
func (in passwordLinkFields) presented(c echo.Context) store.PresentedLink {
	link := store.PresentedLink{ID: c.Param("lid")}
	if value, err := secret.Parse(secret.KindLink, strings.TrimPrefix(strings.TrimSpace(in.Secret), "#")); err == nil {
		link.Digest = value.Digest()
	}
	return link
}

func (in passwordLinkFields) check(user keys.User) error {
	rules, repeat := checkPassword(in.Password, user.Account, user.Email), error(nil)
	if in.Password != in.Repeat {
		repeat = keys.Problem("repeat", reasonPasswordRepeat)
	}
	return keys.Problems(rules, repeat)
}

func (s *Server) renderPasswordLink(c echo.Context, status int, secret string, problems []ui.Problem) error {
	shell := s.linkShell(c, t(c, "passwordlink.heading"))
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.PasswordLinkPage(views.PasswordLink{
		Shell: shell, URL: pathPassword(c.Param("lid")), Host: s.public.Host, Secret: secret, Problems: problems,
	}))
}
