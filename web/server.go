// Package web is the console in a browser: one route table, one file per action, and the rules that
// hold for every answer. A handler parses, asks the store once, makes a view-model and renders; what
// goes wrong it returns, and errors.go makes the page of it.
package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// Config is what a Server needs from outside. All fields but Hosts, TrustedProxies, InsecureHTTP,
// KeyHeader, TokenHeader and Version are required.
type Config struct {
	Store     *store.Store
	Passwords *secret.Passwords
	// Now is the clock.
	Now func() time.Time
	Log *slog.Logger
	// Health says how the work is that others do. It is called for every answer of /healthz and /readyz.
	Health func() Health
	// PublicURL is the base of every absolute link. Its scheme decides about Secure cookies and HSTS.
	PublicURL *url.URL
	// Hosts are the values of the Host header that are answered besides that of PublicURL.
	Hosts []string
	// TrustedProxies are the only peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// InsecureHTTP says that the operator chose plain HTTP beyond loopback; every page says so.
	InsecureHTTP bool
	// KeyHeader and TokenHeader are the names of the headers that a verification takes the pair from.
	// Empty, they are keys.DefaultKeyHeader and keys.DefaultTokenHeader.
	KeyHeader, TokenHeader string
	// Verifier is where a proxy reaches the verifier: unix:/PATH, or the base of a URL. Empty, it is PublicURL.
	Verifier string
	// Folder is where a workbook that is being exported waits until it is sent. Nothing else may write to files
	// there that begin with .export-; what an earlier run has left is removed.
	Folder string
	// Version is shown in the footer.
	Version string
}

// Server answers the console's pages. It is an http.Handler and safe for concurrent use.
type Server struct {
	store     *store.Store
	passwords *secret.Passwords
	now       func() time.Time
	log       *slog.Logger
	health    func() Health
	public    *url.URL
	hosts     map[string]bool
	secure    bool
	insecure  bool
	version   string
	// keyHeader and tokenHeader are what programs that call a verification are shown.
	keyHeader, tokenHeader string
	// verifier is where a proxy is told to ask.
	verifier string
	clock    clockWatch

	sessions *sessionStore
	refusals *refusals
	exports  *exports
	csrf     *http.CrossOriginProtection
	claimed  atomic.Bool
	echo     *echo.Echo
}

// New returns a server over an open store, which stays the caller's to close.
func New(c Config) (*Server, error) {
	if c.Store == nil || c.Passwords == nil || c.Now == nil || c.Log == nil || c.Health == nil || c.PublicURL == nil || c.Folder == "" {
		return nil, errors.New("web: the configuration lacks a store, passwords, a clock, a logger, the health, the public URL or the folder")
	}
	s := &Server{
		store: c.Store, passwords: c.Passwords, now: c.Now, log: c.Log, health: c.Health, public: c.PublicURL,
		hosts: hostSet(c.PublicURL, c.Hosts), secure: c.PublicURL.Scheme == "https",
		insecure: c.InsecureHTTP && c.PublicURL.Scheme != "https", version: c.Version,
		keyHeader: cmp.Or(c.KeyHeader, keys.DefaultKeyHeader), tokenHeader: cmp.Or(c.TokenHeader, keys.DefaultTokenHeader),
		verifier: cmp.Or(c.Verifier, c.PublicURL.String()), refusals: newRefusals(), csrf: http.NewCrossOriginProtection(),
	}
	exports, err := newExports(c.Folder)
	if err != nil {
		return nil, err
	}
	s.exports = exports
	if err := s.csrf.AddTrustedOrigin(origin(c.PublicURL)); err != nil {
		return nil, err
	}
	s.sessions = &sessionStore{store: c.Store, secure: s.secure}
	s.echo = s.newEcho(c.TrustedProxies)
	return s, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

func (s *Server) newEcho(proxies []netip.Prefix) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientIP(proxies)
	e.HTTPErrorHandler = s.handleError
	e.Use(s.identifyRequest, s.setHeaders, s.recoverPanic, s.checkHost, s.checkOrigin,
		middleware.BodyLimit("64K"), compressPages(), s.loadSession)
	for _, r := range s.routes() {
		s.mount(e, r)
	}
	return e
}

// mount registers a route behind its permission. HEAD is answered where GET is.
func (s *Server) mount(e *echo.Echo, r route) {
	guarded := s.authorise(r, r.Handler)
	e.Add(r.Method, r.Path, guarded)
	if r.Method == http.MethodGet {
		e.Add(http.MethodHead, r.Path, guarded)
	}
}

// Run does the background work until ctx ends: it writes counted refusals every second, closes the
// minutes in which there were too many to write, writes down which links have expired, looks at the clock, and
// every hour sweeps the database and logs the head of the audit log, which proves later that the log up to there
// was not written anew. It returns when everything that was counted is written.
func (s *Server) Run(ctx context.Context) error {
	flush := time.NewTicker(time.Second)
	defer flush.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	sweep := time.NewTicker(time.Hour)
	defer sweep.Stop()
	s.hourly(ctx)
	for {
		select {
		case <-flush.C:
			s.FlushRefusals(ctx)
		case <-minute.C:
			s.lookAtOffset(s.health().ClockOffset)
			s.recordRefusals(ctx, nil)
			s.expireLinks(ctx)
		case <-sweep.C:
			s.hourly(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.FlushRefusals(last)
			return nil
		}
	}
}

func (s *Server) expireLinks(ctx context.Context) {
	if err := s.store.ExpireLinks(ctx); err != nil {
		s.log.Error("expired links could not be written down", "error", err)
	}
}

func (s *Server) hourly(ctx context.Context) {
	if err := s.store.Sweep(ctx); err != nil {
		s.log.Error("sweep failed", "error", err)
	}
	head, err := s.store.AuditHead(ctx)
	if err != nil {
		s.log.Error("audit head could not be read", "error", err)
		return
	}
	if head.Seq == 0 {
		return
	}
	s.log.Info("audit head", "seq", head.Seq, "hash", head.Hash)
}
