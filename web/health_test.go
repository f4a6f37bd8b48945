package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHealthTellsWhatIsWrong(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	for _, c := range []struct {
		name   string
		health Health
		want   string
	}{
		{"all is well", Health{Loaded: true, Current: true}, `{"status":"ok"}`},
		{"no index yet", Health{}, `{"status":"degraded","reason":"the verification index is loading"}`},
		{"an old index", Health{Loaded: true}, `{"status":"degraded","reason":"the verification index may be out of date"}`},
		{"usage that waits", Health{Loaded: true, Current: true, UsageWaits: true}, `{"status":"degraded","reason":"usage cannot be written"}`},
		{"two things at once", Health{Loaded: true, UsageWaits: true}, `{"status":"degraded","reason":"the verification index may be out of date; usage cannot be written"}`},
		{"stopping", Health{Loaded: true, Current: true, Stopping: true}, `{"status":"ok"}`},
	} {
		k.health = c.health
		a := b.get("/healthz")
		if got := strings.TrimSpace(a.body); a.status != http.StatusOK || got != c.want {
			t.Errorf("%s: %d %s; want 200 %s", c.name, a.status, got, c.want)
		}
		if a := b.get("/livez"); a.status != http.StatusOK || strings.TrimSpace(a.body) != `{"status":"ok"}` {
			t.Errorf("%s: /livez says %d %s", c.name, a.status, a.body)
		}
	}
}

func TestReadyIsWhoAnswersVerifications(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	for _, c := range []struct {
		name   string
		health Health
		status int
		want   string
	}{
		{"ready", Health{Loaded: true, Current: true, Age: 250 * time.Millisecond}, http.StatusOK, `{"status":"ready","index":"loaded","feed_age_ms":250,"max_staleness_ms":60000}`},
		{"loading", Health{}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loading","feed_age_ms":null,"max_staleness_ms":60000}`},
		{"too old", Health{Loaded: true, Age: 61 * time.Second}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loaded","feed_age_ms":61000,"max_staleness_ms":60000}`},
		{"stopping", Health{Loaded: true, Current: true, Stopping: true}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loaded","feed_age_ms":0,"max_staleness_ms":60000}`},
		{"usage is no matter", Health{Loaded: true, Current: true, UsageWaits: true}, http.StatusOK, `{"status":"ready","index":"loaded","feed_age_ms":0,"max_staleness_ms":60000}`},
	} {
		k.health = c.health
		k.health.MaxStaleness = time.Minute
		a := b.get("/readyz")
		var got, want map[string]any
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%s: %v: %s", c.name, err, a.body)
		}
		must(t, json.Unmarshal([]byte(c.want), &want))
		bound, _ := got["revocation_bound"].(string)
		if !strings.Contains(bound, "within 1s") || !strings.Contains(bound, "for 60s") {
			t.Errorf("%s: the bound is %q; want it to say 1s and 60s", c.name, bound)
		}
		delete(got, "revocation_bound")
		if a.status != c.status || !maps.Equal(got, want) {
			t.Errorf("%s: %d %s; want %d %s", c.name, a.status, a.body, c.status, c.want)
		}
	}
}
