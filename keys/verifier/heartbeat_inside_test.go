package verifier

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/keys"
)

// beating is a world behind a database of several nodes: reads prove nothing that do not show the last
// heartbeat.
type beating struct {
	*world
	// number is the last heartbeat, shown the one that reads show, and ahead how far the database's clock is.
	number, shown int64
	ahead         time.Duration
	beatFails     error
	// swept says that the feed has lost its beginning.
	swept bool
	// said are the heartbeats, also those that failed.
	said      []keys.Heartbeat
	loadFails error
	// onLoad is called when a load begins, and onLoaded when it has seen everything.
	onLoad, onLoaded func()
	// onFollow is called when the feed is asked for.
	onFollow func()
	lost     []keys.LostRevocation
	// decided is a key that somebody has activated who knows what was lost.
	decided keys.KeyID
}

func (b *beating) Beat(_ context.Context, h keys.Heartbeat) (keys.Beat, error) {
	b.said = append(b.said, h)
	b.number++
	return keys.Beat{Number: b.number, ClockOffset: b.ahead}, b.beatFails
}

func (b *beating) FollowFeed(ctx context.Context, after keys.FeedMark) (keys.FeedChanges, error) {
	if b.onFollow != nil {
		b.onFollow()
	}
	c, err := b.world.FollowFeed(ctx, after)
	if b.swept {
		c = keys.FeedChanges{Lost: true}
	}
	c.Beat = b.shown
	return c, err
}

func (b *beating) LoadFeed(ctx context.Context, into keys.FeedLoad) (keys.FeedPlace, error) {
	if b.onLoad != nil {
		b.onLoad()
	}
	place, err := b.world.LoadFeed(ctx, into)
	place.Beat = b.shown
	if b.onLoaded != nil {
		b.onLoaded()
	}
	return place, errors.Join(err, b.loadFails)
}

// state is what a database holds.
type state struct {
	branch  string
	shared  int64
	keys    []keys.FeedKey
	changed []int
}

func (w *world) state() state {
	return state{w.branch, w.shared, slices.Clone(w.keys), slices.Clone(w.changed)}
}

// become makes the world what it was, or what another server has.
func (w *world) become(s state) {
	w.branch, w.shared, w.keys, w.changed = s.branch, s.shared, slices.Clone(s.keys), slices.Clone(s.changed)
}

func (b *beating) DeactivateLost(_ context.Context, lost keys.LostRevocation) (done bool, err error) {
	if b.decided == lost.Key {
		return false, nil
	}
	b.lost = append(b.lost, lost)
	for i, k := range b.keys {
		if k.ID == lost.Key {
			b.change(i, func(k *keys.FeedKey) { k.Active = false })
			done = true
		}
	}
	return done, nil
}

func (b *beating) verifier(t *testing.T, now func() time.Time) *Verifier {
	t.Helper()
	v := New(b, b, Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	if err := v.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return v
}

func catchUp(t *testing.T, v *Verifier) {
	t.Helper()
	if err := v.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAReadWithoutTheLastHeartbeatProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &beating{world: newWorld(), shown: 1}
		token := b.add(2)
		v := b.verifier(t, time.Now)
		want := func(age time.Duration, code Code) {
			t.Helper()
			if got := v.State().Age; got != age {
				t.Fatalf("the proof is %s old, want %s", got, age)
			}
			if got := v.Verify(Request{Token: token}, someone).Code; got != code {
				t.Fatalf("got %s, want %s", got, code)
			}
		}
		want(0, CodeValid)
		time.Sleep(30 * time.Second)
		if err := v.sendBeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if v.CatchUp(t.Context()) == nil {
			t.Fatal("it has caught up with a server that has not seen the heartbeat")
		}
		want(31*time.Second, CodeValid)
		b.shown = 2
		catchUp(t, v)
		want(time.Second, CodeValid) // the heartbeat was begun a second ago
		b.beatFails = context.DeadlineExceeded
		for range 60 {
			time.Sleep(time.Second)
			if v.sendBeat(t.Context()) == nil {
				t.Fatal("a heartbeat that fails is none")
			}
			catchUp(t, v)
		}
		want(61*time.Second, CodeUnavailable)
		b.beatFails, b.shown = nil, b.number+1
		if err := v.sendBeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		catchUp(t, v)
		want(0, CodeValid)
	})
}

