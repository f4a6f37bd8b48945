package main

import (
	"math"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"latchkey/keys/verifier"
)

const pathMetrics = "/metrics"

// newMetrics answers pathMetrics with the figures of the verifier, of the process and of its build.
func newMetrics(stats func() verifier.Stats) http.Handler {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "latchkey_build_info", Help: "The version that runs; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	})
	build.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		figures{stats}, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.Handle("GET "+pathMetrics, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// figures are the metrics of verification. No label of theirs has more values than there are codes: a
// key's id would make a series of every key, and tell them all to whoever reads the metrics.
type figures struct{ stats func() verifier.Stats }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("latchkey_"+name, help, labels, nil)
}

var (
	descVerifications = desc("verifications_total", "Verifications by what they came to.", "code")
	descDuration      = desc("verify_duration_seconds", "How long a verdict took, without reading the request and writing the answer.")
)

// single is a metric without labels.
type single struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(verifier.Stats) float64
}

func count(name, help string, of func(verifier.Stats) uint64) single {
	return single{desc(name, help), prometheus.CounterValue, func(s verifier.Stats) float64 { return float64(of(s)) }}
}

func gauge(name, help string, of func(verifier.Stats) float64) single {
	return single{desc(name, help), prometheus.GaugeValue, of}
}

var singles = []single{
	gauge("index_keys", "Keys in the index, deleted ones that are remembered too.", func(s verifier.Stats) float64 { return float64(s.Keys) }),
	gauge("index_tokens", "Tokens in the index, ended ones that are remembered too.", func(s verifier.Stats) float64 { return float64(s.Tokens) }),
	gauge("index_bytes", "Memory that the index takes.", func(s verifier.Stats) float64 { return float64(s.Bytes) }),
	gauge("feed_position", "The newest change that the index has.", func(s verifier.Stats) float64 { return float64(s.Mark.Seq) }),
	gauge("feed_age_seconds", "How long ago the index was last proved to have every change; infinite before it is loaded.", feedAge),
	gauge("max_staleness_seconds", "The age of the proof past which every verification is refused.", func(s verifier.Stats) float64 { return s.Bound.Seconds() }),
	count("index_reloads_total", "How often the index was built anew.", func(s verifier.Stats) uint64 { return s.Reloads }),
	count("usage_flush_errors_total", "Flushes of counted use that failed; they are tried again.", func(s verifier.Stats) uint64 { return s.FlushErrors }),
	count("refusals_dropped_total", "Refusals that the audit log will never see because there were too many.", func(s verifier.Stats) uint64 { return s.DroppedRefusals }),
	count("verify_flooded_total", "Refusals answered with 429.", func(s verifier.Stats) uint64 { return s.Flooded }),
	count("token_reuse_total", "Presentations of a token that was replaced or taken back.", func(s verifier.Stats) uint64 { return s.Reuses }),
}

// feedAge is infinite before there is an index, so that an alarm about a high age goes off then, too.
func feedAge(s verifier.Stats) float64 {
	if !s.Loaded {
		return math.Inf(1)
	}
	return s.Age.Seconds()
}

// Describe tells the registry what there is.
func (figures) Describe(to chan<- *prometheus.Desc) {
	to <- descVerifications
	to <- descDuration
	for _, one := range singles {
		to <- one.desc
	}
}

// Collect takes the figures, all of them at one moment.
func (f figures) Collect(to chan<- prometheus.Metric) {
	s := f.stats()
	for code, n := range s.Verdicts {
		to <- prometheus.MustNewConstMetric(descVerifications, prometheus.CounterValue, float64(n), verifier.Code(code).String())
	}
	to <- durations(s)
	for _, one := range singles {
		to <- prometheus.MustNewConstMetric(one.desc, one.kind, one.of(s))
	}
}

// durations is the histogram of how long verdicts took, which Prometheus wants cumulative.
func durations(s verifier.Stats) prometheus.Metric {
	buckets := make(map[float64]uint64, len(verifier.LatencyBuckets))
	var total uint64
	for i, n := range s.Latency {
		total += n
		if i < len(verifier.LatencyBuckets) {
			buckets[verifier.LatencyBuckets[i].Seconds()] = total
		}
	}
	return prometheus.MustNewConstHistogram(descDuration, total, float64(s.LatencySum)/float64(time.Second), buckets)
}
