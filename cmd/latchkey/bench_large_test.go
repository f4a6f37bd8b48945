package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/store/storetest"
)

var largeKeys = flag.Int("large.keys", 0, "how many keys BenchmarkLarge makes; 0 skips it")

var residentLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// BenchmarkLarge starts the real server on very many keys, and measures how long it takes until it answers
// verifications and the most memory that it holds until then. Run it by `make bench-large`.
func BenchmarkLarge(b *testing.B) {
	if *largeKeys == 0 {
		b.Skip("set -large.keys")
	}
	folder, _ := guarded(b, 0)
	begin := time.Now()
	tokens := fillLarge(b, filepath.Join(folder, databaseFile))
	b.Logf("%d keys were made in %s", *largeKeys, time.Since(begin).Round(time.Second))
	binary(b)
	var slowest time.Duration
	var most int64
	for b.Loop() {
		begin := time.Now()
		s := serveFolder(b, folder, "--log-level", "error")
		slowest = max(slowest, time.Since(begin))
		for _, token := range tokens {
			k := issued{token: token}
			newCaller(b, s.url).get("/v1/verify?resource=orders.read", k.bearer()).is(b, http.StatusNoContent)
		}
		most = max(most, mostResident(b, s.cmd.Process.Pid))
		s.stop()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(slowest.Seconds(), "slowest-ready-s")
	b.ReportMetric(slowest.Seconds()*1e6/float64(*largeKeys), "ready-µs/key")
	b.ReportMetric(float64(most)/(1<<30), "most-resident-GiB")
	b.ReportMetric(float64(most)/float64(*largeKeys), "resident-B/key")
	if slowest > 15*time.Second || most > 3<<29 {
		b.Errorf("ready after %s with %.2f GiB; the bounds are 15 s and 1.5 GiB", slowest, float64(most)/(1<<30))
	}
}

// fillLarge makes the keys and returns three tokens. It waits until the disk has all of it.
func fillLarge(b *testing.B, path string) (tokens []string) {
	b.Helper()
	all := storetest.FillKeys(b, path, "acme", *largeKeys)
	for _, i := range []int{0, *largeKeys / 2, *largeKeys - 1} {
		tokens = append(tokens, strings.Clone(all[i]))
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		b.Fatal(err)
	}
	return tokens
}

// mostResident is the most memory that a process has held, in bytes.
func mostResident(b *testing.B, pid int) int64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	found := residentLine.FindStringSubmatch(strings.ReplaceAll(string(status), "\t", " "))
	if found == nil {
		b.Fatal("the system does not say how much memory a process holds")
	}
	kilobytes, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
