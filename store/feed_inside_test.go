package store

import (
	"testing"
	"time"

	"latchkey/keys"
)

// Streams that were begun before and after a change are begun anew, so that they show one state.
func TestLoadFeedBeginsAnewWhenItsStreamsDiffer(t *testing.T) {
	for name, c := range map[string]struct{ changes, made int }{
		"one change between the first streams":                          {1, 1},
		"a change before every stream, until one transaction reads all": {1000, 2*feedTries + 1},
	} {
		s, by := insideStore(t)
		var into countedFeed
		made := 0
		changeWhileOpening(t, s, by, func() bool { made++; return made <= c.changes })
		place, err := s.LoadFeed(t.Context(), &into)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		made = min(made, c.changes)
		if made != c.made || into.keys != made || into.tokens != made || into.accounts != 1 {
			t.Errorf("%s: %d keys were made, and %+v were loaded", name, made, into)
		}
		var newest keys.FeedMark
		err = s.db.read.QueryRowContext(t.Context(), `SELECT seq, event_id FROM change_log ORDER BY seq DESC LIMIT 1`).Scan(&newest.Seq, &newest.EventID)
		if err != nil || place.Mark != newest {
			t.Errorf("%s: the mark is %+v, not %+v: %v", name, place.Mark, newest, err)
		}
	}
}

// changeWhileOpening makes a key whenever a transaction asks for the time, which is after it has begun and
// before it reads, as long as it is wanted.
func changeWhileOpening(t *testing.T, s *Store, by keys.Actor, wanted func() bool) {
	t.Helper()
	now, changing := s.options.Now, false
	s.options.Now = func() time.Time {
		if !changing && wanted() {
			changing = true
			generate(t, s, by)
			changing = false
		}
		return now()
	}
}

type countedFeed struct{ accounts, keys, tokens int }

func (c *countedFeed) Account(keys.FeedAccount)       { c.accounts++ }
func (c *countedFeed) Key(keys.FeedKeyRow)            { c.keys++ }
func (c *countedFeed) KeyGrant(int64, keys.FeedGrant) {}
func (c *countedFeed) KeyRoles(int64, []int64)        {}
func (c *countedFeed) Token(keys.FeedTokenRow)        { c.tokens++ }
