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

// measures are the figures of the verifier, and how many nodes there are and are known to be current.
type measures struct {
	verifier.Stats
	nodes, current int
}

// newMetrics answers pathMetrics with what was measured, and with figures of the process and of its build.
func newMetrics(measure func() measures) http.Handler {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "latchkey_build_info", Help: "The version that runs; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	})
	build.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		figures{measure}, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.Handle("GET "+pathMetrics, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// figures are the metrics of verification. No label of theirs has more values than there are codes: a
// key's id would make a series of every key, and tell them all to whoever reads the metrics.
type figures struct{ measure func() measures }

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
	of   func(measures) float64
}

func count(name, help string, of func(measures) uint64) single {
	return single{desc(name, help), prometheus.CounterValue, func(m measures) float64 { return float64(of(m)) }}
}

func gauge(name, help string, of func(measures) float64) single {
	return single{desc(name, help), prometheus.GaugeValue, of}
}

var singles = []single{
	gauge("index_keys", "Keys in the index, deleted ones that are remembered too.", func(m measures) float64 { return float64(m.Keys) }),
	gauge("index_tokens", "Tokens in the index, ended ones that are remembered too.", func(m measures) float64 { return float64(m.Tokens) }),
	gauge("index_bytes", "Memory that the index takes.", func(m measures) float64 { return float64(m.Bytes) }),
	gauge("feed_position", "The newest change that the index has.", func(m measures) float64 { return float64(m.Mark.Seq) }),
	gauge("feed_age_seconds", "How long ago the index was last proved to have every change; infinite before it is loaded.", feedAge),
	gauge("max_staleness_seconds", "The age of the proof past which every verification is refused.", func(m measures) float64 { return m.Bound.Seconds() }),
	count("index_reloads_total", "How often the index was built anew.", func(m measures) uint64 { return m.Reloads }),
	count("usage_flush_errors_total", "Flushes of counted use that failed; they are tried again.", func(m measures) uint64 { return m.FlushErrors }),
	count("refusals_dropped_total", "Refusals that the audit log will never see because there were too many.", func(m measures) uint64 { return m.DroppedRefusals }),
	count("verify_flooded_total", "Refusals answered with 429.", func(m measures) uint64 { return m.Flooded }),
	gauge("clock_offset_seconds", "How far the database's clock is ahead of this machine's.", func(m measures) float64 { return m.ClockOffset.Seconds() }),
	gauge("nodes", "Nodes of the installation, as they were seen last.", func(m measures) float64 { return float64(m.nodes) }),
	gauge("nodes_current", "Nodes that are known to have every change but those of the last moments.", func(m measures) float64 { return float64(m.current) }),
	count("database_forks_total", "How often the database had lost changes that it had acknowledged.", func(m measures) uint64 { return m.Forks }),
	count("lost_revocations_total", "Revocations that the database had lost, and that were written down again.", func(m measures) uint64 { return m.LostRevocations }),
	count("token_reuse_total", "Presentations of a token that was replaced or taken back.", func(m measures) uint64 { return m.Reuses }),
}

// feedAge is infinite before there is an index, so that an alarm about a high age goes off then, too.
func feedAge(m measures) float64 {
	if !m.Loaded {
		return math.Inf(1)
	}
	return m.Age.Seconds()
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
	m := f.measure()
	for code, n := range m.Verdicts {
		to <- prometheus.MustNewConstMetric(descVerifications, prometheus.CounterValue, float64(n), verifier.Code(code).String())
	}
	to <- durations(m.Stats)
	for _, one := range singles {
		to <- prometheus.MustNewConstMetric(one.desc, one.kind, one.of(m))
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
