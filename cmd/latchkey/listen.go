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
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"latchkey/keys/verifier"
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

// listeners are the open addresses of a server.
type listeners struct {
	main net.Listener
	// verify and metrics are nil when they were not asked for.
	verify, metrics net.Listener
}

// listen opens the addresses of the settings, or says in one line why it cannot.
func listen(ctx context.Context, s settings) (l listeners, err error) {
	defer func() {
		if err != nil {
			_ = l.Close()
		}
	}()
	if l.main, err = listenTCP(ctx, "--listen", s.listen); err != nil {
		return l, err
	}
	switch {
	case s.verify.socket != "":
		l.verify, err = listenSocket(ctx, s.verify.socket, s.verify.socketMode)
	case s.verify.listen != "":
		l.verify, err = listenTCP(ctx, "--verify-listen", s.verify.listen)
	}
	if err == nil && s.verify.metrics != "" {
		l.metrics, err = listenTCP(ctx, "--metrics-listen", s.verify.metrics)
	}
	return l, err
}

// Close closes what is open.
func (l listeners) Close() error {
	var errs []error
	for _, one := range []net.Listener{l.main, l.verify, l.metrics} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

func listenTCP(ctx context.Context, flag, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another program listens on %s; nothing is served. Stop it, or choose another address with %s", address, flag)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w. Choose another address with %s", address, err, flag)
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
func publicURL(s settings, l listeners) *url.URL {
	if s.public != nil {
		return s.public
	}
	return addressURL(s, s.listen, l.main)
}

// addressURL is where a listener is reached, which was asked for as an address.
func addressURL(s settings, address string, l net.Listener) *url.URL {
	scheme := "http"
	if s.tls() {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(address) // the settings were checked
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port(l))}
}

// addresses are the lines that say where programs ask.
func addresses(s settings, l listeners) string {
	lines := "Tokens are verified at " + publicURL(s, l).JoinPath(verifier.PathVerify).String()
	switch {
	case s.verify.socket != "":
		lines += "\nTokens are verified on unix:" + s.verify.socket
	case l.verify != nil:
		lines += "\nTokens are verified at " + addressURL(s, s.verify.listen, l.verify).JoinPath(verifier.PathVerify).String()
	}
	if l.metrics != nil {
		host, _, _ := net.SplitHostPort(s.verify.metrics) // the settings were checked
		lines += "\nMetrics: http://" + net.JoinHostPort(host, port(l.metrics)) + pathMetrics
	}
	return lines
}

// verifierAddress is where a proxy reaches the verifier, as deploy.Place has it.
func verifierAddress(s settings, l listeners) string {
	switch {
	case s.verify.socket != "":
		return "unix:" + s.verify.socket
	case l.verify != nil:
		return addressURL(s, s.verify.listen, l.verify).String()
	}
	return publicURL(s, l).String()
}

// hosts are the values of the Host header by which the main listener itself is reached.
func hosts(s settings, l listeners) []string {
	names := []string{s.host}
	if s.loopback {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	var list []string
	for _, name := range names {
		if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
			continue
		}
		list = append(list, net.JoinHostPort(name, port(l.main)))
	}
	return list
}

// door is a listener with what answers on it.
type door struct {
	net.Listener
	handler http.Handler
	// tls says that it speaks https, with the certificate of the settings.
	tls bool
}

// answer serves what is behind the doors until ctx ends or one of them fails, and then until every
// request that is under way has its answer. It calls ready once when all of them take connections.
func answer(ctx context.Context, doors []door, s settings, log *slog.Logger, ready func()) error {
	var closed atomic.Int64
	closed.Store(int64(len(doors)))
	opened := func() {
		if closed.Add(-1) == 0 {
			ready()
		}
	}
	var servers []*http.Server
	ended := make(chan error, len(doors))
	for _, d := range doors {
		server := newServer(ctx, d.handler, log, opened)
		servers = append(servers, server)
		go func() { ended <- d.serve(server, s) }()
	}
	select {
	case err := <-ended:
		return errors.Join(err, shutDown(ctx, servers))
	case <-ctx.Done():
	}
	log.Info("stopping")
	return shutDown(ctx, servers)
}

func newServer(ctx context.Context, h http.Handler, log *slog.Logger, opened func()) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// BaseContext is called when the certificate is loaded and the listener is served, so what is
		// said to be open is. Requests outlive ctx: stopping must not cut them off.
		BaseContext: func(net.Listener) context.Context {
			opened()
			return context.WithoutCancel(ctx)
		},
	}
}

// serve returns when the server was shut down, or with the reason why it is none.
func (d door) serve(server *http.Server, s settings) error {
	limited := netutil.LimitListener(d, maxConnections)
	if d.tls {
		err := server.ServeTLS(limited, s.tlsCert, s.tlsKey)
		return fmt.Errorf("serving on %s with the certificate %s and the key %s ended: %w. Check both files", d.Addr(), s.tlsCert, s.tlsKey, err)
	}
	return fmt.Errorf("serving on %s ended: %w", d.Addr(), server.Serve(limited))
}

// shutDown lets requests that are under way end. Shutdown alone closes idle connections in the right
// order; turning keep-alives off first broke requests of clients that were just sending one.
func shutDown(ctx context.Context, servers []*http.Server) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	errs := make([]error, len(servers))
	var work sync.WaitGroup
	for i, server := range servers {
		work.Go(func() { errs[i] = server.Shutdown(last) })
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("some requests were cut off while stopping: %w", err)
	}
	return nil
}
