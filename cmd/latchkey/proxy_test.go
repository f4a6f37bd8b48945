package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/keys/verifier"
	"latchkey/store"
)

// secretShape is the shape of everything that must not be in a log.
var secretShape = regexp.MustCompile(`lk[a-z]_[0-9A-Za-z]{49}`)

// eachProxy runs a test with every proxy that can be run here, in front of the real program.
func eachProxy(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: real proxies")
	}
	for kind := range proxyKinds {
		t.Run(kind, func(t *testing.T) {
			needs(t, kind)
			test(t, kind)
		})
	}
}

// guardedBy is a proxy before the real program, which serves a folder on a socket.
func guardedBy(t *testing.T, kind, folder string, flags ...string) (*proxy, *served) {
	t.Helper()
	socket := socketPath(t)
	s := serveFolder(t, folder, append([]string{"--verify-listen", "unix:" + socket, "--trusted-proxies", "unix", "--log-level", "debug"}, flags...)...)
	return startProxy(t, kind, socket), s
}

// identityHeaders are the headers that say who came in.
var identityHeaders = []string{"X-Latchkey-Key-Id", "X-Latchkey-Account", "X-Latchkey-Roles", "X-Latchkey-Token-State"}

// wantIdentity fails the test unless exactly this key came in, whatever way its headers may be read.
func (r reached) wantIdentity(t *testing.T, key issued) {
	t.Helper()
	want := map[string]string{
		"X-Latchkey-Key-Id": string(key.id), "X-Latchkey-Account": "acme", "X-Latchkey-Roles": "orders-viewer", "X-Latchkey-Token-State": "current",
	}
	for _, name := range identityHeaders {
		if got := r.header[name]; len(got) != 1 || got[0] != want[name] {
			t.Errorf("%s is %q; want only %q", name, got, want[name])
		}
	}
	r.wantNothingElse(t, 4)
}

// wantNothingElse fails the test when there are more headers that an application could take for identity,
// or any credentials of ours.
func (r reached) wantNothingElse(t *testing.T, identity int) {
	t.Helper()
	for name, values := range r.header {
		folded := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		// Where Latchkey says nothing, some versions of Caddy put in the name of what is missing.
		nothing := strings.Join(values, "") == "" || len(values) == 1 && values[0] == "{http.reverse_proxy.header."+name+"}"
		if strings.HasPrefix(folded, "x-latchkey") && !nothing {
			identity--
		}
		if strings.HasPrefix(folded, "x-vtex") {
			t.Errorf("%s reached the application", name)
		}
		if secretShape.MatchString(strings.Join(values, " ")) {
			t.Errorf("a token reached the application in %s", name)
		}
	}
	if identity != 0 {
		t.Errorf("there are %d identity headers too few or many: %v", identity, r.header)
	}
}

func TestThroughAProxyARightKeyComesIn(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder)
		for name, credentials := range map[string]http.Header{"pair": all[0].pair(), "bearer": all[0].bearer()} {
			got := p.lets(http.MethodGet, "/orders?page=2", credentials, "")
			got.wantIdentity(t, all[0])
			if got.method != http.MethodGet || got.uri != "/orders?page=2" {
				t.Errorf("with %s, %s %s reached the application", name, got.method, got.uri)
			}
			if id := got.header["X-Request-Id"]; len(id) != 1 || len(id[0]) < 16 {
				t.Errorf("the request's id is %q", id)
			}
			if got.header.Get("Authorization") != "" {
				t.Errorf("Authorization reached the application: %q", got.header["Authorization"])
			}
		}
	})
}

func TestThroughAProxyABodyArrivesWhole(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder)
		body := strings.Repeat("an order; ", 100_000)
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			got := p.lets(method, "/orders", all[0].pair(), body)
			got.wantIdentity(t, all[0])
			if got.method != method || got.body != body {
				t.Errorf("%s arrived as %s with %d of %d bytes", method, got.method, len(got.body), len(body))
			}
		}
	})
}

