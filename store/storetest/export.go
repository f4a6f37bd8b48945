package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var exportCases = []testCase{
	{"export/each key comes once, as the list has it, in more than one chunk", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.newKey(foreign, "Foreign")
		for i := range 203 {
			if i%3 == 0 {
				b.clock.Advance(time.Second)
			}
			b.newKey(by, fmt.Sprint(i), []string{"orders-viewer", "catalog-viewer", "owner"}[:i%4]...)
		}
		renewed := b.newKey(by, "Renewed").Key
		b.renewAgain(by, renewed.ID)
		gone := b.newKey(by, "Gone").Key
		_, err := b.a.DeleteKey(b.Context(), by, gone.ID)
		b.must(err)
		page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: 1000})
		b.must(err)
		got := b.eachKey(by, store.KeyChoice{})
		if len(got) != 204 || len(page.Keys) != 204 {
			b.Fatalf("%d keys in the export, %d in the list", len(got), len(page.Keys))
		}
		for i, k := range got {
			if want := page.Keys[i]; fmt.Sprint(k) != fmt.Sprint(want) {
				b.Fatalf("key %d is %+v, in the list %+v", i, k, want)
			}
		}
		n, err := b.b.CountKeys(b.Context(), by, store.KeyChoice{})
		b.must(err)
		if n != 204 {
			b.Errorf("it counts %d", n)
		}
	}},
	{"export/a choice holds keys of the own account that exist, and nothing else", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		one, two := b.newKey(by, "One").Key, b.newKey(by, "Two").Key
		gone := b.newKey(by, "Gone").Key
		_, err := b.a.DeleteKey(b.Context(), by, gone.ID)
		b.must(err)
		choice := store.KeyChoice{IDs: []keys.KeyID{one.ID, b.newKey(foreign, "Foreign").Key.ID, gone.ID, "'", two.ID}}
		got := b.eachKey(by, choice)
		if len(got) != 2 || got[0].ID != two.ID || got[1].ID != one.ID {
			b.Errorf("the choice gives %v", got)
		}
		n, err := b.b.CountKeys(b.Context(), by, choice)
		b.must(err)
		if n != 2 {
			b.Errorf("it counts %d", n)
		}
		if got := b.eachKey(by, store.KeyChoice{IDs: []keys.KeyID{"none"}}); len(got) != 0 {
			b.Errorf("a choice of no key gives %v", got)
		}
	}},
	{"export/an error of the caller ends it and comes back, and who may not view keys gets none", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "One")
		b.newKey(by, "Two")
		full, calls := errors.New("the disk is full"), 0
		err := b.a.EachKey(b.Context(), by, store.KeyChoice{}, func(keys.Key) error { calls++; return full })
		if !errors.Is(err, full) || calls != 1 {
			b.Errorf("after %d calls: %v", calls, err)
		}
		stranger := holding(by, keys.ViewAuditLog)
		b.want(b.a.EachKey(b.Context(), stranger, store.KeyChoice{}, nil), keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.CountKeys(b.Context(), stranger, store.KeyChoice{})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
	}},
	{"export/it is one snapshot: what is made meanwhile is not in it", func(b *bench) {
		by := b.newAccount("acme")
		for i := range 3 {
			b.newKey(by, fmt.Sprint(i))
		}
		n := 0
		b.must(b.a.EachKey(b.Context(), by, store.KeyChoice{}, func(k keys.Key) error {
			n++
			b.newKey(by, "Late")
			_, err := b.b.DeleteKey(b.Context(), by, k.ID)
			return err
		}))
		if n != 3 {
			b.Errorf("it gives %d keys", n)
		}
	}},
	{"export/it is an event with who, format, sheets, filters and rows, and feeds no verifier", func(b *bench) {
		by := b.newAccount("acme")
		fed := b.raw.count(`SELECT count(*) FROM change_log`)
		e := store.Export{
			Permission: keys.ViewAPIKeys, File: "api-keys-acme-20260302.csv", Format: "csv", Sheets: []string{"generated"},
			Filters: map[string]string{"keys": "2"}, Rows: 2,
		}
		b.must(b.a.RecordExport(b.Context(), by, e))
		log, err := b.b.AuditLog(b.Context(), by, store.AuditAsk{Limit: 1})
		b.must(err)
		got := log.Events[0]
		if got.Action != keys.ActionExportMade || got.Actor != by.Email || got.IP != by.IP || got.ObjectKind != "export" || got.Object != e.File || got.Result != "ok" ||
			got.Details["format"] != "csv" || fmt.Sprint(got.Details["sheets"]) != "[generated]" || got.Details["rows"] != 2.0 || got.Details["filter_keys"] != "2" || len(got.Details) != 4 {
			b.Errorf("the event is %+v", got)
		}
		if b.raw.count(`SELECT count(*) FROM change_log`) != fed {
			b.Error("it is in the change feed")
		}
		b.want(b.a.RecordExport(b.Context(), holding(by, keys.ViewAuditLog), e), keys.KindForbidden, keys.ReasonPermissionMissing)
		e.Filters["keys"] = "\xff"
		b.want(b.a.RecordExport(b.Context(), by, e), keys.KindMalformed, keys.ReasonNotText)
	}},
}

