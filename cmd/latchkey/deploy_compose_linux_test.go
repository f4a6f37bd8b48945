package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

func TestEveryServiceOfAComposeFileIsConfined(t *testing.T) {
	for _, name := range []string{"sqlite.yaml", "postgres.yaml"} {
		file := readCompose(t, name)
		used := map[string]bool{}
		for service, s := range file.Services {
			fails := func(format string, args ...any) { t.Errorf(name+": "+service+": "+format, args...) }
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				fails("read_only %v, cap_drop %v, security_opt %v", s.ReadOnly, s.CapDrop, s.SecurityOpt)
			}
			if s.Restart != "unless-stopped" || s.StopGracePeriod == "" {
				fails("restart %q, stop_grace_period %q", s.Restart, s.StopGracePeriod)
			}
			if ours := s.Image == "latchkey"; ours != (s.Build.Dockerfile == "deploy/Dockerfile") || !ours && !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(s.User) {
				fails("image %q, built of %q, as user %q", s.Image, s.Build.Dockerfile, s.User)
			}
			if test := s.Healthcheck.Test; len(test) < 2 || test[0] != "CMD" {
				fails("health is asked with %q; want a program", test)
			}
			for on, d := range s.DependsOn {
				if _, found := file.Services[on]; !found || d.Condition != "service_healthy" {
					fails("depends on %s being %s", on, d.Condition)
				}
			}
			for _, secret := range s.Secrets {
				if used[secret] = true; file.Secrets[secret].File != "./secrets/"+secret {
					fails("secret %s is the file %q", secret, file.Secrets[secret].File)
				}
			}
			for _, volume := range s.Volumes {
				from, _, _ := strings.Cut(volume, ":")
				if _, declared := file.Volumes[from]; !declared && !strings.HasPrefix(from, "./") {
					fails("the volume %s is declared nowhere", from)
				}
			}
			for _, value := range s.Environment {
				if secret, found := strings.CutPrefix(value, "/run/secrets/"); found && !slices.Contains(s.Secrets, secret) {
					fails("%s is no secret of it", value)
				}
			}
			if public := s.Ports != nil; public != (service == "nginx" || name == "sqlite.yaml") {
				fails("it can be reached from outside on %v", s.Ports)
			}
		}
		if len(used) != len(file.Secrets) {
			t.Errorf("%s: only %v of its secrets are used", name, used)
		}
	}
}

