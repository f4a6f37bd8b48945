package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store/storetest"
)

// Whoever is sent to one node now and to another one then meets one console.
func TestNodesShareWhatTheyKnow(t *testing.T) {
	t.Parallel()
	cluster := storetest.NewCluster(t)
	database := cluster.URL("postgres")
	nodes := []*node{startNode(t, database, "node-1"), startNode(t, database, "node-2")}
	var codes []string
	for _, n := range nodes {
		codes = append(codes, n.setupCode())
	}

	t.Run("the code of one node sets the installation up on the other, once", func(t *testing.T) {
		form := url.Values{"account": {"acme"}, "email": {"ana@acme.example"}, "password": {goodPassword}, "zone": {"UTC"}}
		form.Set("code", codes[1])
		if got := newBrowser(t, nodes[0].url).post("/setup", form); got.status != http.StatusSeeOther {
			t.Fatalf("setup answered %d; want 303", got.status)
		}
		form.Set("code", codes[0])
		if got := newBrowser(t, nodes[1].url).post("/setup", form); got.status != http.StatusNotFound {
			t.Errorf("a second setup answered %d; want 404", got.status)
		}
	})
	t.Run("a session begins on one node and ends on the other", func(t *testing.T) {
		here := newBrowser(t, nodes[0].url)
		here.signIn("ana@acme.example", goodPassword)
		there := onOther(t, here, nodes[1])
		if got := there.get(pathList); got.status != http.StatusOK {
			t.Errorf("the other node answers %d; want 200", got.status)
		}
		there.post("/logout", url.Values{})
		if got := here.get(pathList); got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/login") {
			t.Errorf("after the sign-out it answers %d to %q; want 303 to /login", got.status, got.location)
		}
	})
	here := newBrowser(t, nodes[0].url)
	here.signIn("ana@acme.example", goodPassword)
	both := []*browser{here, onOther(t, here, nodes[1])}
	var k issued
	t.Run("one form, sent to both nodes at once, makes one key", func(t *testing.T) {
		form := url.Values{"name": {"Twice"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}}
		answers := make([]page, len(both))
		var sending sync.WaitGroup
		for i, b := range both {
			sending.Go(func() { answers[i] = b.post(pathNew, form) })
		}
		sending.Wait()
		tokens := 0
		for _, a := range answers {
			if token := shownToken.FindStringSubmatch(a.body); a.status == http.StatusOK && token != nil {
				tokens++
				k = issued{id: keys.KeyID(shownKey.FindStringSubmatch(a.body)[1]), token: token[1]}
			}
		}
		if made := cluster.Text("postgres", `SELECT count(*)::text FROM api_key`); made != "1" || tokens != 1 {
			t.Errorf("%s keys were made and %d tokens shown; want 1 and 1", made, tokens)
		}
	})
	t.Run("what was counted on both nodes is one number", func(t *testing.T) {
		for i, n := range nodes {
			eventually(t, n.name+" knows the token", func() bool { return n.verifies(k) == http.StatusNoContent })
			for range 3 + i {
				n.verifies(k)
			}
		}
		eventually(t, "all nine are counted", func() bool {
			return cluster.Text("postgres", `SELECT COALESCE(sum(accepted), 0)::text FROM usage_hourly`) == "9"
		})
	})
	t.Run("failed sign-ins on one node count on the other", func(t *testing.T) {
		fail := func(n *node) page {
			return newBrowser(t, n.url).post("/login", url.Values{"email": {"ana@acme.example"}, "password": {"wrong horse of no battery"}})
		}
		for range keys.FreeFailures {
			fail(nodes[0])
		}
		if got := fail(nodes[1]); got.status != http.StatusTooManyRequests {
			t.Errorf("the other node answers the next one with %d; want 429", got.status)
		}
	})
}

// setupCode is the setup code of a node.
func (n *node) setupCode() string {
	n.t.Helper()
	return n.line(`^    (lku_\w+)$`)
}

// onOther is the same browser at another node.
func onOther(t *testing.T, b *browser, n *node) *browser {
	t.Helper()
	other := newBrowser(t, n.url)
	from, _ := url.Parse(b.base)
	to, _ := url.Parse(n.url)
	other.http.Jar.SetCookies(to, b.http.Jar.Cookies(from))
	return other
}
