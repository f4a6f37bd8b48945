package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/store"
)

var usageCases = []testCase{
	{"usage/a key that was never used has none, and to be refused is no use", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		for hours, uses := range [][]keys.TokenUsage{
			{{Token: 999, Hour: b.hour(0), Accepted: 5, Last: b.last(0, "192.0.2.9")}},
			{{Token: key.Tokens[0].Number, Hour: b.hour(0), Refused: 1}},
		} {
			b.use(b.a, "w", int64(hours+1), uses...)
			usage := b.usage(by, key.ID)
			if !usage.Last.Never() || usage.Tokens == nil || len(usage.Tokens) != 0 || len(usage.Hours) != hours {
				b.Fatalf("its use is %+v", usage)
			}
		}
	}},
	{"usage/batches of several writers add up, by hour, all tokens together", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		made := b.renewedKey(by, "Orders sync")
		second, first := made.Key.Tokens[0].Number, made.Key.Tokens[1].Number
		another := b.newKey(foreign, "Foreign").Key
		b.use(b.a, "one", 1,
			keys.TokenUsage{Token: first, Hour: b.hour(-1), Accepted: 1, Refused: 10},
			keys.TokenUsage{Token: first, Hour: b.hour(0), Accepted: 2, Last: b.last(0, "192.0.2.1")},
			keys.TokenUsage{Token: second, Hour: b.hour(0), Refused: 20},
			keys.TokenUsage{Token: another.Tokens[0].Number, Hour: b.hour(0), Accepted: 1000, Last: b.last(0, "192.0.2.9")})
		b.use(b.b, "two", 1, keys.TokenUsage{Token: first, Hour: b.hour(0), Accepted: 4, Refused: 40})
		b.use(b.a, "one", 2, keys.TokenUsage{Token: second, Hour: b.hour(0), Accepted: 8})
		want := []keys.HourUsage{{Hour: b.hour(-1), Accepted: 1, Refused: 10}, {Hour: b.hour(0), Accepted: 14, Refused: 60}}
		if got := b.usage(by, made.Key.ID); !slices.Equal(got.Hours, want) {
			b.Fatalf("the hours are %+v, want %+v", got.Hours, want)
		}
		if got := b.usage(foreign, another.ID); len(got.Hours) != 1 || got.Hours[0].Accepted != 1000 {
			b.Fatalf("the other's hours are %+v", got.Hours)
		}
	}},
	{"usage/the last use is the newest, of each live token and of the key, and never goes back", func(b *bench) {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		id, second, first := made.Key.ID, made.Key.Tokens[0].Number, made.Key.Tokens[1].Number
		b.use(b.a, "one", 1, keys.TokenUsage{Token: first, Hour: b.hour(-2), Accepted: 1, Last: b.last(-2*time.Hour, "192.0.2.1")})
		b.use(b.a, "one", 2, keys.TokenUsage{Token: first, Hour: b.hour(-1), Refused: 1})
		b.wantLast(by, id, b.last(-2*time.Hour, "192.0.2.1"), map[int64]keys.LastUse{first: b.last(-2*time.Hour, "192.0.2.1")})
		newest := b.last(0, "2001:db8::1")
		b.use(b.b, "two", 1, keys.TokenUsage{Token: first, Hour: b.hour(0), Accepted: 1, Last: newest})
		for i, old := range []keys.LastUse{b.last(-time.Minute, "192.0.2.3"), {}} {
			b.use(b.a, "one", int64(3+i), keys.TokenUsage{Token: first, Hour: b.hour(0), Accepted: 1, Last: old})
		}
		b.wantLast(by, id, newest, map[int64]keys.LastUse{first: newest})
		b.use(b.a, "one", 5, keys.TokenUsage{Token: second, Hour: b.hour(-1), Accepted: 1, Last: b.last(-time.Hour, "")})
		b.wantLast(by, id, newest, map[int64]keys.LastUse{first: newest, second: b.last(-time.Hour, "")})
		b.use(b.a, "one", 6, keys.TokenUsage{Token: first, Hour: b.hour(0), Accepted: 1, Last: b.last(0, "192.0.2.4")}) // in the same minute
		newest.IP = "192.0.2.4"
		b.wantLast(by, id, newest, map[int64]keys.LastUse{first: newest, second: b.last(-time.Hour, "")})
		_, err := b.a.DeleteOldToken(b.Context(), by, id)
		b.must(err)
		b.wantLast(by, id, newest, map[int64]keys.LastUse{second: b.last(-time.Hour, "")})
	}},
	{"usage/a use that is told of in the hour after it is the last one all the same", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		token := key.Tokens[0].Number
		b.use(b.a, "one", 1, keys.TokenUsage{Token: token, Hour: b.hour(0), Accepted: 1, Last: b.last(-2*time.Minute, "192.0.2.1")})
		b.use(b.a, "one", 2, keys.TokenUsage{Token: token, Hour: b.hour(-1), Accepted: 1, Last: b.last(-time.Minute, "192.0.2.2")})
		want := b.last(-time.Minute, "192.0.2.2")
		b.wantLast(by, key.ID, want, map[int64]keys.LastUse{token: want})
	}},
	{"usage/a batch counts once, however often it is written", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		one := keys.TokenUsage{Token: key.Tokens[0].Number, Hour: b.hour(0), Accepted: 1, Refused: 1, Last: b.last(0, "192.0.2.1")}
		b.use(b.a, "one", 7, one)
		before := b.raw.dump()
		for _, number := range []int64{7, 6, 1, 0} {
			b.use(b.b, "one", number, one)
		}
		if b.raw.dump() != before {
			b.Fatal("a batch counted again")
		}
		b.use(b.b, "one", 8, one)
		b.use(b.b, "two", 1, one)
		if got := b.usage(by, key.ID).Hours; len(got) != 1 || got[0].Accepted != 3 || got[0].Refused != 3 {
			b.Fatalf("the hours are %+v", got)
		}
	}},
	{"usage/a batch is written whole or not at all, and may then be written again", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		var uses []keys.TokenUsage
		for i := range int64(120) { // more than one statement writes
			uses = append(uses, keys.TokenUsage{Token: key.Tokens[0].Number + i, Hour: b.hour(0), Accepted: 1})
		}
		b.use(b.a, "one", 1, uses[:1]...)
		before := b.raw.dump()
		allow := b.raw.Refuse("INSERT", "usage_hourly")
		b.want(b.a.RecordUsage(b.Context(), keys.UsageBatch{Writer: "one", Number: 2, Uses: uses}), keys.KindUnavailable, keys.ReasonNotSaved)
		allow()
		if b.raw.dump() != before {
			b.Fatal("a batch that was refused left something")
		}
		b.use(b.a, "one", 2, uses...)
		rows, sum := b.raw.count(`SELECT COUNT(*) FROM usage_hourly`), b.raw.count(`SELECT CAST(SUM(accepted) AS BIGINT) FROM usage_hourly`)
		if rows != 120 || sum != 121 {
			b.Fatalf("%d rows with %d uses", rows, sum)
		}
	}},
	{"usage/a full batch takes few statements of a database that is far away", func(b *bench) {
		b.newAccount("acme")
		var uses []keys.TokenUsage
		for i := range int64(10_000) { // as many as a verifier sends
			uses = append(uses, keys.TokenUsage{Token: 1000 + i, Hour: b.hour(0), Accepted: 1, Refused: 2, Last: b.last(0, "192.0.2.1")})
		}
		b.use(b.a, "one", 1, uses...)
		before := b.a.Queries()
		b.use(b.a, "one", 2, uses...)
		if took := b.a.Queries() - before; b.raw.postgres && took > 2 {
			b.Errorf("the batch took %d statements", took)
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM usage_hourly WHERE accepted = 2 AND refused = 4 AND used_ip = '192.0.2.1'`); n != 10_000 {
			b.Errorf("%d tokens were counted twice", n)
		}
	}},
	{"usage/tokens of deleted keys and numbers that nothing has do not break a batch, and what is not text neither", func(b *bench) {
		by := b.newAccount("acme")
		deleted, key := b.newKey(by, "Deleted").Key, b.newKey(by, "Orders sync").Key
		_, err := b.a.DeleteKey(b.Context(), by, deleted.ID)
		b.must(err)
		uses := []keys.TokenUsage{
			{Token: deleted.Tokens[0].Number, Hour: b.hour(0), Refused: 1},
			{Token: key.Tokens[0].Number, Hour: b.hour(0), Accepted: 1, Last: b.last(0, "\xff\x00")},
			{Token: 1 << 40, Hour: b.hour(0), Accepted: 1},
		}
		b.use(b.a, "one", 1, uses...)
		if got := b.usage(by, key.ID).Hours; len(got) != 1 || got[0].Accepted != 1 {
			b.Fatalf("the hours are %+v", got)
		}
	}},
	{"usage/the hours go back as far as the page can show, and the last use further", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		token := key.Tokens[0].Number
		const window = (keys.UsageDays + 1) * 24
		b.use(b.a, "one", 1,
			keys.TokenUsage{Token: token, Hour: b.hour(-window - 1), Accepted: 1, Last: b.last(-(window+1)*time.Hour, "192.0.2.1")},
			keys.TokenUsage{Token: token, Hour: b.hour(-window), Accepted: 2})
		b.clock.Advance(59 * time.Minute)
		got := b.usage(by, key.ID)
		if len(got.Hours) != 1 || got.Hours[0].Accepted != 2 || got.Last.IP != "192.0.2.1" {
			b.Fatalf("the use is %+v", got)
		}
	}},
	{"usage/a key of another account, a deleted one and what is no key are not there", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		victim, deleted := b.newKey(foreign, "Victim").Key, b.newKey(by, "Deleted").Key
		_, err := b.a.DeleteKey(b.Context(), by, deleted.ID)
		b.must(err)
		for _, id := range []keys.KeyID{victim.ID, deleted.ID, "", "a\x00b", "appkey-acme-00000000"} {
			usage, err := b.a.KeyUsage(b.Context(), by, id)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			if usage.Tokens != nil || usage.Hours != nil {
				b.Fatalf("it came with %+v", usage)
			}
			_, _, err = b.a.KeyAlarm(b.Context(), by, id, time.Time{})
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		}
	}},
	{"usage/of 8 writers at once over the same tokens nothing is lost, and nothing counts twice", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		var sent atomic.Int64
		b.race(8, func(i int, s *store.Store) {
			for number := range int64(10) {
				batch := keys.UsageBatch{Writer: fmt.Sprint(i / 2), Number: number + 1} // two nodes say the same
				for token := range int64(3) {
					batch.Uses = append(batch.Uses, keys.TokenUsage{Token: key.Tokens[0].Number + token, Hour: b.hour(0), Accepted: 1})
				}
				if err := s.RecordUsage(b.Context(), batch); err != nil {
					b.Error(err)
				}
				sent.Add(1)
			}
		})
		sum := b.raw.count(`SELECT CAST(SUM(accepted) AS BIGINT) FROM usage_hourly`)
		if sum != 4*10*3 || sent.Load() != 80 {
			b.Fatalf("%d batches came to %d uses", sent.Load(), sum)
		}
	}},
	{"usage/it is swept after 400 days, and the numbers of batches after 30", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		b.use(b.a, "one", 1,
			keys.TokenUsage{Token: key.Tokens[0].Number, Hour: b.hour(-1), Accepted: 1, Last: b.last(-time.Hour, "192.0.2.1")},
			keys.TokenUsage{Token: key.Tokens[0].Number, Hour: b.hour(0), Accepted: 1, Last: b.last(0, "192.0.2.2")})
		for _, c := range []struct {
			later         time.Duration
			hours, writer int64
		}{
			{30 * day, 2, 1},
			{time.Microsecond, 2, 0},
			{keys.UsageMemory - 30*day - time.Hour - time.Microsecond, 2, 0},
			{time.Microsecond, 1, 0},
			{time.Hour, 0, 0},
		} {
			b.clock.Advance(c.later)
			b.must(b.a.Sweep(b.Context()))
			hours, writers := b.raw.count(`SELECT COUNT(*) FROM usage_hourly`), b.raw.count(`SELECT COUNT(*) FROM usage_batch`)
			if hours != c.hours || writers != c.writer {
				b.Fatalf("after %v there are %d hours and %d writers, want %+v", c.later, hours, writers, c)
			}
		}
		if got := b.usage(by, key.ID); !got.Last.Never() {
			b.Fatalf("its use is %+v", got)
		}
	}},
}

// hour is the beginning of the hour so many hours from now.
func (b *bench) hour(n int) time.Time {
	return b.clock.Now().UTC().Truncate(time.Hour).Add(time.Duration(n) * time.Hour)
}

// last is a use of a token so long from now.
func (b *bench) last(from time.Duration, ip string) keys.LastUse {
	return keys.LastUse{At: b.clock.Now().UTC().Add(from).Truncate(time.Minute), IP: ip}
}

// use writes a batch.
func (b *bench) use(s *store.Store, writer string, number int64, uses ...keys.TokenUsage) {
	b.Helper()
	b.must(s.RecordUsage(b.Context(), keys.UsageBatch{Writer: writer, Number: number, Uses: uses}))
}

func (b *bench) usage(by keys.Actor, id keys.KeyID) keys.KeyUsage {
	b.Helper()
	usage, err := b.b.KeyUsage(b.Context(), by, id)
	b.must(err)
	return usage
}

// wantLast fails the test unless these are the last uses of a key and of its live tokens.
func (b *bench) wantLast(by keys.Actor, id keys.KeyID, last keys.LastUse, tokens map[int64]keys.LastUse) {
	b.Helper()
	got := b.usage(by, id)
	if got.Last != last || len(got.Tokens) != len(tokens) {
		b.Fatalf("the use is %+v, want %+v and %+v", got, last, tokens)
	}
	for number, want := range tokens {
		if got.Tokens[number] != want {
			b.Fatalf("the use of token %d is %+v, want %+v", number, got.Tokens[number], want)
		}
	}
}

var verifyRefusalCases = []testCase{
	{"refusals/one of a known key is about that key, with its name and what was asked for", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		refusal := keys.Refusal{
			Action: keys.ActionVerifyRefused, AccountID: by.AccountID, IP: "192.0.2.7", Reason: "forbidden", Key: key.ID, Detail: "orders.write", Route: "/v1/verify",
		}
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{refusal: 3}))
		_, err := b.a.DeleteKey(b.Context(), by, key.ID)
		b.must(err)
		refusal.Detail = ""
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{refusal: 1}))
		rows := b.raw.rows(`
			SELECT account_id, actor_kind, actor_id, actor, object_kind, object_id, object, ip, result, alarm, details
			FROM audit WHERE action = 'verify.refused' ORDER BY seq`)
		alarm := rows[0][9] // the databases do not write it alike
		want := [][]string{
			{by.AccountID, "nobody", "", "", "key", string(key.ID), "Orders sync", "192.0.2.7", "forbidden", alarm, `{"count":3,"detail":"orders.write","route":"/v1/verify"}`},
			{by.AccountID, "nobody", "", "", "key", string(key.ID), "", "192.0.2.7", "forbidden", alarm, `{"count":1,"route":"/v1/verify"}`},
		}
		if !slices.EqualFunc(rows, want, slices.Equal) || b.raw.count(`SELECT COUNT(*) FROM audit WHERE alarm`) != 0 {
			b.Fatalf("wrote %q, want %q", rows, want)
		}
	}},
	{"refusals/one of a key tells the feed nothing, also without a reason", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		mark := b.loadFeed(b.a).mark
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
			{Action: keys.ActionVerifyRefused, AccountID: by.AccountID, Key: key.ID}:                        1,
			{Action: keys.ActionTokenReuse, AccountID: by.AccountID, Key: key.ID, Reason: "x", Alarm: true}: 1,
		}))
		if c := b.followFeed(mark); c.Mark != mark || b.raw.count(`SELECT COUNT(*) FROM audit WHERE result = 'refused'`) != 1 {
			b.Fatalf("the feed says %+v", c)
		}
	}},
	{"refusals/an alarm is written also when the minute takes no more, and takes nobody's room", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		flood := map[keys.Refusal]int{}
		for i := range 150 {
			flood[keys.Refusal{Action: keys.ActionVerifyRefused, AccountID: by.AccountID, IP: fmt.Sprintf("10.0.0.%d", i), Reason: "x"}] = 9
		}
		alarm := keys.Refusal{Action: keys.ActionTokenReuse, AccountID: by.AccountID, Reason: "rotated", Key: key.ID, Alarm: true}
		flood[alarm] = 1
		b.must(b.a.RecordRefusals(b.Context(), flood))
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{alarm: 1}))
		alarms := b.raw.count(`SELECT COUNT(*) FROM audit WHERE alarm AND action = 'token.reuse_after_rotation'`)
		others := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'verify.refused'`)
		if alarms != 2 || others != 100 {
			b.Fatalf("%d alarms and %d others were written", alarms, others)
		}
		b.clock.Advance(time.Minute)
		b.must(b.a.RecordRefusals(b.Context(), nil))
		if more := b.raw.Texts(`SELECT details FROM audit WHERE action = 'refusals.more'`); !slices.Equal(more, []string{`{"more":450}`}) {
			b.Fatalf("then came %q", more)
		}
	}},
	{"refusals/refused verifications are not in a key's history, alarms are", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
			{Action: keys.ActionTokenReuse, AccountID: by.AccountID, Key: key.ID, Reason: "rotated", Alarm: true}: 1,
		}))
		for range 3 {
			b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
				{Action: keys.ActionVerifyRefused, AccountID: by.AccountID, Key: key.ID, Reason: "forbidden"}: 1,
			}))
		}
		history, err := b.b.KeyHistory(b.Context(), by, key.ID, 3)
		b.must(err)
		want := []string{"token.reuse_after_rotation", "token.minted", "key.generated"}
		if got := actions(history); !slices.Equal(got, want) {
			b.Fatalf("the history is %q", got)
		}
		b.wantEvents(by, key.ID, want...)
	}},
	{"refusals/the newest alarm of a key can be asked for, up to an age", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		key, quiet := b.newKey(by, "Orders sync").Key, b.newKey(by, "Quiet").Key
		since := b.clock.Now()
		for i, ip := range []string{"192.0.2.1", "192.0.2.2"} {
			b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
				{Action: keys.ActionTokenReuse, AccountID: by.AccountID, Key: key.ID, IP: ip, Reason: "rotated", Alarm: true}: i + 1,
				// Somebody else's event with the same id is not about this key.
				{Action: keys.ActionTokenReuse, AccountID: foreign.AccountID, Key: key.ID, IP: "192.0.2.9", Alarm: true}: 1,
			}))
			b.clock.Advance(day)
		}
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionVerifyRefused, AccountID: by.AccountID, Key: key.ID, Reason: "x"}: 1}))
		newest := since.Add(day)
		for _, c := range []struct {
			id    keys.KeyID
			since time.Time
			found bool
		}{{key.ID, since, true}, {key.ID, newest, true}, {key.ID, newest.Add(time.Microsecond), false}, {quiet.ID, since, false}} {
			alarm, found, err := b.b.KeyAlarm(b.Context(), by, c.id, c.since)
			b.must(err)
			if found != c.found || found && (alarm.IP != "192.0.2.2" || !alarm.At.Equal(newest) || !alarm.Alarm ||
				alarm.Action != keys.ActionTokenReuse || alarm.Details["count"] != 2.0) {
				b.Fatalf("%s since %v: %v, %+v", c.id, c.since, found, alarm)
			}
		}
	}},
}
