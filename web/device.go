package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys/secret"
)

// deviceLife is how long a browser is remembered as one that signed in.
const deviceLife = 365 * 24 * time.Hour

// A browser that signed in before carries a device cookie with a budget of its own for wrong
// passwords, so that a stranger who guesses cannot lock the only admin out.

func (s *Server) deviceCookie() string { return s.sessions.prefix() + "latchkey_device" }

// presentedDevice is the device secret of the request, or the zero value.
func (s *Server) presentedDevice(c echo.Context) secret.Value {
	cookie, err := c.Cookie(s.deviceCookie())
	if err != nil {
		return secret.Value{}
	}
	value, err := secret.Parse(secret.KindDevice, cookie.Value)
	if err != nil {
		return secret.Value{}
	}
	return value
}

func deviceDigest(v secret.Value) secret.Digest {
	if v.IsZero() {
		return secret.Digest{}
	}
	return v.Digest()
}

func (s *Server) rememberDevice(c echo.Context, value secret.Value) {
	//nolint:gosec // Secure follows the public URL: on plain http the browser would drop the cookie.
	c.SetCookie(&http.Cookie{
		Name: s.deviceCookie(), Value: value.Reveal(), Path: "/", MaxAge: int(deviceLife.Seconds()),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
