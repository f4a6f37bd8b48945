package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
)

// TestTokensAreVerifiedOnTheMainPort: whatever name the port is called by, for programs do not care.
func TestTokensAreVerifiedOnTheMainPort(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder)
	if at := s.line(`^Tokens are verified at (\S+)$`); at != s.url+"/v1/verify" {
		t.Errorf("verification is said to be at %s; want %s/v1/verify", at, s.url)
	}
	k, c := all[0], newCaller(t, strings.Replace(s.url, "127.0.0.1", "localhost", 1))
	for _, header := range []http.Header{k.pair(), k.bearer()} {
		got := c.get("/v1/verify?resource=orders.read", header)
		got.is(t, http.StatusNoContent)
		if got.header.Get("X-Latchkey-Key-Id") != string(k.id) || got.header.Get("X-Latchkey-Account") != "acme" || got.header.Get("X-Latchkey-Roles") != "orders-viewer" {
			t.Errorf("the identity is %v; want that of %s", got.header, k.id)
		}
	}
	c.get("/v1/verify?resource=orders.write", k.pair()).is(t, http.StatusForbidden)
	c.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
	c.get("/v1/verify?account=globex", k.pair()).is(t, http.StatusUnauthorized)
	c.get("/v1/nothing", k.pair()).is(t, http.StatusNotFound)
	got, err := c.try(http.MethodPost, "/v1/introspect", http.Header{"Authorization": k.bearer()["Authorization"], "Content-Type": {"application/json"}}, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	got.is(t, http.StatusForbidden)
}

func TestVerificationHasTheHeadersOfTheSettings(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder, "--key-header", "X-Api-Key", "--token-header", "x-api-token", "--no-identity-headers", "--refusals-per-minute", "3")
	k, c := all[0], newCaller(t, s.url)
	got := c.get("/v1/verify", http.Header{"X-Api-Key": {string(k.id)}, "X-Api-Token": {k.token}})
	got.is(t, http.StatusNoContent)
	for name := range got.header {
		if strings.HasPrefix(name, "X-Latchkey-") {
			t.Errorf("the answer has %s; want no identity headers", name)
		}
	}
	for range 3 {
		c.get("/v1/verify", k.pair()).is(t, http.StatusUnauthorized)
	}
	c.get("/v1/verify", k.pair()).is(t, http.StatusTooManyRequests)
	c.get("/v1/verify", k.bearer()).is(t, http.StatusNoContent)

	b := newBrowser(t, s.url)
	b.signIn("ana@acme.example", goodPassword)
	page := b.get("/account/api-keys/generated/" + string(k.id)).body
	if !strings.Contains(page, "X-Api-Key") || strings.Contains(page, keys.DefaultKeyHeader) {
		t.Error("the quick start of the key's page has not the headers of the settings")
	}
}

// TestAnAdminsChangeHoldsFromItsAnswerOn would sooner or later meet the time between two looks at the feed,
// if the answer did not wait for the index.
func TestAnAdminsChangeHoldsFromItsAnswerOn(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder)
	b, c := newBrowser(t, s.url), newCaller(t, s.url)
	b.signIn("ana@acme.example", goodPassword)
	path := "/account/api-keys/generated/" + string(all[0].id)
	for round := range 20 {
		for _, step := range []struct {
			action string
			status int
		}{{"/deactivate", http.StatusUnauthorized}, {"/activate", http.StatusNoContent}} {
			if got := b.post(path+step.action, url.Values{}); got.status != http.StatusSeeOther {
				t.Fatalf("%s answered %d: %s", step.action, got.status, got.body)
			}
			if got := c.get("/v1/verify", all[0].pair()); got.status != step.status {
				t.Fatalf("round %d: after %s a verification answered %d; want %d", round, step.action, got.status, step.status)
			}
		}
	}
}

// TestACommandBesideTheServerHolds: another process changes the database, and the index finds out.
func TestACommandBesideTheServerHolds(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder, "--verify-account", "globex")
	c := newCaller(t, s.url)
	if log := s.stderr.String(); !strings.Contains(log, "--verify-account names no account") || !strings.Contains(log, `"account":"globex"`) {
		t.Errorf("the log does not warn of the account that is not there: %s", log)
	}
	c.get("/v1/verify?account=acme", all[0].pair()).is(t, http.StatusNoContent)

	out, err := exec.CommandContext(t.Context(), binary(t), "account", "create", "--data", folder, "--account", "globex",
		"--email", "bob@globex.example", "--password-file", passwordFile(t, goodPassword)).CombinedOutput()
	if err != nil {
		t.Fatalf("account create: %v: %s", err, out)
	}
	var theirs issued
	inStoreOf(t, folder, "globex", func(s *store.Store, by keys.Actor) { theirs = issue(t, s, by, 1)[0] })
	eventually(t, "a key of the new account may come in", func() bool { return c.get("/v1/verify", theirs.pair()).status == http.StatusNoContent })

	inStoreOf(t, folder, "globex", func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, theirs.id); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the deactivated key is refused", func() bool {
		got := c.get("/v1/verify", theirs.pair())
		return got.status == http.StatusUnauthorized && strings.Contains(got.header.Get("WWW-Authenticate"), "inactive")
	})
	s.stop()
}

