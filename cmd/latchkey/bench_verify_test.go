package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
	"latchkey/store"
	"latchkey/store/storetest"
)

const (
	// benchKeys is how many keys the servers of BenchmarkVerifyHTTP hold.
	benchKeys = 1_000_000
	// benchUsed is how many of them the clients present.
	benchUsed = 4096
	// benchConnections is how many clients ask at once, and benchRequests how many requests they send to
	// one server before it is the next one's turn: about a second's, as there is one flush a second.
	benchConnections = 16
	benchRequests    = 40_000
	// benchRounds is from how many turns on a figure past its bound fails.
	benchRounds = 20
)

// benchServer says what the child process of a benchmark serves.
const benchServer = "BENCH_SERVER"

// TestBenchServer is not a test: it is the server that a benchmark compares with, in a process of its
// own. It serves until its standard input ends.
func TestBenchServer(t *testing.T) {
	mode, folder, _ := strings.Cut(os.Getenv(benchServer), ":")
	var h http.Handler
	switch mode {
	case "bare":
		h = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	case "uncounted":
		h = uncounted(t, folder)
	default:
		return
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	_, _ = fmt.Fprintf(os.Stdout, "serving on %s\n", l.Addr())
	go func() { _ = server.Serve(l) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close()
}

// uncounted is the verifier of a database, without counting.
func uncounted(t *testing.T, folder string) http.Handler {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(folder, databaseFile), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	v := verifier.New(s, s, verifier.Options{Now: time.Now, Log: log, NoUsage: true})
	if err := v.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	go v.Run(context.WithoutCancel(t.Context()))
	return verifier.NewHandler(v, verifier.HandlerOptions{RefusalsPerMinute: 600})
}

// BenchmarkVerifyHTTP compares verifications over HTTP with a handler that only answers 204: requests a
// second, and processor time of the server's process a request, what it does while others are asked
// included. The servers hold a million keys, of which the clients present benchUsed, and count and flush;
// one tells in headers who comes in, and one does not count. They are asked in turn, so that
// whatever else the machine does meets all of them.
func BenchmarkVerifyHTTP(b *testing.B) {
	folder, requests := benchFolder(b)
	copied := copyFolder(b, folder)
	bare, off := benchChild(b, "bare:"), benchChild(b, "uncounted:"+copyFolder(b, folder))
	plain := serveFolder(b, folder, "--identity-headers=false", "--log-level=warn")
	identity := serveFolder(b, copied, "--log-level=warn")
	asked := []*target{
		{name: "bare", addr: bare.addr, pid: bare.pid},
		{name: "plain", addr: strings.TrimPrefix(plain.url, "http://"), pid: plain.cmd.Process.Pid},
		{name: "identity", addr: strings.TrimPrefix(identity.url, "http://"), pid: identity.cmd.Process.Pid},
		{name: "uncounted", addr: off.addr, pid: off.pid},
	}
	for _, s := range asked {
		s.warm(b, requests[0])
		s.connect(b, benchConnections)
		s.round(b, requests)
		s.took, s.cpu = nil, -processorTime(b, s.pid)
	}
	for b.Loop() {
		for _, s := range asked {
			s.round(b, requests)
		}
	}
	for _, s := range asked {
		s.cpu += processorTime(b, s.pid)
	}
	b.ReportMetric(0, "ns/op")
	for _, s := range asked {
		b.ReportMetric(benchRequests/s.median().Seconds(), s.name+"-req/s")
		b.ReportMetric(float64(s.cpu.Microseconds())/float64(len(s.took)*benchRequests), s.name+"-cpu-µs")
	}
	// The goals are 0.90 and 1.10, 0.85 and 1.20, and 0.98: what fails is far from them.
	compare(b, asked[1], asked[0], 0.75, 1.30)
	compare(b, asked[2], asked[0], 0.65, 1.55)
	compare(b, asked[1], asked[3], 0.90, 0)
}

// compare reports the ratio of two servers and fails past its bounds; a bound of 0 is none.
func compare(b *testing.B, s, base *target, least, most float64) {
	b.Helper()
	rate := float64(base.median()) / float64(s.median())
	cpu := float64(s.cpu) / float64(base.cpu)
	b.ReportMetric(rate, s.name+"/"+base.name+"-req")
	b.ReportMetric(cpu, s.name+"/"+base.name+"-cpu")
	if b.N >= benchRounds && (rate < least || most > 0 && cpu > most) {
		b.Errorf("%s answers %.2f times as many requests as %s and takes %.2f times its processor: the bounds are %.2f and %.2f",
			s.name, rate, base.name, cpu, least, most)
	}
}

// benchFolder is an installation with benchKeys keys, and a request for each of some of them.
func benchFolder(b *testing.B) (folder string, requests [][]byte) {
	b.Helper()
	folder = b.TempDir()
	if code := start(b, "init", "--data", folder, "--account", "acme", "--email", "ana@acme.example", "--password-file", benchPassword(b)).exitCode(); code != 0 {
		b.Fatalf("init ended with %d", code)
	}
	tokens := storetest.FillKeys(b, filepath.Join(folder, databaseFile), "acme", benchKeys)
	random := rand.New(rand.NewPCG(1, 2))
	for range benchUsed {
		i := random.IntN(benchKeys)
		requests = append(requests, fmt.Appendf(nil, "GET /v1/verify?resource=orders.read HTTP/1.1\r\nHost: 127.0.0.1\r\n%s: appkey-acme-%08d\r\n%s: %s\r\n\r\n",
			keys.DefaultKeyHeader, i+1, keys.DefaultTokenHeader, tokens[i]))
	}
	return folder, requests
}

// benchPassword is a file with a password.
func benchPassword(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "password")
	write(b, path, "violet kettle sings at dawn")
	return path
}

func copyFolder(b *testing.B, folder string) string {
	b.Helper()
	to := b.TempDir()
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		b.Fatal(err)
	}
	return to
}

