package storetest

import (
	"fmt"
	"slices"

	"latchkey/keys"
	"latchkey/store"
)

var auditCases = makeAuditCases()

// makeAuditCases damages an audit log of ten rows or more in every way, and says what must be found.
func makeAuditCases() []testCase {
	all := []testCase{
		{"audit/an intact log has no damage", func(b *bench) { b.wantDamage() }},
		{"audit/a changed column is named, whichever it is", func(b *bench) {
			b.tenEvents()
			for _, column := range []string{
				"id", "account_id", "actor_kind", "actor_id", "actor", "action", "object_kind", "object_id", "object",
				"ip", "request_id", "result", "details", "prev", "hash", "sums",
			} {
				before := b.raw.Texts(`SELECT ` + column + ` FROM audit WHERE seq = 4`)[0]
				b.raw.Do(`UPDATE audit SET ` + column + ` = 'x' WHERE seq = 4`)
				b.wantFound("row 4 was changed: " + column)
				b.raw.Do(`UPDATE audit SET `+column+` = $1 WHERE seq = 4`, before)
			}
			b.wantFound()
		}},
		{"audit/an empty log has no damage", func(b *bench) {
			report, err := b.a.VerifyAudit(b.Context())
			b.must(err)
			if report.Rows != 0 || len(report.Damage) != 0 {
				b.Fatalf("found %+v", report)
			}
		}},
	}
	for _, c := range []struct {
		name    string
		found   string
		damages []string
	}{
		{"a changed time is named", "row 4 was changed: at", []string{`UPDATE audit SET at = at + 1 WHERE seq = 4`}},
		{"a changed alarm is named", "row 4 was changed: alarm", []string{`UPDATE audit SET alarm = NOT alarm WHERE seq = 4`}},
		{"two changed columns of one row are named", "row 1 was changed: actor, ip", []string{`UPDATE audit SET actor = 'x', ip = 'y' WHERE seq = 1`}},
		{"a change of the newest row is named", "row 10 was changed: actor", []string{`UPDATE audit SET actor = 'x' WHERE seq = 10`}},
		{"a deleted row is named", "row 4 is missing", []string{`DELETE FROM audit WHERE seq = 4`}},
		{"the first row, deleted, is named", "row 1 is missing", []string{`DELETE FROM audit WHERE seq = 1`}},
		{"deleted rows are named", "rows 4 to 6 are missing", []string{`DELETE FROM audit WHERE seq IN (4, 5, 6)`}},
		{"two swapped rows are named", "rows 4 and 7 were swapped", []string{
			`UPDATE audit SET seq = -4 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 7`, `UPDATE audit SET seq = 7 WHERE seq = -4`,
		}},
		{"two swapped neighbours are named", "rows 9 and 10 were swapped", []string{
			`UPDATE audit SET seq = -9 WHERE seq = 9`, `UPDATE audit SET seq = 9 WHERE seq = 10`, `UPDATE audit SET seq = 10 WHERE seq = -9`,
		}},
		{"a cut tail is named", "the end of the log was cut off: rows 9 to 10 are missing", []string{`DELETE FROM audit WHERE seq > 8`}},
		{"a log cut down to nothing is named", "the end of the log was cut off: rows 1 to 10 are missing", []string{`DELETE FROM audit`}},
		{"a cut tail with a counter set back is named", "the counter's row was changed or removed: it does not name row 8 and its hash", []string{
			`DELETE FROM audit WHERE seq > 8`, `UPDATE head SET seq = 8`,
		}},
		{"a counter set back is named", "the counter's row was changed or removed: it does not name row 10 and its hash", []string{`UPDATE head SET seq = 9`}},
		{"a removed counter is named", "the counter's row was changed or removed: it does not name row 10 and its hash", []string{`DELETE FROM head`}},
		{"a changed head is named", "the counter's row was changed or removed: it does not name row 10 and its hash", []string{`UPDATE head SET chain = 'x'`}},
	} {
		all = append(all, testCase{"audit/" + c.name, func(b *bench) { b.wantDamage(append([]string{c.found}, c.damages...)...) }})
	}
	return append(all,
		testCase{"audit/a removed counter of an empty log is named", func(b *bench) {
			b.raw.Do(`DELETE FROM head`)
			b.wantFound("the counter's row was changed or removed: it does not name row 0 and its hash")
		}},
		testCase{"audit/a value of another type is named, or the database refuses it", func(b *bench) {
			b.tenEvents()
			if b.raw.postgres {
				b.raw.wantTypes("audit.at", "audit.alarm", "audit.seq", "head.seq")
				return
			}
			b.raw.Do(`ALTER TABLE audit ADD COLUMN kept`)
			for _, column := range []string{"at", "alarm"} {
				for _, value := range []string{`'x'`, `7`, `'yes'`, `1.5`, `x'00ff'`, `''`, `'7 '`, `-1`, `9e99`} {
					b.raw.Do(`UPDATE audit SET kept = ` + column + ` WHERE seq = 4`)
					b.raw.Do(`UPDATE audit SET ` + column + ` = ` + value + ` WHERE seq = 4`)
					b.wantFound("row 4 was changed: " + column)
					b.raw.Do(`UPDATE audit SET ` + column + ` = kept WHERE seq = 4`)
				}
			}
			b.lock("ana@acme.example")
			b.want(b.fail("ana@acme.example", "203.0.113.1"), keys.KindTooMany, keys.ReasonLoginLocked) // row 11 is an alarm
			b.wantFound()
			b.raw.Do(`UPDATE audit SET alarm = 7 WHERE seq = 11`)
			b.wantFound("row 11 was changed: alarm")
			b.raw.Do(`UPDATE audit SET alarm = 1 WHERE seq = 11`)
			b.raw.Do(`UPDATE audit SET at = 'x', alarm = 'yes' WHERE seq = 10`)
			b.raw.Do(`UPDATE audit SET seq = 4.5 WHERE seq = 4`)
			b.raw.Do(`UPDATE audit SET seq = 'x' WHERE seq = 7`)
			b.raw.Do(`UPDATE head SET seq = 'x'`)
			b.wantFound("after row 3 stands a row whose seq was changed: it is not a whole number", "row 4 is missing", "row 7 is missing",
				"row 10 was changed: at, alarm", "after row 11 stands a row whose seq was changed: it is not a whole number",
				"the counter's row was changed or removed: it does not name row 11 and its hash")
		}},
		testCase{"audit/several damages are all found", func(b *bench) {
			b.tenEvents()
			b.raw.Do(`DELETE FROM audit WHERE seq IN (2, 10)`)
			b.raw.Do(`UPDATE audit SET ip = 'x' WHERE seq = 6`)
			b.wantFound("row 2 is missing", "row 6 was changed: ip", "the end of the log was cut off: row 10 is missing")
		}},
		testCase{"audit/a head that was kept elsewhere shows a log that was written anew", func(b *bench) {
			b.tenEvents()
			kept, err := b.a.AuditHead(b.Context())
			b.must(err)
			anew := open(b.T, b.fresh)
			anew.tenEvents()
			anew.wantFound()
			for _, c := range []struct {
				bench *bench
				kept  store.AuditHead
				found []store.DamageKind
			}{
				{b, kept, nil},
				{anew, kept, []store.DamageKind{store.DamageRewritten}},
				{b, store.AuditHead{Seq: 12, Hash: kept.Hash}, []store.DamageKind{store.DamageCut}},
			} {
				report, err := c.bench.b.VerifyAudit(b.Context(), c.kept)
				b.must(err)
				var found []store.DamageKind
				for _, d := range report.Damage {
					found = append(found, d.Kind)
				}
				if !slices.Equal(found, c.found) {
					b.Fatalf("found %q, want %q", found, c.found)
				}
			}
		}},
		testCase{"audit/a row with a chain of its own does not follow the one before", func(b *bench) {
			b.tenEvents()
			foreign := open(b.T, b.fresh)
			foreign.tenEvents()
			for _, row := range foreign.raw.rows(`SELECT actor, prev, hash, sums, id, at, account_id, actor_id, object, object_id, details FROM audit WHERE seq = 5`) {
				b.raw.Do(`UPDATE audit SET actor = $1, prev = $2, hash = $3, sums = $4, id = $5, at = `+row[5]+`, account_id = $6,
					actor_id = $7, object = $8, object_id = $9, details = $10 WHERE seq = 5`,
					row[0], row[1], row[2], row[3], row[4], row[6], row[7], row[8], row[9], row[10])
			}
			b.wantFound("row 5 does not follow row 4: one of them was replaced", "row 6 does not follow row 5: one of them was replaced")
		}})
}

