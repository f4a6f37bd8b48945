package verifier

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"latchkey/keys"
)

// Source is where a Verifier learns what is true. *store.Store is one.
type Source interface {
	// LoadFeed gives everything to into and returns the place in the feed that it shows.
	LoadFeed(ctx context.Context, into keys.FeedLoad) (keys.FeedMark, error)
	// FollowFeed returns what changed after a mark.
	FollowFeed(ctx context.Context, after keys.FeedMark) (keys.FeedChanges, error)
}

// Sink is where a Verifier writes what it counted. *store.Store is one.
type Sink interface {
	// RecordUsage writes a batch, once, however often it is called with it.
	RecordUsage(ctx context.Context, batch keys.UsageBatch) error
	// RecordRefusals writes refusals to the audit log.
	RecordRefusals(ctx context.Context, refusals map[keys.Refusal]int) error
}

// DefaultMaxStaleness is how old the last proof of freshness may be. It must outlast a failover of the
// database.
const DefaultMaxStaleness = 60 * time.Second

// Options are what a Verifier needs from outside.
type Options struct {
	// Now is the clock. It is required.
	Now func() time.Time
	// Log takes what cannot be returned as an error. It is required.
	Log *slog.Logger
	// Account is the slug of the account that is guarded when a request names none. Empty, it is the
	// first account of the installation.
	Account string
	// MaxStaleness is how old the last proof that the index is current may be; past it every
	// verification answers CodeUnavailable. 0 means DefaultMaxStaleness.
	MaxStaleness time.Duration
	// NoUsage turns counting off, for a benchmark to compare with.
	NoUsage bool
}

// Verifier says whether a presented token may come in. It is safe for concurrent use.
type Verifier struct {
	source  Source
	sink    Sink
	options Options
}

// New returns a verifier that answers CodeUnavailable until it is loaded.
func New(source Source, sink Sink, o Options) *Verifier {
	return &Verifier{source: source, sink: sink, options: o}
}

// Verify answers a request from an address and counts it: the token's use, and for the audit log what
// is refused of it. The address may be the zero value when it is not known. It takes no lock, does no
// I/O and allocates nothing.
func (v *Verifier) Verify(r Request, from netip.Addr) Verdict { return Verdict{} }

// Ask answers a request without counting it as a use of the token.
func (v *Verifier) Ask(r Request) Verdict { return Verdict{} }

// Load loads everything from the source. Verifications answer CodeUnavailable until it has returned.
func (v *Verifier) Load(ctx context.Context) error { return errors.New("not written yet") }

// CatchUp returns when the index has every change that was committed before the call, or with an error
// when it could not learn of them in time. It is the AfterCommit of a store.
func (v *Verifier) CatchUp(ctx context.Context) error { return errors.New("not written yet") }

// Run follows the source, and flushes what was counted every second, until ctx ends; then it flushes
// the rest and returns. Call it after Load, and end ctx when no verification is under way any more.
func (v *Verifier) Run(ctx context.Context) { <-ctx.Done() }

// Flush writes what was counted since the last flush. What cannot be written is kept for the next one.
func (v *Verifier) Flush(ctx context.Context) error { return nil }

// State is what /readyz tells about an index.
type State struct {
	// Loaded says that there is an index, and Current that it may answer.
	Loaded, Current bool
	// Age is how long ago the index was last proved to be current, and Bound how long it may be.
	Age, Bound time.Duration
	// Mark is the place in the feed that the index shows.
	Mark keys.FeedMark
}

// State returns the state of the index now.
func (v *Verifier) State() State { return State{} }

// LatencyBuckets are the upper bounds of Stats.Latency; the last bucket has none.
var LatencyBuckets = [...]time.Duration{
	time.Microsecond, 2 * time.Microsecond, 5 * time.Microsecond, 10 * time.Microsecond, 20 * time.Microsecond,
	50 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond,
}

// Stats are figures for an operator. They never name a key.
type Stats struct {
	State
	// Verdicts counts the verifications by their codes.
	Verdicts [codes]uint64
	// Latency counts the verifications over HTTP by how long the verdict took, in LatencyBuckets and one
	// more; LatencySum is their total.
	Latency    [len(LatencyBuckets) + 1]uint64
	LatencySum time.Duration
	// Flooded counts the refusals that were answered with 429.
	Flooded uint64
	// Keys and Tokens are how many the index holds, ended ones too, and Bytes the memory that it takes.
	Keys, Tokens, Bytes int
	// Reloads counts how often the index was built anew after the first time.
	Reloads uint64
	// FlushErrors counts the flushes that failed, and DroppedRefusals what the audit log will never see.
	FlushErrors, DroppedRefusals uint64
	// Reuses counts the alarms: uses of a token that was replaced or taken back.
	Reuses uint64
}

// Stats returns the figures since New.
func (v *Verifier) Stats() Stats { return Stats{} }
