package verifier

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// Source is where a Verifier learns what is true. *store.Store is one.
type Source interface {
	// LoadFeed gives everything to into and returns which snapshot that was.
	LoadFeed(ctx context.Context, into keys.FeedLoad) (keys.FeedPlace, error)
	// FollowFeed returns what changed after a mark.
	FollowFeed(ctx context.Context, after keys.FeedMark) (keys.FeedChanges, error)
	// Beat commits a heartbeat, which FollowFeed shows from then on where reads alone prove nothing.
	Beat(ctx context.Context, h keys.Heartbeat) (keys.Beat, error)
	// DeactivateLost writes down again, as the key's deactivation, that something is over, unless somebody who
	// knows what was lost decided otherwise. It says whether it did.
	DeactivateLost(ctx context.Context, lost keys.LostRevocation) (done bool, err error)
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
	// SinceBoot is how long ago the machine was started, with the time that it slept since. Without it, an index
	// ages only while the machine is awake.
	SinceBoot func() time.Duration
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
	source    Source
	sink      Sink
	options   Options
	index     atomic.Pointer[index]
	addresses *addressBook
	usage     *usage
	refusals  *refusals
	stats     *stats

	// proof is when the index was last known to have everything that was committed, and beat the last
	// heartbeat of this node.
	proof atomic.Pointer[moment]
	beat  atomic.Pointer[heartbeat]
	// hints has room for one hint that there is something in the feed.
	hints chan struct{}
	// writing is held by the one goroutine that may change the index. asked counts the calls of CatchUp;
	// answered, which writing guards, is the last of them that the index is known to satisfy.
	writing  chan struct{}
	asked    atomic.Uint64
	answered uint64
}

// New returns a verifier that answers CodeUnavailable until it is loaded.
func New(source Source, sink Sink, o Options) *Verifier {
	if o.MaxStaleness == 0 {
		o.MaxStaleness = DefaultMaxStaleness
	}
	return &Verifier{
		source: source, sink: sink, options: o, addresses: newAddressBook(), usage: newUsage(), refusals: newRefusals(),
		stats: &stats{}, writing: make(chan struct{}, 1), hints: make(chan struct{}, 1),
	}
}

// Verify answers a request from an address and counts it: the token's use, and for the audit log what
// is refused of it. The address may be the zero value when it is not known. It takes no lock that a
// change holds, does no I/O and allocates nothing.
func (v *Verifier) Verify(r Request, from netip.Addr) Verdict {
	var a answer
	v.verifyAt(time.Time{}, &r, from, &a)
	return a.Verdict
}

// verifyAt is Verify for who has just read the clock. At the zero time it reads the clock itself, when it
// needs to: junk costs not even that.
func (v *Verifier) verifyAt(now time.Time, r *Request, from netip.Addr, a *answer) {
	v.verify(now, r, from, a)
	if a.Code == CodeUnknown {
		a.Verdict = Verdict{Code: CodeUnknown} // it must tell nothing of the token
	}
	v.stats.verdicts[a.Code].Add(1)
}

func (v *Verifier) verify(now time.Time, r *Request, from netip.Addr, a *answer) {
	x := v.index.Load()
	if x == nil {
		a.Code = CodeUnavailable
		return
	}
	q := question{Request: *r, account: v.options.Account, now: now}
	var err error
	if q.digest, err = secret.ParseDigest(secret.KindToken, r.Token); err != nil {
		v.refuseJunk(from)
		a.Code = CodeUnknown
		return
	}
	if now.IsZero() {
		q.now = v.options.Now()
	}
	if !v.current(q.now) {
		a.Code = CodeUnavailable
		return
	}
	q.now = v.databaseTime(q.now)
	x.judge(&q, a)
	if a.found && !v.options.NoUsage {
		v.count(x, a, from, q.now)
	}
	if a.Code != CodeValid {
		v.refuse(x, &q, a, from)
	}
}

// Ask answers a request without counting it as a use of the token.
func (v *Verifier) Ask(r Request) Verdict {
	x := v.index.Load()
	if x == nil {
		return Verdict{Code: CodeUnavailable}
	}
	q := question{Request: r, account: v.options.Account, now: v.options.Now()}
	var err error
	if q.digest, err = secret.ParseDigest(secret.KindToken, r.Token); err != nil {
		return Verdict{Code: CodeUnknown}
	}
	if !v.current(q.now) {
		return Verdict{Code: CodeUnavailable}
	}
	q.now = v.databaseTime(q.now)
	var a answer
	if x.judge(&q, &a); a.Code == CodeUnknown {
		return Verdict{Code: CodeUnknown}
	}
	return a.Verdict
}

// current says whether the index was proved to be current lately enough.
func (v *Verifier) current(now time.Time) bool {
	proof := v.proof.Load()
	return proof != nil && v.passed(proof, now) <= v.options.MaxStaleness
}

// missed counts a verification that had no credentials, or none that could be understood.
func (v *Verifier) missed(code Code) Verdict {
	v.stats.verdicts[code].Add(1)
	return Verdict{Code: code}
}
