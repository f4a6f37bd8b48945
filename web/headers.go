package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/views/words"
)

const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// setHeaders sets what stands on every answer, whatever its status. The referrer policy is not
// no-referrer: with it Chromium sends "Origin: null" with our own forms, and checkOrigin refuses them.
func (s *Server) setHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		if !s.insecure {
			// On plain http beyond loopback browsers ignore it, and complain.
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "clipboard-write=(self)")
		h.Set("Cache-Control", "no-store")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}

// checkHost answers 421 to a Host that is not ours: a page elsewhere that points its own name at this
// machine (DNS rebinding) would else be same-origin with the console.
func (s *Server) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if s.hosts[normalHost(r.Host)] || isProbe(r.URL.Path) {
			return next(c)
		}
		return c.String(http.StatusMisdirectedRequest, t(c, "error.wrong-host.text", words.Args{"Origin": origin(s.public)})+"\n")
	}
}

func hostSet(public *url.URL, more []string) map[string]bool {
	set := map[string]bool{normalHost(public.Host): true}
	for _, host := range more {
		set[normalHost(host)] = true
	}
	return set
}

// normalHost is a host with the default ports dropped, so that acme.example and acme.example:443 are
// the same.
func normalHost(host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "80" || port == "443") {
		return strings.Trim(name, "[]")
	}
	return host
}

func ipNet(p netip.Prefix) *net.IPNet {
	addr := p.Masked().Addr()
	return &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(p.Bits(), addr.BitLen())}
}
