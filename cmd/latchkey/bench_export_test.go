package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/store/storetest"
)

// exportBound is what two workbooks at once may take over what the idle server takes.
const exportBound = 96 << 20

// BenchmarkExport measures, with 100,000 keys, how long the first byte of the CSV takes beyond the plain list,
// and how much more memory the real binary takes at most while two workbooks are made at once.
func BenchmarkExport(b *testing.B) {
	folder, _ := guarded(b, 0)
	storetest.FillKeys(b, filepath.Join(folder, databaseFile), "acme", 100_000)
	s := serveFolder(b, folder, "--log-level", "error")
	client := newBrowser(b, s.url)
	client.http.Timeout = 0
	client.signIn(email, goodPassword)
	client.get(pathList)
	pid := strconv.Itoa(s.cmd.Process.Pid)
	idle := memory(b, pid, "VmRSS")
	var first, plain, whole time.Duration
	var most int64
	for b.Loop() {
		begin := time.Now()
		client.get(pathList)
		plain = max(plain, time.Since(begin))
		soon, lines := client.stream(b, "/account/api-keys/export.csv")
		first = max(first, soon)
		if lines != 100_001 {
			b.Fatalf("the CSV has %d lines", lines)
		}

		if err := os.WriteFile("/proc/"+pid+"/clear_refs", []byte("5"), 0); err != nil {
			b.Fatal(err) // the peak is counted anew
		}
		begin = time.Now()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { client.stream(b, "/account/api-keys/export.xlsx") })
		}
		both.Wait()
		whole = max(whole, time.Since(begin))
		most = max(most, memory(b, pid, "VmHWM")-idle)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(first.Microseconds())/1000, "slowest-first-byte-ms")
	b.ReportMetric(float64(plain.Microseconds())/1000, "slowest-list-ms")
	b.ReportMetric(float64(idle)/(1<<20), "idle-MiB")
	b.ReportMetric(float64(most)/(1<<20), "most-MiB-over-idle")
	b.ReportMetric(whole.Seconds(), "slowest-two-xlsx-s")
	if first > 100*time.Millisecond {
		b.Errorf("the first byte of the CSV came after %s, more than 100 ms", first)
	}
	if most > exportBound {
		b.Errorf("two workbooks took %d MiB over idle, more than 96", most>>20)
	}
}

// stream reads an answer of a signed-in browser, and returns when its first byte came and how many lines it has.
func (b *browser) stream(t testing.TB, path string) (first time.Duration, lines int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+path, nil)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	begin := time.Now()
	answer, err := b.http.Do(r)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	body := bufio.NewReader(answer.Body)
	_, err = body.Peek(1)
	first = time.Since(begin)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %d, %v", path, answer.StatusCode, err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("%s broke off: %v", path, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	return first, strings.Count(string(text), "\r\n")
}

// memory is a figure of a process's memory, in bytes.
func memory(t testing.TB, pid, name string) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("the status of a process has no %s", name)
	return 0
}