func TestThroughAProxyNobodyElseComesIn(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 3)
		var elsewhere []issued
		inStore(t, folder, func(s *store.Store, by keys.Actor) {
			if _, _, err := s.DeactivateKey(t.Context(), by, all[1].id); err != nil {
				t.Fatal(err)
			}
			made, err := s.GenerateKey(t.Context(), by, store.NewKey{Name: "Catalog", Roles: []string{"catalog-viewer"}, Nonce: secret.NewNonce()})
			if err != nil {
				t.Fatal(err)
			}
			elsewhere = append(elsewhere, issued{made.Key.ID, made.Key.Tokens[0].Number, made.Token.Reveal()})
		})
		p, _ := guardedBy(t, kind, folder)
		wrong := issued{id: all[0].id, token: secret.New(secret.KindToken).Reveal()}
		right := all[0].pair()
		doubled := right.Clone()
		doubled.Add(keys.DefaultTokenHeader, wrong.token)
		for name, row := range map[string]struct {
			header    http.Header
			status    int
			challenge string
		}{
			"nothing":               {nil, 401, `Bearer realm="latchkey"`},
			"Basic alone":           {http.Header{"Authorization": {"Basic YTpi"}}, 401, `Bearer realm="latchkey"`},
			"a wrong token":         {wrong.pair(), 401, `Bearer realm="latchkey", error="invalid_token"`},
			"a wrong bearer":        {wrong.bearer(), 401, `Bearer realm="latchkey", error="invalid_token"`},
			"another key's token":   {issued{id: all[2].id, token: all[0].token}.pair(), 401, `Bearer realm="latchkey", error="invalid_token"`},
			"an inactive key":       {all[1].pair(), 401, `Bearer realm="latchkey", error="invalid_token", error_description="inactive"`},
			"two tokens":            {doubled, 401, `Bearer realm="latchkey", error="invalid_request"`},
			"pair and bearer":       {merged(all[0].pair(), all[0].bearer()), 401, `Bearer realm="latchkey", error="invalid_request"`},
			"a resource not given":  {elsewhere[0].pair(), 403, `Bearer realm="latchkey", error="insufficient_scope", scope="orders.read"`},
			"forged identity alone": {http.Header{"X-Latchkey-Key-Id": {string(all[0].id)}, "X-Latchkey-Account": {"acme"}}, 401, `Bearer realm="latchkey"`},
			"a wish of its own": {
				merged(elsewhere[0].pair(), http.Header{"X-Latchkey-Want-Resource": {"catalog.read"}, "X-Original-Uri": {"/public"}, "X-Forwarded-Uri": {"/public"}}),
				403, `Bearer realm="latchkey", error="insufficient_scope", scope="orders.read"`,
			},
		} {
			got := p.keepsOut(row.header, row.status)
			// nginx passes the challenge of a 401 on, and keeps that of a 403.
			if challenge := got.header.Get("WWW-Authenticate"); challenge != row.challenge && (kind != "nginx" || row.status == 401) {
				t.Errorf("%s: the challenge is %q; want %q", name, challenge, row.challenge)
			}
		}
		if got := p.get("/orders?resource=catalog.read&account=globex", elsewhere[0].pair()); got.status != http.StatusForbidden {
			t.Errorf("the client's own query decided: %d", got.status)
		}
	})
}

// forgeries are identity headers of a client that would be somebody else, each in every way to write them.
func forgeries() (all []http.Header) {
	for _, name := range identityHeaders {
		for _, written := range []string{name, strings.ReplaceAll(name, "-", "_"), strings.ToLower(name), strings.Replace(name, "-", "_", 1), strings.Replace(name, "Latchkey-", "Latchkey_", 1)} {
			all = append(all, http.Header{written: {"root"}}, http.Header{written: {"root", "owner"}}, http.Header{written: {""}})
		}
	}
	return append(all, http.Header{"X-Latchkey-Anything": {"root"}})
}

func TestThroughAProxyForgedIdentityIsReplaced(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder)
		everything := http.Header{}
		for _, forged := range forgeries() {
			if kind == "nginx" && forged.Get("X-Latchkey-Anything") != "" {
				continue // nginx replaces the headers that there are, and no others
			}
			everything = merged(everything, forged)
			p.lets(http.MethodGet, "/orders", merged(all[0].pair(), forged), "").wantIdentity(t, all[0])
		}
		p.lets(http.MethodGet, "/orders", merged(all[0].bearer(), everything), "").wantIdentity(t, all[0])
	})
}

