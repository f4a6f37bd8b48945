package verifier

import (
	"context"
	"errors"
	"time"

	"latchkey/keys"
)

// heartbeat is the last one that was committed, and when it was begun: a read that shows it has everything
// that was committed before.
type heartbeat struct {
	keys.Beat
	began moment
}

// sendBeat commits a heartbeat.
func (v *Verifier) sendBeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	h := heartbeat{began: v.moment()}
	state := v.State()
	var err error
	h.Beat, err = v.source.Beat(ctx, keys.Heartbeat{Applied: state.Mark, ProofAge: state.saidAge(), MaxStaleness: state.Bound})
	if err != nil {
		return err
	}
	v.beat.Store(&h)
	if state.Age > beatEvery+pollEvery {
		v.Hint() // the proof is waited for
	}
	return nil
}

// unproved is what a node that has no proof yet gives as the age of its last one. It must not look current, nor
// like one that refuses until the next heartbeat: it answers as soon as it has loaded.
const unproved = keys.CurrentFor + time.Second

// saidAge is the age of the last proof, for a heartbeat.
func (s State) saidAge() time.Duration {
	if !s.Loaded {
		return unproved
	}
	return s.Age
}

// errOldAnswer says that an answer came from a server that is not the primary any more, or that has become it a
// moment ago and lost the last heartbeat. Until the next heartbeat nobody knows which.
var errOldAnswer = errors.New("the database's answer lacks the last heartbeat of this node, so it may be an old one")

// mustShow returns an error when a read that was begun after the heartbeat last does not show it. Whatever such a
// read says, even that changes are gone, may be what was true before.
func (last *heartbeat) mustShow(shown int64) error {
	if last != nil && shown < last.Number {
		return errOldAnswer
	}
	return nil
}

// proves is the moment up to which a read had everything. It was begun at a moment, after the heartbeat last, and
// shows it; it returns false when there is none yet, which proves nothing.
func (last *heartbeat) proves(begun moment) (until moment, proof bool) {
	switch {
	case last == nil:
		return moment{}, false
	case last.Number == 0:
		return begun, true
	}
	return last.began, true
}

// databaseTime is a time of this node by the database's clock, by which all nodes let tokens expire.
func (v *Verifier) databaseTime(at time.Time) time.Time {
	if last := v.beat.Load(); last != nil && last.ClockOffset != 0 {
		return at.Add(last.ClockOffset)
	}
	return at
}

// Hint says that there may be something in the feed. It returns at once.
func (v *Verifier) Hint() {
	select {
	case v.hints <- struct{}{}:
	default: // there is a hint already
	}
}
