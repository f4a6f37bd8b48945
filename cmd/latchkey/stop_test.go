package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store/storetest"
)

// sender keeps one connection and sends one request after the other.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
}

func newSender(t *testing.T, addr string) *sender {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &sender{conn, bufio.NewReader(conn)}
}

// errRaced says that the server had closed the idle connection before it read the request: HTTP lets a client
// send then, and it must send again elsewhere.
var errRaced = errors.New("the idle connection was closed")

// send returns the status of a whole answer, and whether the server keeps the connection.
func (s *sender) send(request string) (status int, kept bool, err error) {
	if _, err := io.WriteString(s.conn, request); err != nil {
		return 0, false, errRaced
	}
	if _, err := s.in.Peek(1); err != nil {
		return 0, false, errRaced
	}
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, !answer.Close, err
}

func TestNoRequestInFlightIsBrokenByAStop(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: twenty servers")
	}
	folder, all := guarded(t, 1)
	var answered, raced, broken, posts, made atomic.Int64
	for range 20 {
		s := serveFolder(t, folder, "--verify-listen", "127.0.0.1:0", "--log-level", "error")
		verify := strings.TrimPrefix(strings.TrimSuffix(s.line(`^Tokens are verified at (\S+)$`), "/v1/verify"), "http://")
		main := strings.TrimPrefix(s.url, "http://")
		b := newAdmin(t, s)
		u, _ := url.Parse(s.url)
		var cookies []string
		for _, one := range b.http.Jar.Cookies(u) {
			cookies = append(cookies, one.String())
		}
		cookie := strings.Join(cookies, "; ")
		var clients sync.WaitGroup
		underway := make(chan struct{}, 64)
		for i := range 64 {
			addr, ask := verify, func() string {
				return fmt.Sprintf("GET /v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", all[0].token)
			}
			want := http.StatusNoContent
			post := i%8 == 0
			if post {
				addr, want = main, http.StatusOK
				ask = func() string {
					body := url.Values{"name": {"Stopped"}, "nonce": {secret.NewNonce()}}.Encode()
					return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
						pathNew, main, cookie, len(body), body)
				}
			} else if i%2 == 0 {
				addr = main
			}
			one := newSender(t, addr)
			clients.Go(func() {
				for n := 0; ; n++ {
					status, kept, err := one.send(ask())
					switch {
					case errors.Is(err, errRaced):
						raced.Add(1)
						return
					case err != nil || status != want:
						broken.Add(1)
						t.Errorf("a request in flight got %d, %v", status, err)
						return
					}
					answered.Add(1)
					if post {
						posts.Add(1)
					}
					if n == 3 {
						underway <- struct{}{}
					}
					if !kept {
						return
					}
				}
			})
		}
		for range 64 {
			<-underway
		}
		s.signal(syscall.SIGTERM)
		clients.Wait()
		if code := s.exitCode(); code != 0 {
			t.Fatalf("it ended with %d: %s", code, s.stderr)
		}
	}
	made.Store(number(t, rawDB(t, folder), `SELECT COUNT(*) FROM api_key WHERE name = 'Stopped'`))
	t.Logf("note: SIGTERM under 64 clients, 20 rounds: %d answered, %d broken, %d sent on a connection that was closed already; %d keys acknowledged, %d made",
		answered.Load(), broken.Load(), raced.Load(), posts.Load(), made.Load())
	if made.Load() != posts.Load() {
		t.Errorf("%d keys were made, and %d acknowledged", made.Load(), posts.Load())
	}
}

func TestAServerWith100000KeysComesBackAsItWas(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it writes 100,000 keys")
	}
	folder, all := guarded(t, 1)
	tokens := storetest.FillKeys(t, filepath.Join(folder, databaseFile), "acme", 100_000)
	listen := freeAddress(t)
	s := serveFolder(t, folder, "--listen", listen)
	a := newAdmin(t, s)
	for _, stop := range []func(){s.stop, func() { _ = s.cmd.Process.Kill(); <-s.ended }} {
		stop()
		s = serveFolder(t, folder, "--listen", listen)
		c := newCaller(t, s.url)
		c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
		for _, i := range []int{0, 50_000, 99_999} {
			k := issued{id: keys.KeyID(fmt.Sprintf("appkey-acme-%08d", i+1)), token: tokens[i]}
			c.get("/v1/verify?resource=orders.read", k.pair()).is(t, http.StatusNoContent)
		}
		if got := a.get(pathList); got.status != http.StatusOK {
			t.Errorf("the session answers %d after a restart", got.status)
		}
	}
	s.stop()
}
