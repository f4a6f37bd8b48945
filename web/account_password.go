package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// passwordFields is what the password form sends.
type passwordFields struct {
	Current  string `form:"current"`
	Password string `form:"password"`
	Repeat   string `form:"repeat"`
}

// accountPasswordForm shows the form with which a user changes their own password.
func (s *Server) accountPasswordForm(c echo.Context) error {
	return s.renderAccountPassword(c, http.StatusOK, nil)
}

// accountPassword changes the user's password and ends their other sessions.
func (s *Server) accountPassword(c echo.Context) error {
	var in passwordFields
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.changePassword(c, in)
	if problems := problemsOf(c, err); problems != nil {
		return s.renderAccountPassword(c, http.StatusUnprocessableEntity, problems)
	}
	if e, ok := errors.AsType[*keys.Error](err); ok && e.Kind == keys.KindTooMany {
		setRetryAfter(c, e.Reason, e.RetryAfter)
		return s.renderAccountPassword(c, http.StatusTooManyRequests, []ui.Problem{{Field: "current", Text: sayThrottled(c, e)}})
	}
	if err != nil {
		return err
	}
	return s.flashRedirect(c, pathKeys(), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.password-changed")})
}

func (s *Server) changePassword(c echo.Context, in passwordFields) error {
	v := currentViewer(c)
	if err := keys.Problems(in.check(v.actor)); err != nil {
		return err
	}
	candidate, _, err := s.checkLogin(c, v.actor.Email, in.Current)
	if errors.Is(err, errWrongLogin) {
		return keys.Problem("current", reasonPasswordWrong)
	}
	if err != nil {
		return err
	}
	hash, err := s.passwords.Hash(c.Request().Context(), in.Password)
	if err != nil {
		return err
	}
	return s.store.ChangePassword(c.Request().Context(), v.actor, candidate, s.loginTry(c, v.actor.Email), hash, v.session)
}

// check looks at what can be judged without the database.
func (in passwordFields) check(who keys.Actor) error {
	var missing, same, repeat error
	if in.Current == "" {
		missing = keys.Problem("current", reasonPasswordMissing)
	}
	rules := checkPassword(in.Password, who.Account, who.Email)
	if rules == nil && in.Password == in.Current {
		same = keys.Problem("password", reasonPasswordSame)
	}
	if in.Password != in.Repeat {
		repeat = keys.Problem("repeat", reasonPasswordRepeat)
	}
	return keys.Problems(missing, rules, same, repeat)
}

func (s *Server) renderAccountPassword(c echo.Context, status int, problems []ui.Problem) error {
	shell := s.shell(c, "password.heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.AccountPasswordPage(views.AccountPassword{
		Shell: shell, URL: pathAccountPassword(), CancelURL: pathHome(), Problems: problems,
	}))
}
