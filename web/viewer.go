package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// viewer is who looks at a page.
type viewer struct {
	actor   keys.Actor
	account keys.Account
	session secret.Digest
	// preferences are how the user wants to see the console.
	preferences keys.Preferences
	// flash says that a message waits in the session.
	flash bool
	// err says why nobody is known: NotFound without a session, else the database's failure.
	err error
	// ended says that the browser came with a session that is over.
	ended bool
}

const viewerKey = "viewer"

// loadSession finds out who asks, once a request. It refuses nobody: authorise does.
func (s *Server) loadSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isPlain(c.Path()) {
			v := s.findViewer(c)
			c.Set(viewerKey, v)
			s.chooseLanguage(c, v.preferences.Language)
		}
		return next(c)
	}
}

// isPlain says which paths answer programs and assets, for which no session is read.
func isPlain(path string) bool {
	return path == "/static/*" || path == "/favicon.ico" || isProbe(path)
}

func (s *Server) findViewer(c echo.Context) viewer {
	found, err := s.sessions.open(c.Request())
	if err != nil {
		_, presented := s.sessions.presented(c.Request(), s.sessions.name())
		return viewer{err: err, ended: presented}
	}
	return viewer{
		actor: s.actorOf(c, found), account: found.Account,
		session: s.sessions.digest(c.Request()), preferences: found.Preferences, flash: found.Flash != "",
	}
}

func (s *Server) actorOf(c echo.Context, found store.Session) keys.Actor {
	actor := found.Actor
	actor.IP, actor.RequestID = c.RealIP(), requestID(c)
	return actor
}

// currentViewer is who asks. Behind a route that is not public it is always somebody.
func currentViewer(c echo.Context) viewer {
	v, ok := c.Get(viewerKey).(viewer)
	if !ok {
		return viewer{err: keys.NotFound(keys.ReasonSessionEnded)}
	}
	return v
}

func (v viewer) signedIn() bool { return v.err == nil }

// zone is the time zone in which the reader is shown moments: the user's own, or the account's. The
// account's days, by which tokens expire and use is counted, are always those of account.Location.
func (v viewer) zone() *time.Location {
	if v.preferences.Zone != "" {
		if zone, err := time.LoadLocation(v.preferences.Zone); err == nil {
			return zone
		}
	}
	return v.account.Location()
}

// actor is who acts; only for routes that are not public.
func actor(c echo.Context) keys.Actor { return currentViewer(c).actor }

// stranger is the actor of a request before anybody signed in.
func stranger(c echo.Context) keys.Actor {
	return keys.Actor{Kind: keys.ActorNobody, IP: c.RealIP(), RequestID: requestID(c)}
}

// authorise lets a request through to a handler when the route's permission is held. Whatever is not
// clearly allowed is refused.
func (s *Server) authorise(r route, handler echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r.Permission == public {
			return handler(c)
		}
		v := currentViewer(c)
		if keys.KindOf(v.err) == keys.KindNotFound {
			return s.askToSignIn(c, v)
		}
		if v.err != nil && r.Method == http.MethodGet {
			return retryAt(v.err, localPath(s.askedPage(c)), "error.back.again")
		}
		if v.err != nil {
			return v.err
		}
		if r.Permission != signedIn {
			if err := v.actor.Require(r.Permission); err != nil {
				return err
			}
		}
		return handler(c)
	}
}

// askToSignIn leads to the sign-in page, and from there back to the page that was asked for.
func (s *Server) askToSignIn(c echo.Context, v viewer) error {
	unclaimed, err := s.unclaimed(c)
	if err != nil {
		return err
	}
	if unclaimed {
		return s.redirect(c, pathSetup())
	}
	query := url.Values{}
	if next := s.askedPage(c); next != pathKeys() && next != pathLogout() {
		query.Set("next", next)
	}
	if v.ended {
		query.Set("notice", noticeEnded)
		if err := s.sessions.end(c); err != nil {
			return err
		}
	}
	target := pathLogin()
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	if isHX(c) {
		c.Response().Header().Set("HX-Redirect", target)
		return c.NoContent(http.StatusUnauthorized)
	}
	return s.redirect(c, target)
}

// askedPage is the page that the reader is on or asked for: for htmx the page that stays on screen.
func (s *Server) askedPage(c echo.Context) string {
	if !isHX(c) {
		return c.Request().URL.RequestURI()
	}
	current, err := url.Parse(c.Request().Header.Get("HX-Current-URL"))
	if err != nil || !s.hosts[normalHost(current.Host)] || !isLocalPath(current.RequestURI()) {
		return pathKeys()
	}
	return current.RequestURI()
}

// unclaimed says whether the installation has no user yet. Once it has one, it always has.
func (s *Server) unclaimed(c echo.Context) (bool, error) {
	if s.claimed.Load() {
		return false, nil
	}
	unclaimed, err := s.store.Unclaimed(c.Request().Context())
	if err != nil {
		return false, err
	}
	s.claimed.Store(!unclaimed)
	return unclaimed, nil
}
