package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys/secret"
)

// malformedRequests is how many requests TestMalformedRequestsChangeNothing sends, from malformedSeed.
const (
	malformedRequests = 10_000
	malformedSeed     = 20
)

// mangler makes requests that are wrong in some way, always the same ones from one seed.
type mangler struct {
	*rand.Rand
	cookie, token, host string
}

func (m mangler) one(of ...string) string { return of[m.IntN(len(of))] }

// mostly is the right text three times out of four, so that requests get far into the program.
func (m mangler) mostly(right string, of ...string) string {
	if m.IntN(4) > 0 {
		return right
	}
	return m.one(of...)
}

// request is a request of which at least one thing is wrong, so that it must not change anything.
func (m mangler) request() []byte {
	method := m.mostly(m.one("GET", "POST"), "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G\x00T", "")
	target := m.target()
	version := m.mostly("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/11", "")
	lines := []string{method + m.mostly(" ", "  ", "\t") + target + " " + version}
	lines = append(lines, m.mostly("Host: "+m.host, "Host: localhost", "Host: evil.example", "Host:", "Host: a\r\nHost: b", "X: no host"))
	lines = append(lines, m.mostly("Cookie: "+m.cookie, "X: no cookie"), m.mostly("Content-Type: application/x-www-form-urlencoded", "X: no type"))
	for range m.IntN(3) {
		lines = append(lines, m.header())
	}
	body := m.body()
	lines = append(lines, m.mostly(fmt.Sprintf("Content-Length: %d", len(body)), "Content-Length: -1", "Content-Length: 5, 6", "Content-Length: 99999999999999999999",
		fmt.Sprintf("Content-Length: %d", len(body)+3), "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: gzip, x", "X: y"))
	request := []byte(strings.Join(lines, m.mostly("\r\n", "\n", "\r")) + "\r\n\r\n" + body)
	if m.IntN(6) == 0 { // mutation: some bytes are others
		for range 1 + m.IntN(4) {
			request[m.IntN(len(request))] = byte(m.IntN(256))
		}
	}
	if m.IntN(10) == 0 {
		request = request[:m.IntN(len(request))]
	}
	if m.IntN(50) == 0 {
		return []byte(m.one("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n\r\n\r\n", "\x00", "SSH-2.0-x\r\n"))
	}
	return request
}

func (m mangler) target() string {
	const at = "/account/api-keys"
	path := m.one("/", "/login", "/setup", "/help", "/help/protect", "/healthz", "/readyz", "/static/app.css", "/v1/verify", "/v1/introspect", "/v1/authz/x",
		at, at+"/generated", at+"/generated/new", at+"/settings", at+"/settings/preview", at+"/review", "/account/password",
		at+"/generated/appkey-acme-00000000", at+"/generated/appkey-acme-00000000/edit", at+"/generated/appkey-acme-00000000/delete",
		at+"/generated/%ff%fe/renew", at+"/generated/%00/activate", at+"/generated/..%2f..%2f/edit", at+"/generated/appkey-acme-00000000/renew/-1")
	path += m.mostly("", "%zz", "/..%2f..%2fetc/passwd", "//", "/./", "%5c", "\x00", "?after=%zz", "?resource=%00", "?account=a&account=b", "?list=%ff", "?"+strings.Repeat("a=b&", 500), "#x", ";x=y")
	return m.mostly("", "http://evil.example", "http://127.0.0.1", "*", "//evil.example", "\\") + path
}

func (m mangler) header() string {
	long := strings.Repeat("x", 1+m.IntN(20_000))
	return m.one(
		"Cookie: "+m.cookie+"; "+m.cookie, "Cookie: latchkey_session=lks_"+strings.Repeat("0", 49), "Cookie: =;;=\x01", "Cookie: "+long,
		"Authorization: Bearer", "Authorization: Bearer lkt_", "Authorization: Bearer "+m.token+" x", "Authorization: Basic \xff", "Authorization: "+long,
		"X-VTEX-API-AppKey: appkey-acme-00000000", "X-VTEX-API-AppToken: "+m.token, "X-VTEX-API-AppToken: "+m.token+"\r\nX-VTEX-API-AppToken: "+m.token,
		"X-Latchkey-Want-Resource: \x80", "X-Forwarded-For: , ,", "X-Forwarded-For: 1.2.3.4, \xff", "Sec-Fetch-Site: cross-site", "Origin: null",
		"Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json", "Content-Type: multipart/form-data; boundary=", "Content-Type: \x00",
		"HX-Request: true", "Accept-Encoding: \x7f", "Range: bytes=9-1", "If-Modified-Since: yesterday", "Expect: 100-continue", "Expect: nonsense", "Connection: close, upgrade",
		"Upgrade: websocket", " folded: header", "no colon", ": no name", "na me: x", "X-\x00: y", "X: "+long)
}

