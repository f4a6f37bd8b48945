package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"latchkey/deploy"
	"latchkey/keys"
)

// proxy is a real proxy with the configuration that we ship, in front of an application that remembers
// what reached it.
type proxy struct {
	*caller
	app    *application
	folder string
}

// proxyKinds are the proxies that tests run: how each is started with a filled-in recipe.
var proxyKinds = map[string]func(t testing.TB, folder, recipe string) *exec.Cmd{
	"nginx": nginxCommand,
	"caddy": caddyCommand,
}

// startProxy starts a proxy that asks the verifier at a socket about orders.read of acme.
func startProxy(t testing.TB, kind, socket string) *proxy {
	t.Helper()
	app := newApplication(t)
	listen := freeAddress(t)
	recipe := recipeOf(t, kind, socket)
	recipe = replaceOnce(t, recipe, "127.0.0.1:8000", listen)
	recipe = replaceOnce(t, recipe, "127.0.0.1:3000", app.address)
	folder := t.TempDir()
	runProxy(t, proxyKinds[kind](t, folder, recipe), listen)
	return &proxy{newCaller(t, "http://"+listen), app, folder}
}

// recipeOf is the shipped configuration, filled in.
func recipeOf(t testing.TB, kind, socket string) string {
	t.Helper()
	place := deploy.Place{
		Verifier: "unix:" + socket, Account: "acme", Resource: "orders.read",
		KeyHeader: keys.DefaultKeyHeader, TokenHeader: keys.DefaultTokenHeader,
	}
	for _, r := range deploy.Recipes(place) {
		if r.Slug == kind {
			return r.Text
		}
	}
	t.Fatalf("there is no recipe for %s", kind)
	return ""
}

func replaceOnce(t testing.TB, text, before, after string) string {
	t.Helper()
	if n := strings.Count(text, before); n != 1 {
		t.Fatalf("%q stands %d times in the recipe", before, n)
	}
	return strings.Replace(text, before, after, 1)
}

// nginxCommand includes the recipe as it is into a configuration that keeps nginx's files in a folder.
func nginxCommand(t testing.TB, folder, recipe string) *exec.Cmd {
	t.Helper()
	write(t, filepath.Join(folder, "latchkey.conf"), recipe)
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // its workers shall open the test's socket
	}
	write(t, filepath.Join(folder, "nginx.conf"), fmt.Sprintf(`
		%s worker_processes 2; daemon off; pid %[2]s/pid; error_log %[2]s/error.log info;
		events { worker_connections 1024; }
		http {
			access_log %[2]s/access.log; client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy;
			fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
			include %[2]s/latchkey.conf;
		}`, user, folder))
	return exec.CommandContext(t.Context(), "nginx", "-p", folder, "-e", filepath.Join(folder, "error.log"), "-c", filepath.Join(folder, "nginx.conf"))
}

func caddyCommand(t testing.TB, folder, recipe string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(folder, "Caddyfile")
	write(t, path, replaceOnce(t, recipe, "\n{\n", "\n{\n\tadmin off\n"))
	cmd := exec.CommandContext(t.Context(), "caddy", "run", "--adapter", "caddyfile", "--config", path)
	cmd.Env = []string{"HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// runProxy runs a proxy until the test ends, and waits until it takes connections.
func runProxy(t testing.TB, cmd *exec.Cmd, listen string) {
	t.Helper()
	said := newWatched()
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if secretShape.MatchString(said.String()) {
			t.Errorf("the proxy printed a secret: %s", said)
		}
	})
	eventually(t, "the proxy takes connections", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", cmd.Path, said)
		default:
		}
		c, err := net.Dial("tcp", listen) //nolint:noctx // it is this machine
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// application is what is guarded. It remembers the requests that reached it.
type application struct {
	address string
	mu      sync.Mutex
	reached []reached
}

// reached is a request that got through.
type reached struct {
	method, uri, body string
	header            http.Header
}

func newApplication(t testing.TB) *application {
	t.Helper()
	app := &application{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		app.mu.Lock()
		defer app.mu.Unlock()
		app.reached = append(app.reached, reached{r.Method, r.RequestURI, string(body), r.Header.Clone()})
		w.Header().Set("X-Application", "yes")
		_, _ = io.WriteString(w, "orders")
	}))
	t.Cleanup(server.Close)
	app.address = server.Listener.Addr().String()
	return app
}

// take returns the requests that reached the application since the last time.
func (a *application) take() []reached {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.reached
	a.reached = nil
	return all
}

// lets returns the one request that reached the application when this was sent.
func (p *proxy) lets(method, path string, header http.Header, body string) reached {
	p.t.Helper()
	got, err := p.try(method, path, header, body)
	if err != nil {
		p.t.Fatal(err)
	}
	all := p.app.take()
	if got.status != http.StatusOK || got.body != "orders" || got.header.Get("X-Application") != "yes" || len(all) != 1 {
		p.t.Fatalf("answered %d %q, and %d requests reached the application; want 200 and 1", got.status, got.body, len(all))
	}
	return all[0]
}

// keepsOut fails the test unless the answer has a status and nothing reached the application.
func (p *proxy) keepsOut(header http.Header, status int) verdict {
	p.t.Helper()
	got := p.get("/orders", header)
	got.is(p.t, status)
	if all := p.app.take(); len(all) > 0 {
		p.t.Errorf("it reached the application: %+v", all)
	}
	return got
}

// merged is one header of several.
func merged(headers ...http.Header) http.Header {
	all := http.Header{}
	for _, h := range headers {
		for name, values := range h {
			all[name] = append(slices.Clone(all[name]), values...)
		}
	}
	return all
}
