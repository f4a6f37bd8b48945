package main

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/keys"
	"latchkey/store"
)

// socketPath is a path short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "lk-") //nolint:usetesting // the test's own folder can have too long a name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "v.sock")
}

func TestTheVerifyListenerAnswersVerificationAndHealthAlone(t *testing.T) {
	folder, all := guarded(t, 1)
	path := socketPath(t)
	for name, c := range map[string]struct {
		flag, greeting string
		caller         func(at string) *caller
	}{
		"TCP":         {"127.0.0.1:0", `^Tokens are verified at (http://127\.0\.0\.1:\d+/v1/verify)$`, func(at string) *caller { return newCaller(t, strings.TrimSuffix(at, "/v1/verify")) }},
		"Unix socket": {"unix:" + path, `^Tokens are verified on (unix:\S+)$`, func(at string) *caller { return newSocketCaller(t, strings.TrimPrefix(at, "unix:")) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveFolder(t, folder, "--verify-listen", c.flag)
			main := s.line(`^Tokens are verified at (\S+)$`)
			at := s.line(c.greeting)
			if at == main {
				t.Fatalf("the greeting names %s twice", at)
			}
			verify := c.caller(at)
			verify.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
			verify.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
			for _, path := range []string{"/healthz", "/livez", "/readyz"} {
				verify.get(path, nil).is(t, http.StatusOK)
			}
			for _, path := range []string{"/", "/login", "/account/api-keys/generated", "/static/style.css", "/metrics", "/healthz/x"} {
				verify.get(path, nil).is(t, http.StatusNotFound)
			}
			newCaller(t, s.url).get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
			s.stop()
		})
	}
}

func TestTheSocketHasItsModeAndGoesWithItsServer(t *testing.T) {
	folder, _ := guarded(t, 0)
	path := socketPath(t)
	for _, c := range []struct {
		flags []string
		mode  fs.FileMode
	}{{nil, 0o660}, {[]string{"--socket-mode", "0600"}, 0o600}, {[]string{"--socket-mode", "666"}, 0o666}} {
		s := serveFolder(t, folder, append(c.flags, "--verify-listen", "unix:"+path)...)
		info, err := os.Stat(path)
		if err != nil || info.Mode() != fs.ModeSocket|c.mode {
			t.Errorf("with %v the socket is %v, %v; want mode %v", c.flags, info, err, c.mode)
		}
		s.stop()
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the socket of a stopped server is still there: %v", err)
		}
	}
}

func TestADeadSocketMakesWayAndALiveOneDoesNot(t *testing.T) {
	folder, all := guarded(t, 1)
	path := socketPath(t)
	killed := serveFolder(t, folder, "--verify-listen", "unix:"+path)
	killed.signal(syscall.SIGKILL)
	killed.exitCode()
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Fatalf("a killed server left no socket: %v, %v", info, err)
	}
	s := serveFolder(t, folder, "--verify-listen", "unix:"+path)
	c := newSocketCaller(t, path)
	c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)

	other, _ := guarded(t, 0)
	cli(t, "", "serve", "--data", other, "--listen", "127.0.0.1:0", "--verify-listen", "unix:"+path).refused(t, path, "--verify-listen")
	c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	s.stop()
}

func TestWhatIsNoSocketIsLeftAsItIs(t *testing.T) {
	folder, _ := guarded(t, 0)
	file := passwordFile(t, "somebody's file")
	r := cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0", "--verify-listen", "unix:"+file)
	r.refused(t, file, "--verify-listen")
	if text, err := os.ReadFile(file); err != nil || string(text) != "somebody's file\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	nowhere := filepath.Join(t.TempDir(), "missing", "v.sock")
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0", "--verify-listen", "unix:"+nowhere).refused(t, nowhere, "--verify-listen")
}

// TestARefusedStartLeavesNoSocket: the metrics' port is busy, after the socket was opened.
func TestARefusedStartLeavesNoSocket(t *testing.T) {
	folder, _ := guarded(t, 0)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	path := socketPath(t)
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0", "--verify-listen", "unix:"+path, "--metrics-listen", l.Addr().String()).
		refused(t, l.Addr().String(), "--metrics-listen")
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	cli(t, "", "serve", "--data", folder, "--listen", "127.0.0.1:0", "--verify-listen", l.Addr().String()).refused(t, l.Addr().String(), "--verify-listen")
}

// TestThePeersOfTheSocketMaySayWhoTheClientIs, when they are trusted: in what is counted and in what is
// audited.
func TestThePeersOfTheSocketMaySayWhoTheClientIs(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{{[]string{"--trusted-proxies", "unix"}, "203.0.113.7"}, {nil, ""}} {
		folder, all := guarded(t, 1)
		path := socketPath(t)
		s := serveFolder(t, folder, append(c.flags, "--verify-listen", "unix:"+path)...)
		verify := newSocketCaller(t, path)
		for _, query := range []string{"", "?resource=orders.write"} {
			header := all[0].pair()
			header.Set("X-Forwarded-For", "203.0.113.7")
			verify.get("/v1/verify"+query, header)
		}
		s.stop()
		inStore(t, folder, func(s *store.Store, by keys.Actor) {
			usage, err := s.KeyUsage(t.Context(), by, all[0].id)
			if err != nil || usage.Last.Never() || usage.Last.IP != c.want {
				t.Errorf("%v: the last use is %+v, %v; want it from %q", c.flags, usage.Last, err, c.want)
			}
		})
		var ip string
		err := rawDB(t, folder).QueryRowContext(t.Context(), `SELECT ip FROM audit WHERE action = 'verify.refused'`).Scan(&ip)
		if err != nil || ip != c.want {
			t.Errorf("%v: the refusal came from %q, %v; want %q", c.flags, ip, err, c.want)
		}
	}
}
