package verifier

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"net/netip"
	"slices"
	"sync"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// drainFor is how long a replaced index is still asked for what was counted in it: longer than a
// request may take.
const drainFor = time.Minute

// usage is what becomes of the counts.
type usage struct {
	writer string
	mu     sync.Mutex
	number int64
	// unsent are batches that are not written yet, or of which nobody knows whether they are.
	unsent []keys.UsageBatch
	// draining are replaced indexes, with the time at which they were.
	draining []drained
}

type drained struct {
	x     *index
	since time.Time
}

func newUsage() *usage { return &usage{writer: secret.NewNonce()} }

// count counts a verification of the token at a place.
func (v *Verifier) count(x *index, a *answer, from netip.Addr, now time.Time) {
	one := uint64(1)
	if a.Code == CodeValid {
		one = 1 << 32
		a.token.used.Store(uint64(now.Unix()/60)<<32 | uint64(v.addresses.number(from)))
	}
	if a.token.counted.Add(one) == one {
		chunk := (*x.tokens.Load())[a.place/chunkSize]
		chunk.dirty[a.place%chunkSize/64].Or(1 << (a.place % 64))
	}
}

// Flush writes what was counted since the last flush, and what was refused. What cannot be written is
// kept for the next one.
func (v *Verifier) Flush(ctx context.Context) error {
	v.usage.mu.Lock()
	defer v.usage.mu.Unlock()
	err := errors.Join(v.flushUsage(ctx), v.flushRefusals(ctx))
	v.stats.flushFailing.Store(err != nil)
	if err != nil {
		v.stats.flushErrors.Add(1)
	}
	return err
}

// maxBatch is how many uses one batch holds, so that the sink can write it well within its time.
const maxBatch = 10_000

// flushUsage sends the batches that are still unsent, as they were, and then new ones.
func (v *Verifier) flushUsage(ctx context.Context) error {
	if err := v.sendUsage(ctx); err != nil {
		return err
	}
	v.nextBatches()
	return v.sendUsage(ctx)
}

func (v *Verifier) sendUsage(ctx context.Context) error {
	for u := v.usage; len(u.unsent) > 0; u.unsent = u.unsent[1:] {
		if err := v.sink.RecordUsage(ctx, u.unsent[0]); err != nil {
			return err
		}
	}
	return nil
}

// nextBatches takes what was counted.
func (v *Verifier) nextBatches() {
	u, now := v.usage, v.options.Now()
	var uses []keys.TokenUsage
	for _, old := range u.draining {
		uses = v.collect(old.x, now, uses)
	}
	u.draining = slices.DeleteFunc(u.draining, func(d drained) bool { return now.Sub(d.since) > drainFor })
	if x := v.index.Load(); x != nil {
		uses = v.collect(x, now, uses)
	}
	v.addresses.renew()
	for batch := range slices.Chunk(merged(uses), maxBatch) {
		u.number++
		u.unsent = append(u.unsent, keys.UsageBatch{Writer: u.writer, Number: u.number, Uses: batch})
	}
}

// collect takes the counts of the tokens that were used since it was last called. A count belongs to
// the hour in which it is taken, at most a second after it was made.
func (v *Verifier) collect(x *index, now time.Time, uses []keys.TokenUsage) []keys.TokenUsage {
	hour := now.UTC().Truncate(time.Hour)
	for _, chunk := range *x.tokens.Load() {
		for i := range chunk.dirty {
			for word := chunk.dirty[i].Swap(0); word != 0; word &= word - 1 {
				at := i*64 + bits.TrailingZeros64(word)
				uses = v.take(&chunk.records[at], keys.TokenUsage{Token: chunk.numbers[at], Hour: hour}, uses)
			}
		}
	}
	return uses
}

// take takes the counts of one token.
func (v *Verifier) take(token *tokenRecord, use keys.TokenUsage, uses []keys.TokenUsage) []keys.TokenUsage {
	counted := token.counted.Swap(0)
	if counted == 0 {
		return uses // the bit was set between the flush of the count and now
	}
	use.Accepted, use.Refused = int64(counted>>32), int64(counted&0xffffffff)
	if used := token.used.Load(); use.Accepted > 0 {
		use.Last = keys.LastUse{At: time.Unix(int64(used>>32)*60, 0).UTC(), IP: v.addresses.address(uint32(used))}
	}
	return append(uses, use)
}

// merged are the uses in the order of their tokens, one of each: a token that was counted in two
// indexes comes twice.
func merged(uses []keys.TokenUsage) []keys.TokenUsage {
	slices.SortStableFunc(uses, func(a, b keys.TokenUsage) int { return cmp.Compare(a.Token, b.Token) })
	all := uses[:0]
	for _, use := range uses {
		if len(all) == 0 || all[len(all)-1].Token != use.Token {
			all = append(all, use)
			continue
		}
		last := &all[len(all)-1]
		last.Accepted += use.Accepted
		last.Refused += use.Refused
		if use.Last.At.After(last.Last.At) {
			last.Last = use.Last
		}
	}
	return all
}
