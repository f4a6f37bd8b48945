package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// newDatabase makes account acme in a PostgreSQL database, with n keys.
func newDatabase(t testing.TB, database string, n int) (all []issued) {
	t.Helper()
	code := run(t.Context(), []string{"init", "--database-url", database, "--account", "acme", "--email", "ana@acme.example", "--password-file", "-"}, nil,
		strings.NewReader(goodPassword), io.Discard, io.Discard)
	if code != 0 {
		t.Fatalf("init ended with %d", code)
	}
	inStoreAt(t, database, "acme", func(s *store.Store, by keys.Actor) { all = issue(t, s, by, n) })
	return all
}

// node is a server among several.
type node struct {
	*served
	t          testing.TB
	name       string
	listen     string
	args       []string
	dataFolder string
	ask        *caller
}

// startNode starts a node on a database, on a port that it keeps when it is started again.
func startNode(t testing.TB, database, name string, more ...string) *node {
	t.Helper()
	n := &node{t: t, name: name, listen: freeAddress(t), dataFolder: filepath.Join(t.TempDir(), name)}
	n.args = append([]string{"--database-url", database, "--node-name", name, "--listen", n.listen, "--log-level", "warn"}, more...)
	n.start()
	return n
}

func (n *node) start() {
	n.t.Helper()
	p := start(n.t, append([]string{"serve", "--data", n.dataFolder}, n.args...)...)
	p.line(`is served on (\S+)$`)
	n.served = &served{process: p, url: "http://" + n.listen, folder: n.dataFolder}
	n.ask = newCaller(n.t, n.url)
	eventually(n.t, n.name+" is ready", func() bool { return n.ask.get("/readyz", nil).status == http.StatusOK })
}

// verifies is the status of a verification of a key on this node, or 0 when there is no answer.
func (n *node) verifies(k issued) int {
	got, err := n.ask.try(http.MethodGet, "/v1/verify", k.bearer(), "")
	if err != nil {
		return 0
	}
	return got.status
}

// balanced are nodes behind nginx, and an admin who is signed in there.
type balanced struct {
	t     testing.TB
	nodes []*node
	url   string
	admin *browser
}

// balance starts two nodes on a database, behind nginx.
func balance(t testing.TB, database string, more ...string) *balanced {
	t.Helper()
	listen := freeAddress(t)
	b := &balanced{t: t, url: "http://" + listen}
	more = append([]string{"--public-url", b.url, "--trusted-proxies", "127.0.0.1"}, more...)
	for _, name := range []string{"node-1", "node-2"} {
		b.nodes = append(b.nodes, startNode(t, database, name, more...))
	}
	recipe := replaceOnce(t, balancer, "NODE1", b.nodes[0].listen)
	recipe = replaceOnce(t, replaceOnce(t, recipe, "NODE2", b.nodes[1].listen), "LISTEN", listen)
	runProxy(t, nginxCommand(t, t.TempDir(), recipe), listen)
	b.admin = newBrowser(t, b.url)
	b.admin.signIn("ana@acme.example", goodPassword)
	return b
}

// balancer passes requests to the nodes in turn, and says which one answered. What one node did not answer is
// asked of the other, and also what a node answers 503 to because it has just started: every form carries a
// nonce, so nothing is made twice. No node is ever left out for a while:
// one that has stopped refuses connections at once, and with the other one left out for a lost connection there
// would be none.
const balancer = `
	upstream nodes { server NODE1 max_fails=0; server NODE2 max_fails=0; keepalive 64; }
	server {
		listen LISTEN;
		location / {
			proxy_pass http://nodes;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_next_upstream error timeout http_503 non_idempotent;
			proxy_connect_timeout 5s;
			add_header X-Node $upstream_addr always;
		}
	}`

// other is the node that did not answer.
func (b *balanced) other(answer *http.Response) *node {
	b.t.Helper()
	addresses := strings.Split(answer.Header.Get("X-Node"), ", ")
	answered := addresses[len(addresses)-1]
	at := slices.IndexFunc(b.nodes, func(n *node) bool { return n.listen == answered })
	if at < 0 {
		b.t.Fatalf("no node has the address %q", answered)
	}
	return b.nodes[1-at]
}

// deactivate sends the form that deactivates a key, and returns the answer, or nil when there is none.
func (b *balanced) deactivate(k issued) *http.Response {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+pathKey(string(k.id), "deactivate"), strings.NewReader(url.Values{}.Encode()))
	if err != nil {
		b.t.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := b.admin.http.Do(r)
	if err != nil {
		return nil
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer
}

// revoke deactivates a key, again until that is acknowledged, and returns how long after the acknowledgement
// the other node still let the token in.
func (b *balanced) revoke(k issued) time.Duration {
	b.t.Helper()
	var answer *http.Response
	eventually(b.t, "the deactivation is acknowledged", func() bool {
		answer = b.deactivate(k)
		return answer != nil && answer.StatusCode == http.StatusSeeOther
	})
	answered, other := time.Now(), b.other(answer)
	last := answered
	eventuallyOften(b.t, "the other node refuses", func() bool {
		began := time.Now()
		if other.verifies(k) == http.StatusNoContent {
			last = began
			return false
		}
		return true
	})
	return last.Sub(answered)
}

// posts sends a form of the admin through nginx, which must be done.
func (b *balanced) posts(path string, form url.Values) page {
	b.t.Helper()
	got := b.admin.post(path, form)
	if got.status != http.StatusSeeOther && got.status != http.StatusOK {
		b.t.Fatalf("%s answered %d; want it done", path, got.status)
	}
	return got
}

// generate makes a key through nginx.
func (b *balanced) generate() issued {
	b.t.Helper()
	got := b.posts(pathNew, url.Values{"name": {"Order sync"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}})
	return issued{id: keys.KeyID(shownKey.FindStringSubmatch(got.body)[1]), token: shownToken.FindStringSubmatch(got.body)[1]}
}

// renewNow gives a key a new token through nginx, ends the old one, and returns the key with its new token.
func (b *balanced) renewNow(k issued) issued {
	b.t.Helper()
	got := b.posts(pathKey(string(k.id), "renew"), url.Values{"nonce": {secret.NewNonce()}})
	b.posts(pathKey(string(k.id), "old-token/delete"), url.Values{})
	return issued{id: k.id, token: shownToken.FindStringSubmatch(got.body)[1]}
}

// eventuallyOften is eventually without a pause.
func eventuallyOften(t testing.TB, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(deadline); !done(); {
		if time.Now().After(limit) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// spread are the figures of many durations.
func spread(all []time.Duration) string {
	slices.Sort(all)
	at := func(p int) time.Duration { return all[min(len(all)*p/100, len(all)-1)].Round(10 * time.Microsecond) }
	return fmt.Sprintf("p50 %s, p99 %s, max %s", at(50), at(99), all[len(all)-1].Round(10*time.Microsecond))
}
