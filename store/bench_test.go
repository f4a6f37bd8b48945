package store_test

import (
	"path/filepath"
	"testing"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/store/storetest"
)

// BenchmarkLoadFeed reads a million keys with a role and a token each from SQLite, as a verifier does when
// it starts. Run it with -benchtime 5x: to write the keys takes much longer.
func BenchmarkLoadFeed(b *testing.B) {
	const n = 1_000_000
	path := filepath.Join(b.TempDir(), "latchkey.db")
	s, err := store.Open(b.Context(), path, store.Options{Now: storetest.NewClock().Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	_, _, err = s.CreateAccount(b.Context(), keys.Command("benchmark"), store.NewAccount{
		Slug: "acme", Zone: "Europe/Lisbon", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	if err != nil {
		b.Fatal(err)
	}
	storetest.FillKeys(b, path, "acme", n)
	for b.Loop() {
		var into countedLoad
		if _, err := s.LoadFeed(b.Context(), &into); err != nil {
			b.Fatal(err)
		}
		if into.keys != n || into.roles != n || into.tokens != n {
			b.Fatalf("it gave %+v", into)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
	b.ReportMetric(0, "ns/op")
}

// countedLoad counts what it is given.
type countedLoad struct{ accounts, keys, roles, tokens int }

func (l *countedLoad) Account(keys.FeedAccount)       { l.accounts++ }
func (l *countedLoad) Key(keys.FeedKeyRow)            { l.keys++ }
func (l *countedLoad) KeyGrant(int64, keys.FeedGrant) {}
func (l *countedLoad) KeyRoles(_ int64, held []int64) { l.roles += len(held) }
func (l *countedLoad) Token(keys.FeedTokenRow)        { l.tokens++ }
