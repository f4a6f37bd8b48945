package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var feedCases = append(makeFollowCases(), []testCase{
	{"feed/a reader that pages by its number while 8 writers work misses nothing", func(b *bench) {
		actors := []keys.Actor{b.newAccount("acme"), b.newAccount("other")}
		var seen []string
		done := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() { seen = b.follow(done) })
		b.race(8, func(i int, s *store.Store) { b.work(s, actors[i%2], i) })
		close(done)
		reader.Wait()
		want := b.raw.Texts(`SELECT event_id FROM change_log ORDER BY seq`)
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
	{"feed/an empty installation loads as nothing, and its first account follows", func(b *bench) {
		m := b.loadFeed(b.a)
		if m.String() != "" || m.mark != (keys.FeedMark{}) {
			b.Fatalf("at %+v there is %s", m.mark, m)
		}
		if c := b.followFeed(m.mark); c.Mark != (keys.FeedMark{}) || c.Accounts != nil || c.Keys != nil {
			b.Fatalf("nothing changed, and it says %+v", c)
		}
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionCSRFBlocked}: 1})) // the first row of the audit log
		b.newKey(b.newAccount("acme"), "Orders sync", "orders-viewer")
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
		if len(m.accounts) != 1 || len(m.rows) != 1 {
			b.Fatalf("it knows %s", m)
		}
	}},
	{"feed/everything loads whole: accounts with their settings and roles, keys with their roles and tokens", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.change(foreign, week, "")
		orders := b.newKey(by, "Orders", "orders-viewer", "catalog-editor")
		renewed := b.renewedKey(foreign, "Renewed", keys.RoleOwner)
		idle := b.newKey(by, "Idle")
		_, _, err := b.a.DeactivateKey(b.Context(), by, idle.Key.ID)
		b.must(err)
		m := b.loadFeed(b.a)
		b.wantFeedAccount(m, by, b.account(by).Settings())
		b.wantFeedAccount(m, foreign, week)
		row := keys.FeedKeyRow{Number: orders.Key.Number, ID: orders.Key.ID, Active: true}
		token := keys.FeedTokenRow{
			Key: row.Number, Number: orders.Key.Tokens[0].Number, Digest: orders.Token.Digest(), CreatedAt: b.clock.Now().UnixMicro(),
		}
		if m.rows[row.Number] != row || !slices.Equal(m.tokens[row.Number], []keys.FeedTokenRow{token}) {
			b.Fatalf("it knows %+v with %+v", m.rows[row.Number], m.tokens[row.Number])
		}
		if got := m.roleSlugs(by, row.Number); !slices.Equal(got, []string{"orders-viewer", "catalog-editor"}) || !slices.IsSorted(m.roles[row.Number]) {
			b.Fatalf("its roles are %q", got)
		}
		if k := m.rows[idle.Key.Number]; k.Active || k.Deleted || len(m.roles[k.Number]) != 0 || len(m.tokens[k.Number]) != 1 {
			b.Fatalf("the inactive one is %+v", k)
		}
		if got := m.roleSlugs(foreign, renewed.Key.Number); !slices.Equal(got, []string{keys.RoleOwner}) || len(m.tokens[renewed.Key.Number]) != 2 {
			b.Fatalf("the renewed one has %q and %+v", got, m.tokens[renewed.Key.Number])
		}
		if len(m.accounts) != 2 || len(m.rows) != 3 || len(m.tokens) != 3 {
			b.Fatalf("it knows %s", m)
		}
	}},
	{"feed/ended tokens and deleted keys load for 90 days, and follow for ever: who follows may have a clock that is wrong", func(b *bench) {
		by := b.newAccount("acme")
		kept, deleted := b.renewedKey(by, "Kept"), b.renewedKey(by, "Deleted")
		_, err := b.a.DeleteOldToken(b.Context(), by, kept.Key.ID)
		b.must(err)
		_, err = b.a.DeleteOldToken(b.Context(), by, deleted.Key.ID)
		b.must(err)
		ended := b.clock.Now().UnixMicro()
		b.clock.Advance(day)
		start := b.loadFeed(b.a).mark
		_, err = b.a.DeleteKey(b.Context(), by, deleted.Key.ID)
		b.must(err)
		for _, c := range []struct {
			later         time.Duration
			kept, deleted int
		}{
			{0, 2, 2},
			{keys.RotatedMemory - day, 2, 2}, // the last moment of the ones that ended a day before
			{time.Microsecond, 1, 1},
			{day - time.Microsecond, 1, 1}, // the last moment of the one that went with its key
			{time.Microsecond, 1, 0},
			{3650 * day, 1, 0},
		} {
			b.clock.Advance(c.later)
			m := b.loadFeed(b.b)
			row, there := m.rows[deleted.Key.Number]
			if len(m.tokens[kept.Key.Number]) != c.kept || len(m.tokens[deleted.Key.Number]) != c.deleted || there != (c.deleted > 0) || there && !row.Deleted {
				b.Fatalf("after %v it knows %s", c.later, m)
			}
			for _, token := range m.tokens[kept.Key.Number] {
				if token.EndedAt != 0 && token.EndedAt != ended {
					b.Fatalf("the token ended at %d, not %d", token.EndedAt, ended)
				}
			}
			followed := b.followFeed(start)
			if len(followed.Keys) != 1 || !followed.Keys[0].Deleted || len(followed.Keys[0].Tokens) != 2 {
				b.Fatalf("after %v the feed says %+v", c.later, followed.Keys)
			}
		}
	}},
	{"feed/following from the beginning gives what loading does", func(b *bench) {
		m := newFeedModel()
		actors := []keys.Actor{b.newAccount("acme"), b.newAccount("other")}
		b.race(4, func(i int, s *store.Store) { b.work(s, actors[i%2], i) })
		b.renewedKey(actors[0], "Renewed", keys.RoleOwner)
		b.change(actors[1], week, "")
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
		if len(m.rows) < 9 {
			b.Fatalf("it knows %s", m)
		}
	}},
	{"feed/nothing new costs one query and leaves the mark as it is", func(b *bench) {
		b.newKey(b.newAccount("acme"), "Orders sync")
		mark := b.loadFeed(b.a).mark
		queries := b.b.Queries()
		if c := b.followFeed(mark); c.Mark != mark || c.Accounts != nil || c.Keys != nil || mark.Seq == 0 || mark.EventID == "" {
			b.Fatalf("from %+v it leads to %+v", mark, c)
		}
		if asked := b.b.Queries() - queries; asked != 1 {
			b.Fatalf("it took %d queries", asked)
		}
	}},
	{"feed/a mark whose change was swept, or is another one, or is not there yet, is lost", func(b *bench) {
		by := b.newAccount("acme")
		old := b.loadFeed(b.a).mark
		b.newKey(by, "Orders sync")
		mark := b.loadFeed(b.a).mark
		b.wantLost(keys.FeedMark{Seq: mark.Seq, EventID: old.EventID})
		b.wantLost(keys.FeedMark{Seq: mark.Seq})
		b.wantLost(keys.FeedMark{Seq: mark.Seq + 1, EventID: mark.EventID})
		b.wantLost(keys.FeedMark{Seq: old.Seq + 1, EventID: mark.EventID}) // a user's event, which is not in the feed
		b.wantLost(keys.FeedMark{EventID: mark.EventID})
		b.followFeed(old)
		b.followFeed(keys.FeedMark{})
		b.clock.Advance(8 * day)
		b.must(b.a.Sweep(b.Context()))
		b.wantLost(old)
		b.wantLost(keys.FeedMark{})
		b.followFeed(mark)
		b.raw.Do(`DELETE FROM change_log`)
		b.wantLost(mark)
	}},
	{"feed/a database that was set back to a copy is lost, even when it has as many changes again", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "Before")
		copied := b.loadFeed(b.a).mark
		b.newKey(by, "After")
		mark := b.loadFeed(b.a).mark
		for _, query := range []string{
			`DELETE FROM change_log WHERE seq > $1`, `DELETE FROM audit WHERE seq > $1`,
			`UPDATE head SET chain = (SELECT hash FROM audit WHERE seq = $1), seq = $1`,
		} {
			b.raw.Do(query, copied.Seq)
		}
		b.wantLost(mark)
		b.newKey(by, "Another")
		if now := b.loadFeed(b.a).mark; now.Seq != mark.Seq || now == mark {
			b.Fatalf("the marks are %+v and %+v", now, mark)
		}
		b.wantLost(mark)
		b.followFeed(copied)
	}},
	{"feed/10,000 changes are followed, more are lost", func(b *bench) {
		key := b.newKey(b.newAccount("acme"), "Orders sync").Key
		m := b.loadFeed(b.a)
		const more = `
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO change_log (seq, event_id, account_id, object_kind, object_id, at)
			SELECT (SELECT MAX(seq) FROM change_log) + i, 'event', '', 'key', CAST($2 AS TEXT), 0 FROM n`
		b.raw.Do(more, 10_000, string(key.ID))
		c := b.followFeed(m.mark)
		if len(c.Keys) != 1 || c.Keys[0].ID != key.ID || c.Mark.Seq != m.mark.Seq+10_000 {
			b.Fatalf("it leads to %+v", c)
		}
		b.wantLost(keys.FeedMark{})
		b.raw.Do(more, 1, string(key.ID))
		b.wantLost(m.mark)
	}},
	{"feed/of accounts and keys that did not change nothing comes", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.newKey(by, "Idle")
		key := b.newKey(foreign, "Changed", "orders-viewer").Key
		mark := b.loadFeed(b.a).mark
		b.change(by, week, "")
		_, _, err := b.a.DeactivateKey(b.Context(), foreign, key.ID)
		b.must(err)
		c := b.followFeed(mark)
		if len(c.Accounts) != 1 || c.Accounts[0].ID != by.AccountID || len(c.Keys) != 1 || c.Keys[0].ID != key.ID || c.Keys[0].Active {
			b.Fatalf("it says %+v", c)
		}
	}},
	{"feed/loading while 6 writers work shows one moment, from which the feed leads on", func(b *bench) {
		actors := []keys.Actor{b.newAccount("acme"), b.newAccount("other")}
		loaded := map[keys.FeedMark]*feedModel{}
		done := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			for ending := false; !ending; {
				select {
				case <-done:
					ending = true
				default:
				}
				m := newFeedModel()
				place, err := b.b.LoadFeed(b.Context(), m)
				if err != nil {
					b.Error(err)
				}
				m.mark = place.Mark
				loaded[m.mark] = m
			}
		})
		b.race(6, func(i int, s *store.Store) { b.work(s, actors[i%2], i) })
		close(done)
		reader.Wait()
		for _, m := range loaded {
			m.apply(b.followFeed(m.mark))
			b.wantModel(m)
		}
		if len(loaded) < 3 {
			b.Fatalf("only %d moments were loaded", len(loaded))
		}
	}},
	{"feed/many keys load and follow, and a load that is cancelled ends with an error", func(b *bench) {
		b.newAccount("acme")
		const n = 10_000
		tokens := FillKeys(b, b.url, "acme", n)
		m := b.loadFeed(b.a)
		if len(tokens) != n || len(m.rows) != n || len(m.roles) != n || len(m.tokens) != n {
			b.Fatalf("%d tokens: it knows %d keys, roles of %d, tokens of %d", len(tokens), len(m.rows), len(m.roles), len(m.tokens))
		}
		for number, row := range m.rows {
			i, err := strconv.Atoi(strings.TrimPrefix(string(row.ID), "appkey-acme-"))
			b.must(err)
			token, err := secret.Parse(secret.KindToken, tokens[i-1])
			b.must(err)
			if _, err := keys.ParseKeyID(string(row.ID)); err != nil || !row.Active || len(m.tokens[number]) != 1 || m.tokens[number][0].Digest != token.Digest() {
				b.Fatalf("%+v has %+v: %v", row, m.tokens[number], err)
			}
		}
		b.wantManyFollow(m)
		ctx, cancel := context.WithCancel(b.Context())
		stopped := &stoppingLoad{feedModel: newFeedModel(), stop: cancel}
		_, err := b.a.LoadFeed(ctx, stopped)
		b.want(err, keys.KindUnavailable, keys.ReasonNotSaved)
		if len(stopped.tokens) >= n {
			b.Fatal("it went on to the end")
		}
	}},
	{"feed/a value of another type is an error, or the database refuses it", func(b *bench) {
		b.newKey(b.newAccount("acme"), "Orders sync", "orders-viewer")
		if b.raw.postgres {
			b.raw.wantTypes("api_token.created_at", "api_key.number", "api_key_role.role_number") // to it, any text is bytes
			return
		}
		for _, column := range []string{"api_token.created_at", "api_token.digest", "api_key.number", "api_key_role.role_number"} {
			table, name, _ := strings.Cut(column, ".")
			b.raw.Do(`ALTER TABLE ` + table + ` ADD COLUMN kept`)
			b.raw.Do(`UPDATE ` + table + ` SET kept = ` + name + `, ` + name + ` = 'x'`)
			_, err := b.a.LoadFeed(b.Context(), newFeedModel())
			b.want(err, keys.KindUnavailable, keys.ReasonNotSaved)
			b.raw.Do(`UPDATE ` + table + ` SET ` + name + ` = kept`)
			b.raw.Do(`ALTER TABLE ` + table + ` DROP COLUMN kept`)
		}
		b.loadFeed(b.a)
	}},
}...)

