package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"latchkey/keys"
)

// variablePrefix starts every environment variable that is ours.
const variablePrefix = "LATCHKEY_"

// flagOnly is the tag of a flag that no variable sets, because a value that was meant for one
// command would silently change what another one does.
const flagOnly = "flagonly"

// environment sets flags from LATCHKEY_* variables; a flag on the command line wins. An empty
// variable counts as not set, since compose files pass those.
type environment map[string]string

func newEnvironment(env []string) environment {
	e := environment{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, variablePrefix) && !injected(name) && value != "" {
			e[name] = value
		}
	}
	return e
}

// injected says which variables Kubernetes sets by itself in a namespace that has a service named
// latchkey. They are not ours.
func injected(name string) bool {
	rest := strings.TrimPrefix(name, variablePrefix)
	return rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_")
}

// variableOf returns the name of the variable that sets a flag.
func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Validate refuses variables that no flag of any command knows: a mistyped name would else be a
// setting that silently does not hold.
func (e environment) Validate(app *kong.Application) error {
	known := map[string]bool{}
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && !flag.Tag.Has(flagOnly) && flag.Name != "help" {
			known[variableOf(flag.Name)] = true
		}
		return next(nil)
	})
	if err != nil {
		return err
	}
	var unknown []string
	for name := range e {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("the environment has %s, which is no setting of Latchkey", strings.Join(unknown, " and "))
}

// Resolve returns the variable's text for a flag, or nil when it is not set.
func (e environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Tag.Has(flagOnly) {
		return nil, nil // kong: no value and no error means "not here"
	}
	if value, ok := e[variableOf(flag.Name)]; ok {
		return value, nil
	}
	return nil, nil // kong: no value and no error means "not here"
}

// helpWithVariable is the help of a flag with the variable that sets it.
func helpWithVariable(value *kong.Value) string {
	text := kong.DefaultHelpValueFormatter(value)
	if value.Flag == nil || value.Name == "help" || value.Tag.Has(flagOnly) {
		return text
	}
	return text + " (" + variableOf(value.Name) + ")"
}

// serveFlags is the configuration of the server as it is typed.
type serveFlags struct {
	placeFlags
	NodeName       string   `name:"node-name" placeholder:"NAME" help:"What this server is called among several on one PostgreSQL database; left out, it is the host's name."`
	Listen         string   `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address to listen on; port 0 takes a free one."`
	PublicURL      string   `name:"public-url" placeholder:"URL" help:"The base of every link, such as https://keys.example.com. Only on loopback it can be left out."`
	TrustedProxies []string `name:"trusted-proxies" placeholder:"ADDRESS" help:"Addresses or networks of the proxies in front, separated by commas: only they may say who the client is. Whoever opens the socket of --verify-listen is called unix."`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" help:"The certificate (PEM) to serve https with."`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"The certificate's private key (PEM)."`
	InsecureHTTP   bool     `name:"insecure-http" help:"Allow plain http beyond this machine. Passwords and tokens can then be read on the way."`
	LogLevel       string   `name:"log-level" default:"info" enum:"debug,info,warn,error" help:"What is logged to standard error: debug, info, warn or error."`
	verifyFlags
}

// defaultFlags is the configuration of a server for which nothing is typed.
func defaultFlags() (serveFlags, error) {
	var f serveFlags
	err := kong.ApplyDefaults(&f)
	return f, err
}

// settings is the configuration of the server, checked.
type settings struct {
	place    place
	node     string
	listen   string
	host     string
	loopback bool
	// public is nil when it is to be made of the address that is listened on.
	public   *url.URL
	proxies  []netip.Prefix
	tlsCert  string
	tlsKey   string
	insecure bool
	level    slog.Level
	verify   verifySettings
}

// check returns the settings, or an error that says which flag is wrong, what to do about it, and that
// nothing is served.
func (f serveFlags) check() (settings, error) {
	s, err := f.settings()
	if err != nil {
		return s, fmt.Errorf("%w. Nothing is served", err)
	}
	return s, nil
}

