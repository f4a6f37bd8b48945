package verifier_test

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
	"latchkey/store"
	"latchkey/store/storetest"
)

// benchKeys is how many keys the benchmarks hold.
const benchKeys = 1_000_000

// tokenLength is the length of every token.
const tokenLength = 53

// manyTokens are tokens in one text: a million strings would be the garbage collector's work.
type manyTokens string

func (m manyTokens) at(i int) string { return string(m[i*tokenLength : (i+1)*tokenLength]) }

// newBenchStore is a SQLite file with benchKeys keys.
func newBenchStore(b *testing.B) (*store.Store, manyTokens) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "latchkey.db")
	s, err := store.Open(b.Context(), path, store.Options{Now: time.Now})
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	_, _, err = s.CreateAccount(b.Context(), keys.Command("benchmark"), store.NewAccount{
		Slug: "acme", Zone: "Europe/Lisbon", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	must(b, err)
	return s, manyTokens(strings.Join(storetest.FillKeys(b, path, "acme", benchKeys), ""))
}

// heap is what is in use after two collections; the second takes what the first only marked.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkVerify measures verifications in the process with a million keys: tokens at random, 4,096 hot
// ones, texts with a wrong checksum, and hot ones without counting, in turn; what the index takes; and
// how long it takes to load. A time fails when it is half as long again as its goal, since machines
// differ. It flushes to the database as a running server does, outside of the times.
func BenchmarkVerify(b *testing.B) {
	s, tokens := newBenchStore(b)
	options := verifier.Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	before := heap()
	v := verifier.New(s, s, options)
	begin := time.Now()
	must(b, v.Load(b.Context()))
	load := time.Since(begin)
	perKey := float64(heap()-before) / benchKeys
	begin = time.Now()
	runtime.GC()
	collection := time.Since(begin)
	options.NoUsage = true
	uncounted := verifier.New(s, s, options)
	must(b, uncounted.Load(b.Context()))

	const batch = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	from := netip.MustParseAddr("203.0.113.7")
	junk := wrongChecksum(tokens.at(0))
	runs := []*run{
		{name: "random", v: v, pick: func() string { return tokens.at(random.IntN(benchKeys)) }, want: verifier.CodeValid, most: 800},
		{name: "hot", v: v, pick: func() string { return tokens.at(random.IntN(4096)) }, want: verifier.CodeValid, most: 320},
		{name: "hot-uncounted", v: uncounted, pick: func() string { return tokens.at(random.IntN(4096)) }, want: verifier.CodeValid},
		{name: "junk", v: v, pick: func() string { return junk }, want: verifier.CodeUnknown, most: 120},
	}
	picked := make([]string, batch)
	for b.Loop() {
		for _, r := range runs {
			for i := range picked {
				picked[i] = r.pick()
			}
			begin := time.Now()
			for _, token := range picked {
				if got := r.v.Verify(verifier.Request{Token: token, Resource: "orders.read"}, from); got.Code != r.want {
					b.Fatalf("%s: %s", r.name, got.Code)
				}
			}
			r.took = append(r.took, time.Since(begin)/batch)
		}
	}
	must(b, v.Flush(b.Context()))
	for _, r := range runs {
		b.ReportMetric(float64(r.median()), r.name+"-ns")
		if r.most > 0 && r.median() > r.most*3/2 {
			b.Errorf("%s takes %s, far more than %s", r.name, r.median(), r.most)
		}
	}
	ratio := float64(runs[2].median()) / float64(runs[1].median())
	b.ReportMetric(ratio, "counting-on/off")
	b.ReportMetric(perKey, "bytes/key")
	b.ReportMetric(float64(collection.Microseconds())/1000, "full-GC-ms")
	b.ReportMetric(load.Seconds(), "load-s")
	b.ReportMetric(0, "ns/op")
	if perKey > 150 || collection > 2*time.Millisecond || load > 3*time.Second {
		b.Errorf("%.0f bytes a key, a full collection of %s, a load of %s: more than 150 bytes, 2 ms, 3 s", perKey, collection, load)
	}
	runtime.KeepAlive(v)
}

// run is one way of asking.
type run struct {
	name string
	v    *verifier.Verifier
	pick func() string
	want verifier.Code
	most time.Duration
	took []time.Duration
}

func (r *run) median() time.Duration {
	slices.Sort(r.took)
	return r.took[len(r.took)/2]
}

// wrongChecksum is a token whose last character is another one.
func wrongChecksum(token string) string {
	last := "0"
	if token[len(token)-1] == '0' {
		last = "1"
	}
	return token[:len(token)-1] + last
}