// makeFollowCases has a case for every method that changes something.
func makeFollowCases() (all []testCase) {
	for _, c := range changes {
		all = append(all, testCase{"feed/what " + c.method + " changes arrives whole, and nothing else", func(b *bench) {
			var other keys.Actor
			if c.method != "ClaimSetup" { // which is only there before the first account
				other = b.newAccount("bystander")
				b.newKey(other, "Bystander", "orders-viewer")
			}
			do := c.ready(b)
			m := b.loadFeed(b.a)
			b.must(do())
			rows := b.raw.count(`SELECT COUNT(*) FROM change_log WHERE seq > $1`, m.mark.Seq)
			changes := b.followFeed(m.mark)
			if told := len(changes.Accounts) + len(changes.Keys); (told == 0) != (rows == 0) || told > 1 {
				b.Fatalf("for %d rows of the feed it says %+v", rows, changes)
			}
			m.apply(changes)
			b.wantModel(m)
			for _, a := range changes.Accounts {
				if a.ID == other.AccountID {
					b.Fatalf("it says %+v", a)
				}
			}
		}})
	}
	return all
}

// wantFeedAccount fails the test unless a reader knows the account with these settings, and its roles
// as Roles gives them.
func (b *bench) wantFeedAccount(m *feedModel, by keys.Actor, settings keys.Settings) {
	b.Helper()
	account := b.account(by)
	got := m.accounts[account.Number]
	if got.ID != account.ID || got.Slug != account.Slug || got.Settings != settings {
		b.Fatalf("it knows %+v", got)
	}
	roles, err := b.b.Roles(b.Context(), by)
	b.must(err)
	if len(got.Roles) != len(roles) || len(roles) < 12 {
		b.Fatalf("it knows %d roles of %d", len(got.Roles), len(roles))
	}
	for _, role := range roles {
		i := slices.IndexFunc(got.Roles, func(r keys.FeedRole) bool { return r.Number == role.Number })
		if i < 0 || got.Roles[i].Slug != role.Slug || !slices.Equal(got.Roles[i].Resources, role.Resources) || len(role.Resources) == 0 {
			b.Fatalf("%s is not as %+v in %+v", role.Slug, role, got.Roles)
		}
	}
}

