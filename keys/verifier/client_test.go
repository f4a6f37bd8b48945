package verifier

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

var testProxies = []string{"127.0.0.1/32", "10.0.0.0/8", "::ffff:192.168.0.0/112", "fd00::/8", "fe80::/10"}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func requestFrom(remote string, forwarded ...string) *http.Request {
	r := &http.Request{RemoteAddr: remote, Header: http.Header{}}
	if forwarded != nil {
		r.Header["X-Forwarded-For"] = forwarded
	}
	return r
}

type clientCase struct {
	name, remote string
	forwarded    []string
	want         string
	proxied      bool
}

var clientCases = []clientCase{
	{name: "the peer", remote: "203.0.113.9:4711", want: "203.0.113.9"},
	{name: "the peer over IPv6", remote: "[2001:db8::1]:4711", want: "2001:db8::1"},
	{name: "a stranger's word", remote: "203.0.113.9:4711", forwarded: []string{"198.51.100.1"}, want: "203.0.113.9"},
	{name: "a proxy that says nothing", remote: "10.1.2.3:4711", want: "10.1.2.3", proxied: true},
	{name: "a proxy", remote: "10.1.2.3:4711", forwarded: []string{"198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "a proxy of an IPv4 address that is spelt as IPv6", remote: "[::ffff:10.1.2.3]:1", forwarded: []string{"198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "a network of IPv4 addresses that is spelt as IPv6", remote: "192.168.3.4:1", forwarded: []string{"198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "two proxies", remote: "10.1.2.3:1", forwarded: []string{"198.51.100.1, 10.9.9.9"}, want: "198.51.100.1", proxied: true},
	{name: "what the client wrote before", remote: "10.1.2.3:1", forwarded: []string{"127.0.0.1, 1.1.1.1, 198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "several headers", remote: "10.1.2.3:1", forwarded: []string{"1.1.1.1", "198.51.100.1", "10.7.7.7"}, want: "198.51.100.1", proxied: true},
	{name: "proxies only", remote: "10.1.2.3:1", forwarded: []string{"10.0.0.1, 10.0.0.2"}, want: "10.0.0.1", proxied: true},
	{name: "one that cannot be read", remote: "10.1.2.3:1", forwarded: []string{"198.51.100.1, unknown"}, want: "10.1.2.3", proxied: true},
	{name: "one before a proxy that cannot be read", remote: "10.1.2.3:1", forwarded: []string{"unknown, 10.9.9.9"}, want: "10.1.2.3", proxied: true},
	{name: "one before that cannot be read", remote: "10.1.2.3:1", forwarded: []string{"unknown, 198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "nothing in the header", remote: "10.1.2.3:1", forwarded: []string{""}, want: "10.1.2.3", proxied: true},
	{name: "a comma at the end", remote: "10.1.2.3:1", forwarded: []string{"198.51.100.1,"}, want: "10.1.2.3", proxied: true},
	{name: "brackets", remote: "10.1.2.3:1", forwarded: []string{"[2001:db8::7]"}, want: "2001:db8::7", proxied: true},
	{name: "a port", remote: "10.1.2.3:1", forwarded: []string{"198.51.100.1:80"}, want: "10.1.2.3", proxied: true},
	{name: "IPv4 spelt as IPv6", remote: "10.1.2.3:1", forwarded: []string{"::ffff:198.51.100.1"}, want: "198.51.100.1", proxied: true},
	{name: "a zone in the header", remote: "10.1.2.3:1", forwarded: []string{"fe80::1%eth0"}, want: "10.1.2.3", proxied: true},
	{name: "a peer with a zone is no proxy", remote: "[fe80::1%eth0]:1", forwarded: []string{"198.51.100.1"}, want: "fe80::1"},
	{name: "a peer with a zone is no proxy, however it is spelt", remote: "[::ffff:10.1.2.3%eth0]:1", forwarded: []string{"198.51.100.1"}, want: "10.1.2.3"},
	{name: "an IPv6 proxy", remote: "[fd00::1]:1", forwarded: []string{"2001:db8::1"}, want: "2001:db8::1", proxied: true},
	{name: "no port", remote: "203.0.113.9", want: "203.0.113.9"},
	{name: "no address", remote: "example:80", want: ""},
	{name: "a Unix socket", remote: "@", forwarded: []string{"198.51.100.1"}, want: ""},
	{name: "a Unix socket without a name", remote: "", forwarded: []string{"198.51.100.1"}, want: ""},
	{name: "a Unix socket with a path", remote: "/run/x.sock", forwarded: []string{"198.51.100.1"}, want: ""},
}

func TestClient(t *testing.T) {
	c := newClients(prefixes(testProxies...), false)
	for _, row := range clientCases {
		got := c.of(requestFrom(row.remote, row.forwarded...))
		if addrText(got.addr) != row.want || got.proxied != row.proxied {
			t.Errorf("%s: %v, want %q", row.name, got, row.want)
		}
	}
}

func TestClientBehindATrustedUnixSocket(t *testing.T) {
	c := newClients(prefixes("10.0.0.0/8"), true)
	for _, remote := range []string{"@", "", "/run/x.sock"} {
		for forwarded, want := range map[string]string{"198.51.100.1": "198.51.100.1", "198.51.100.1, 10.0.0.1": "198.51.100.1", "unknown": "", "10.0.0.1": "10.0.0.1"} {
			if got := c.of(requestFrom(remote, forwarded)); addrText(got.addr) != want || !got.proxied {
				t.Errorf("%q from %q: %v, want %q", forwarded, remote, got, want)
			}
		}
		if got := c.of(requestFrom(remote)); got.addr.IsValid() || !got.proxied {
			t.Errorf("nothing from %q: %v", remote, got)
		}
	}
}

// The peers of our own socket, as net/http names them, are recognised.
func TestClientOfARealUnixSocket(t *testing.T) {
	listener, err := net.Listen("unix", t.TempDir()+"/s") //nolint:noctx // it is there at once
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan client, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- newClients(nil, true).of(r) })}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	dial, err := net.Dial("unix", listener.Addr().String()) //nolint:noctx // it answers at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dial.Close() }()
	if _, err := dial.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; addrText(got.addr) != "198.51.100.1" || !got.proxied {
		t.Errorf("%v", got)
	}
}

func TestClientIsFoundWithoutAnAllocation(t *testing.T) {
	c := newClients(prefixes(testProxies...), false)
	for _, r := range []*http.Request{
		requestFrom("203.0.113.9:4711"), requestFrom("[2001:db8::1]:4711"), requestFrom("10.1.2.3:4711", "198.51.100.1, 10.9.9.9"),
	} {
		if n := testing.AllocsPerRun(100, func() { _ = c.of(r) }); n != 0 {
			t.Errorf("%v allocations for %v", n, r)
		}
	}
}

// The console finds the client's address with Echo. Both must find the same.
func TestClientIsThatOfTheConsole(t *testing.T) {
	for _, row := range clientCases {
		checkClient(t, row.remote, row.forwarded)
	}
}

func checkClient(t *testing.T, remote string, forwarded []string) {
	t.Helper()
	got := newClients(prefixes(testProxies...), false).of(requestFrom(remote, forwarded...)).addr
	if want := consoleClient(requestFrom(remote, forwarded...)); addrText(got) != want {
		t.Errorf("%q from %q: %q, the console says %q", forwarded, remote, addrText(got), want)
	}
	if got.Zone() != "" || got.Is4In6() {
		t.Errorf("%v is not plain", got)
	}
}

// consoleClient is the address that the console finds, spelt as here.
func consoleClient(r *http.Request) string {
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range prefixes(testProxies...) {
		addr := p.Masked().Addr()
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(p.Bits(), addr.BitLen())}))
	}
	addr, err := netip.ParseAddr(strings.Trim(echo.ExtractIPFromXFFHeader(options...)(r), "[]"))
	if err != nil {
		return ""
	}
	return addrText(plainAddr(addr))
}

func addrText(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}

func FuzzClient(f *testing.F) {
	if len(clientCases) == 0 {
		f.Fatal("no seeds")
	}
	for _, row := range clientCases {
		f.Add(row.remote, strings.Join(row.forwarded, "\n"))
	}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		if _, err := netip.ParseAddrPort(remote); err != nil {
			return // net/http writes no such peer but for Unix sockets, of which Echo knows nothing
		}
		checkClient(t, remote, nil)
		checkClient(t, remote, strings.Split(forwarded, "\n"))
	})
}