func (m mangler) body() string {
	return m.one("", "", "name=%zz", "name=a;b=c", "name=%00&nonce=x", "name=\xff\xfe", "name="+strings.Repeat("x", 70_000), "{\"name\":", "understood=on&understood=on",
		"nonce=&name=x&roles=owner", "version=99999999999999999999&name=x", "5\r\nabc", "ffffffffffffffff\r\n", "0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "token=\x00", "duration=custom&days=-1&zone=../../etc&version=1")
}

func TestMalformedRequestsChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: ten thousand requests")
	}
	folder, all := guarded(t, 3)
	s := serveFolder(t, folder, "--verify-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	verify := strings.TrimPrefix(strings.TrimSuffix(s.line(`^Tokens are verified at (\S+)$`), "/v1/verify"), "http://")
	metrics := newCaller(t, strings.TrimSuffix(s.line(`^Metrics: (\S+)$`), pathMetrics))
	addresses := []string{strings.TrimPrefix(s.url, "http://"), verify}
	a := newAdmin(t, s)
	u, _ := url.Parse(s.url)
	m := mangler{Rand: rand.New(rand.NewPCG(malformedSeed, 0)), token: all[0].token[:52] + "!", host: addresses[0]}
	for _, c := range a.http.Jar.Cookies(u) {
		m.cookie += c.String() + "; "
	}
	db := rawDB(t, folder)
	before := stateOf(t, db)
	goroutines := metricOf(t, metrics, "go_goroutines")

	good := newGoodClient(t, s.url, all[1])
	var mu sync.Mutex
	statuses := map[int]int{}
	work := make(chan []byte)
	var senders sync.WaitGroup
	for i := range 16 {
		senders.Go(func() {
			for request := range work {
				status := rawAnswer(t, addresses[i%2], request)
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	for range malformedRequests {
		work <- m.request()
	}
	close(work)
	senders.Wait()
	good.wasUnharmed()

	t.Logf("note: %d malformed requests: %v (0 is no answer)", malformedRequests, statuses)
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		// net/http says 501 to a transfer encoding and 505 to a version that it does not know.
		if status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
			t.Errorf("%d requests were answered %d: %s", statuses[status], status, s.stderr)
		}
	}
	if strings.Contains(s.stderr.String(), "panic") {
		t.Errorf("it panicked: %s", s.stderr)
	}
	if after := stateOf(t, db); after != before {
		t.Errorf("something was changed:\n%s\nand is now\n%s", before, after)
	}
	eventually(t, "its goroutines are back", func() bool { return metricOf(t, metrics, "go_goroutines") <= goroutines+5 })
	if a.get(pathList).status != http.StatusOK {
		t.Error("the session has ended")
	}
	s.stop()
}

// rawAnswer sends bytes on a connection of their own and returns the status of the answer, 0 when there is none.
func rawAnswer(t *testing.T, addr string, request []byte) int {
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = conn.Write(request)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // nothing more comes
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 64))
	fields := bytes.Fields(answer)
	if len(fields) < 2 {
		return 0
	}
	status, _ := strconv.Atoi(string(fields[1]))
	return status
}

// stateOf is everything that a request could change, but for what is counted or audited of refusals.
func stateOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	var all strings.Builder
	for _, query := range []string{
		`SELECT id || name || status || version || COALESCE(deleted_at, '') FROM api_key ORDER BY id`, `SELECT id || state FROM api_token ORDER BY id`,
		`SELECT key_id || role_id FROM api_key_role ORDER BY 1`, `SELECT id || slug || version FROM role ORDER BY id`, `SELECT role_id || resource FROM role_resource ORDER BY 1`,
		`SELECT id || version || zone || duration_unit || duration_amount || enforce_expiry || key_count FROM account`, `SELECT id || email || password_phc || version FROM app_user`,
		`SELECT hex(digest) || user_id || created_at FROM session`, `SELECT nonce FROM form_nonce ORDER BY 1`, `SELECT seq || event_id FROM change_log ORDER BY seq`,
	} {
		each(t, db, query, func(scan func(...any) error) error {
			var row string
			err := scan(&row)
			all.WriteString(row + "\n")
			return err
		})
	}
	return all.String()
}

