package verifier

import (
	"context"
	"errors"
	"time"
)

// This file builds an index anew only because it has grown old. To load millions of tokens takes many seconds,
// so meanwhile the old index goes on to follow the feed, and nobody waits.

// stale says whether so much of an old index has ended that it is worth to be built anew.
func (x *index) stale(now time.Time) bool {
	return now.Sub(x.built) > rebuildEvery && int64(x.ended)*4 > x.tokenCount.Load()
}

// rebuild builds the index anew if it is stale.
func (v *Verifier) rebuild(ctx context.Context) error {
	old, stale, err := v.staleIndex(ctx)
	if err != nil || !stale {
		return err
	}
	x, err := load(ctx, v.source, v.options.Now(), v.beat.Load())
	if err != nil {
		return err
	}
	if err := v.lock(ctx); err != nil {
		return err
	}
	defer v.unlock()
	if v.index.Load() != old {
		return nil // somebody had to load it anew meanwhile
	}
	return v.overtake(ctx, x)
}

// staleIndex is the index, and whether it is stale.
func (v *Verifier) staleIndex(ctx context.Context) (x *index, stale bool, err error) {
	if err := v.lock(ctx); err != nil {
		return nil, false, err
	}
	defer v.unlock()
	x = v.index.Load()
	return x, x != nil && x.stale(v.options.Now()), nil
}

// errOtherBranch says that a failover came between the last looks at the feed.
var errOtherBranch = errors.New("the index that was loaded does not know what the old one does")

// overtake brings a new index to where the old one is, or further, and puts it in its place. If the database has
// forked meanwhile, the old one alone knows what was lost, so then all is done again from it.
func (v *Verifier) overtake(ctx context.Context, x *index) error {
	changes, err := v.takeIn(ctx)
	if err != nil {
		return err
	}
	if changes.Lost {
		return v.reload(ctx)
	}
	changes, asked, err := v.advance(ctx, x)
	switch {
	case err != nil:
		return err
	case changes.Lost:
		return errOvertaken
	case !x.branch.Has(*v.index.Load().mark.Load()):
		return errOtherBranch
	}
	v.replace(x)
	v.knows(asked)
	return nil
}
