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
		for round := range int64(rounds) {
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
			live := b.raw.count(`SELECT COUNT(*) FROM api_key`) - round
			tokens := b.raw.count(`SELECT COUNT(*) FROM api_token`) - round
			events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'key.generated'`) - round
			if made.Load() != 1 || repeated.Load() != 19 || live != 1 || tokens != 1 || events != 1 {
				b.Fatalf("%d made, %d repeated: %d keys, %d tokens, %d events", made.Load(), repeated.Load(), live, tokens, events)
			}
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
	{"race/of 20 renewals of one key one wins", func(b *bench) {
		by := b.newAccount("acme")
		id := b.newKey(by, "Orders sync").Key.ID
		var made, refused atomic.Int64
		b.race(20, func(_ int, s *store.Store) {
			switch got, err := s.RenewKey(b.Context(), by, id, secret.NewNonce()); {
			case keys.KindOf(err) == keys.KindConflict && keys.ReasonOf(err) == keys.ReasonRenewalOpen && got.Token.IsZero():
				refused.Add(1)
			case err != nil:
				b.Error(err)
			case !got.Token.IsZero() && !got.Repeated:
				made.Add(1)
			}
		})
		live, tokens := b.tokenCounts(id)
		events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'renew.started'`)
		if made.Load() != 1 || refused.Load() != 19 || live != 2 || tokens != 2 || events != 1 {
			b.Fatalf("%d made, %d refused: %d tokens, %d of them live, %d events", made.Load(), refused.Load(), tokens, live, events)
		}
	}},
	{"race/20 submits of one form renew a key once", func(b *bench) {
		by := b.newAccount("acme")
		id, nonce := b.newKey(by, "Orders sync").Key.ID, secret.NewNonce()
		var made, repeated atomic.Int64
		renewals := make([]int64, 20)
		b.race(20, func(i int, s *store.Store) {
			got, err := s.RenewKey(b.Context(), by, id, nonce)
			renewals[i] = got.Renewal
			switch {
			case err != nil:
				b.Error(err)
			case got.Repeated && got.Token.IsZero():
				repeated.Add(1)
			case !got.Token.IsZero():
				made.Add(1)
			}
		})
		live, tokens := b.tokenCounts(id)
		if made.Load() != 1 || repeated.Load() != 19 || live != 2 || tokens != 2 || len(slices.Compact(renewals)) != 1 || renewals[0] == 0 {
			b.Fatalf("%d made, %d repeated: %d tokens, %d of them live, renewals %d", made.Load(), repeated.Load(), tokens, live, renewals)
		}
	}},
	{"race/of 20 undos of one renewal one wins", func(b *bench) {
		by := b.newAccount("acme")
		for round := range rounds {
			id := b.renewedKey(by, "Orders sync").Key.ID
			var won, refused atomic.Int64
			b.race(20, func(_ int, s *store.Store) {
				switch _, err := s.UndoRenewal(b.Context(), by, id); {
				case err == nil:
					won.Add(1)
				case keys.KindOf(err) == keys.KindConflict && keys.ReasonOf(err) == keys.ReasonNothingToUndo:
					refused.Add(1)
				default:
					b.Error(err)
				}
			})
			live, tokens := b.tokenCounts(id)
			events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action IN ('renew.undone', 'token.revoked')`)
			if won.Load() != 1 || refused.Load() != 19 || live != 1 || tokens != 2 || events != int64(2*(round+1)) {
				b.Fatalf("%d won, %d refused: %d tokens, %d of them live, %d events", won.Load(), refused.Load(), tokens, live, events)
			}
		}
	}},
	{"race/an undo, the end of the old token, both completions and a deactivation leave a state of the table", func(b *bench) {
		by := b.newAccount("acme")
		for range rounds {
			made := b.renewedKey(by, "Orders sync")
			results := b.raceOver(by, made, 5)
			won := 0
			for i, err := range results[:3] { // undo, delete old, complete Now: each ends the renewal
				if err == nil {
					won++
				} else if keys.KindOf(err) != keys.KindConflict {
					b.Fatalf("%d: %v", i, err)
				}
			}
			key, err := b.b.Key(b.Context(), by, made.Key.ID)
			b.must(err)
			live, tokens := b.tokenCounts(made.Key.ID)
			if won != 1 || results[3] != nil && keys.ReasonOf(results[3]) != keys.ReasonRenewalOver || results[4] != nil {
				b.Fatalf("%d won: %v", won, results)
			}
			if old := made.Key.Tokens[1].Number; key.Active() || live != 1 || tokens != 2 || (key.Tokens[0].Number == old) != (results[0] == nil) {
				b.Fatalf("%v: %d tokens, %d of them live: %+v", results, tokens, live, key)
			}
			b.wantSettled()
		}
	}},
	{"race/no token lives on when the key is deleted while its renewal ends or begins", func(b *bench) {
		by := b.newAccount("acme")
		for round := range rounds {
			made := b.renewedKey(by, "Orders sync")
			if round%2 == 1 {
				_, err := b.a.UndoRenewal(b.Context(), by, made.Key.ID)
				b.must(err)
			}
			for i, err := range b.raceOver(by, made, 8) {
				deletes := i == 6
				if kind := keys.KindOf(err); deletes && err != nil || err != nil && kind != keys.KindConflict && kind != keys.KindNotFound {
					b.Fatalf("%d: %v", i, err)
				}
			}
			if live, tokens := b.tokenCounts(made.Key.ID); live != 0 || tokens < 2 {
				b.Fatalf("%d tokens, %d of them live", tokens, live)
			}
			b.wantSettled()
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM api_token WHERE state = 'live' OR revoked_at IS NULL`); n != 0 || b.account(by).KeyCount != 0 {
			b.Fatalf("%d tokens live on", n)
		}
	}},
	{"race/of 20 changes of the settings of one version one wins", func(b *bench) {
		by := b.newAccount("acme")
		for round := range rounds {
			version := int64(round + 1)
			var won, refused atomic.Int64
			b.race(20, func(i int, s *store.Store) {
				in := store.ChangeSettings{Version: version, Settings: keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: 30 + 20*round + i}, Zone: "UTC"}}
				switch _, changed, err := s.ChangeSettings(b.Context(), by, in); {
				case err == nil && changed:
					won.Add(1)
				case keys.ReasonOf(err) == keys.ReasonSettingsChanged:
					refused.Add(1)
				default:
					b.Error(err)
				}
			})
			if account := b.account(by); won.Load() != 1 || refused.Load() != 19 || account.SettingsVersion != version+1 {
				b.Fatalf("%d won, %d refused: %+v", won.Load(), refused.Load(), account)
			}
		}
	}},
}