// Without a heartbeat there is no proof, not even of what was just loaded.
func TestWithoutAHeartbeatNothingIsLetIn(t *testing.T) {
	b := &beating{world: newWorld(), beatFails: context.DeadlineExceeded}
	token := b.add(2)
	v := New(b, b, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if v.Load(t.Context()) == nil {
		t.Fatal("it loaded without a heartbeat")
	}
	if err := v.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := v.Verify(Request{Token: token}, someone).Code; got != CodeUnavailable {
		t.Fatalf("got %s, want unavailable", got)
	}
}

// A node that has no index yet, or can never load one, answers nothing and has no change.
func TestANodeWithoutAnIndexIsNotCurrent(t *testing.T) {
	b := &beating{world: newWorld(), shown: 1, loadFails: context.DeadlineExceeded}
	v := New(b, b, Options{Now: atNoon, Log: slog.New(slog.DiscardHandler)})
	if v.Load(t.Context()) == nil {
		t.Fatal("it loaded what cannot be loaded")
	}
	said := func() keys.Node {
		t.Helper()
		if err := v.sendBeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := b.said[len(b.said)-1]
		return keys.Node{Applied: h.Applied.Seq, BeatAt: noon, ProvedAt: noon.Add(-h.ProofAge), MaxStaleness: h.MaxStaleness}
	}
	if n := said(); n.State(noon) != keys.NodeBehind || n.Knows(1, noon) {
		t.Errorf("without an index it is %s, and knows the first change: %v; want %s and false", n.State(noon), n.Knows(1, noon), keys.NodeBehind)
	}
	b.loadFails = nil
	b.shown = b.number
	if err := v.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := said(); n.State(noon) != keys.NodeCurrent {
		t.Errorf("with an index it is %s; want %s", n.State(noon), keys.NodeCurrent)
	}
}

// All nodes let tokens expire by the database's clock.
func TestTokensExpireByTheDatabasesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &beating{world: newWorld(), shown: 1}
		created := time.Now()
		token := b.add(2)
		b.change(0, func(k *keys.FeedKey) { k.Tokens[0].CreatedAt = created.UnixMicro() })
		expires := keys.DefaultDuration.Expiry(created, time.UTC)
		for ahead, want := range map[time.Duration]Code{
			expires.Sub(created) - time.Second: CodeValid, expires.Sub(created): CodeExpired,
		} {
			b.number, b.ahead = 0, ahead
			v := b.verifier(t, time.Now)
			if got := v.Verify(Request{Token: token}, someone).Code; got != want {
				t.Errorf("%s ahead: got %s, want %s", ahead, got, want)
			}
			if got := v.State().ClockOffset; got != ahead {
				t.Errorf("the state says %s, want %s", got, ahead)
			}
		}
	})
}

// What an old primary says is not true any more, neither of the feed nor of everything.
func TestNothingIsTakenFromAServerThatLacksTheLastHeartbeat(t *testing.T) {
	for name, c := range map[string]struct {
		shown  int64 // by the feed, at first
		onLoad int64 // by what is loaded
		forks  bool
	}{
		"the feed says that it does not lead on":            {1, 1, false},
		"the feed says that it has forked":                  {1, 1, true},
		"the feed has forked, and an older state is loaded": {2, 1, true},
	} {
		b := &beating{world: newWorld(), shown: 1}
		token := b.add(2)
		before := b.state()
		v := b.verifier(t, atNoon)
		b.change(0, func(k *keys.FeedKey) { k.Active = false })
		catchUp(t, v)
		if err := v.sendBeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := b.state()
		b.become(before)
		b.branch, b.shown, b.swept = "the standby's", c.shown, !c.forks
		b.onLoad = func() { b.shown = c.onLoad }
		for range 2 {
			if v.CatchUp(t.Context()) == nil {
				t.Errorf("%s: it has caught up", name)
			}
			if got := v.Verify(Request{Token: token}, someone).Code; got != CodeInactive {
				t.Errorf("%s: got %s, want %s", name, got, CodeInactive)
			}
			b.shown = c.shown
		}
		if len(b.lost) != 0 || v.Stats().Reloads != 0 {
			t.Errorf("%s: %+v were written back, and %d times all was loaded", name, b.lost, v.Stats().Reloads)
		}
		b.become(now)
		b.onLoad, b.shown, b.swept = nil, b.number, false
		catchUp(t, v)
	}
}

// fallible are four keys of which three are over in a node that knows it, and a database that forgets that at a
// failover.
type fallible struct {
	*beating
	*testing.T
	v      *Verifier
	now    time.Time
	before state
	// inactive, rotated, deleted and kept are the tokens of the keys.
	inactive, rotated, deleted, kept string
}

