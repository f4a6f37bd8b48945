package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// The limits that every connection is held to.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 4096
	// stopTimeout is longer than writeTimeout, so every answer that is under way gets out.
	stopTimeout = writeTimeout + 5*time.Second
)

// listen opens the address of the settings, or says in one line why it cannot.
func listen(ctx context.Context, s settings) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another program listens on %s; nothing is served. Stop it, or choose another address with --listen", s.listen)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w. Choose another address with --listen", s.listen, err)
	}
	return l, nil
}

// port is the port that a listener really has.
func port(l net.Listener) string {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(addr.Port)
	}
	return ""
}

// publicURL is the configured base of links, or the address itself.
func publicURL(s settings, l net.Listener) *url.URL {
	if s.public != nil {
		return s.public
	}
	scheme := "http"
	if s.tls() {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(s.host, port(l))}
}

// hosts are the values of the Host header by which the listener itself is reached.
func hosts(s settings, l net.Listener) []string {
	names := []string{s.host}
	if s.loopback {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	var list []string
	for _, name := range names {
		if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
			continue
		}
		list = append(list, net.JoinHostPort(name, port(l)))
	}
	return list
}

// answer serves h on l until ctx ends, and then until every request that is under way has its
// answer. It calls ready once when it takes connections.
//
// Shutdown alone closes idle connections in the right order; turning keep-alives off first broke
// requests of clients that were just sending one.
func answer(ctx context.Context, l net.Listener, h http.Handler, s settings, log *slog.Logger, ready func()) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// BaseContext is called when the certificate is loaded and the listener is served, so what
		// ready prints is true. Requests outlive ctx: stopping must not cut them off.
		BaseContext: func(net.Listener) context.Context {
			ready()
			return context.WithoutCancel(ctx)
		},
	}
	limited := netutil.LimitListener(l, maxConnections)
	served := make(chan error, 1)
	go func() {
		if s.tls() {
			served <- server.ServeTLS(limited, s.tlsCert, s.tlsKey)
		} else {
			served <- server.Serve(limited)
		}
	}()
	select {
	case err := <-served:
		if s.tls() {
			return fmt.Errorf("serving on %s with the certificate %s and the key %s ended: %w. Check both files", l.Addr(), s.tlsCert, s.tlsKey, err)
		}
		return fmt.Errorf("serving on %s ended: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	log.Info("stopping")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return fmt.Errorf("some requests were cut off while stopping: %w", err)
	}
	return nil
}
