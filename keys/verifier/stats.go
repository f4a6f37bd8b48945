package verifier

import (
	"sync/atomic"
	"time"

	"latchkey/keys"
)

// counter is a count in a line of the cache of its own, so that two processors that count different
// things do not wait for each other.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

type stats struct {
	verdicts     [codes]counter
	latency      [len(LatencyBuckets) + 1]counter
	latencySum   counter
	floods       atomic.Uint64
	flushErrors  atomic.Uint64
	flushFailing atomic.Bool
	reloads      atomic.Uint64
	// forks counts how often the database had lost changes, and lost the revocations among them.
	forks, lost atomic.Uint64
}

// observe counts how long a verdict took.
func (v *Verifier) observe(took time.Duration) {
	at := 0
	for at < len(LatencyBuckets) && took > LatencyBuckets[at] {
		at++
	}
	v.stats.latency[at].Add(1)
	v.stats.latencySum.Add(uint64(max(took, 0)))
}

// flooded counts a refusal that was answered with 429.
func (v *Verifier) flooded() { v.stats.floods.Add(1) }

// State is what /readyz tells about an index.
type State struct {
	// Loaded says that there is an index, and Current that it may answer.
	Loaded, Current bool
	// Age is how long ago the index was last proved to be current, and Bound how long it may be.
	Age, Bound time.Duration
	// Mark is the place in the feed that the index shows.
	Mark keys.FeedMark
	// ClockOffset is how far the database's clock is ahead of this node's.
	ClockOffset time.Duration
}

// State returns the state of the index now.
func (v *Verifier) State() State {
	s := State{Bound: v.options.MaxStaleness}
	if beat := v.beat.Load(); beat != nil {
		s.ClockOffset = beat.ClockOffset
	}
	x, proof := v.index.Load(), v.proof.Load()
	if x == nil || proof == nil {
		return s
	}
	s.Loaded, s.Mark = true, *x.mark.Load()
	s.Age = v.passed(proof, v.options.Now())
	s.Current = s.Age <= s.Bound
	return s
}

// LatencyBuckets are the upper bounds of Stats.Latency; the last bucket has none.
var LatencyBuckets = [...]time.Duration{
	time.Microsecond, 2 * time.Microsecond, 5 * time.Microsecond, 10 * time.Microsecond, 20 * time.Microsecond,
	50 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond,
}

// Stats are figures for an operator. They never name a key.
type Stats struct {
	State
	// Verdicts counts the verifications, by the number of their Code.
	Verdicts [codes]uint64
	// Latency counts the verifications over HTTP by how long the verdict took, in LatencyBuckets and one
	// more; LatencySum is their total.
	Latency    [len(LatencyBuckets) + 1]uint64
	LatencySum time.Duration
	// Flooded counts the refusals that were answered with 429.
	Flooded uint64
	// Keys and Tokens are how many the index holds, ended ones too, and Bytes the memory that it takes.
	Keys, Tokens, Bytes int
	// Reviews is how many accounts are under review, so that none of their keys may come in.
	Reviews int
	// Reloads counts how often the index was built anew after the first time.
	Reloads uint64
	// Forks counts how often the database had lost changes that it had acknowledged, and LostRevocations what
	// was written back of them.
	Forks, LostRevocations uint64
	// FlushErrors counts the flushes that failed, and DroppedRefusals what the audit log will never see.
	FlushErrors, DroppedRefusals uint64
	// FlushFailing says that the last flush failed; what it could not write waits for the next.
	FlushFailing bool
	// Reuses counts the presentations of a token that was replaced or taken back.
	Reuses uint64
}

// Stats returns the figures since New.
func (v *Verifier) Stats() Stats {
	s := Stats{
		State: v.State(), LatencySum: time.Duration(v.stats.latencySum.Load()), Flooded: v.stats.floods.Load(),
		Reloads: v.stats.reloads.Load(), Forks: v.stats.forks.Load(), LostRevocations: v.stats.lost.Load(), FlushErrors: v.stats.flushErrors.Load(), FlushFailing: v.stats.flushFailing.Load(),
		DroppedRefusals: v.refusals.dropped.Load(), Reuses: v.refusals.reuses.Load(),
	}
	for code := range s.Verdicts {
		s.Verdicts[code] = v.stats.verdicts[code].Load()
	}
	for bucket := range s.Latency {
		s.Latency[bucket] = v.stats.latency[bucket].Load()
	}
	if x := v.index.Load(); x != nil {
		s.Keys, s.Tokens, s.Bytes = int(x.keyCount.Load()), int(x.tokenCount.Load()), x.bytes()
		s.Reviews = x.book.Load().reviews()
	}
	return s
}
