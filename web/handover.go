package web

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views"
	"latchkey/views/words"
)

// byLink is what a form sends that asks for a single-access link in place of the token.
const byLink = "link"

// linkOnce is a link as the one page shows it that is the answer to the form which made it. The secret stands
// behind a #, so that no server and no proxy is ever sent it.
func (s *Server) linkOnce(c echo.Context, link keys.Link, value secret.Value) views.LinkOnce {
	u := s.public.JoinPath(pathCredential(link.ID))
	u.Fragment = value.Reveal()
	return views.LinkOnce{
		URL: u.String(), Base: s.linkBase().String(), Expires: sayTimes(c, "link.expires", words.Args{"At": momentOf(c, link.ExpiresAt)}),
	}
}

// linkBase is how the address of every link begins.
func (s *Server) linkBase() *url.URL { return s.public.JoinPath(pathCredential("")) }
