package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"latchkey/keys"
	"latchkey/store"
)

// feedModel is what a reader of the feed knows: as little of a verifier as can be.
type feedModel struct {
	mark     keys.FeedMark
	accounts map[int64]keys.FeedAccount
	rows     map[int64]keys.FeedKeyRow
	roles    map[int64][]int64
	grants   map[int64][]keys.FeedGrant
	tokens   map[int64][]keys.FeedTokenRow
}

func newFeedModel() *feedModel {
	return &feedModel{
		accounts: map[int64]keys.FeedAccount{}, rows: map[int64]keys.FeedKeyRow{}, roles: map[int64][]int64{},
		grants: map[int64][]keys.FeedGrant{}, tokens: map[int64][]keys.FeedTokenRow{},
	}
}

// Account, Key, KeyRoles, KeyGrant and Token take in what LoadFeed gives.
func (m *feedModel) Account(a keys.FeedAccount)        { m.accounts[a.Number] = a }
func (m *feedModel) Key(k keys.FeedKeyRow)             { m.rows[k.Number] = k }
func (m *feedModel) KeyRoles(key int64, roles []int64) { m.roles[key] = slices.Clone(roles) }
func (m *feedModel) KeyGrant(key int64, g keys.FeedGrant) {
	m.grants[key] = append(m.grants[key], keys.FeedGrant{Account: g.Account, Roles: slices.Clone(g.Roles)})
}
func (m *feedModel) Token(t keys.FeedTokenRow) { m.tokens[t.Key] = append(m.tokens[t.Key], t) }

// apply takes in what FollowFeed gives.
func (m *feedModel) apply(c keys.FeedChanges) {
	m.mark = c.Mark
	for _, a := range c.Accounts {
		m.accounts[a.Number] = a
	}
	for _, k := range c.Keys {
		m.rows[k.Number], m.roles[k.Number], m.grants[k.Number], m.tokens[k.Number] = k.FeedKeyRow, k.Roles, k.Grants, k.Tokens
	}
}

// String is all of it, one account or key a line. A deleted key without tokens is as good as none.
func (m *feedModel) String() string {
	var all strings.Builder
	for _, number := range slices.Sorted(maps.Keys(m.accounts)) {
		fmt.Fprintf(&all, "%+v\n", m.accounts[number])
	}
	for _, number := range slices.Sorted(maps.Keys(m.rows)) {
		row, tokens := m.rows[number], slices.Clone(m.tokens[number])
		if row.Deleted && len(tokens) == 0 {
			continue
		}
		slices.SortFunc(tokens, func(a, b keys.FeedTokenRow) int { return int(a.Number - b.Number) })
		fmt.Fprintf(&all, "%+v %v %v %v\n", row, m.roles[number], m.grants[number], tokens)
	}
	return all.String()
}

// loadFeed loads everything.
func (b *bench) loadFeed(s *store.Store) *feedModel {
	b.Helper()
	m := newFeedModel()
	place, err := s.LoadFeed(b.Context(), m)
	b.must(err)
	m.mark = place.Mark
	return m
}

// followFeed follows the feed from a mark that it must lead on from.
func (b *bench) followFeed(after keys.FeedMark) keys.FeedChanges {
	b.Helper()
	changes, err := b.b.FollowFeed(b.Context(), after)
	b.must(err)
	if changes.Lost {
		b.Fatalf("the feed does not lead on from %+v", after)
	}
	return changes
}

// wantLost fails the test unless the feed does not lead on from a mark, and says nothing else.
func (b *bench) wantLost(after keys.FeedMark) {
	b.Helper()
	changes, err := b.b.FollowFeed(b.Context(), after)
	b.must(err)
	if !changes.Lost || changes.Mark != (keys.FeedMark{}) || changes.Accounts != nil || changes.Keys != nil {
		b.Fatalf("the feed leads on from %+v with %+v", after, changes)
	}
}

// wantModel fails the test unless a reader knows what loading now would give.
func (b *bench) wantModel(m *feedModel) {
	b.Helper()
	loaded := b.loadFeed(b.a)
	if got, want := m.String(), loaded.String(); got != want || m.mark != loaded.mark {
		b.Fatalf("at %+v the reader knows\n%s\nat %+v it should know\n%s", m.mark, got, loaded.mark, want)
	}
}
