package verifier

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

const headerForwardedFor = "X-Forwarded-For"

// clients finds out where requests come from.
type clients struct {
	proxies []netip.Prefix
	// unix says that whoever can open our Unix socket is a proxy.
	unix bool
}

func newClients(proxies []netip.Prefix, unix bool) clients {
	c := clients{unix: unix}
	for _, p := range proxies {
		c.proxies = append(c.proxies, plainPrefix(p))
	}
	return c
}

// plainPrefix writes a network of IPv4 addresses that are spelt as IPv6 as what it is.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// client is where a request comes from.
type client struct {
	// addr has neither a zone nor an IPv4 address spelt as IPv6. It is the zero value when it is not known.
	addr netip.Addr
	// proxied says that the peer is a proxy, whose word about the request counts.
	proxied bool
}

// of returns the client of a request: the peer, or behind a proxy the last address in X-Forwarded-For
// that is not a proxy's. When all are, it is the first; when one cannot be read, none is believed.
func (c clients) of(r *http.Request) client {
	peer, socket := peerOf(r.RemoteAddr)
	if socket && c.unix || c.trust(peer) {
		return client{addr: c.forwarded(r.Header[headerForwardedFor], plainAddr(peer)), proxied: true}
	}
	return client{addr: plainAddr(peer)}
}

func (c clients) forwarded(values []string, peer netip.Addr) netip.Addr {
	farthest := peer
	for i := len(values) - 1; i >= 0; i-- {
		rest, more := values[i], true
		for more {
			comma := strings.LastIndexByte(rest, ',')
			addr, ok := entryAddr(rest[comma+1:])
			if !ok {
				return peer
			}
			if !c.trust(addr) {
				return plainAddr(addr)
			}
			farthest, more = plainAddr(addr), comma >= 0
			if more {
				rest = rest[:comma]
			}
		}
	}
	return farthest
}

func (c clients) trust(addr netip.Addr) bool {
	if addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	for _, p := range c.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// peerOf returns the address in a request's RemoteAddr, and whether it is that of a Unix socket, where
// net/http leaves a path or "@".
func peerOf(remote string) (addr netip.Addr, socket bool) {
	if remote == "" || remote[0] == '@' || remote[0] == '/' {
		return netip.Addr{}, true
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, _ = netip.ParseAddr(host) // what is no address is the zero value, which stands for an unknown one
	return addr, false
}

// entryAddr reads an entry of X-Forwarded-For. A zone means something to the machine that wrote it only.
func entryAddr(entry string) (netip.Addr, bool) {
	entry = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(entry), "["), "]")
	addr, err := netip.ParseAddr(entry)
	return addr, err == nil && addr.Zone() == ""
}

func plainAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
