package verifier

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/keys"
)

// The rhythms of Run.
const (
	pollEvery  = 500 * time.Millisecond
	beatEvery  = time.Second
	flushEvery = time.Second
	// againEvery is the rhythm of what has failed.
	againEvery = 200 * time.Millisecond
	// askWithin ends a question to the source that is not answered.
	askWithin = 5 * time.Second
	// lookEvery is how often it is looked whether the index should be built anew.
	lookEvery = time.Minute
	// rebuildEvery is how old an index may grow when a good part of it are tokens that ended.
	rebuildEvery = 24 * time.Hour
)

// Load loads everything from the source. Verifications answer CodeUnavailable until it has returned.
func (v *Verifier) Load(ctx context.Context) error {
	if err := v.lock(ctx); err != nil {
		return err
	}
	defer v.unlock()
	if err := v.sendBeat(ctx); err != nil {
		return err
	}
	return v.reload(ctx)
}

// CatchUp returns when the index has every change that was committed before the call, or with an error
// when it could not learn of them in time. It is the AfterCommit of a store. Before Load was called
// there is nothing that could be wrong, and it returns at once.
func (v *Verifier) CatchUp(ctx context.Context) error {
	ticket := v.asked.Add(1)
	if err := v.lock(ctx); err != nil {
		return err
	}
	defer v.unlock()
	if v.index.Load() == nil || v.answered >= ticket {
		return nil
	}
	return v.follow(ctx)
}

// lock makes the caller the one that may change the index.
func (v *Verifier) lock(ctx context.Context) error {
	select {
	case v.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *Verifier) unlock() { <-v.writing }

// follow takes in what changed since the index's place in the feed. One look serves everybody who asked
// before it began.
func (v *Verifier) follow(ctx context.Context) error {
	changes, err := v.takeIn(ctx)
	if err == nil && changes.Lost {
		err = v.reload(ctx)
	}
	return err
}

// takeIn takes in what changed, unless the feed does not lead on to it.
func (v *Verifier) takeIn(ctx context.Context) (keys.FeedChanges, error) {
	changes, asked, err := v.advance(ctx, v.index.Load())
	if err == nil && !changes.Lost {
		v.knows(asked)
	}
	return changes, err
}

// asking is what stood fast when the source was asked for changes.
type asking struct {
	calls uint64
	begin moment
	beat  *heartbeat
}

// advance takes in what changed since an index's place in the feed, unless the feed does not lead on to it.
func (v *Verifier) advance(ctx context.Context, x *index) (keys.FeedChanges, asking, error) {
	asked := asking{v.asked.Load(), v.moment(), v.beat.Load()}
	changes, err := v.changesAfter(ctx, *x.mark.Load(), asked.beat)
	if err == nil && !changes.Lost && changes.Mark != *x.mark.Load() {
		x.apply(changes, asked.begin.at)
	}
	return changes, asked, err
}

// knows says that the index has everything that an answer could tell.
func (v *Verifier) knows(asked asking) {
	v.answered = asked.calls
	if until, proof := asked.beat.proves(asked.begin); proof {
		v.proof.Store(&until)
	}
}

// changesAfter asks the source what changed after a mark, and takes no answer that lacks the last heartbeat.
func (v *Verifier) changesAfter(ctx context.Context, after keys.FeedMark, last *heartbeat) (keys.FeedChanges, error) {
	soon, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	changes, err := v.source.FollowFeed(soon, after)
	if err != nil {
		return keys.FeedChanges{}, err
	}
	return changes, last.mustShow(changes.Beat)
}

// reload builds a new index beside the current one and puts it in its place in one step.
func (v *Verifier) reload(ctx context.Context) error {
	x, err := v.build(ctx, v.options.Now())
	if err != nil {
		return err
	}
	v.replace(x)
	changes, err := v.takeIn(ctx)
	if err == nil && changes.Lost {
		err = errOvertaken
	}
	return err
}

// replace puts an index in the place of the current one.
func (v *Verifier) replace(x *index) {
	// The old index is given to the flush first, so that no count falls between the two.
	if old := v.index.Load(); old != nil {
		v.usage.mu.Lock()
		v.usage.draining = append(v.usage.draining, drained{old, v.options.Now()})
		v.usage.mu.Unlock()
		v.stats.reloads.Add(1)
	}
	v.index.Store(x)
}

// build loads an index. Of a database that has forked, what was revoked is written back first, also when that
// happened while everything was loaded: afterwards nobody could tell what the old index knew.
func (v *Verifier) build(ctx context.Context, begin time.Time) (*index, error) {
	for lost := 0; ; {
		x, err := load(ctx, v.source, begin, v.beat.Load())
		if err != nil {
			return nil, err
		}
		forked, err := v.hasForked(ctx)
		if err != nil || !forked {
			return x, err
		}
		written, err := v.writeBack(ctx, x)
		if err != nil {
			return nil, err
		}
		if written == 0 {
			v.tellOfFork(lost)
			return x, nil
		}
		lost += written
	}
}

// errOvertaken says that the feed went on too far while everything was loaded.
var errOvertaken = errors.New("the change feed has overtaken the index that was loaded")

// Run follows the source, and flushes what was counted every second, until ctx ends; then it flushes
// the rest and returns. Call it after Load, and end ctx when no verification is under way any more.
func (v *Verifier) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { v.every(ctx, pollEvery, v.hints, "the change feed could not be read", v.poll) })
	loops.Go(func() { v.every(ctx, beatEvery, nil, "the heartbeat could not be written", v.sendBeat) })
	loops.Go(func() { v.every(ctx, lookEvery, nil, "the index could not be built anew", v.rebuild) })
	v.every(ctx, flushEvery, nil, "usage could not be written", v.Flush)
	loops.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	if err := v.Flush(last); err != nil {
		v.options.Log.Error("the last usage could not be written", "error", err)
	}
}

// poll is CatchUp with the time that a reload may need.
func (v *Verifier) poll(ctx context.Context) error {
	if err := v.lock(ctx); err != nil {
		return err
	}
	defer v.unlock()
	if v.index.Load() == nil {
		return v.reload(ctx)
	}
	return v.follow(ctx)
}

// every calls do in a rhythm, and at every hint, until ctx ends. It logs the first of several failures and the end of them.
func (v *Verifier) every(ctx context.Context, rhythm time.Duration, hints <-chan struct{}, failure string, do func(context.Context) error) {
	tick := time.NewTicker(rhythm)
	defer tick.Stop()
	failing := false
	for {
		var again <-chan time.Time
		if failing {
			again = time.After(againEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hints:
		case <-again:
		}
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			v.options.Log.Error(failure, "error", err)
		case err == nil && failing:
			v.options.Log.Info("recovered", "from", failure)
		}
		failing = err != nil
	}
}
