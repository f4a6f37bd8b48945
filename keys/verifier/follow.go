package verifier

import (
	"context"
	"time"
)

// The rhythms of Run.
const (
	pollEvery  = 500 * time.Millisecond
	flushEvery = time.Second
	// askWithin ends a question to the source that is not answered.
	askWithin = 5 * time.Second
	// rebuildEvery is how old an index may grow when a good part of it are tokens that ended.
	rebuildEvery = 24 * time.Hour
)

// Load loads everything from the source. Verifications answer CodeUnavailable until it has returned.
func (v *Verifier) Load(ctx context.Context) error {
	if err := v.lock(ctx); err != nil {
		return err
	}
	defer v.unlock()
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
	x, asked, begin := v.index.Load(), v.asked.Load(), v.options.Now()
	soon, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	changes, err := v.source.FollowFeed(soon, *x.mark.Load())
	switch {
	case err != nil:
		return err
	case changes.Lost || x.stale(begin):
		return v.reload(ctx)
	}
	if changes.Mark != *x.mark.Load() {
		x.apply(changes)
	}
	v.proved(begin, asked)
	return nil
}

// stale says whether so much of an old index has ended that it is worth to be built anew.
func (x *index) stale(now time.Time) bool {
	return now.Sub(x.built) > rebuildEvery && int64(x.ended)*4 > x.tokenCount.Load()
}

// reload builds a new index beside the current one and puts it in its place in one step.
func (v *Verifier) reload(ctx context.Context) error {
	asked, begin := v.asked.Load(), v.options.Now()
	x, err := load(ctx, v.source, begin)
	if err != nil {
		return err
	}
	// The old index is given to the flush first, so that no count falls between the two.
	if old := v.index.Load(); old != nil {
		v.usage.mu.Lock()
		v.usage.draining = append(v.usage.draining, drained{old, begin})
		v.usage.mu.Unlock()
		v.stats.reloads.Add(1)
	}
	v.index.Store(x)
	v.proved(begin, asked)
	return nil
}

// proved notes that the index had everything that was committed before a moment.
func (v *Verifier) proved(at time.Time, asked uint64) {
	v.proof.Store(&at)
	v.answered = asked
}

// Run follows the source, and flushes what was counted every second, until ctx ends; then it flushes
// the rest and returns. Call it after Load, and end ctx when no verification is under way any more.
func (v *Verifier) Run(ctx context.Context) {
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		v.every(ctx, pollEvery, "the change feed could not be read", v.poll)
	}()
	v.every(ctx, flushEvery, "usage could not be written", v.Flush)
	<-polled
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

// every calls do in a rhythm until ctx ends. It logs the first of several failures and the end of them.
func (v *Verifier) every(ctx context.Context, rhythm time.Duration, failure string, do func(context.Context) error) {
	tick := time.NewTicker(rhythm)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
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