func TestThroughAProxyForgedIdentityGoesAlsoWhenLatchkeySaysNothing(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder, "--identity-headers=false")
		everything := all[0].pair()
		for _, forged := range forgeries() {
			if forged.Get("X-Latchkey-Anything") == "" {
				everything = merged(everything, forged)
			}
		}
		p.lets(http.MethodGet, "/orders", everything, "").wantNothingElse(t, 0)
	})
}

func TestThroughAProxyAnApplicationsOwnAuthorizationPasses(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder)
		for _, own := range []string{"Basic YTpi", "Bearer eyJhbGciOi", "Digest username=ana"} {
			got := p.lets(http.MethodGet, "/orders", merged(all[0].pair(), http.Header{"Authorization": {own}}), "")
			got.wantIdentity(t, all[0])
			if values := got.header["Authorization"]; len(values) != 1 || values[0] != own {
				t.Errorf("Authorization %q arrived as %q", own, values)
			}
		}
	})
}

func TestThroughAProxyAFloodIsTold429AndARightKeyIsNot(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, _ := guardedBy(t, kind, folder, "--refusals-per-minute", "5")
		wrong := issued{id: all[0].id, token: secret.New(secret.KindToken).Reveal()}
		told := 0
		for i := range 30 { // a minute may end in between
			header := wrong.pair()
			header.Set("X-Forwarded-For", "203.0.113."+string(rune('0'+i%10))) // which is not believed
			got, err := p.try(http.MethodGet, "/orders", header, "")
			if err != nil {
				t.Fatal(err)
			}
			if got.status != http.StatusTooManyRequests {
				got.is(t, http.StatusUnauthorized)
				continue
			}
			told++
			if after := got.header.Get("Retry-After"); !regexp.MustCompile(`^[1-9]\d?$`).MatchString(after) {
				t.Errorf("Retry-After is %q", after)
			}
		}
		if told < 15 {
			t.Errorf("%d of 30 refusals were told 429", told)
		}
		if reached := p.app.take(); len(reached) > 0 {
			t.Errorf("%d refused requests reached the application", len(reached))
		}
		p.lets(http.MethodGet, "/orders", all[0].pair(), "").wantIdentity(t, all[0])
	})
}

func TestThroughAProxyWhatNobodyCanKnowIsTold503(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		socket := socketPath(t)
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		// A verifier that has not loaded: the real handler's 503.
		server := &http.Server{
			Handler:           verifier.NewHandler(verifier.New(nil, nil, verifier.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}), verifier.HandlerOptions{TrustUnix: true}),
			ReadHeaderTimeout: time.Minute,
		}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
		p := startProxy(t, kind, socket)
		known := issued{id: "appkey-acme-QKZWPD4T", token: secret.New(secret.KindToken).Reveal()}
		if got := p.keepsOut(known.pair(), http.StatusServiceUnavailable); got.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", got.header["Retry-After"])
		}
	})
}

func TestThroughAProxyNobodyComesInWhenLatchkeyIsGone(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, s := guardedBy(t, kind, folder)
		p.lets(http.MethodGet, "/orders", all[0].pair(), "").wantIdentity(t, all[0])
		s.stop()
		p.keepsOut(all[0].pair(), http.StatusBadGateway)
	})
}

func TestThroughAProxyNoTokenIsLoggedAndTheClientsAddressIsThePeers(t *testing.T) {
	eachProxy(t, func(t *testing.T, kind string) {
		folder, all := guarded(t, 1)
		p, s := guardedBy(t, kind, folder)
		forged := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}
		p.lets(http.MethodGet, "/orders", merged(all[0].pair(), forged), "")
		p.lets(http.MethodGet, "/orders", merged(all[0].bearer(), forged), "")
		p.keepsOut(issued{id: all[0].id, token: secret.New(secret.KindToken).Reveal()}.pair(), http.StatusUnauthorized)
		s.stop()
		inStore(t, folder, func(st *store.Store, by keys.Actor) {
			usage, err := st.KeyUsage(t.Context(), by, all[0].id)
			if err != nil || usage.Last.IP != "127.0.0.1" {
				t.Errorf("the last use is %+v, %v", usage.Last, err)
			}
		})
		logs, err := filepath.Glob(filepath.Join(p.folder, "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{s.stderr.String()}
		for _, path := range logs {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
		for _, text := range texts {
			if secretShape.MatchString(text) {
				t.Errorf("a token is in a log: %s", text)
			}
		}
	})
}
