package verifier

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/keys"
)

// newStale are the keys of newFallible in an index that is old, and of which half of the tokens have ended.
func newStale(t *testing.T) *fallible {
	t.Helper()
	f := newFallible(t)
	f.now = f.now.Add(rebuildEvery + time.Second)
	must(t, f.v.sendBeat(t.Context()))
	f.shown = f.number
	catchUp(t, f.v)
	return f
}

// The old index goes on to follow the feed while the new one is loaded, and the new one is then brought to where the
// old one is.
func TestAnIndexIsBuiltAnewWhileTheOldOneFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that who waits for the load ends the test
		f := newStale(t)
		loads := 0
		f.onLoaded = func() {
			loads++
			f.change(3, func(k *keys.FeedKey) { k.Active = false })
			must(t, f.v.poll(t.Context()))
			if got := f.v.Verify(Request{Token: f.kept}, someone).Code; got != CodeInactive {
				t.Errorf("while everything is loaded, a key that was deactivated is %s", got)
			}
		}
		for range 2 {
			must(t, f.v.rebuild(t.Context()))
		}
		if loads != 1 || f.v.Stats().Reloads != 1 || f.v.index.Load().built != f.now {
			t.Errorf("%d loads, and the index was replaced %d times; want once, for it is new then", loads, f.v.Stats().Reloads)
		}
		for _, token := range []string{f.kept, f.inactive, f.rotated, f.deleted} {
			if got := f.v.Verify(Request{Token: token}, someone).Code; got == CodeValid {
				t.Errorf("in the new index, got %s", got)
			}
		}
		if got := f.v.State(); got.Mark != f.mark() || got.Age != 0 {
			t.Errorf("the new index is at %+v, proved %s ago; want %+v", got.Mark, got.Age, f.mark())
		}
	})
}

// An index that is young, or of which little has ended, is kept.
func TestAnIndexIsBuiltAnewOnlyWhenItIsStale(t *testing.T) {
	f := newStale(t)
	f.now = noon.Add(rebuildEvery)
	must(t, f.v.rebuild(t.Context()))
	f.now = f.now.Add(time.Second)
	for range 5 {
		f.add(2)
	}
	catchUp(t, f.v)
	must(t, f.v.rebuild(t.Context()))
	if got := f.v.Stats().Reloads; got != 0 {
		t.Errorf("it was replaced %d times", got)
	}
	must(t, New(f, f, Options{Now: atNoon}).rebuild(t.Context())) // there is none yet
}

func TestRunBuildsAStaleIndexAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(2)
		w.change(0, func(k *keys.FeedKey) { k.Tokens[0].EndedAt = time.Now().UnixMicro() })
		v := w.follow(t, time.Now)
		old := v.index.Load()
		old.built = old.built.Add(-rebuildEvery)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		time.Sleep(lookEvery + time.Millisecond)
		if v.index.Load() == old {
			t.Error("after a look at it, a stale index is still there")
		}
		stop()
		<-ended
	})
}

// What a failover loses while the index is built anew is written back as always.
func TestAFailoverWhileTheIndexIsBuiltAnewIsSeen(t *testing.T) {
	for name, at := range map[string]func(f *fallible, do func()){
		"before everything is loaded": func(f *fallible, do func()) { f.onLoad = func() { f.onLoad = nil; do() } },
		"after it":                    func(f *fallible, do func()) { f.onLoaded = func() { f.onLoaded = nil; do() } },
	} {
		f := newStale(t)
		at(f, f.failOver)
		must(t, f.v.rebuild(t.Context()))
		if f.want(3, map[string]Code{f.inactive: CodeInactive, f.rotated: CodeInactive, f.deleted: CodeInactive, f.kept: CodeValid}); t.Failed() {
			t.Fatal(name)
		}
	}
}

// A failover can come between the last looks at the feed from the old index and from the new one, and lose what only
// the old one has seen.
func TestANewIndexThatLacksWhatTheOldOneKnowsIsNotUsed(t *testing.T) {
	f := newStale(t)
	loaded, looks := f.state(), 0
	f.onLoaded = func() { f.change(3, func(k *keys.FeedKey) { k.Active = false }) }
	f.onFollow = func() {
		if looks++; looks == 2 {
			f.failOverTo(loaded)
		}
	}
	if err := f.v.rebuild(t.Context()); err == nil || f.v.Stats().Reloads != 0 {
		t.Errorf("with %v, the index was replaced %d times; want that it is not", err, f.v.Stats().Reloads)
	}
	f.onLoaded, f.onFollow = nil, nil
	catchUp(t, f.v)
	f.want(1, map[string]Code{f.inactive: CodeInactive, f.rotated: CodeRotated, f.deleted: CodeUnknown, f.kept: CodeInactive})
}