// roleSlugs are the slugs of the roles of a key, in the order of their numbers.
func (m *feedModel) roleSlugs(by keys.Actor, key int64) (slugs []string) {
	for _, a := range m.accounts {
		for _, r := range a.Roles {
			if a.ID == by.AccountID && slices.Contains(m.roles[key], r.Number) {
				slugs = append(slugs, r.Slug)
			}
		}
	}
	return slugs
}

// wantManyFollow says in the change log that 700 keys and the tokens of 700 others changed, and fails the
// test unless all of them follow, as they were loaded.
func (b *bench) wantManyFollow(m *feedModel) {
	b.Helper()
	sorted := slices.Sorted(maps.Keys(m.rows))
	const told = `INSERT INTO change_log (seq, event_id, account_id, object_kind, object_id, at)
		SELECT $1 + number, 'event', '', `
	b.raw.Do(told+`'key', app_key, 0 FROM api_key WHERE number <= $2`, m.mark.Seq, sorted[699])
	b.raw.Do(told+`'token', CAST(number AS TEXT), 0 FROM api_token WHERE key_number > $2 AND key_number <= $3`, m.mark.Seq, sorted[699], sorted[1399])
	before, c := m.String(), b.followFeed(m.mark)
	var numbers []int64
	for _, k := range c.Keys {
		numbers = append(numbers, k.Number)
	}
	slices.Sort(numbers)
	if m.apply(c); !slices.Equal(numbers, sorted[:1400]) || m.String() != before {
		b.Fatalf("%d keys follow", len(c.Keys))
	}
}

// stoppingLoad stops the load at the first token.
type stoppingLoad struct {
	*feedModel
	stop context.CancelFunc
}

func (l *stoppingLoad) Token(t keys.FeedTokenRow) {
	l.stop()
	l.feedModel.Token(t)
}

// work makes, changes, renews and deletes keys.
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
		if _, err := s.RenewKey(b.Context(), by, id, secret.NewNonce()); err != nil {
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
