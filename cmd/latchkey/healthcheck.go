package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// healthcheckCmd asks a running server how it is, for containers that have no shell to ask it with.
type healthcheckCmd struct {
	URL          string `name:"url" flagonly:"" placeholder:"URL" help:"What to ask, such as http://127.0.0.1:8080/readyz. Left out, it is /healthz of the server whose settings the other flags are."`
	Listen       string `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The server's --listen."`
	VerifyListen string `name:"verify-listen" placeholder:"HOST:PORT" help:"The server's --verify-listen; when that is unix:PATH, the socket is asked."`
	TLSCert      string `name:"tls-cert" placeholder:"FILE" help:"The server's --tls-cert; when there is one, the server is asked over https."`
}

// healthTimeout is how long an answer may take.
const healthTimeout = 5 * time.Second

// maxHealthBody is far more than a health answer has.
const maxHealthBody = 64 << 10

// Run prints in a line how the server is. It fails unless the answer is 200; a degraded server answers
// that, too, for a restart does not mend what ails it.
func (c *healthcheckCmd) Run(p *program) error {
	u, socket, err := c.target()
	if err != nil {
		return err
	}
	name := u.String()
	if socket != "" {
		name = "unix:" + socket
	}
	ctx, cancel := context.WithTimeout(p.ctx, healthTimeout)
	defer cancel()
	status, told, err := askHealth(ctx, u, socket)
	switch {
	case err != nil:
		return fmt.Errorf("%s did not answer: %w. See that latchkey serve runs, or say where with --url", name, err)
	case status != http.StatusOK:
		return fmt.Errorf("%s answered %d: %s", name, status, told)
	}
	p.say("%s: %s", name, told)
	return nil
}

// target is the address to ask, and the socket to ask it through, if there is one.
func (c *healthcheckCmd) target() (u *url.URL, socket string, err error) {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, "", fmt.Errorf("--url is %q; it must be such as http://127.0.0.1:8080/healthz. Nothing was asked", c.URL)
		}
		return u, "", nil
	}
	u = &url.URL{Scheme: "http", Host: "localhost", Path: "/healthz"}
	if path, isSocket := strings.CutPrefix(c.VerifyListen, "unix:"); isSocket {
		return u, path, nil
	}
	if c.TLSCert != "" {
		u.Scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "0" {
		return nil, "", fmt.Errorf("--listen is %q; it must be HOST:PORT with the server's port, or use --url. Nothing was asked", c.Listen)
	}
	u.Host = net.JoinHostPort(reachable(host), port)
	return u, "", nil
}

// reachable is the address by which a server on this machine is reached that listens on host.
func reachable(host string) string {
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && addr.Unmap() == netip.IPv4Unspecified():
		return "127.0.0.1"
	case err == nil && addr.IsUnspecified():
		return "::1"
	}
	return host
}

// askHealth returns the status of the answer and what it says.
func askHealth(ctx context.Context, u *url.URL, socket string) (status int, told string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return 0, "", err
	}
	answer, err := healthClient(u, socket).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct{ Status, Reason string }
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxHealthBody)).Decode(&body); err != nil || body.Status == "" {
		return answer.StatusCode, cmp.Or(http.StatusText(answer.StatusCode), "an unknown status"), nil
	}
	told = body.Status
	if body.Reason != "" {
		told += ": " + body.Reason
	}
	return answer.StatusCode, told, nil
}

func healthClient(u *url.URL, socket string) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	if socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	if isLoopback(u.Hostname()) {
		// The certificate is one for the public name, and nothing is sent that somebody could read.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // this machine asks itself
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
