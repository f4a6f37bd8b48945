package web

import (
	"net/http"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// sessionStore is a gorilla/sessions Store over the database: the cookie holds an opaque secret, the
// database its digest and everything else, so that a session can be ended. It never renews an id: a
// sign-in makes a new one.
type sessionStore struct {
	store  *store.Store
	secure bool
}

// foundKey is where a gorilla session carries the row that it was opened from.
const foundKey = "found"

// Get returns the session of the request, opened at most once a request.
func (st *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New opens the session that the request's cookie names. Without one it returns a new session and no
// error; when the database cannot say, a new session and the error.
func (st *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(st, name)
	session.Options = st.options()
	session.IsNew = true
	value, ok := st.presented(r, name)
	if !ok {
		return session, nil
	}
	found, err := st.store.Session(r.Context(), value.Digest())
	if keys.KindOf(err) == keys.KindNotFound {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = value.Reveal(), false
	session.Values[foundKey] = found
	return session, nil
}

// Save writes the session's cookie; a negative MaxAge removes it. The row is written by the store
// method that signs in or out, in the transaction of its audit event.
func (st *sessionStore) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	//nolint:gosec // The options set all three; Secure follows the public URL.
	cookie := sessions.NewCookie(session.Name(), session.ID, session.Options)
	if session.Options.MaxAge < 0 {
		cookie.Value = ""
	}
	http.SetCookie(w, cookie)
	return nil
}

func (st *sessionStore) options() *sessions.Options {
	return &sessions.Options{Path: "/", Secure: st.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// name is the session cookie's. A browser keeps a __Host- cookie only from https, and only for the
// very host that set it.
func (st *sessionStore) name() string { return st.prefix() + "latchkey_session" }

func (st *sessionStore) prefix() string {
	if st.secure {
		return "__Host-"
	}
	return ""
}

func (st *sessionStore) presented(r *http.Request, name string) (secret.Value, bool) {
	cookie, err := r.Cookie(name)
	if err != nil {
		return secret.Value{}, false
	}
	value, err := secret.Parse(secret.KindSession, cookie.Value)
	return value, err == nil
}

// open returns the row of the request's session, or NotFound.
func (st *sessionStore) open(r *http.Request) (store.Session, error) {
	session, err := st.Get(r, st.name())
	if err != nil {
		return store.Session{}, err
	}
	found, ok := session.Values[foundKey].(store.Session)
	if !ok {
		return store.Session{}, keys.NotFound(keys.ReasonSessionEnded)
	}
	return found, nil
}

// start sets the cookie of a session that was just made.
func (st *sessionStore) start(c echo.Context, value secret.Value) error {
	session := sessions.NewSession(st, st.name())
	session.ID, session.Options = value.Reveal(), st.options()
	return session.Save(c.Request(), c.Response())
}

// end removes the cookie. The row is the caller's.
func (st *sessionStore) end(c echo.Context) error {
	session := sessions.NewSession(st, st.name())
	session.Options = st.options()
	session.Options.MaxAge = -1
	return session.Save(c.Request(), c.Response())
}

// digest is that of the session that the request presents, or the zero digest.
func (st *sessionStore) digest(r *http.Request) secret.Digest {
	value, ok := st.presented(r, st.name())
	if !ok {
		return secret.Digest{}
	}
	return value.Digest()
}
