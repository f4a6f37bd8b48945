package main

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// BenchmarkStart measures how long it takes from the start of the real binary on an empty folder until
// its first page has come.
func BenchmarkStart(b *testing.B) {
	binary(b)
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		s := serveFolder(b, b.TempDir())
		answer, err := http.Get(s.url + "/setup") //nolint:noctx // a benchmark ends with its process
		if err != nil {
			b.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		took = append(took, time.Since(begin))
		if err != nil || answer.StatusCode != http.StatusOK || len(page) == 0 {
			b.Fatalf("%d, %d bytes, %v", answer.StatusCode, len(page), err)
		}
		if err := answer.Body.Close(); err != nil {
			b.Fatal(err)
		}
		s.stop()
	}
	var longest time.Duration
	for _, t := range took {
		longest = max(longest, t)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(longest.Milliseconds()), "slowest-ms")
	if longest > time.Second {
		b.Errorf("the first page came after %s, more than a second", longest)
	}
}