func TestTheComposeFileForSQLiteServesTLSFromAVolume(t *testing.T) {
	s := readCompose(t, "sqlite.yaml").Services["latchkey"]
	got, err := parsed(t, s.environment(t, composeSecrets(t, ""), map[string]string{"LATCHKEY_PUBLIC_URL": "https://keys.example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	if !got.tls() || got.insecure || got.place.postgres() || got.public.String() != "https://keys.example.com" {
		t.Errorf("the settings are %+v; want TLS, an SQLite file and the given address", got)
	}
	if want := []string{"443" + got.listen}; !slices.Equal(s.Ports, want) {
		t.Errorf("the ports are %v; want %v", s.Ports, want)
	}
	if want := []string{"data:" + got.place.folder}; !slices.Equal(s.Volumes, want) {
		t.Errorf("the volumes are %v; want %v", s.Volumes, want)
	}
}

func TestTheComposeFileForPostgreSQLPutsTwoNodesBehindNginx(t *testing.T) {
	file := readCompose(t, "postgres.yaml")
	_, network, err := net.ParseCIDR(file.Networks["latchkey"].IPAM.Config[0].Subnet)
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]bool{}
	for name, s := range file.Services {
		address := s.address(t)
		if !network.Contains(net.ParseIP(address)) || addresses[address] {
			t.Errorf("%s is at %s; want an address of its own in %s", name, address, network)
		}
		addresses[address] = true
	}
	conf := readFile(t, filepath.Join(composeFolder, "nginx.conf"))
	nginx, names := file.Services["nginx"], map[string]bool{}
	for _, name := range []string{"node-1", "node-2"} {
		s := file.Services[name]
		got, err := parsed(t, s.environment(t, composeSecrets(t, "postgres://latchkey@db.example.com/latchkey"), map[string]string{"LATCHKEY_PUBLIC_URL": "https://keys.example.com"}))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !got.place.postgres() || got.insecure || got.node != name {
			t.Errorf("%s: the settings are %+v; want PostgreSQL and its name", name, got)
		}
		if names[got.node] = true; len(got.proxies) != 1 || got.proxies[0].String() != nginx.address(t)+"/32" {
			t.Errorf("%s believes %v about who a client is; want nginx alone", name, got.proxies)
		}
		if server := "server " + s.address(t) + got.listen + " max_fails=0;"; !strings.Contains(conf, server) {
			t.Errorf("nginx.conf does not have %q", server)
		}
		if len(s.Tmpfs) != 1 || !strings.HasPrefix(s.Tmpfs[0], got.place.folder+":uid=65532,gid=65532,mode=0700") {
			t.Errorf("%s has the folders %v in memory; want %s", name, s.Tmpfs, got.place.folder)
		}
		if _, waits := s.DependsOn["postgres"]; !waits {
			t.Errorf("%s does not wait for the database", name)
		}
		if _, waits := nginx.DependsOn[name]; !waits {
			t.Errorf("nginx does not wait for %s", name)
		}
	}
	var listens []string
	for _, m := range regexp.MustCompile(`(?m)^\s*listen (\d+)`).FindAllStringSubmatch(conf, -1) {
		listens = append(listens, m[1])
	}
	var ports []string
	for _, p := range nginx.Ports {
		_, inside, _ := strings.Cut(p, ":")
		ports = append(ports, inside)
	}
	slices.Sort(ports)
	if slices.Sort(listens); !slices.Equal(ports, listens) || len(ports) != 2 {
		t.Errorf("nginx listens on %v, and %v are reached", listens, ports)
	}
	for _, m := range regexp.MustCompile(`/run/secrets/([\w-]+);`).FindAllStringSubmatch(conf, -1) {
		if !slices.Contains(nginx.Secrets, m[1]) {
			t.Errorf("nginx reads %s, which is no secret of it", m[1])
		}
	}
	if !strings.Contains(readFile(t, filepath.Join(composeFolder, "postgres.yaml")), "@"+file.Services["postgres"].address(t)+"/latchkey?sslmode=disable") {
		t.Error("the file tells another address of the database than it has")
	}
}

// TestASettingThatIsNoneIsRefused: else the tests of the files above would show nothing.
func TestASettingThatIsNoneIsRefused(t *testing.T) {
	s := readCompose(t, "postgres.yaml").Services["node-1"]
	s.Environment["LATCHKEY_DATABASE_URI_FILE"] = "/run/secrets/database-url"
	env := s.environment(t, composeSecrets(t, "postgres://latchkey@db.example.com/latchkey"), map[string]string{"LATCHKEY_PUBLIC_URL": "https://keys.example.com"})
	cliWith(t, env, "", "version").refused(t, "LATCHKEY_DATABASE_URI_FILE", "no setting")
}

// balancer of deploy/compose, as it runs: with https and http addresses, and the certificate's authority.
type composeBalancer struct {
	t           *testing.T
	https, http string
	pool        *x509.CertPool
}

// startComposeNginx runs the shipped configuration of nginx in front of two addresses.
func startComposeNginx(t *testing.T, listen string, nodes [2]string) *composeBalancer {
	t.Helper()
	needs(t, "nginx")
	secrets, folder := composeSecrets(t, ""), t.TempDir()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(readFile(t, filepath.Join(secrets, "tls-cert"))))
	plain := freeAddress(t)
	path := composeNginx(t, secrets, folder, listen, plain, nodes)
	test := exec.CommandContext(t.Context(), "nginx", "-t", "-p", folder, "-e", "stderr", "-c", path)
	if text, err := test.CombinedOutput(); err != nil || strings.Contains(string(text), "[warn]") {
		t.Fatalf("nginx -t: %v: %s", err, text)
	}
	runProxy(t, exec.CommandContext(t.Context(), "nginx", "-p", folder, "-e", "stderr", "-c", path), listen)
	return &composeBalancer{t, "https://" + listen, "http://" + plain, pool}
}

// browser is a browser that trusts nginx's certificate.
func (b *composeBalancer) browser() *browser {
	client := newBrowser(b.t, b.https)
	client.http.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: b.pool, MinVersion: tls.VersionTLS12}}
	return client
}