func (f serveFlags) settings() (settings, error) {
	s := settings{listen: f.Listen, tlsCert: f.TLSCert, tlsKey: f.TLSKey, insecure: f.InsecureHTTP}
	var err error
	if s.place, err = f.place(); err != nil {
		return s, err
	}
	if s.node, err = nodeName(f.NodeName); err != nil {
		return s, err
	}
	if err := s.level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return s, fmt.Errorf("--log-level is %q; it is debug, info, warn or error", f.LogLevel)
	}
	if s.host, _, err = net.SplitHostPort(f.Listen); err != nil {
		return s, fmt.Errorf("--listen is %q; it must be HOST:PORT, such as 127.0.0.1:8080", f.Listen)
	}
	s.loopback = isLoopback(s.host)
	if s.verify, err = f.verification(); err != nil {
		return s, err
	}
	if err := s.setProxies(f.TrustedProxies); err != nil {
		return s, err
	}
	if s.public, err = parsePublicURL(f.PublicURL); err != nil {
		return s, err
	}
	if err := s.checkTLS(); err != nil {
		return s, err
	}
	return s, s.checkReach()
}

// maxNodeName is the longest name of a host.
const maxNodeName = 253

// nodeName is what the server is called, which must be text that fits in a table.
func nodeName(given string) (string, error) {
	if given == "" {
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("cannot find out the host's name: %w. Set --node-name", err)
		}
		return host, nil
	}
	if !keys.IsText(given) || len(given) > maxNodeName {
		return "", fmt.Errorf("--node-name is %q; it must be text of at most %d bytes, such as node-1", given, maxNodeName)
	}
	return given, nil
}

func (s settings) tls() bool { return s.tlsCert != "" }

func (s settings) checkTLS() error {
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return errors.New("--tls-cert and --tls-key belong together: set both or none")
	}
	for _, file := range []string{s.tlsCert, s.tlsKey} {
		if file == "" {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("cannot read the TLS file: %w", err)
		}
		_ = f.Close()
	}
	if s.tls() && s.public != nil && s.public.Scheme != "https" {
		return fmt.Errorf("--public-url %s must start with https:// when --tls-cert is set", s.public)
	}
	return nil
}

// checkReach refuses to send passwords and tokens in the clear over a network unless the operator says
// so.
func (s settings) checkReach() error {
	guarded := s.tls() || len(s.proxies) > 0 || s.insecure
	for _, address := range []string{s.listen, s.verify.listen} {
		if host, _, err := net.SplitHostPort(address); err == nil && !isLoopback(host) && !guarded {
			return fmt.Errorf("refusing to listen on %s, which others can reach, without encryption: set --tls-cert and --tls-key, "+
				"or --trusted-proxies when a proxy in front speaks https, or --insecure-http if that network is safe", address)
		}
	}
	if !s.loopback && s.public == nil {
		return fmt.Errorf("--public-url is missing: beyond this machine Latchkey cannot know by which address %s is reached. Set it to that address, such as https://keys.example.com", s.listen)
	}
	if s.public != nil && s.public.Scheme == "http" && !isLoopback(s.public.Hostname()) && !s.insecure {
		return fmt.Errorf("--public-url %s is plain http beyond this machine: use https://, or set --insecure-http if that network is safe", s.public)
	}
	return nil
}

// isLoopback says whether a host of an address is this machine only. Of names only localhost is.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (s *settings) setProxies(list []string) error {
	for _, text := range list {
		text = strings.TrimSpace(text)
		if text == unixProxy {
			s.verify.trustUnix = true
			continue
		}
		prefix, err := parseProxy(text)
		if err != nil {
			return err
		}
		s.proxies = append(s.proxies, prefix)
	}
	if s.verify.trustUnix && s.verify.socket == "" {
		return errors.New("--trusted-proxies has unix, but there is no socket: set --verify-listen to unix:PATH, or leave it out")
	}
	return nil
}

func parseProxy(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("--trusted-proxies has %q; it takes addresses and networks such as 10.0.0.7 or 10.0.0.0/24, and unix", text)
	}
	return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
}

func parsePublicURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil // not set: it is made of the address that is listened on
	}
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "",
		u.Path != "", u.RawQuery != "", u.Fragment != "", u.User != nil:
		return nil, fmt.Errorf("--public-url is %q; it must be scheme and host only, such as https://keys.example.com", text)
	}
	return u, nil
}
