package storetest

import (
	"fmt"
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var sweepCases = []testCase{
	{"sweep/what serves no more is removed, the newest row of the feed stays", func(b *bench) {
		by := b.newAccount("acme")
		session := b.signIn(by, secret.New(secret.KindDevice).Digest())
		b.newKey(by, "Orders sync")
		b.putCode(time.Hour)
		b.must(b.fail("nobody@acme.example", "192.0.2.9"))
		before := b.raw.dump()
		b.must(b.a.Sweep(b.Context()))
		if b.raw.dump() != before {
			b.Fatal("something fresh was removed")
		}
		newest := b.raw.Texts(`SELECT event_id FROM change_log ORDER BY seq DESC`)[:1]
		b.clock.Advance(500 * 24 * time.Hour)
		b.must(b.a.Sweep(b.Context()))
		for _, table := range []string{"form_nonce", "session", "device", "login_limit", "setup_code"} {
			if n := b.raw.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				b.Errorf("%d rows are left in %s", n, table)
			}
		}
		if left := b.raw.Texts(`SELECT event_id FROM change_log`); !slices.Equal(left, newest) {
			b.Fatalf("of the feed %q is left, want %q", left, newest)
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM audit`); n == 0 {
			b.Fatal("the audit log was removed")
		}
		_, err := b.a.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
	}},
	{"sweep/of very much as much is gone as there was time for, and the next one ends it", func(b *bench) {
		b.newAccount("acme")
		var uses []keys.TokenUsage
		for i := range int64(12_000) { // several portions
			uses = append(uses, keys.TokenUsage{Token: 1000 + i, Hour: b.hour(0), Accepted: 1})
		}
		b.use(b.a, "one", 1, uses...)
		b.clock.Advance(500 * day)
		allow := b.raw.Refuse("DELETE", "usage_batch")
		b.want(b.a.Sweep(b.Context()), keys.KindUnavailable, keys.ReasonNotSaved)
		if hours, writers := b.raw.count(`SELECT COUNT(*) FROM usage_hourly`), b.raw.count(`SELECT COUNT(*) FROM usage_batch`); hours != 0 || writers != 1 {
			b.Errorf("after a sweep that failed at the batches, %d hours and %d batches are left", hours, writers)
		}
		allow()
		before := b.a.Queries()
		b.must(b.a.Sweep(b.Context()))
		again := b.a.Queries() - before
		if n := b.raw.count(`SELECT COUNT(*) FROM usage_batch`); n != 0 {
			b.Errorf("%d batches are left", n)
		}
		b.use(b.a, "two", 1, uses...)
		b.clock.Advance(500 * day)
		before = b.a.Queries()
		b.must(b.a.Sweep(b.Context()))
		if much := b.a.Queries() - before; much < again+2 {
			b.Errorf("12000 rows went in %d statements and nearly none in %d: that is no portion", much, again)
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM usage_hourly`); n != 0 {
			b.Errorf("%d hours are left", n)
		}
	}},
	{"sweep/of a long feed the beginning goes, down to its newest row", func(b *bench) {
		b.newAccount("acme")
		newest := b.raw.count(`SELECT MAX(seq) FROM change_log`)
		b.raw.Do(`INSERT INTO change_log (seq, event_id, account_id, object_kind, object_id, at)
			WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < 12000)
			SELECT ` + fmt.Sprint(newest) + ` + i, 'event', 'account', 'key', 'key', 0 FROM counted`)
		b.clock.Advance(8 * day)
		b.must(b.a.Sweep(b.Context()))
		if rows, last := b.raw.count(`SELECT COUNT(*) FROM change_log`), b.raw.count(`SELECT MAX(seq) FROM change_log`); rows != 1 || last != newest+12000 {
			b.Errorf("%d rows are left, the newest is %d; want one, which is %d", rows, last, newest+12000)
		}
	}},
	{"sweep/of the feed the beginning goes, also when the clock went back: it never has a gap", func(b *bench) {
		by := b.newAccount("acme")
		b.clock.Advance(365 * day)
		b.newKey(by, "From a far future")
		ahead := b.loadFeed(b.a).mark
		b.clock.Advance(-365 * day)
		b.newKey(by, "Old")
		b.clock.Advance(8 * day)
		b.newKey(by, "Fresh")
		b.must(b.a.Sweep(b.Context()))
		b.wantLost(ahead)
		if left := b.raw.count(`SELECT COUNT(*) FROM change_log`); left != 2 { // of the fresh key and its token
			b.Fatalf("%d rows are left", left)
		}
	}},
}

var textCases = []testCase{
	{"text/NUL and invalid UTF-8 are refused before the database sees them", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		session := b.signIn(by, secret.Digest{})
		before := b.raw.dump()
		for _, bad := range []string{"a\x00b", "a\xffb", "\xed\xa0\x80"} {
			queries := b.a.Queries()
			_, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: bad, Nonce: secret.NewNonce()})
			b.want(err, keys.KindMalformed, keys.ReasonNotText)
			_, err = b.a.GenerateKey(b.Context(), by, store.NewKey{Name: "x", Roles: []string{bad}, Nonce: secret.NewNonce()})
			b.want(err, keys.KindMalformed, keys.ReasonNotText)
			_, _, err = b.a.EditKey(b.Context(), by, store.EditKey{ID: key.ID, Version: 1, Name: bad})
			b.want(err, keys.KindMalformed, keys.ReasonNotText)
			_, err = b.a.NameTaken(b.Context(), by, bad)
			b.want(err, keys.KindMalformed, keys.ReasonNotText)
			b.want(b.fail(bad, by.IP), keys.KindMalformed, keys.ReasonNotText)
			b.want(b.a.SetFlash(b.Context(), session, bad), keys.KindMalformed, keys.ReasonNotText)
			b.want(b.a.UnlockUser(b.Context(), by, bad), keys.KindMalformed, keys.ReasonNotText)
			b.want(b.a.ResetUser(b.Context(), by, bad, "x"), keys.KindMalformed, keys.ReasonNotText)
			if b.a.Queries() != queries {
				b.Fatal("the database was asked")
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"text/a key id that is not text is not there", func(b *bench) {
		by := b.newAccount("acme")
		for _, id := range []keys.KeyID{"", "a\x00b", "a\xffb"} {
			for _, change := range b.keyChanges(by, id)[1:] {
				b.want(change(b.a), keys.KindNotFound, keys.ReasonKeyNotFound)
			}
			_, err := b.a.Key(b.Context(), by, id)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
			_, err = b.a.KeyEvents(b.Context(), by, id)
			b.want(err, keys.KindNotFound, keys.ReasonKeyNotFound)
		}
	}},
	{"text/what a browser says of itself is cleaned, not refused", func(b *bench) {
		by := b.newAccount("acme")
		by.RequestID = "r\x00\xff"
		try := store.LoginTry{Email: by.Email, IP: "\xff\x00"}
		c, err := b.a.BeginLogin(b.Context(), try)
		b.must(err)
		start := newSession()
		start.UserAgent = "agent \x00 \xff " + string(make([]byte, 10_000))
		start.IP = "\xff"
		b.must(b.a.FinishLogin(b.Context(), by, c, try, start, ""))
		b.must(b.b.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionLoginFail, Actor: "\xff", IP: "\x00", Route: "\xff", Reason: "\x00"}: 1}))
		report, err := b.b.VerifyAudit(b.Context())
		b.must(err)
		if len(report.Damage) != 0 || report.Rows != 4 {
			b.Fatalf("the log is %+v", report)
		}
	}},
}
