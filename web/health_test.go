package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store/storetest"
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
		{"a clock that is a minute off", Health{Loaded: true, Current: true, ClockOffset: -time.Minute}, `{"status":"ok"}`},
		{"a clock that is behind", Health{Loaded: true, Current: true, ClockOffset: time.Minute + time.Millisecond}, `{"status":"degraded","reason":"the clock is more than 60s away from the database's"}`},
		{"a clock that is ahead", Health{Loaded: true, Current: true, ClockOffset: -time.Hour}, `{"status":"degraded","reason":"the clock is more than 60s away from the database's"}`},
		{"changes that were lost", Health{Loaded: true, Current: true, Forks: 1, LostRevocations: 3}, `{"status":"degraded","reason":"the database has lost acknowledged changes; 3 revocations were written down again, each as a deactivation of the key"}`},
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
		{"ready", Health{Loaded: true, Current: true, Age: 250 * time.Millisecond, Applied: keys.FeedMark{Seq: 17}}, http.StatusOK, `{"status":"ready","index":"loaded","applied":17,"feed_age_ms":250,"max_staleness_ms":60000}`},
		{"loading", Health{}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loading","applied":0,"feed_age_ms":null,"max_staleness_ms":60000}`},
		{"too old", Health{Loaded: true, Age: 61 * time.Second}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loaded","applied":0,"feed_age_ms":61000,"max_staleness_ms":60000}`},
		{"stopping", Health{Loaded: true, Current: true, Stopping: true}, http.StatusServiceUnavailable, `{"status":"not ready","index":"loaded","applied":0,"feed_age_ms":0,"max_staleness_ms":60000}`},
		{"usage is no matter", Health{Loaded: true, Current: true, UsageWaits: true}, http.StatusOK, `{"status":"ready","index":"loaded","applied":0,"feed_age_ms":0,"max_staleness_ms":60000}`},
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
		if !strings.Contains(bound, "within 1s") || !strings.Contains(bound, "for 60s") || strings.Contains(bound, "node") != storetest.OnPostgres(t) {
			t.Errorf("%s: the bound is %q; want it to say 1s and 60s, and of nodes only where there can be several", c.name, bound)
		}
		delete(got, "revocation_bound")
		if a.status != c.status || !maps.Equal(got, want) {
			t.Errorf("%s: %d %s; want %d %s", c.name, a.status, a.body, c.status, c.want)
		}
	}
}

func TestAClockFarFromTheDatabasesIsLoggedOnce(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	for _, offset := range []time.Duration{0, 61 * time.Second, 62 * time.Second} {
		k.health = Health{Loaded: true, Current: true, ClockOffset: offset}
		b.get("/healthz").is(http.StatusOK)
	}
	if n := strings.Count(k.log.String(), "clock.offset"); n != 1 || !strings.Contains(k.log.String(), "offset=1m1s") {
		t.Errorf("it is logged %d times: %s", n, k.log)
	}
	for _, offset := range []time.Duration{0, -61 * time.Second} {
		k.health.ClockOffset = offset
		b.get("/healthz").is(http.StatusOK)
	}
	if n := strings.Count(k.log.String(), "clock.offset"); n != 2 {
		t.Errorf("after the clock was right again and then wrong, it is logged %d times; want 2", n)
	}
}
