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

// setupFields is what the first-run form sends.
type setupFields struct {
	Code     string `form:"code"`
	Account  string `form:"account"`
	Email    string `form:"email"`
	Password string `form:"password"`
	Zone     string `form:"zone"`
	Language string `form:"language"`
}

// setupForm shows the first-run form while there is no user; ever after there is no such page.
func (s *Server) setupForm(c echo.Context) error {
	if err := s.setupOpen(c); err != nil {
		return err
	}
	return s.renderSetup(c, http.StatusOK, setupFields{Zone: "UTC", Language: languageOf(c)}, nil)
}

// setup makes the account and its first administrator, and signs them in.
func (s *Server) setup(c echo.Context) error {
	if err := s.setupOpen(c); err != nil {
		return err
	}
	var in setupFields
	if err := bind(c, &in); err != nil {
		return err
	}
	in.Email = keys.NormalEmail(in.Email)
	session, device := secret.New(secret.KindSession), secret.New(secret.KindDevice)
	err := s.claimSetup(c, in, store.SessionStart{
		Session: session.Digest(), Device: device.Digest(), IP: c.RealIP(), UserAgent: c.Request().UserAgent(),
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderSetup(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	s.claimed.Store(true)
	s.rememberDevice(c, device)
	s.rememberLook(c, s.languageCookie(), in.Language)
	s.chooseLanguage(c, in.Language)
	if err := s.sessions.start(c, session); err != nil {
		return err
	}
	s.leaveFlash(c.Request().Context(), session.Digest(), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.setup-complete")})
	return s.redirect(c, pathKeys())
}

func (s *Server) setupOpen(c echo.Context) error {
	unclaimed, err := s.unclaimed(c)
	if err == nil && !unclaimed {
		return echo.ErrNotFound
	}
	return err
}

func (s *Server) claimSetup(c echo.Context, in setupFields, start store.SessionStart) error {
	code, err := s.setupCode(c, in.Code)
	err = keys.Problems(err, keys.CheckAccountSlug(in.Account), keys.CheckEmail(in.Email),
		checkPassword(in.Password, in.Account, in.Email), keys.CheckZone(in.Zone), keys.CheckPreferences(keys.Preferences{Language: in.Language}))
	if err != nil {
		return err
	}
	hash, err := s.passwords.Hash(c.Request().Context(), in.Password)
	if err != nil {
		return err
	}
	_, _, err = s.store.ClaimSetup(c.Request().Context(), stranger(c), code,
		store.NewAccount{Slug: in.Account, Zone: in.Zone, Email: in.Email, PasswordPHC: hash, Language: in.Language}, start)
	if keys.ReasonOf(err) == keys.ReasonSetupClosed {
		s.claimed.Store(true)
		return echo.ErrNotFound
	}
	return err
}

// setupCode is the digest of a right code. It is compared before the password is hashed, which only
// somebody with the code may make us do.
func (s *Server) setupCode(c echo.Context, typed string) (secret.Digest, error) {
	code, err := secret.Parse(secret.KindSetup, strings.TrimSpace(typed))
	if err == nil {
		right, err := s.store.SetupCodeRight(c.Request().Context(), code.Digest())
		if err != nil || right {
			return code.Digest(), err
		}
	}
	s.refuse(c, stranger(c), keys.ActionLoginFail, string(keys.ReasonSetupCode))
	return secret.Digest{}, keys.Problem("code", keys.ReasonSetupCode)
}

func (s *Server) renderSetup(c echo.Context, status int, in setupFields, problems []ui.Problem) error {
	shell := s.shell(c, "setup.heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.SetupPage(views.Setup{
		Shell: shell, URL: pathSetup(), Code: in.Code, Account: in.Account, Email: in.Email,
		Zone: in.Zone, Zones: zones(), Languages: languageChoices(in.Language), Problems: problems,
	}))
}
