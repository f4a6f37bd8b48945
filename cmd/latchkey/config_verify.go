package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"latchkey/keys"
	"latchkey/store"
)

// verifyFlags is the configuration of verification as it is typed.
type verifyFlags struct {
	VerifyListen      string        `name:"verify-listen" placeholder:"HOST:PORT" help:"A further address for verification and health alone: HOST:PORT, or unix:PATH for a socket. --listen answers both, too."`
	SocketMode        string        `name:"socket-mode" default:"0660" help:"Who may open the socket of --verify-listen, as a file mode in octal digits."`
	VerifyAccount     string        `name:"verify-account" placeholder:"NAME" help:"The account that is guarded when a verification names none; left out, it is the first one."`
	KeyHeader         string        `name:"key-header" default:"X-VTEX-API-AppKey" help:"The header that carries the key."`
	TokenHeader       string        `name:"token-header" default:"X-VTEX-API-AppToken" help:"The header that carries the token."`
	IdentityHeaders   bool          `name:"identity-headers" default:"true" negatable:"" help:"Say in the headers of an answer who may come in: key, account, roles."`
	MaxStaleness      time.Duration `name:"max-staleness" default:"60s" help:"How long verifications are answered without proof that every change is known; past it they are refused with 503."`
	RefusalsPerMinute int           `name:"refusals-per-minute" default:"600" help:"How many refusals a minute one client address gets before 429; 0 is no limit."`
	MetricsListen     string        `name:"metrics-listen" placeholder:"HOST:PORT" help:"An address of this machine for /metrics."`
}

// minStaleness leaves room for the rhythm in which the index proves that it is current.
const minStaleness = 2 * time.Second

// maxStaleness is far below what a node is remembered for: one that answers and is not named makes a change look as
// if it held everywhere.
const maxStaleness = store.NodeMemory / 2

// maxSocketPath is what every system takes for the path of a socket.
const maxSocketPath = 103

// unixProxy stands in --trusted-proxies for whoever may open our socket.
const unixProxy = "unix"

// verifySettings is the configuration of verification, checked.
type verifySettings struct {
	// At most one of listen and socket is set; socket is an absolute path.
	listen, socket string
	socketMode     fs.FileMode
	account        string
	// keyHeader and tokenHeader are the names of the headers that carry the pair.
	keyHeader, tokenHeader string
	identity               bool
	staleness              time.Duration
	refusals               int
	// trustUnix says that the peers of the socket may say who the client is.
	trustUnix bool
	metrics   string
}

func (f verifyFlags) verification() (verifySettings, error) {
	s := verifySettings{
		account: f.VerifyAccount, keyHeader: f.KeyHeader, tokenHeader: f.TokenHeader,
		identity: f.IdentityHeaders, staleness: f.MaxStaleness, refusals: f.RefusalsPerMinute, metrics: f.MetricsListen,
	}
	if s.account != "" && keys.CheckAccountSlug(s.account) != nil {
		return s, fmt.Errorf("--verify-account is %q; it must be the short name of an account, such as acme", s.account)
	}
	if s.staleness < minStaleness {
		return s, fmt.Errorf("--max-staleness is %s; it must be %s or more, such as 60s", s.staleness, minStaleness)
	}
	if s.staleness > maxStaleness {
		return s, fmt.Errorf("--max-staleness is %s; it must be %gm or less, such as 60s: for so long a server that is cut off lets in what was revoked", s.staleness, maxStaleness.Minutes())
	}
	if s.refusals < 0 {
		return s, fmt.Errorf("--refusals-per-minute is %d; it must be 0, for no limit, or more", s.refusals)
	}
	if err := s.checkHeaders(); err != nil {
		return s, err
	}
	if err := s.checkMetrics(); err != nil {
		return s, err
	}
	return s, s.setListen(f)
}

// setListen tells an address from a socket.
func (s *verifySettings) setListen(f verifyFlags) error {
	mode, err := strconv.ParseUint(f.SocketMode, 8, 32)
	if err != nil || mode > 0o777 {
		return fmt.Errorf("--socket-mode is %q; it must be a file mode in octal digits, such as 0660", f.SocketMode)
	}
	s.socketMode = fs.FileMode(mode)
	path, isSocket := strings.CutPrefix(f.VerifyListen, "unix:")
	if !isSocket {
		s.listen = f.VerifyListen
		if _, _, err := net.SplitHostPort(s.listen); s.listen != "" && err != nil {
			return fmt.Errorf("--verify-listen is %q; it must be HOST:PORT, such as 127.0.0.1:8081, or unix:PATH", s.listen)
		}
		return nil
	}
	if path == "" {
		return errors.New("--verify-listen names no path after unix:; it must be such as unix:/run/latchkey/verify.sock")
	}
	if s.socket, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("cannot find out where the socket %s of --verify-listen is: %w", path, err)
	}
	if len(s.socket) > maxSocketPath {
		return fmt.Errorf("--verify-listen: the path %s is longer than the %d bytes that a socket's may have; choose a shorter one", s.socket, maxSocketPath)
	}
	return nil
}

// checkHeaders refuses names that cannot carry the pair because they are no names, or have a meaning
// already: the pair is removed from what goes on to an application.
func (s *verifySettings) checkHeaders() error {
	for _, header := range []struct{ flag, name string }{{"--key-header", s.keyHeader}, {"--token-header", s.tokenHeader}} {
		if !httpguts.ValidHeaderFieldName(header.name) {
			return fmt.Errorf("%s is %q; it must be the name of a header, such as X-Api-Key", header.flag, header.name)
		}
		if isTakenHeader(header.name) {
			return fmt.Errorf("%s is %s, which has another meaning; choose a name of your own, such as X-Api-Key", header.flag, header.name)
		}
	}
	if strings.EqualFold(s.keyHeader, s.tokenHeader) {
		return fmt.Errorf("--key-header and --token-header are both %s; key and token need a header each", s.keyHeader)
	}
	return nil
}

func isTakenHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "authorization", "cookie", "host":
		return true
	}
	return strings.HasPrefix(name, "x-latchkey-")
}

// checkMetrics keeps the metrics on this machine: they have no password.
func (s *verifySettings) checkMetrics() error {
	if s.metrics == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(s.metrics)
	if err != nil {
		return fmt.Errorf("--metrics-listen is %q; it must be HOST:PORT, such as 127.0.0.1:9464", s.metrics)
	}
	if !isLoopback(host) {
		return fmt.Errorf("refusing to show metrics on %s, which others can reach, for they have no password: set --metrics-listen to an address of this machine, "+
			"such as 127.0.0.1:9464, and collect them from here", s.metrics)
	}
	return nil
}
