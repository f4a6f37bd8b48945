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

// accountSessions lists where the user is signed in.
func (s *Server) accountSessions(c echo.Context) error {
	v := currentViewer(c)
	found, err := s.store.OwnSessions(c.Request().Context(), v.actor, v.session)
	if err != nil {
		return err
	}
	view := views.AccountSessions{
		Shell: s.shell(c, "sessions.heading"), BackURL: pathAccountPreferences(), EverywhereURL: pathAccountSessionsEnd(), PasswordURL: pathAccountPassword(),
	}
	for _, o := range found {
		view.Sessions = append(view.Sessions, s.sessionView(c, o))
	}
	return s.render(c, http.StatusOK, views.AccountSessionsPage(view))
}

func (s *Server) sessionView(c echo.Context, o store.OwnSession) views.AccountSession {
	browser := sayBrowser(c, o.UserAgent)
	began := timeOf(c, o.CreatedAt, currentViewer(c).zone())
	began.Text = began.Title
	shown := views.AccountSession{
		Browser: browser, Address: o.IP, Began: began, Used: s.ago(c, o.SeenAt), Current: o.Current,
	}
	if !o.Current {
		shown.EndURL = pathAccountSessionEnd(o.ID)
		shown.EndLabel = t(c, "session.end", words.Args{"Browser": browser, "Address": o.IP})
	}
	return shown
}

// accountSessionEnd ends one session of the user.
func (s *Server) accountSessionEnd(c echo.Context) error {
	ended, err := s.store.EndOwnSession(c.Request().Context(), actor(c), c.Param("session"))
	if keys.ReasonOf(err) == keys.ReasonSessionNotFound {
		return retryAt(err, pathAccountSessions(), "error.back.sessions")
	}
	if err != nil {
		return err
	}
	text := t(c, "flash.session-ended", words.Args{"Browser": sayBrowser(c, ended.UserAgent)})
	return s.flashRedirect(c, pathAccountSessions(), ui.Flash{Tone: toneSuccess, Text: text})
}

// accountSessionsEndForm asks before all sessions end.
func (s *Server) accountSessionsEndForm(c echo.Context) error {
	return s.render(c, http.StatusOK, views.AccountSessionsEndPage(views.AccountSessionsEnd{
		Shell: s.shell(c, "sessions.everywhere"), URL: pathAccountSessionsEnd(), CancelURL: pathAccountSessions(),
	}))
}

// accountSessionsEnd ends every session of the user, this one too.
func (s *Server) accountSessionsEnd(c echo.Context) error {
	if _, err := s.store.EndOwnSessions(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	if err := s.sessions.end(c); err != nil {
		return err
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return s.redirect(c, pathLogin()+"?notice="+noticeEverywhere)
}