// tenEvents fills the audit log with ten rows.
func (b *bench) tenEvents() {
	b.Helper()
	by := b.newAccount("acme")                                                                        // 2 rows
	key := b.newKey(by, "Orders sync", "orders-viewer").Key                                           // 2
	other := b.newKey(by, "Catalog sync", "catalog-viewer").Key                                       // 2
	_, _, err := b.a.EditKey(b.Context(), by, store.EditKey{ID: key.ID, Version: 1, Name: "Renamed"}) // 2: edited, deactivated
	b.must(err)
	_, err = b.b.DeleteKey(b.Context(), by, other.ID) // 2
	b.must(err)
	if n := b.raw.count(`SELECT COUNT(*) FROM audit`); n != 10 {
		b.Fatalf("%d rows, want 10", n)
	}
}

// wantDamage fills an audit log, runs the statements after the first text, and wants that text found.
// Without any text it wants nothing found.
func (b *bench) wantDamage(foundAndStatements ...string) {
	b.Helper()
	b.tenEvents()
	if len(foundAndStatements) == 0 {
		b.wantFound()
		return
	}
	for _, statement := range foundAndStatements[1:] {
		b.raw.Do(statement)
	}
	b.wantFound(foundAndStatements[0])
}

func (b *bench) wantFound(want ...string) {
	b.Helper()
	report, err := b.b.VerifyAudit(b.Context())
	b.must(err)
	var found []string
	for _, damage := range report.Damage {
		found = append(found, damage.String())
	}
	if !slices.Equal(found, want) {
		b.Fatalf("found %q, want %q", found, want)
	}
}

