package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
)

// The notices that the sign-in page can open with.
const (
	noticeEnded      = "ended"
	noticeLoggedOut  = "logged-out"
	noticePassword   = "password-set"
	noticeEverywhere = "everywhere"
)

// loginFields is what the sign-in form sends.
type loginFields struct {
	Email    string `form:"email"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

// loginForm shows the sign-in page.
func (s *Server) loginForm(c echo.Context) error {
	if currentViewer(c).signedIn() {
		return s.redirect(c, localPath(c.QueryParam("next")))
	}
	unclaimed, err := s.unclaimed(c)
	if err != nil {
		return err
	}
	if unclaimed {
		return s.redirect(c, pathSetup())
	}
	view := views.Login{Next: c.QueryParam("next")}
	if notice := c.QueryParam("notice"); slices.Contains([]string{noticeEnded, noticeLoggedOut, noticePassword, noticeEverywhere}, notice) {
		view.Notice = t(c, "login.notice."+notice)
	}
	return s.renderLogin(c, http.StatusOK, view)
}

// login signs a user in with a session of a new id.
func (s *Server) login(c echo.Context) error {
	var in loginFields
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.signIn(c, keys.NormalEmail(in.Email), in.Password)
	switch e, _ := errors.AsType[*keys.Error](err); {
	case err == nil:
		return s.redirect(c, localPath(in.Next))
	case errors.Is(err, errWrongLogin):
		return s.renderLogin(c, http.StatusUnprocessableEntity, views.Login{
			Next: in.Next, Email: in.Email, Problem: t(c, "login.wrong"),
		})
	case e != nil && e.Kind == keys.KindTooMany:
		setRetryAfter(c, e.Reason, e.RetryAfter)
		return s.renderLogin(c, http.StatusTooManyRequests, views.Login{
			Next: in.Next, Email: in.Email, Problem: sayThrottled(c, e),
		})
	default:
		return err
	}
}

// errWrongLogin says that email and password do not belong together, and not which of them is wrong.
var errWrongLogin = errors.New("email or password is incorrect")

func (s *Server) signIn(c echo.Context, email, password string) error {
	ctx := c.Request().Context()
	candidate, rehash, err := s.checkLogin(c, email, password)
	if err != nil {
		return err
	}
	newHash := ""
	if rehash {
		if newHash, err = s.passwords.Hash(ctx, password); err != nil {
			return err
		}
	}
	device := s.presentedDevice(c)
	if !candidate.KnownDevice {
		device = secret.New(secret.KindDevice)
	}
	session := secret.New(secret.KindSession)
	who := keys.Actor{
		Kind: keys.ActorUser, AccountID: candidate.AccountID, Account: candidate.Account,
		UserID: candidate.UserID, Email: candidate.Email, IP: c.RealIP(), RequestID: requestID(c),
	}
	err = s.store.FinishLogin(ctx, who, candidate, s.loginTry(c, email), store.SessionStart{
		Session: session.Digest(), Device: device.Digest(), IP: c.RealIP(), UserAgent: c.Request().UserAgent(),
	}, newHash)
	if err != nil {
		return err
	}
	s.replaceSession(c)
	s.rememberDevice(c, device)
	return s.sessions.start(c, session)
}

// checkLogin counts the attempt before it looks at the password, so that parallel guesses cannot
// outrun the limits.
func (s *Server) checkLogin(c echo.Context, email, password string) (store.LoginCandidate, bool, error) {
	ctx := c.Request().Context()
	candidate, err := s.store.BeginLogin(ctx, s.loginTry(c, email))
	if keys.KindOf(err) == keys.KindTooMany {
		s.refuse(c, stranger(c), keys.ActionLoginBlocked, string(keys.ReasonOf(err)))
	}
	if err != nil {
		return store.LoginCandidate{}, false, err
	}
	ok, rehash, err := s.passwords.Verify(ctx, candidate.PasswordPHC, password)
	if err != nil {
		return store.LoginCandidate{}, false, err
	}
	if !ok {
		who := keys.Actor{AccountID: candidate.AccountID, UserID: candidate.UserID, Email: candidate.Email}
		if candidate.UserID == "" {
			// What was typed may be a password in the wrong field, so it is not written.
			who.Email = ""
		}
		s.refuse(c, who, keys.ActionLoginFail, "wrong email or password")
		return store.LoginCandidate{}, false, errWrongLogin
	}
	return candidate, rehash, nil
}

func (s *Server) loginTry(c echo.Context, email string) store.LoginTry {
	return store.LoginTry{Email: email, IP: c.RealIP(), Device: deviceDigest(s.presentedDevice(c))}
}

// replaceSession ends the session that the browser came with: it now has another one.
func (s *Server) replaceSession(c echo.Context) {
	if v := currentViewer(c); v.signedIn() {
		if err := s.store.Logout(c.Request().Context(), v.actor, v.session); err != nil {
			s.log.Error("former session not ended cleanly", "error", err)
		}
	}
}

func (s *Server) renderLogin(c echo.Context, status int, view views.Login) error {
	view.Shell = s.bareShell(c, t(c, "login.heading"))
	view.Shell.Failed = view.Problem != ""
	view.URL = pathLogin()
	return s.render(c, status, views.LoginPage(view))
}

// sayThrottled says when to come again, in whole minutes.
func sayThrottled(c echo.Context, e *keys.Error) string {
	if e.Reason == keys.ReasonLoginLocked {
		return t(c, "login.locked")
	}
	return n(c, "login.throttled", max(1, int((e.RetryAfter+time.Minute-1)/time.Minute)))
}