// TestTheComposedNodesWorkBehindTheirNginx starts two nodes with the variables of the compose file alone, and nginx
// with its configuration, on a real PostgreSQL.
func TestTheComposedNodesWorkBehindTheirNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: two nodes, PostgreSQL and nginx")
	}
	database := storetest.NewCluster(t).URL("postgres")
	token := newDatabase(t, database, 1)[0]
	listen, file := freeAddress(t), readCompose(t, "postgres.yaml")
	var nodes []*process
	var addresses [2]string
	for i, name := range []string{"node-1", "node-2"} {
		addresses[i] = freeAddress(t)
		env := file.Services[name].environment(t, composeSecrets(t, database), map[string]string{"LATCHKEY_PUBLIC_URL": "https://" + listen})
		env = append(env, "LATCHKEY_LISTEN="+addresses[i], "LATCHKEY_TRUSTED_PROXIES=127.0.0.1", "LATCHKEY_DATA="+t.TempDir())
		cmd := exec.CommandContext(t.Context(), binary(t), "serve")
		cmd.Env = env
		nodes = append(nodes, startCommand(t, cmd))
		nodes[i].line(`is served on (https://` + listen + `)$`)
		check := file.Services[name].Healthcheck.Test[2:]
		check[len(check)-1] = strings.Replace(check[len(check)-1], "127.0.0.1:8080", addresses[i], 1)
		eventually(t, name+" is healthy", func() bool { return cliWith(t, env, "", check...).code == 0 })
	}
	b := startComposeNginx(t, listen, addresses)
	admin := b.browser()
	admin.signIn("ana@acme.example", goodPassword)
	works := func() {
		t.Helper()
		for range 8 {
			if got := admin.get(pathList); got.status != http.StatusOK {
				t.Errorf("the list answers %d", got.status)
			}
			if got := admin.post(pathNew, url.Values{"name": {"Order sync"}, "nonce": {secret.NewNonce()}}); got.status != http.StatusOK {
				t.Errorf("a key is generated with %d", got.status)
			}
			ask := newCaller(t, b.https)
			ask.http = admin.http
			ask.get("/v1/verify", token.bearer()).is(t, http.StatusNoContent)
		}
	}
	works()
	nodes[0].stop()
	works()
	for _, path := range []string{"/login?next=%2F", "/v1/verify"} {
		if got := newBrowser(t, b.http).get(path); got.status != http.StatusMovedPermanently || got.location != "https://127.0.0.1"+path {
			t.Errorf("plain http answers %d to %q", got.status, got.location)
		}
	}
	nodes[1].stop()
	if got := admin.get(pathList); got.status != http.StatusBadGateway {
		t.Errorf("without a node nginx answers %d", got.status)
	}
}

// breaker takes requests, and breaks off each without an answer, as a node does that dies.
type breaker struct {
	address string
	// forms and presented count the requests that came whole: to make something, and to present a secret.
	forms, presented atomic.Int64
}

func newBreaker(t *testing.T) *breaker {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{address: l.Addr().String()}
	ended := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.take(c)
		}
	}()
	return b
}

func (b *breaker) take(c net.Conn) {
	defer func() { _ = c.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || r.ParseForm() != nil || r.Method != http.MethodPost {
		return
	}
	if r.PostForm.Has("nonce") {
		b.forms.Add(1)
	} else {
		b.presented.Add(1)
	}
}

// TestNginxSendsAFormAgainThatMakesNothingTwice puts a node that breaks off beside one that works.
func TestNginxSendsAFormAgainThatMakesNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: a real nginx")
	}
	folder, _ := guarded(t, 0)
	listen, address, broken := freeAddress(t), freeAddress(t), newBreaker(t)
	p := start(t, "serve", "--data", folder, "--listen", address, "--public-url", "https://"+listen, "--trusted-proxies", "127.0.0.1")
	p.line(`is served on (https://` + listen + `)$`)
	b := startComposeNginx(t, listen, [2]string{broken.address, address})
	admin := b.browser()
	lost, signedIn := 0, 0
	for range 6 {
		switch got := admin.post("/login", url.Values{"email": {"ana@acme.example"}, "password": {goodPassword}}); got.status {
		case http.StatusBadGateway:
			lost++
		case http.StatusSeeOther:
			signedIn++
		default:
			t.Errorf("the sign-in answers %d", got.status)
		}
	}
	if n := broken.presented.Load(); n == 0 || int64(lost) != n || signedIn == 0 {
		t.Errorf("%d sign-ins broke off, %d people were told and %d came in; a password must not be sent again", n, lost, signedIn)
	}
	const forms = 6
	for range forms {
		if got := admin.post(pathNew, url.Values{"name": {"Order sync"}, "nonce": {secret.NewNonce()}}); got.status != http.StatusOK {
			t.Errorf("a key is generated with %d", got.status)
		}
	}
	if n := broken.forms.Load(); n == 0 {
		t.Error("no form broke off, so none was sent again")
	}
	inStore(t, folder, func(s *store.Store, _ keys.Actor) {
		accounts, err := s.Accounts(t.Context())
		if err != nil || accounts[0].KeyCount != forms {
			t.Errorf("there are %d keys after %d forms: %v", accounts[0].KeyCount, forms, err)
		}
	})
}
