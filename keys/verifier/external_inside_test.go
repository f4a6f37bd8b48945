package verifier

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/keys"
)

// In one state the other account lets the key in and the key is inactive, in the other it is active and not
// let in, and the role that lets it use the resource goes the same way. A reader that saw half of each would
// be let in, or told that only the resource is missing.
func TestNoReaderSeesAMixOfTwoGrants(t *testing.T) {
	w := newWorld()
	token := w.add(2)
	v := w.follow(t, atNoon)
	x := v.index.Load()
	states := [2]keys.FeedChanges{}
	for i := range states {
		k, a := w.keys[0], w.other
		if k.Active = i == 0; !k.Active {
			k.Grants = []keys.FeedGrant{{Account: 4, Roles: []int64{5}}}
		}
		states[i] = keys.FeedChanges{Keys: []keys.FeedKey{k}, Accounts: []keys.FeedAccount{a}}
	}
	x.apply(states[0], noon)
	var readers sync.WaitGroup
	done := atomic.Bool{}
	var seen [codes]atomic.Int64
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				seen[v.Ask(Request{Token: token, Account: "globex", Resource: "stock.read"}).Code].Add(1)
			}
		})
	}
	enough := func() bool { return seen[CodeUnknown].Load() > 1000 && seen[CodeInactive].Load() > 1000 }
	for i := 0; i < 20_000 || !enough() && i < 5_000_000; i++ {
		x.apply(states[i%2], noon)
	}
	if !enough() {
		t.Error("the readers did not see both states")
	}
	done.Store(true)
	readers.Wait()
	for code := range seen {
		if n := seen[code].Load(); n > 0 && Code(code) != CodeUnknown && Code(code) != CodeInactive {
			t.Errorf("%s: %d times", Code(code), n)
		}
	}
}

// While the table of grants grows under them, readers find those that stay, and none that was taken back.
func TestReadersFindEveryGrantWhileTheTableGrows(t *testing.T) {
	w := newWorld()
	const early = 100
	var tokens []string
	grant := func(at int, granted ...keys.FeedGrant) { w.change(at, func(k *keys.FeedKey) { k.Grants = granted }) }
	lent := keys.FeedGrant{Account: 4, Roles: []int64{5}}
	for i := range early {
		tokens = append(tokens, w.add(2))
		if i%2 == 0 {
			grant(i, lent)
		}
	}
	v := w.follow(t, atNoon)
	wants := func(i int) Code { return [2]Code{CodeValid, CodeUnknown}[i%2] }
	var readers sync.WaitGroup
	done := atomic.Bool{}
	for range 4 {
		readers.Go(func() {
			for i := 0; !done.Load(); i++ {
				if got := v.Verify(Request{Token: tokens[i%early], Account: "globex", Resource: "stock.read"}, someone); got.Code != wants(i%early) {
					t.Errorf("token %d: %s", i%early, got.Code)
					return
				}
			}
		})
	}
	all := slices.Clone(tokens)
	for range 40 {
		for range 50 {
			all = append(all, w.add(2))
			grant(len(all)-1, lent)
		}
		for i := len(all) - 50; i < len(all); i++ {
			if i%2 == 1 {
				grant(i)
			}
		}
		if err := v.CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	readers.Wait()
	for i, token := range all {
		if got := v.Verify(Request{Token: token, Account: "globex"}, someone); got.Code != wants(i) {
			t.Fatalf("token %d: %s", i, got.Code)
		}
	}
	if x := v.index.Load(); len(*x.grants.Load()) > 8192 || len(x.grantsOf) != len(all)/2 {
		t.Errorf("%d rows for the grants of %d keys", len(*x.grants.Load()), len(x.grantsOf))
	}
}

// dumpGrants is what the accounts other than its own let a key do, by what verifications look at.
func (x *index) dumpGrants(b *book, key uint32) string {
	all := ""
	for _, slug := range slices.Sorted(maps.Keys(b.bySlug)) {
		if set := x.granted(b.bySlug[slug], key); set != nil {
			all += fmt.Sprint(slug, set.slugs, set.resources, set.header, " ")
		}
	}
	return all
}