var refusalCases = []testCase{
	{"refusals/equal ones are one event with their number", func(b *bench) {
		by := b.newAccount("acme")
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
			{Action: keys.ActionAuthzDenied, AccountID: by.AccountID, ActorID: by.UserID, Actor: by.Email, IP: "192.0.2.7", Route: "POST /keys/:id", Reason: "permission-missing"}: 40,
			{Action: keys.ActionCSRFBlocked, IP: "192.0.2.8", Route: "POST /login", Reason: "cross-site"}:                                                                          2,
		}))
		rows := b.raw.rows(`SELECT account_id, actor_kind, actor, action, ip, result, details FROM audit WHERE seq > 2 ORDER BY seq`)
		want := [][]string{
			{"", "nobody", "", "csrf.blocked", "192.0.2.8", "cross-site", `{"count":2,"route":"POST /login"}`},
			{by.AccountID, "user", by.Email, "authz.denied", "192.0.2.7", "permission-missing", `{"count":40,"route":"POST /keys/:id"}`},
		}
		if !slices.EqualFunc(rows, want, slices.Equal) {
			b.Fatalf("wrote %q, want %q", rows, want)
		}
	}},
	{"refusals/an account's log takes 100 a minute, and then one event with the number of the rest", func(b *bench) {
		flood := func(n int) map[keys.Refusal]int {
			all := map[keys.Refusal]int{}
			for i := range n {
				all[keys.Refusal{Action: keys.ActionLoginFail, IP: fmt.Sprintf("10.0.0.%d", i), Reason: "wrong"}] = 2
			}
			return all
		}
		b.must(b.a.RecordRefusals(b.Context(), flood(60)))
		b.must(b.b.RecordRefusals(b.Context(), flood(60)))
		b.must(b.a.RecordRefusals(b.Context(), flood(10)))
		b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionLoginFail, AccountID: "another"}: 1}))
		if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE account_id = ''`); n != 100 {
			b.Fatalf("%d rows in the minute, want 100", n)
		}
		b.clock.Advance(60e9)
		b.must(b.b.RecordRefusals(b.Context(), nil))
		before := b.raw.dump()
		b.must(b.a.RecordRefusals(b.Context(), nil))
		more := b.raw.Texts(`SELECT details FROM audit WHERE action = 'refusals.more'`)
		if !slices.Equal(more, []string{`{"more":60}`}) || b.raw.dump() != before {
			b.Fatalf("then came %q", more)
		}
		b.must(b.a.RecordRefusals(b.Context(), flood(1)))
		if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'login.fail' AND account_id = ''`); n != 101 {
			b.Fatalf("%d rows, want 101", n)
		}
	}},
}
