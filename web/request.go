package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"latchkey/keys"
)

const requestIDKey = "request-id"

// identifyRequest gives the request an id and logs it by the pattern of its route: the address and
// the query can hold what a person typed.
func (s *Server) identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := uuid.NewString()
		c.Set(requestIDKey, id)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		s.lookAtClock()
		start := s.now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.log.Info("request", "id", id, "method", c.Request().Method, "route", c.Path(),
			"status", c.Response().Status, "ip", c.RealIP(), "took", s.now().Sub(start).Round(time.Microsecond).String())
		return nil
	}
}

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// recoverPanic makes an error of a panic, so that it gets the page and the log line of any other.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler { //nolint:errorlint,err113 // the value is panicked as it is
					panic(r)
				}
				s.log.Error("panic", "id", requestID(c), "route", c.Path(), "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return next(c)
	}
}

// clientIP finds the client's address: the peer's, or behind listed proxies the last one in
// X-Forwarded-For that is not theirs. Echo's own default believes every client.
func clientIP(proxies []netip.Prefix) echo.IPExtractor {
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		options = append(options, echo.TrustIPRange(ipNet(p)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// compressPages compresses what GET shows. Answers to POST may hold a secret beside what was typed,
// and then the length of the compressed answer tells about the secret. A file is sent as it comes: one that
// is streamed shall not wait for the compressor, and a workbook is compressed already.
func compressPages() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		MinLength: 1024,
		Skipper: func(c echo.Context) bool {
			return c.Request().Method != http.MethodGet || c.Path() == "/static/*" || strings.HasPrefix(path.Base(c.Path()), "export.")
		},
	})
}

// isHX says whether htmx asks, which gets a fragment where there is one.
func isHX(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// keyParam is the key id of the path.
func keyParam(c echo.Context) (keys.KeyID, error) { return keys.ParseKeyID(c.Param("id")) }

// listQuery is the list that a page was opened from.
func listQuery(c echo.Context) list { return parseList(c.QueryParam("list")) }
