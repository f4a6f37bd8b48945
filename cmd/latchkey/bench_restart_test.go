package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"latchkey/store/storetest"
)

// BenchmarkRestart measures how long a server with 100,000 keys takes from its start until it is ready, after a
// kill and after a stop in turn.
func BenchmarkRestart(b *testing.B) {
	folder, _ := guarded(b, 0)
	tokens := storetest.FillKeys(b, filepath.Join(folder, databaseFile), "acme", 100_000)
	binary(b)
	var ready, first []time.Duration
	for i := 0; b.Loop(); i++ {
		begin := time.Now()
		s := serveFolder(b, folder, "--log-level", "error")
		ready = append(ready, time.Since(begin))
		begin = time.Now()
		newCaller(b, s.url).get("/v1/verify", issued{id: "appkey-acme-00000001", token: tokens[0]}.pair()).is(b, http.StatusNoContent)
		first = append(first, time.Since(begin))
		if i%2 == 0 {
			_ = s.cmd.Process.Kill()
			<-s.ended
		} else {
			s.stop()
		}
	}
	longest := func(all []time.Duration) (most time.Duration) {
		for _, t := range all {
			most = max(most, t)
		}
		return most
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(longest(ready).Milliseconds()), "slowest-ready-ms")
	b.ReportMetric(float64(longest(first).Microseconds())/1000, "slowest-first-verify-ms")
	if longest(ready) > 2*time.Second {
		b.Errorf("it was ready after %s, more than 2 s", longest(ready))
	}
}