func metricOf(t *testing.T, c *caller, name string) float64 {
	t.Helper()
	for line := range strings.Lines(c.get(pathMetrics, nil).body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// goodClient verifies a token and reads pages for as long as others misbehave.
type goodClient struct {
	t      *testing.T
	stop   chan struct{}
	done   chan struct{}
	served int
}

func newGoodClient(t *testing.T, base string, key issued) *goodClient {
	t.Helper()
	g := &goodClient{t: t, stop: make(chan struct{}), done: make(chan struct{})}
	c := newCaller(t, base)
	go func() {
		defer close(g.done)
		for {
			select {
			case <-g.stop:
				return
			default:
			}
			for path, want := range map[string]int{"/v1/verify": http.StatusNoContent, "/login": http.StatusOK, "/readyz": http.StatusOK} {
				got, err := c.try(http.MethodGet, path, key.pair(), "")
				if err != nil || got.status != want {
					t.Errorf("the good client's %s got %d, %v", path, got.status, err)
					return
				}
				g.served++
			}
		}
	}()
	return g
}

// wasUnharmed ends the good client, all of whose requests must have been answered.
func (g *goodClient) wasUnharmed() {
	g.t.Helper()
	close(g.stop)
	<-g.done
	g.t.Logf("note: the good client beside them: %d of %d requests answered as they should", g.served, g.served)
	if g.served < 100 {
		g.t.Errorf("the good client was served %d times", g.served)
	}
}

func TestSlowAndVanishingClientsHarmNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it waits for the server's timeouts")
	}
	folder, all := guarded(t, 3)
	s := serveFolder(t, folder, "--verify-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	verify := strings.TrimPrefix(strings.TrimSuffix(s.line(`^Tokens are verified at (\S+)$`), "/v1/verify"), "http://")
	metrics := newCaller(t, strings.TrimSuffix(s.line(`^Metrics: (\S+)$`), pathMetrics))
	addresses := []string{strings.TrimPrefix(s.url, "http://"), verify}
	a := newAdmin(t, s)
	u, _ := url.Parse(s.url)
	cookies := ""
	for _, c := range a.http.Jar.Cookies(u) {
		cookies += c.String() + "; "
	}
	goroutines := metricOf(t, metrics, "go_goroutines")
	good := newGoodClient(t, s.url, all[1])

	post := func(n int) string {
		body := url.Values{"name": {fmt.Sprintf("Vanished %d", n)}, "nonce": {secret.NewNonce()}}.Encode()
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", pathNew, addresses[0], cookies, len(body), body)
	}
	kinds := []func(conn net.Conn, n int){
		func(net.Conn, int) {}, // says nothing
		func(c net.Conn, _ int) {
			drip(c, "GET /v1/verify HTTP/1.1\r\nHost: x\r\nX-Slow: "+strings.Repeat("y", 1000))
		},
		func(c net.Conn, _ int) {
			drip(c, "POST /login HTTP/1.1\r\nHost: "+addresses[0]+"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat("y", 1000))
		},
		func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, strings.Repeat("GET /login HTTP/1.1\r\nHost: "+addresses[0]+"\r\n\r\n", 50))
		}, // never reads
		func(c net.Conn, n int) { _, _ = io.WriteString(c, post(n)); _ = c.Close() }, // vanishes
	}
	const connections = 500
	var conns []net.Conn
	var clients sync.WaitGroup
	for i := range connections {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addresses[i/len(kinds)%2])
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		clients.Go(func() {
			kinds[i%len(kinds)](conn, i)
			if i%len(kinds) < 3 { // those that wait to be thrown out
				_ = conn.SetReadDeadline(time.Now().Add(readTimeout + deadline))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a slow connection was never closed")
				}
			}
		})
	}
	clients.Wait()
	for _, conn := range conns { // those that were never read are idle after their answers
		_ = conn.Close()
	}
	eventually(t, "all slow connections are closed", func() bool { return metricOf(t, metrics, "go_goroutines") <= goroutines+5 })
	good.wasUnharmed()
	if strings.Contains(s.stderr.String(), "panic") {
		t.Errorf("it panicked: %s", s.stderr)
	}
	s.stop()
	db := rawDB(t, folder)
	for _, finding := range halfDone(t, db, keysOfRows(t, db)) {
		t.Error(finding)
	}
	cli(t, "", "audit", "verify", "--data", folder).ok(t)
	t.Logf("note: %d slow or vanishing connections; %d keys of vanished clients were made, none half",
		connections, number(t, db, `SELECT COUNT(*) FROM api_key WHERE name LIKE 'Vanished %'`))
}

// drip sends a text a few bytes a second, until nobody takes it any more.
func drip(c net.Conn, text string) {
	for len(text) > 0 {
		if _, err := io.WriteString(c, text[:1]); err != nil {
			return
		}
		text = text[1:]
		time.Sleep(200 * time.Millisecond) // slowness is the fault that is tried
	}
}