// renewAgain renews a key.
func (b *bench) renewAgain(by keys.Actor, id keys.KeyID) {
	b.Helper()
	_, err := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
	b.must(err)
}

func (b *bench) eachKey(by keys.Actor, choice store.KeyChoice) (all []keys.Key) {
	b.Helper()
	b.must(b.b.EachKey(b.Context(), by, choice, func(k keys.Key) error {
		all = append(all, k)
		return nil
	}))
	return all
}

var auditLogCases = []testCase{
	{"audit log/a walk meets each event of the account once, newest first, whatever the filter, and back again", func(b *bench) {
		by := b.storied()
		for name, filter := range map[string]store.AuditFilter{
			"all": {}, "actor": {Actor: by.Email}, "action": {Action: keys.ActionKeyGenerated}, "target": {Target: "Order sync"},
		} {
			var want []int64
			for _, e := range b.eachEvent(by, filter) {
				want = append(want, e.Seq)
			}
			if len(want) < 3 {
				b.Fatalf("%s: only %d events", name, len(want))
			}
			if !slices.IsSortedFunc(want, func(a, b int64) int { return int(b - a) }) {
				b.Errorf("%s: the export is not newest first: %v", name, want)
			}
			var down []int64
			ask := store.AuditAsk{AuditFilter: filter, Limit: 2}
			var last store.AuditPage
			for {
				page, err := b.b.AuditLog(b.Context(), by, ask)
				b.must(err)
				down, last = append(down, seqs(page)...), page
				if page.Older == "" {
					break
				}
				ask.After = page.Older
			}
			if !slices.Equal(down, want) {
				b.Errorf("%s: down gives %v, the export %v", name, down, want)
			}
			up := seqs(last)
			for last.Newer != "" {
				page, err := b.b.AuditLog(b.Context(), by, store.AuditAsk{AuditFilter: filter, Limit: 2, Before: last.Newer})
				b.must(err)
				up = append(seqs(page), up...)
				last = page
			}
			slices.Sort(up)
			slices.Reverse(up)
			if up = slices.Compact(up); !slices.Equal(up, want) {
				b.Errorf("%s: up gives %v, the export %v", name, up, want)
			}
			n, err := b.b.CountEvents(b.Context(), by, filter)
			b.must(err)
			if n != len(want) {
				b.Errorf("%s: it counts %d, not %d", name, n, len(want))
			}
		}
	}},
	{"audit log/a key stands for its tokens, and keeps its history when it is deleted", func(b *bench) {
		by := b.newAccount("acme")
		k, other := b.newKey(by, "Order sync").Key, b.newKey(by, "Order sync").Key
		b.renewAgain(by, k.ID)
		log := b.eachEvent(by, store.AuditFilter{Target: string(k.ID)})
		history, err := b.b.KeyHistory(b.Context(), by, k.ID, 100)
		b.must(err)
		if len(log) != len(history) || len(log) < 4 {
			b.Fatalf("%d events in the log, %d in the history", len(log), len(history))
		}
		for i, e := range log {
			if e.Seq != history[i].Seq || e.Key != k.ID || e.KeyName != "Order sync" {
				b.Errorf("event %d is %+v", i, e)
			}
		}
		_, err = b.a.DeleteKey(b.Context(), by, k.ID)
		b.must(err)
		after := b.eachEvent(by, store.AuditFilter{Target: string(k.ID)})
		if len(after) <= len(log) || after[0].KeyName != "" || after[0].Key != k.ID {
			b.Errorf("after its end: %+v", after)
		}
		if all := b.eachEvent(by, store.AuditFilter{Target: "Order sync"}); len(all) <= len(after) || all[len(all)-1].Key == other.ID {
			b.Errorf("by the name: %d events", len(all))
		}
	}},
	{"audit log/a key of another account is found by its id", func(b *bench) {
		by, owner := b.newAccount("acme"), b.newAccount("globex")
		x := b.newExternal(by, owner, "orders-viewer")
		b.addExternal(by, b.newKey(owner, "Another").Key.ID, "globex")
		_, err := b.a.RemoveExternalKey(b.Context(), by, x.ID)
		b.must(err)
		var found []keys.Action
		for _, e := range b.eachEvent(by, store.AuditFilter{Target: string(x.ID)}) {
			found = append(found, e.Action)
		}
		if !slices.Equal(found, []keys.Action{keys.ActionExternalRemoved, keys.ActionExternalAdded}) {
			b.Errorf("the account finds %q", found)
		}
		for _, e := range b.eachEvent(owner, store.AuditFilter{Target: string(x.ID)}) {
			if e.Action == keys.ActionExternalAdded || e.Action == keys.ActionExternalRemoved {
				b.Errorf("its owner finds %q, which is of another account", e.Action)
			}
		}
	}},
	{"audit log/days begin with their first moment and end before the next day's", func(b *bench) {
		by := b.newAccount("acme")
		noon := b.clock.Now()
		b.clock.Advance(time.Hour)
		first := b.newKey(by, "First").Key
		b.clock.Advance(time.Hour)
		b.newKey(by, "Second")
		got := b.eachEvent(by, store.AuditFilter{From: noon.Add(time.Hour), Until: noon.Add(2 * time.Hour)})
		if len(got) != 2 || got[0].Key != first.ID || got[1].Key != first.ID {
			b.Errorf("the hour has %+v", got)
		}
	}},
	{"audit log/alarms are one for each object, the newest, and can be asked for alone", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		one, two := b.newKey(by, "One").Key, b.newKey(by, "Two").Key
		alarm := func(who keys.Actor, id keys.KeyID, ip string) {
			b.clock.Advance(time.Minute)
			b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{
				{Action: keys.ActionTokenReuse, AccountID: who.AccountID, Key: id, IP: ip, Reason: "rotated", Alarm: true}: 1,
			}))
		}
		alarm(by, one.ID, "192.0.2.1")
		alarm(foreign, b.newKey(foreign, "Foreign").Key.ID, "192.0.2.9")
		alarm(by, two.ID, "192.0.2.2")
		alarm(by, one.ID, "192.0.2.3")
		got, err := b.b.AuditAlarms(b.Context(), by, b.clock.Now().Add(-time.Hour))
		b.must(err)
		if len(got) != 2 || got[0].Key != one.ID || got[0].IP != "192.0.2.3" || got[0].KeyName != "One" || got[1].Key != two.ID {
			b.Errorf("the alarms are %+v", got)
		}
		if alone := b.eachEvent(by, store.AuditFilter{Alarms: true}); len(alone) != 3 {
			b.Errorf("%d alarms alone", len(alone))
		}
		b.clock.Advance(2 * time.Hour)
		got, err = b.b.AuditAlarms(b.Context(), by, b.clock.Now().Add(-time.Hour))
		b.must(err)
		if len(got) != 0 {
			b.Errorf("old alarms are %+v", got)
		}
	}},
	{"audit log/it never tells of another account, and tells nobody without the permission", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		k := b.newKey(foreign, "Foreign").Key
		b.renewAgain(foreign, k.ID)
		for _, filter := range []store.AuditFilter{{}, {Actor: foreign.Email}, {Target: string(k.ID)}, {Target: "Foreign"}, {Action: keys.ActionKeyGenerated}} {
			for _, e := range b.eachEvent(by, filter) {
				if e.AccountID != by.AccountID {
					b.Errorf("%+v gives %+v", filter, e)
				}
			}
		}
		stranger := holding(by, keys.ViewAPIKeys)
		_, err := b.a.AuditLog(b.Context(), stranger, store.AuditAsk{Limit: 1})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.AuditAlarms(b.Context(), stranger, time.Time{})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.CountEvents(b.Context(), stranger, store.AuditFilter{})
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		b.want(b.a.EachEvent(b.Context(), stranger, store.AuditFilter{}, nil), keys.KindForbidden, keys.ReasonPermissionMissing)
	}},
	{"audit log/a cursor or filter that is none is malformed", func(b *bench) {
		by := b.newAccount("acme")
		for _, cursor := range []string{"x", ".", "1", "1.", "1.1.1", "01.1", "-.1"} {
			_, err := b.a.AuditLog(b.Context(), by, store.AuditAsk{After: cursor, Limit: 1})
			b.want(err, keys.KindMalformed, keys.ReasonCursor)
			_, err = b.a.AuditLog(b.Context(), by, store.AuditAsk{Before: cursor, Limit: 1})
			b.want(err, keys.KindMalformed, keys.ReasonCursor)
		}
		for _, filter := range []store.AuditFilter{{Actor: "\x00"}, {Target: "\xff"}, {Action: "\x00"}} {
			b.want(b.a.EachEvent(b.Context(), by, filter, nil), keys.KindMalformed, keys.ReasonNotText)
		}
	}},
}

// storied is the owner of an account in which something has happened, some of it at one moment.
func (b *bench) storied() keys.Actor {
	b.Helper()
	by, foreign := b.newAccount("acme"), b.newAccount("other")
	for i := range 5 {
		if i%2 == 0 {
			b.clock.Advance(time.Second)
		}
		k := b.newKey(by, "Order sync").Key
		b.newKey(foreign, "Order sync")
		_, _, err := b.a.DeactivateKey(b.Context(), by, k.ID)
		b.must(err)
	}
	return by
}

func (b *bench) eachEvent(by keys.Actor, filter store.AuditFilter) (all []store.LoggedEvent) {
	b.Helper()
	b.must(b.b.EachEvent(b.Context(), by, filter, func(e store.LoggedEvent) error {
		all = append(all, e)
		return nil
	}))
	return all
}

func seqs(page store.AuditPage) (all []int64) {
	for _, e := range page.Events {
		all = append(all, e.Seq)
	}
	return all
}
