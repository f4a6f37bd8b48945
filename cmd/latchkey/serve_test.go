package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/keys/secret"
)

func TestServePrintsTheSetupLinkAndACodeThatWorks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, folder)
	if link := s.line(`^    (http\S+)$`); link != s.url+"/setup" {
		t.Errorf("the setup link is %q; want %q", link, s.url+"/setup")
	}
	code := s.line(`^    (lku_\w+)$`)
	s.line(`The code is also in (\S+)\.$`)
	if file := contents(t, folder)[setupCodeFile]; file != code+"\n" {
		t.Errorf("the file holds %q; want the printed code", file)
	}
	b := newBrowser(t, s.url)
	if got := b.get("/setup"); got.status != http.StatusOK {
		t.Fatalf("/setup answered %d; want 200", got.status)
	}
	form := url.Values{"code": {code}, "account": {"acme"}, "email": {"ana@acme.example"}, "password": {goodPassword}, "zone": {"Europe/Lisbon"}}
	if got := b.post("/setup", form); got.status != http.StatusSeeOther {
		t.Fatalf("setup answered %d; want 303: %s", got.status, got.body)
	}
	eventually(t, "the file of the setup code is gone once the installation is claimed", func() bool {
		_, err := os.Stat(filepath.Join(folder, setupCodeFile))
		return os.IsNotExist(err)
	})
	s.stop()

	again := serveFolder(t, folder)
	if got := newBrowser(t, again.url).get("/setup"); got.status != http.StatusNotFound {
		t.Errorf("/setup of a claimed installation answered %d; want 404", got.status)
	}
	again.stop()
	for line := range again.lines {
		if strings.Contains(line, "setup") || strings.Contains(line, "lku_") {
			t.Errorf("serve printed %q on a claimed installation", line)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, setupCodeFile)); !os.IsNotExist(err) {
		t.Errorf("a claimed installation has a setup code: %v", err)
	}
}

func TestARestartReplacesTheSetupCode(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, folder)
	first := s.line(`^    (lku_\w+)$`)
	s.stop()
	s = serveFolder(t, folder)
	second := s.line(`^    (lku_\w+)$`)
	b := newBrowser(t, s.url)
	form := url.Values{"code": {first}, "account": {"acme"}, "email": {"ana@acme.example"}, "password": {goodPassword}, "zone": {"UTC"}}
	if got := b.post("/setup", form); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the former code answered %d; want 422", got.status)
	}
	form.Set("code", second)
	if got := b.post("/setup", form); got.status != http.StatusSeeOther {
		t.Errorf("the new code answered %d; want 303", got.status)
	}
	s.stop()
}

func TestSIGTERMLetsARequestThatIsUnderWayFinish(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			s := serveFolder(t, initialised(t))
			var dialer net.Dialer
			conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			// The server answers 100 when the handler reads the body, so from then on the request is
			// under way.
			body := url.Values{"email": {"ana@acme.example"}, "password": {goodPassword}}.Encode()
			_, _ = fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
				conn.RemoteAddr(), len(body))
			in := bufio.NewReader(conn)
			if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
				t.Fatalf("the server said %q, %v; want 100 Continue", line, err)
			}
			_, _ = in.ReadString('\n')

			s.signal(signal)
			s.stderr.wait(t, `"stopping"`)
			_, _ = io.WriteString(conn, body)
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("the request got no answer: %v", err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusSeeOther {
				t.Errorf("the request was answered %d; want 303", answer.StatusCode)
			}
			if code := s.exitCode(); code != 0 {
				t.Errorf("exit code %d; want 0: %s", code, s.stderr)
			}
			if _, err := dialer.DialContext(t.Context(), "tcp", conn.RemoteAddr().String()); err == nil {
				t.Error("the port is still open")
			}
		})
	}
}

func TestOversizeHeadersAreRefused(t *testing.T) {
	s := serveFolder(t, initialised(t))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("a", 24<<10))
	answer, err := newBrowser(t, s.url).http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("24 KiB of headers were answered %d; want 431", answer.StatusCode)
	}
}

func TestABusyPortIsRefusedInOneLine(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cli(t, "", "serve", "--listen", l.Addr().String(), "--data", initialised(t)).refused(t, l.Addr().String(), "--listen")
}

func TestABrokenCertificateIsRefusedInOneLine(t *testing.T) {
	file := passwordFile(t, "this is no certificate")
	r := cli(t, "", "serve", "--listen", "127.0.0.1:0", "--data", initialised(t), "--tls-cert", file, "--tls-key", file)
	r.refused(t, "PEM")
}

func TestTheListenerAnswersToItsOwnNamesOnly(t *testing.T) {
	s := serveFolder(t, initialised(t))
	_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
	for host, want := range map[string]int{
		"127.0.0.1:" + port: http.StatusOK, "localhost:" + port: http.StatusOK, "[::1]:" + port: http.StatusOK,
		"localhost": http.StatusMisdirectedRequest, "rebound.example:" + port: http.StatusMisdirectedRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := newBrowser(t, s.url).http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("Host %s was answered %d; want %d", host, answer.StatusCode, want)
		}
	}
}

func TestLogsAtDebugLevelHoldNoSecret(t *testing.T) {
	s := serveFolder(t, filepath.Join(t.TempDir(), "data"), "--log-level", "debug")
	code := s.line(`^    (lku_\w+)$`)
	b := newBrowser(t, s.url)
	b.post("/setup", url.Values{"code": {code}, "account": {"acme"}, "email": {"ana@acme.example"}, "password": {goodPassword}, "zone": {"UTC"}})
	typed := "a wrong password that somebody typed"
	newBrowser(t, s.url).post("/login", url.Values{"email": {"ana@acme.example"}, "password": {typed}})
	newBrowser(t, s.url).signIn("ana@acme.example", goodPassword)
	token := secret.New(secret.KindToken).Reveal()
	b.get("/nowhere/" + token + "?token=" + token)
	b.post("/login?token="+token, url.Values{"email": {token}, "password": {token}})
	base, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{code, goodPassword, url.QueryEscape(goodPassword), typed, url.QueryEscape(typed), token}
	for _, cookie := range b.http.Jar.Cookies(base) {
		secrets = append(secrets, cookie.Value)
	}
	s.stop()
	log := s.stderr.String()
	if !strings.Contains(log, `"level":"INFO"`) || !strings.Contains(log, "/login") {
		t.Fatalf("the log is not what this test is about: %s", log)
	}
	for _, text := range secrets {
		if len(text) < 8 {
			t.Errorf("%q is too short to look for", text)
		}
		if strings.Contains(log, text) {
			t.Errorf("the log holds %q", text)
		}
	}
	if len(secrets) < 7 {
		t.Errorf("only %d secrets were looked for: there was no session cookie", len(secrets))
	}
}