func newFallible(t *testing.T) *fallible {
	f := &fallible{beating: &beating{world: newWorld(), shown: 1}, T: t, now: noon}
	f.account.Settings.EnforceExpiry = false
	f.inactive, f.rotated, f.deleted, f.kept = f.add(2), f.add(2), f.add(2), f.add(2)
	f.before = f.state()
	f.change(0, func(k *keys.FeedKey) { k.Active = false })
	f.v = f.verifier(t, func() time.Time { return f.now })
	f.change(1, func(k *keys.FeedKey) { k.Tokens[0].EndedAt = noon.UnixMicro() })
	f.change(2, func(k *keys.FeedKey) { k.Deleted = true })
	catchUp(t, f.v)
	return f
}

// failOver makes a standby the database that has none of the revocations.
func (f *fallible) failOver() { f.failOverTo(f.before) }

// failOverTo makes a standby the database that has come so far.
func (f *fallible) failOverTo(s state) {
	f.become(s)
	f.branch, f.shared = "the standby's", int64(len(s.changed))
}

// want fails the test unless these tokens have these verdicts, and so much was written back in one fork.
func (f *fallible) want(written int, verdicts map[string]Code) {
	f.Helper()
	if s := f.v.Stats(); len(f.lost) != written || s.Forks != 1 || s.LostRevocations != uint64(written) {
		f.Errorf("%d were written back, and the figures say %d forks and %d; want %d and 1 fork", len(f.lost), s.Forks, s.LostRevocations, written)
	}
	for token, code := range verdicts {
		if got := f.v.Verify(Request{Token: token}, someone).Code; got != code {
			f.Errorf("got %s, want %s", got, code)
		}
	}
}

// What a failover lost is written back before anybody is answered from what it left.
func TestWhatAFailoverRevivesIsWrittenBack(t *testing.T) {
	f := newFallible(t)
	mark, branch := f.v.State().Mark, f.marksAfter(0)
	f.failOver()
	catchUp(t, f.v)
	f.want(3, map[string]Code{f.inactive: CodeInactive, f.rotated: CodeInactive, f.deleted: CodeInactive, f.kept: CodeValid})
	of := f.before.keys
	for i, want := range []keys.LostRevocation{{Key: of[0].ID}, {Key: of[2].ID}, {Key: of[1].ID, Token: of[1].Tokens[0].Number}} {
		if got := f.lost[i]; got.Key != want.Key || got.Token != want.Token || got.Change != mark.Seq || !slices.Equal(got.Branch, branch) {
			t.Errorf("written back: %+v, want %+v, known at change %d of %v", got, want, mark.Seq, branch)
		}
	}
}

// A failover can happen while everything is loaded for another reason. What is loaded then lacks what the old index
// knows, and after the swap nobody would know it any more.
func TestWhatAFailoverRevivesDuringALoadIsWrittenBack(t *testing.T) {
	f := newFallible(t)
	f.swept = true
	f.onLoad = func() {
		f.swept, f.onLoad = false, nil
		f.failOver()
	}
	catchUp(t, f.v)
	f.want(3, map[string]Code{f.inactive: CodeInactive, f.rotated: CodeInactive, f.deleted: CodeInactive, f.kept: CodeValid})
}

// Who activates a key after a failover has decided. It is not written back, and not counted.
func TestOnlyWhatWasWrittenBackIsCounted(t *testing.T) {
	f := newFallible(t)
	f.decided = f.before.keys[0].ID
	f.failOver()
	catchUp(t, f.v)
	f.want(2, map[string]Code{f.inactive: CodeValid, f.rotated: CodeInactive, f.deleted: CodeInactive, f.kept: CodeValid})
}

// The changes that led to an index are remembered without a gap, but not all of them for ever.
func TestTheBranchOfAnIndexIsBounded(t *testing.T) {
	w := newWorld()
	w.add(2)
	v := w.follow(t, atNoon)
	for range 3 {
		for range keys.BranchMemory {
			w.changed = append(w.changed, 0)
		}
		catchUp(t, v)
	}
	all, kept := w.marksAfter(0), v.index.Load().branch
	if len(kept) < keys.BranchMemory || len(kept) > 2*keys.BranchMemory || !slices.Equal(all[len(all)-len(kept):], kept) {
		t.Errorf("of %d changes, %d are remembered; want the last %d or a few more", len(all), len(kept), keys.BranchMemory)
	}
}
