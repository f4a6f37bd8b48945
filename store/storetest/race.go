package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// rounds is how often a race of two is run.
const rounds = 8

var raceCases = []testCase{
	{"race/20 submits of one form make one key", func(b *bench) {
		by := b.newAccount("acme")
		in := store.NewKey{Name: "Orders sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()}
		var made, repeated atomic.Int64
		b.race(20, func(_ int, s *store.Store) {
			switch g, err := s.GenerateKey(b.Context(), by, in); {
			case err != nil:
				b.Error(err)
			case g.Repeated && g.Token.IsZero():
				repeated.Add(1)
			case !g.Token.IsZero():
				made.Add(1)
			}
		})
		live := b.raw.count(`SELECT COUNT(*) FROM api_key`)
		tokens := b.raw.count(`SELECT COUNT(*) FROM api_token`)
		events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'key.generated'`)
		if made.Load() != 1 || repeated.Load() != 19 || live != 1 || tokens != 1 || events != 1 {
			b.Fatalf("%d made, %d repeated: %d keys, %d tokens, %d events", made.Load(), repeated.Load(), live, tokens, events)
		}
	}},
	{"race/of two edits of one version one wins, and nothing of it is lost", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		for round := range rounds {
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				_, _, results[i] = s.EditKey(b.Context(), by, store.EditKey{
					ID: key.ID, Version: key.Version, Name: fmt.Sprintf("%d of round %d", i, round), Roles: []string{"orders-viewer"}, Active: true,
				})
			})
			winner := slices.Index(results, nil)
			if winner < 0 || keys.ReasonOf(results[1-winner]) != keys.ReasonKeyChanged {
				b.Fatalf("round %d: %v", round, results)
			}
			found, err := b.a.Key(b.Context(), by, key.ID)
			b.must(err)
			if found.Name != fmt.Sprintf("%d of round %d", winner, round) || found.Version != key.Version+1 || len(found.Roles) != 1 {
				b.Fatalf("round %d: found %+v", round, found)
			}
			key = found
		}
	}},
	{"race/a delete against an edit leaves no key half deleted", func(b *bench) {
		by := b.newAccount("acme")
		for range rounds {
			id := b.newKey(by, "Orders sync", "orders-viewer").Key.ID
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) {
				if i == 0 {
					_, results[i] = s.DeleteKey(b.Context(), by, id)
					return
				}
				_, _, results[i] = s.EditKey(b.Context(), by, store.EditKey{ID: id, Version: 1, Name: "Edited", Roles: []string{"catalog-viewer"}, Active: true})
			})
			if results[0] != nil || results[1] != nil && keys.KindOf(results[1]) != keys.KindNotFound {
				b.Fatalf("delete: %v, edit: %v", results[0], results[1])
			}
			edited := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'key.edited' AND object_id = $1`, string(id))
			if (results[1] == nil) != (edited == 1) {
				b.Fatalf("edit: %v, and %d events of it", results[1], edited)
			}
			b.wantDeleted(by, id)
		}
	}},
	{"race/of two deletes one wins, and the tokens are revoked once", func(b *bench) {
		by := b.newAccount("acme")
		for range rounds {
			id := b.newKey(by, "Orders sync").Key.ID
			results := make([]error, 2)
			b.race(2, func(i int, s *store.Store) { _, results[i] = s.DeleteKey(b.Context(), by, id) })
			winner := slices.Index(results, nil)
			if winner < 0 || keys.KindOf(results[1-winner]) != keys.KindNotFound {
				b.Fatalf("deletes: %v", results)
			}
			b.wantDeleted(by, id)
		}
	}},
	{"race/16 writers on one key see no busy database, and every change counts", func(b *bench) {
		by := b.newAccount("acme")
		id := b.newKey(by, "Orders sync").Key.ID
		var changes atomic.Int64
		b.race(16, func(i int, s *store.Store) {
			for range 5 {
				do := s.DeactivateKey
				if i%2 == 0 {
					do = s.ActivateKey
				}
				_, changed, err := do(b.Context(), by, id)
				if err != nil {
					b.Error(err)
				}
				if changed {
					changes.Add(1)
				}
			}
		})
		found, err := b.a.Key(b.Context(), by, id)
		b.must(err)
		events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action IN ('key.activated', 'key.deactivated')`)
		if found.Version != 1+changes.Load() || events != changes.Load() || events == 0 {
			b.Fatalf("%d changes, version %d, %d events", changes.Load(), found.Version, events)
		}
	}},
}

// race runs n calls at once, every other one through the other store.
func (b *bench) race(n int, do func(i int, s *store.Store)) {
	b.Helper()
	var running sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		running.Go(func() {
			<-start
			do(i, []*store.Store{b.a, b.b}[i%2])
		})
	}
	close(start)
	running.Wait()
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func hex(d secret.Digest) string { return fmt.Sprintf("%x", d.Bytes()) }
