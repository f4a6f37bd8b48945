// Package deploy holds what puts Latchkey to work beside other programs: for each proxy a complete
// configuration that asks the verifier about every request. The files are ready to be read and run as they
// stand, with example values; Recipes fills in those of an installation.
package deploy

import (
	"embed"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

//go:embed nginx/latchkey.conf caddy/Caddyfile traefik/latchkey.yml envoy/envoy.yaml
var files embed.FS

// Place is where an installation is, and what is guarded there.
type Place struct {
	// Verifier is where a proxy reaches the verifier: unix:/PATH, http://HOST:PORT or https://HOST[:PORT].
	Verifier string
	// Account is the slug of the account whose API is guarded, and Resource that of the permission which a
	// request needs.
	Account, Resource string
	// KeyHeader and TokenHeader are the names of the headers that carry the pair.
	KeyHeader, TokenHeader string
}

// The values that stand in the files.
const (
	exampleSocket      = "/run/latchkey/verify.sock"
	exampleAddress     = "127.0.0.1:8081"
	exampleAccount     = "acme"
	exampleResource    = "orders.read"
	exampleKeyHeader   = "X-VTEX-API-AppKey"
	exampleTokenHeader = "X-VTEX-API-AppToken"
)

// Recipe is the configuration of one proxy.
type Recipe struct {
	// Name is the proxy's name, such as nginx. Slug is the same in lower case, and the name of its folder.
	Name, Slug string
	// File is the path of the file below deploy/, such as nginx/latchkey.conf.
	File string
	// Text is the whole file.
	Text string
}

// Recipes returns the recipe of every proxy, filled in for a place, in the order in which pages show them.
// A value that is missing, or that could mean something else in a configuration than itself, is left as the
// example. So is a socket where the proxy can only reach an address.
func Recipes(place Place) []Recipe {
	verifier := parseVerifier(place.Verifier)
	recipes := []Recipe{
		{Name: "nginx", File: "nginx/latchkey.conf", Text: nginxVerifier(verifier)},
		{Name: "Caddy", File: "caddy/Caddyfile", Text: caddyVerifier(verifier)},
		{Name: "Traefik", File: "traefik/latchkey.yml", Text: traefikVerifier(verifier)},
		{Name: "Envoy", File: "envoy/envoy.yaml", Text: envoyVerifier(verifier)},
	}
	for i := range recipes {
		recipes[i].Slug = strings.ToLower(recipes[i].Name)
		recipes[i].Text = place.fill(recipes[i].Text)
	}
	return recipes
}

// word is what means itself in every one of the configurations.
var word = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._:-]*$`)

// fill puts the account, the resource and the headers of a place into a file.
func (p Place) fill(text string) string {
	for _, value := range []struct{ before, example, own string }{
		{"account=", exampleAccount, p.Account},
		{"Account, value: ", exampleAccount, p.Account},
		{"resource=", exampleResource, p.Resource},
		{"Resource, value: ", exampleResource, p.Resource},
		// The longer name has the shorter one in it.
		{"", exampleTokenHeader, p.TokenHeader},
		{"", exampleKeyHeader, p.KeyHeader},
		// Caddy's log spells them as Go does.
		{"headers>", http.CanonicalHeaderKey(exampleTokenHeader), http.CanonicalHeaderKey(p.TokenHeader)},
		{"headers>", http.CanonicalHeaderKey(exampleKeyHeader), http.CanonicalHeaderKey(p.KeyHeader)},
	} {
		if word.MatchString(value.own) {
			text = strings.ReplaceAll(text, value.before+value.example, value.before+value.own)
		}
	}
	return text
}

// verifier is where a proxy reaches the verifier: a socket, or a host with a port.
type verifier struct {
	socket     string
	host, port string
	tls        bool
}

// socketPath is a path that means itself in every one of the configurations.
var socketPath = regexp.MustCompile(`^/[0-9A-Za-z._/-]+$`)

// parseVerifier reads Place.Verifier. What cannot be read is the socket of the examples.
func parseVerifier(text string) verifier {
	if path, ok := strings.CutPrefix(text, "unix:"); ok && socketPath.MatchString(path) {
		return verifier{socket: path}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostName.MatchString(u.Hostname()) {
		return verifier{socket: exampleSocket}
	}
	v := verifier{host: u.Hostname(), port: u.Port(), tls: u.Scheme == "https"}
	if v.port == "" && v.tls {
		v.port = "443"
	} else if v.port == "" {
		v.port = "80"
	}
	return v
}

// hostName is a name, or an address of either kind without its brackets.
var hostName = regexp.MustCompile(`^[0-9A-Za-z:][0-9A-Za-z.:-]*$`)

// address is the host with the port, as it stands in a URL.
func (v verifier) address() string {
	if strings.Contains(v.host, ":") {
		return "[" + v.host + "]:" + v.port
	}
	return v.host + ":" + v.port
}

func (v verifier) scheme() string {
	if v.tls {
		return "https"
	}
	return "http"
}

// read returns a file with some texts replaced.
func read(file string, replaced ...string) string {
	text, err := files.ReadFile(file)
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.NewReplacer(replaced...).Replace(string(text))
}

// The line that says how Latchkey is started for a proxy that asks over a socket, and what it is where the
// verifier is at an address: there the proxy is known by its own.
const (
	startWithSocket  = "latchkey serve --verify-listen unix:" + exampleSocket + " --trusted-proxies unix"
	startWithAddress = "latchkey serve --trusted-proxies ADDRESS_OF_THE_PROXY"
)

func nginxVerifier(v verifier) string {
	const file = "nginx/latchkey.conf"
	const socket, ask = "server unix:" + exampleSocket + ";", "proxy_pass              http://latchkey/"
	switch {
	case v.socket != "":
		return read(file, exampleSocket, v.socket)
	case v.tls:
		return read(file, startWithSocket, startWithAddress, socketNote("nginx"), addressNote, socket, "server "+v.address()+";",
			"proxy_set_header        Host            latchkey;", "proxy_set_header        Host            "+v.host+";",
			ask, "proxy_ssl_name          "+v.host+`;
        proxy_ssl_server_name   on;
        proxy_ssl_verify        on;
        proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
        proxy_pass              https://latchkey/`)
	default:
		return read(file, startWithSocket, startWithAddress, socketNote("nginx"), addressNote, socket, "server "+v.address()+";")
	}
}

