package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheckAsksTheServerOfTheSettings(t *testing.T) {
	folder, _ := guarded(t, 0)
	certFile, keyFile, _ := certificate(t)
	path := socketPath(t)
	s := serveFolder(t, folder, "--verify-listen", "unix:"+path)
	at := strings.TrimPrefix(s.url, "http://")
	_, port, _ := strings.Cut(at, ":")
	for _, args := range [][]string{
		{"--listen", at},
		{"--listen", ":" + port},
		{"--listen", "0.0.0.0:" + port},
		{"--listen", "localhost:" + port},
		{"--verify-listen", "unix:" + path, "--listen", "127.0.0.1:1"},
		{"--url", s.url + "/readyz"},
		{"--verify-listen", "127.0.0.1:1", "--listen", at},
	} {
		r := cli(t, "", append([]string{"healthcheck"}, args...)...).ok(t)
		if strings.Count(r.stdout, "\n") != 1 || !strings.HasSuffix(r.stdout, "ok\n") && !strings.HasSuffix(r.stdout, "ready\n") {
			t.Errorf("healthcheck %v said %q; want one line that ends in ok or ready", args, r.stdout)
		}
	}
	if r := cliWith(t, []string{"LATCHKEY_LISTEN=" + at, "LATCHKEY_VERIFY_LISTEN=unix:" + path}, "", "healthcheck"); r.stdout != "unix:"+path+": ok\n" || r.code != 0 {
		t.Errorf("with the server's variables healthcheck said %q, %q; want that the socket is ok", r.stdout, r.stderr)
	}
	s.stop()
	cli(t, "", "healthcheck", "--listen", at).refused(t, "http://"+at+"/healthz", "--url")
	cli(t, "", "healthcheck", "--verify-listen", "unix:"+path).refused(t, path)

	p := start(t, "serve", "--listen", "127.0.0.1:0", "--data", folder, "--tls-cert", certFile, "--tls-key", keyFile)
	secure := strings.TrimPrefix(p.line(`is served on (https://127\.0\.0\.1:\d+)$`), "https://")
	if r := cli(t, "", "healthcheck", "--listen", secure, "--tls-cert", certFile); r.code != 0 || !strings.HasPrefix(r.stdout, "https://"+secure+"/healthz: ") {
		t.Errorf("over https healthcheck said %q, %q", r.stdout, r.stderr)
	}
	cli(t, "", "healthcheck", "--listen", secure).refused(t, "400")
	p.stop()
}

// TestHealthcheckFailsUnlessTheAnswerIs200: what ails a degraded server no restart mends, so it passes.
func TestHealthcheckFailsUnlessTheAnswerIs200(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{http.StatusOK, `{"status":"degraded","reason":"usage cannot be written"}`, "degraded: usage cannot be written"},
		{http.StatusServiceUnavailable, `{"status":"not ready"}`, "answered 503: not ready"},
		{http.StatusNotFound, `nothing here`, "answered 404: Not Found"},
		{http.StatusFound, ``, "answered 302: Found"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		r := cli(t, "", "healthcheck", "--url", server.URL+"/healthz")
		if c.status != http.StatusOK {
			r.refused(t, c.want)
		} else if r.ok(t); !strings.HasSuffix(r.stdout, c.want+"\n") {
			t.Errorf("healthcheck said %q; want %q", r.stdout, c.want)
		}
		server.Close()
	}
}

func TestHealthcheckSaysWhatItCannotAsk(t *testing.T) {
	for _, args := range [][]string{
		{"--url", "127.0.0.1:8080"}, {"--url", "ftp://127.0.0.1"}, {"--url", "/healthz"}, {"--listen", "127.0.0.1:0"}, {"--listen", "127.0.0.1"},
	} {
		cli(t, "", append([]string{"healthcheck"}, args...)...).refused(t, args[0], "Nothing was asked")
	}
}
