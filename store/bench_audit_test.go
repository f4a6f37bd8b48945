package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/store/storetest"
)

// fillAudit writes n events of an account past the store, a thousand a day, with a hundred actors and ten
// thousand keys. They do not follow the chain.
func fillAudit(t testing.TB, url, accountID string, n int) {
	t.Helper()
	driver, name := "sqlite", "file:"+url+"?_pragma=synchronous(0)&_pragma=cache_size(-200000)"
	if strings.HasPrefix(url, "postgres://") {
		driver, name = "pgx", url
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO audit (seq, id, at, account_id, actor_kind, actor_id, actor, action, object_kind, object_id, object,
			ip, request_id, result, alarm, details, prev, hash, sums)
		SELECT 1000 + i, 'event-' || i, 86400000 * CAST(i AS BIGINT), CAST($1 AS TEXT), 'user', '', 'user' || i % 100 || '@acme.example',
			CASE WHEN i % 1000 = 0 THEN 'key.edited' ELSE 'login.ok' END, 'key', 'appkey-acme-' || (10000000 + i % 10000), 'Key ' || i % 10000,
			'192.0.2.1', '', 'ok', i % 5000 = 0, '{}', '', '', '' FROM n`, accountID, n)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkAuditLog reads pages of an audit log of a million events, narrowed in every way, at its end and in
// its depth. Each must come as fast as the first page.
func BenchmarkAuditLog(b *testing.B) {
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
	account, _, err := s.CreateAccount(b.Context(), keys.Command("benchmark"), store.NewAccount{
		Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	if err != nil {
		b.Fatal(err)
	}
	fillAudit(b, path, account.ID, 1_000_000)
	by := keys.Command("benchmark").In(account)
	deepest := time.Duration(0)
	for b.Loop() {
		for name, took := range auditPages(b.Context(), b, s, by) {
			if deepest = max(deepest, took); took > 100*time.Millisecond {
				b.Errorf("%s took %s, more than 100 ms", name, took)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(deepest.Microseconds())/1000, "slowest-page-ms")
}

// auditPages says how long each of many pages took.
func auditPages(ctx context.Context, t testing.TB, s *store.Store, by keys.Actor) map[string]time.Duration {
	t.Helper()
	day := func(n int64) time.Time { return time.UnixMicro(86_400_000_000 * n) }
	took := map[string]time.Duration{}
	for name, filter := range map[string]store.AuditFilter{
		"all": {}, "actor": {Actor: "user7@acme.example"}, "nobody": {Actor: "nobody"}, "action": {Action: keys.ActionKeyEdited}, "a common action": {Action: keys.ActionLoginOK},
		"key": {Target: "appkey-acme-10000500"}, "name": {Target: "Key 500"}, "a day long ago": {From: day(30), Until: day(31)}, "alarms": {Alarms: true},
		"actor on a day": {Actor: "user7@acme.example", From: day(30), Until: day(31)}, "action until a day": {Action: keys.ActionKeyEdited, Until: day(100)},
		"actor and action": {Actor: "user0@acme.example", Action: keys.ActionKeyEdited}, "nothing": {Actor: "user7@acme.example", Action: keys.ActionKeyEdited},
	} {
		after := ""
		for _, depth := range []string{"first", "second", "deep"} {
			if depth == "deep" {
				after = strconv.FormatInt(86_400_000*500_000, 36) + "." + strconv.FormatInt(501_000, 36)
			}
			begin := time.Now()
			page, err := s.AuditLog(ctx, by, store.AuditAsk{AuditFilter: filter, After: after, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			took[name+", "+depth] = time.Since(begin)
			after = page.Older
		}
	}
	begin := time.Now()
	if _, err := s.AuditAlarms(ctx, by, day(0)); err != nil {
		t.Fatal(err)
	}
	took["alarms on top"] = time.Since(begin)
	return took
}