// TestAnIndexThatCannotBeProvedRefuses: without its database the server goes on for as long as it was told,
// then nobody may come in, and it comes back by itself.
func TestAnIndexThatCannotBeProvedRefuses(t *testing.T) {
	folder, all := guarded(t, 1)
	s := serveFolder(t, folder, "--max-staleness", "2s")
	c := newCaller(t, s.url)
	db := rawDB(t, folder)
	sqlExec(t, db, `ALTER TABLE change_log RENAME TO gone`)
	eventually(t, "verification is refused", func() bool {
		got := c.get("/v1/verify", all[0].pair())
		if got.status != http.StatusNoContent && (got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "") {
			t.Fatalf("a verification answered %d %s", got.status, got.body)
		}
		return got.status == http.StatusServiceUnavailable
	})
	c.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
	ready := c.get("/readyz", nil)
	ready.is(t, http.StatusServiceUnavailable)
	if !strings.Contains(ready.body, `"status":"not ready"`) || !strings.Contains(ready.body, `"max_staleness_ms":2000`) {
		t.Errorf("/readyz says %s", ready.body)
	}
	if got := c.get("/healthz", nil); got.status != http.StatusOK || !strings.Contains(got.body, "the verification index may be out of date") {
		t.Errorf("/healthz answered %d %s; want degraded", got.status, got.body)
	}
	c.get("/livez", nil).is(t, http.StatusOK)

	sqlExec(t, db, `ALTER TABLE gone RENAME TO change_log`)
	eventually(t, "verification is back", func() bool { return c.get("/v1/verify", all[0].pair()).status == http.StatusNoContent })
	c.get("/readyz", nil).is(t, http.StatusOK)
	if got := c.get("/healthz", nil).body; strings.TrimSpace(got) != `{"status":"ok"}` {
		t.Errorf("/healthz says %s; want ok", got)
	}
}

// TestHealthFollowsTheVerifierAndTheProgram: from the start over the loading to the stop.
func TestHealthFollowsTheVerifierAndTheProgram(t *testing.T) {
	inst, err := openInstance(t.Context(), place{folder: t.TempDir()}, access{create: true, options: storeOptions(time.Now, slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inst.Close() }()
	s, err := parsed(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(s, inst, time.Now, slog.New(slog.DiscardHandler))
	running, stop := context.WithCancel(t.Context())
	told := health(running, v, &nodeList{store: inst.store, now: time.Now}, "node-1")
	if h := told(); h.Loaded || h.Current || h.Stopping || h.MaxStaleness != time.Minute {
		t.Errorf("before it is loaded: %+v", h)
	}
	if err := v.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := told(); !h.Loaded || !h.Current || h.Stopping || h.UsageWaits || h.Node != "" || len(h.Nodes.All) > 0 {
		t.Errorf("when it is loaded: %+v", h)
	}
	stop()
	if h := told(); !h.Stopping {
		t.Errorf("when the program stops: %+v", h)
	}
}

// TestWhatIsVerifiedLeavesNoSecret: neither in a log at debug level nor in the metrics, the audit log or any
// other file.
func TestWhatIsVerifiedLeavesNoSecret(t *testing.T) {
	folder, all := guarded(t, 2)
	live, dead := all[0], all[1]
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		if _, err := s.DeleteKey(t.Context(), by, dead.id); err != nil {
			t.Fatal(err)
		}
	})
	s := serveFolder(t, folder, "--log-level", "debug", "--trusted-proxies", "127.0.0.1", "--metrics-listen", "127.0.0.1:0", "--refusals-per-minute", "20")
	metrics := strings.TrimSuffix(s.line(`^Metrics: (\S+)$`), pathMetrics)
	c := newCaller(t, s.url)
	odd := live.token[:len(live.token)-1] + "!"
	presented := 0
	for _, k := range []issued{live, dead, {live.id, 0, odd}, {dead.id, 0, live.token}} {
		for _, header := range []http.Header{k.pair(), k.bearer(), {"Authorization": {"Basic " + k.token}}, {"Cookie": {"token=" + k.token}}, {}} {
			for _, path := range []string{"/v1/verify", "/v1/verify?token=" + k.token, "/v1/verify?resource=" + k.token, "/v1/verify?account=" + k.token, "/v1/" + k.token} {
				header := header.Clone()
				header.Set("X-Original-Uri", "/orders/"+live.token+"?token="+k.token)
				header.Set("X-Forwarded-For", fmt.Sprintf("%s, 203.0.113.%d", k.token, presented%200))
				header.Set("User-Agent", k.token)
				c.get(path, header)
				presented++
			}
		}
		for _, body := range []string{`{"token":"` + k.token + `"}`, k.token} {
			header := http.Header{"Authorization": live.bearer()["Authorization"], "Content-Type": {"application/json"}}
			if _, err := c.try(http.MethodPost, "/v1/introspect?token="+k.token, header, body); err != nil {
				t.Fatal(err)
			}
			presented++
		}
	}
	figures := newCaller(t, metrics).get(pathMetrics, nil)
	figures.is(t, http.StatusOK)
	s.stop()
	log := s.stderr.String()
	if n := strings.Count(log, `"verification refused"`); presented < 100 || n < 50 || !strings.Contains(log, `"path":"/orders/`) {
		t.Fatalf("%d requests left %d lines about refusals; the log is not what this test is about: %.2000s", presented, n, log)
	}
	places := contents(t, folder)
	places["the log"], places["the metrics"], places["standard output"] = log, figures.body, s.seen.String()
	for line := range s.lines {
		places["standard output"] += line
	}
	if !strings.Contains(places[databaseFile], "verify.refused") {
		t.Error("the audit log has no refusal")
	}
	for place, text := range places {
		for _, word := range []string{live.token, dead.token, odd, live.token[4:40], dead.token[4:40]} {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %q", place, word)
			}
		}
	}
}
