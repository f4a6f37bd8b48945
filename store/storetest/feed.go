package storetest

import (
	"fmt"
	"slices"
	"sync"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var feedCases = []testCase{
	{"feed/a reader that pages by its number while 8 writers work misses nothing", func(b *bench) {
		actors := []keys.Actor{b.newAccount("acme"), b.newAccount("other")}
		var seen []string
		done := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() { seen = b.follow(done) })
		b.race(8, func(i int, s *store.Store) { b.work(s, actors[i%2], i) })
		close(done)
		reader.Wait()
		want := b.raw.texts(`SELECT event_id FROM change_log ORDER BY seq`)
		if !slices.Equal(seen, want) || len(want) < 100 {
			b.Fatalf("the reader saw %d rows of %d", len(seen), len(want))
		}
		gaps := b.raw.count(`SELECT MAX(seq) - COUNT(*) FROM audit`)
		if gaps != 0 {
			b.Fatalf("the audit log has %d gaps", gaps)
		}
		report, err := b.a.VerifyAudit(b.Context())
		b.must(err)
		if len(report.Damage) != 0 {
			b.Fatal(report.Damage)
		}
	}},
}

// work makes, changes and deletes keys.
func (b *bench) work(s *store.Store, by keys.Actor, writer int) {
	for i := range 4 {
		made, err := s.GenerateKey(b.Context(), by, store.NewKey{Name: fmt.Sprint(writer, i), Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
		if err != nil {
			b.Error(err)
			return
		}
		id := made.Key.ID
		if _, _, err := s.EditKey(b.Context(), by, store.EditKey{ID: id, Version: 1, Name: "Edited"}); err != nil {
			b.Error(err)
		}
		if _, _, err := s.ActivateKey(b.Context(), by, id); err != nil {
			b.Error(err)
		}
		if i%2 == 0 {
			if _, err := s.DeleteKey(b.Context(), by, id); err != nil {
				b.Error(err)
			}
		}
	}
}

// follow pages through the change log until, after done, there is nothing more.
func (b *bench) follow(done <-chan struct{}) (seen []string) {
	last := "0"
	for {
		ending := false
		select {
		case <-done:
			ending = true
		default:
		}
		rows := b.raw.rows(`SELECT seq, event_id FROM change_log WHERE seq > ` + last + ` ORDER BY seq`)
		for _, row := range rows {
			last = row[0]
			seen = append(seen, row[1])
		}
		if ending {
			return seen
		}
	}
}