// child is a server of TestBenchServer.
type child struct {
	addr string
	pid  int
}

func benchChild(b *testing.B, mode string) child {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$", "-test.v")
	cmd.Env = append(os.Environ(), benchServer+"="+mode)
	cmd.Stderr = os.Stderr
	out := newWatched()
	cmd.Stdout = out
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	for {
		out.mu.Lock()
		text, changed := out.text.String(), out.changed
		out.mu.Unlock()
		if _, after, ok := strings.Cut(text, "serving on "); ok && strings.Contains(after, "\n") {
			addr, _, _ := strings.Cut(after, "\n")
			return child{addr, cmd.Process.Pid}
		}
		<-changed
	}
}

// target is a server that is measured.
type target struct {
	name, addr  string
	pid         int
	connections []net.Conn
	took        []time.Duration
	cpu         time.Duration
}

// warm waits until the server has loaded its keys.
func (s *target) warm(b *testing.B, request []byte) {
	b.Helper()
	for {
		c, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", s.addr)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = c.Write(request)
		status := make([]byte, len("HTTP/1.1 503"))
		_, err = io.ReadFull(c, status)
		_ = c.Close()
		if err != nil {
			b.Fatal(err)
		}
		if !bytes.HasSuffix(status, []byte("503")) {
			return
		}
	}
}

func (s *target) connect(b *testing.B, count int) {
	b.Helper()
	for range count {
		c, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", s.addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		s.connections = append(s.connections, c)
	}
}

// round sends benchRequests requests over all connections.
func (s *target) round(b *testing.B, requests [][]byte) {
	b.Helper()
	begin := time.Now()
	var clients sync.WaitGroup
	for i, c := range s.connections {
		first := rand.IntN(len(requests))
		clients.Go(func() {
			if err := askMany(c, requests, first+i, benchRequests/len(s.connections)); err != nil {
				b.Errorf("%s: %v", s.name, err)
			}
		})
	}
	clients.Wait()
	s.took = append(s.took, time.Since(begin))
}

// askMany sends n requests one after the other, each when the last was answered. No answer has
// a body.
func askMany(c net.Conn, requests [][]byte, first, n int) error {
	answer := make([]byte, 2048)
	for i := range n {
		if _, err := c.Write(requests[(first+i)%len(requests)]); err != nil {
			return err
		}
		got := 0
		for !bytes.HasSuffix(answer[:got], []byte("\r\n\r\n")) {
			more, err := c.Read(answer[got:])
			if err != nil {
				return err
			}
			got += more
		}
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 20")) {
			return fmt.Errorf("it answered %q", answer[:got])
		}
	}
	return nil
}

func (s *target) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s.took))
	return sorted[len(sorted)/2]
}

// processorTime is how long all threads of a process have run, in the kernel and outside of it.
func processorTime(b *testing.B, pid int) (total time.Duration) {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		b.Fatalf("no threads of process %d: %v", pid, err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(n)
	}
	return total
}
