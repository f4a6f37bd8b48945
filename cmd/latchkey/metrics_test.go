package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
)

// scraped are the metrics of a text, by their names with their labels.
func scraped(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			found[name] = value
		}
	}
	return found
}

// TestMetricsAreTheFiguresOfTheVerifier gives each figure another value, so that none can stand for another.
func TestMetricsAreTheFiguresOfTheVerifier(t *testing.T) {
	s := verifier.Stats{
		State: verifier.State{Loaded: true, Age: 1500 * time.Millisecond, Bound: time.Minute, Mark: keys.FeedMark{Seq: 101}, ClockOffset: -2500 * time.Millisecond},
		Forks: 110, LostRevocations: 111,
		Keys: 102, Tokens: 103, Bytes: 104, Reloads: 105, FlushErrors: 106, DroppedRefusals: 107, Flooded: 108, Reuses: 109,
		LatencySum: 2500 * time.Millisecond,
	}
	for code := range s.Verdicts {
		s.Verdicts[code] = uint64(200 + code)
	}
	for bucket := range s.Latency {
		s.Latency[bucket] = 1 << bucket
	}
	want := map[string]string{
		"latchkey_feed_age_seconds": "1.5", "latchkey_max_staleness_seconds": "60", "latchkey_feed_position": "101",
		"latchkey_index_keys": "102", "latchkey_index_tokens": "103", "latchkey_index_bytes": "104", "latchkey_index_reloads_total": "105",
		"latchkey_usage_flush_errors_total": "106", "latchkey_refusals_dropped_total": "107", "latchkey_verify_flooded_total": "108", "latchkey_token_reuse_total": "109",
		"latchkey_database_forks_total": "110", "latchkey_lost_revocations_total": "111", "latchkey_clock_offset_seconds": "-2.5",
		"latchkey_nodes": "112", "latchkey_nodes_current": "113",
		"latchkey_verify_duration_seconds_sum": "2.5", "latchkey_verify_duration_seconds_count": "2047",
		`latchkey_verify_duration_seconds_bucket{le="1e-06"}`: "1", `latchkey_verify_duration_seconds_bucket{le="2e-06"}`: "3",
		`latchkey_verify_duration_seconds_bucket{le="0.1"}`: "1023", `latchkey_verify_duration_seconds_bucket{le="+Inf"}`: "2047",
	}
	for code := range s.Verdicts {
		want[fmt.Sprintf("latchkey_verifications_total{code=%q}", verifier.Code(code))] = fmt.Sprint(200 + code)
	}
	h := newMetrics(func() measures { return measures{Stats: s, nodes: 112, current: 113} })
	scrape := func() map[string]string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, pathMetrics, nil))
		return scraped(w.Body.String())
	}
	got := scrape()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q; want %s", name, got[name], value)
		}
	}
	for _, prefix := range []string{"go_goroutines", "process_open_fds", "latchkey_build_info{"} {
		found := false
		for name := range got {
			found = found || strings.HasPrefix(name, prefix)
		}
		if !found {
			t.Errorf("there is no metric that starts with %s", prefix)
		}
	}
	s.State = verifier.State{Bound: time.Minute}
	if age := scrape()["latchkey_feed_age_seconds"]; age != "+Inf" {
		t.Errorf("before the index is loaded its age is %s; want +Inf", age)
	}
}

// TestTheMetricsCountWhatWasAnsweredAndNameNoKey scrapes the real program.
func TestTheMetricsCountWhatWasAnsweredAndNameNoKey(t *testing.T) {
	folder, all := guarded(t, 5)
	s := serveFolder(t, folder, "--metrics-listen", "127.0.0.1:0")
	at := s.line(`^Metrics: (http://127\.0\.0\.1:\d+/metrics)$`)
	c, metrics := newCaller(t, s.url), newCaller(t, strings.TrimSuffix(at, pathMetrics))
	for _, k := range all {
		for range 3 {
			c.get("/v1/verify", k.pair()).is(t, http.StatusNoContent)
		}
		c.get("/v1/verify?resource=orders.write", k.bearer()).is(t, http.StatusForbidden)
		c.get("/v1/verify", issued{id: all[0].id, token: k.token + "x"}.pair()).is(t, http.StatusUnauthorized)
	}
	c.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
	answer := metrics.get(pathMetrics, nil)
	got := scraped(answer.body)
	for name, value := range map[string]string{
		`latchkey_verifications_total{code="VALID"}`: "15", `latchkey_verifications_total{code="FORBIDDEN"}`: "5",
		`latchkey_verifications_total{code="UNKNOWN"}`: "5", `latchkey_verifications_total{code="MISSING"}`: "1",
		"latchkey_index_keys": "5", "latchkey_index_tokens": "5", "latchkey_verify_duration_seconds_count": "25",
		"latchkey_nodes": "1", "latchkey_nodes_current": "1", "latchkey_database_forks_total": "0", "latchkey_clock_offset_seconds": "0",
	} {
		if got[name] != value {
			t.Errorf("%s is %q; want %s", name, got[name], value)
		}
	}
	if named := regexp.MustCompile(`appkey-|lkt_|acme`).FindString(answer.body); named != "" {
		t.Errorf("the metrics name %q", named)
	}
	for _, k := range all {
		if _, suffix, _ := strings.Cut(string(k.id), "-acme-"); len(suffix) != 8 || strings.Contains(answer.body, suffix) {
			t.Errorf("the metrics name %s", k.id)
		}
	}
	for _, path := range []string{"/", "/v1/verify", "/healthz", "/metrics/x", "/login"} {
		metrics.get(path, all[0].pair()).is(t, http.StatusNotFound)
	}
	newCaller(t, s.url).get(pathMetrics, nil).is(t, http.StatusNotFound)
}