func caddyVerifier(v verifier) string {
	const file = "caddy/Caddyfile"
	const socket, last = "forward_auth unix/" + exampleSocket, "\t\t\theader_up -Cookie\n"
	switch {
	case v.socket != "":
		return read(file, exampleSocket, v.socket)
	case v.tls:
		return read(file, startWithSocket, startWithAddress, socketNote("Caddy"), addressNote,
			socket, "forward_auth https://"+v.address(), last, last+"\t\t\theader_up Host {upstream_hostport}\n")
	default:
		return read(file, startWithSocket, startWithAddress, socketNote("Caddy"), addressNote, socket, "forward_auth "+v.address())
	}
}

// traefikVerifier leaves the example's address where there is only a socket.
func traefikVerifier(v verifier) string {
	const file = "traefik/latchkey.yml"
	if v.socket != "" {
		return read(file)
	}
	return read(file, "latchkey serve --verify-listen "+exampleAddress+" --trusted-proxies 127.0.0.1", startWithAddress,
		"# where 127.0.0.1 is the address that Traefik comes from. Change", addressNote+" Change",
		"http://"+exampleAddress, v.scheme()+"://"+v.address())
}

func envoyVerifier(v verifier) string {
	const file = "envoy/envoy.yaml"
	const socket, kind = "address: { pipe: { path: " + exampleSocket + " } }", "    - name: latchkey\n      type: STATIC\n"
	if v.socket != "" {
		return read(file, exampleSocket, v.socket)
	}
	texts := []string{
		startWithSocket, startWithAddress, socketNote("Envoy"), addressNote,
		socket, `address: { socket_address: { address: "` + v.host + `", port_value: ` + v.port + " } }",
		kind, "    - name: latchkey\n      type: STRICT_DNS\n" + v.envoyTLS(),
		`uri: "http://latchkey"`, `uri: "` + v.scheme() + "://" + v.address() + `"`,
	}
	return read(file, texts...)
}

// envoyTLS is the part of a cluster that makes Envoy speak https to it, and check who answers.
func (v verifier) envoyTLS() string {
	if !v.tls {
		return ""
	}
	return `      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: "` + v.host + `"
          common_tls_context:
            validation_context:
              trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt }
              match_typed_subject_alt_names:
                - { san_type: DNS, matcher: { exact: "` + v.host + `" } }
`
}

// What a file says about the start of Latchkey, over a socket and at an address.
func socketNote(proxy string) string {
	return "# and let " + proxy + "'s user open the socket (its group, or --socket-mode)."
}

const addressNote = "# so that the word of the proxy about its clients' addresses counts."