// raceOver runs the first n of these at once over a renewal: undo, the end of the old token, both
// completions, a deactivation, an activation, a delete of the key, and another renewal. It returns what
// became of each.
func (b *bench) raceOver(by keys.Actor, made store.Renewed, n int) []error {
	b.Helper()
	id, results := made.Key.ID, make([]error, n)
	b.race(n, func(i int, s *store.Store) {
		var err error
		switch i {
		case 0:
			_, err = s.UndoRenewal(b.Context(), by, id)
		case 1:
			_, err = s.DeleteOldToken(b.Context(), by, id)
		case 2, 3:
			_, err = s.CompleteRenewal(b.Context(), by, id, made.Renewal, i == 3)
		case 4:
			_, _, err = s.DeactivateKey(b.Context(), by, id)
		case 5:
			_, _, err = s.ActivateKey(b.Context(), by, id)
		case 6:
			_, err = s.DeleteKey(b.Context(), by, id)
		default:
			_, err = s.RenewKey(b.Context(), by, id, secret.NewNonce())
		}
		results[i] = err
	})
	return results
}

// wantSettled fails the test unless every key of the database is in a state of the renewal table, and
// every token that ended has the one event that says so.
func (b *bench) wantSettled() {
	b.Helper()
	wrong := b.raw.Texts(`
		SELECT api_key.app_key FROM api_key LEFT JOIN api_token ON api_token.key_id = api_key.id AND api_token.state = 'live'
		GROUP BY api_key.id, api_key.app_key, api_key.deleted_at
		HAVING COUNT(api_token.id) > CASE WHEN api_key.deleted_at IS NULL THEN 2 ELSE 0 END
			OR COUNT(api_token.id) < CASE
				WHEN api_key.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM link WHERE link.key_id = api_key.id) THEN 1 ELSE 0 END`)
	ended := b.raw.count(`SELECT COUNT(*) FROM api_token WHERE state <> 'live'`)
	told := b.raw.count(`SELECT COUNT(DISTINCT object_id) FROM audit WHERE action IN ('token.retired', 'token.revoked')`)
	events := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action IN ('token.retired', 'token.revoked')`)
	if len(wrong) > 0 || ended != told || ended != events {
		b.Fatalf("in no state of the table: %q; %d tokens ended, %d are told of in %d events", wrong, ended, told, events)
	}
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
