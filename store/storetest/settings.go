package storetest

import (
	"encoding/json"
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

const day = 24 * time.Hour

// week are the shortest settings.
var week = keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: keys.MinDays}, EnforceExpiry: true, Zone: "Europe/Lisbon"}

var settingsCases = []testCase{
	{"settings/a change is saved, counted, and told with what was before", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.clock.Advance(time.Hour)
		in := keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: 90}, EnforceExpiry: false, Zone: "Pacific/Kiritimati"}
		account, changed, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 1, Settings: in})
		b.must(err)
		found := b.account(by)
		if !changed || account.Settings() != in || account.SettingsVersion != 2 || found != account {
			b.Fatalf("changed = %v to %+v, found %+v", changed, account, found)
		}
		if other := b.account(foreign); other.Zone != "Europe/Lisbon" || other.SettingsVersion != 1 {
			b.Fatalf("the other account is %+v", other)
		}
		details := b.settingsEvent()
		for field, want := range map[string][2]any{
			"duration": {"3 months", "90 days"}, "enforce_expiry": {true, false}, "zone": {"Europe/Lisbon", "Pacific/Kiritimati"},
		} {
			if got, _ := details[field].(map[string]any); got["before"] != want[0] || got["after"] != want[1] {
				b.Fatalf("%s: the event says %v", field, details)
			}
		}
		row := b.raw.rows(`SELECT account_id, object_kind, object_id, object, actor, ip FROM audit WHERE action = 'settings.changed'`)[0]
		if want := []string{by.AccountID, "account", by.AccountID, "acme", by.Email, by.IP}; !slices.Equal(row, want) {
			b.Fatalf("the event is %q, want %q", row, want)
		}
	}},
	{"settings/an event tells only what changed", func(b *bench) {
		by := b.newAccount("acme")
		in := b.account(by).Settings()
		in.Zone = "UTC"
		b.change(by, in, "")
		details := b.settingsEvent()
		if details["zone"] == nil || details["duration"] != nil || details["enforce_expiry"] != nil || len(details) != 2 || details["stopped"] != 0.0 {
			b.Fatalf("the event says %v", details)
		}
	}},
	{"settings/a change to what is there already writes nothing", func(b *bench) {
		by := b.newAccount("acme")
		before := b.raw.dump()
		account, changed, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 1, Settings: b.account(by).Settings()})
		b.must(err)
		if changed || account != b.account(by) || b.raw.dump() != before {
			b.Fatalf("changed = %v, %+v", changed, account)
		}
	}},
	{"settings/a form of an old version is refused, and changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		b.change(by, week, "")
		before := b.raw.dump()
		for _, version := range []int64{1, 0, 3} {
			for _, in := range []keys.Settings{week, {Duration: keys.DefaultDuration, Zone: "UTC"}} {
				_, _, err := b.b.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: version, Settings: in})
				b.want(err, keys.KindConflict, keys.ReasonSettingsChanged)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"settings/settings that break a rule, or come from somebody without the permission, are refused by both methods", func(b *bench) {
		by := b.newAccount("acme")
		without := slices.DeleteFunc(slices.Clone(by.Holds), func(slug string) bool { return slug == keys.EditAPIKeySettings })
		before := b.raw.dump()
		for _, c := range []struct {
			by     keys.Actor
			in     keys.Settings
			kind   keys.Kind
			reason keys.Reason
		}{
			{by, keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: 6}, Zone: "UTC"}, keys.KindInvalid, keys.ReasonDays},
			{by, keys.Settings{Duration: keys.Duration{Unit: keys.Months, Amount: 4}, Zone: "UTC"}, keys.KindInvalid, keys.ReasonDuration},
			{by, keys.Settings{Duration: keys.DefaultDuration, Zone: "Local"}, keys.KindInvalid, keys.ReasonZoneUnknown},
			{holding(by, without...), week, keys.KindForbidden, keys.ReasonPermissionMissing},
			{holding(by), keys.Settings{}, keys.KindForbidden, keys.ReasonPermissionMissing},
		} {
			_, _, err := b.a.ChangeSettings(b.Context(), c.by, store.ChangeSettings{Version: 1, Settings: c.in})
			b.want(err, c.kind, c.reason)
			_, err = b.a.PreviewSettings(b.Context(), c.by, c.in, 10)
			b.want(err, c.kind, c.reason)
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
		_, err := b.a.PreviewSettings(b.Context(), holding(by, keys.EditAPIKeySettings), week, 10)
		b.must(err)
		b.change(holding(by, keys.EditAPIKeySettings), week, "")
	}},
	{"settings/a preview counts and names the keys that would stop, the newest first, and changes nothing", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		b.newKey(foreign, "Foreign")
		var ids []keys.KeyID
		for _, name := range []string{"one", "two", "three", "deleted"} {
			ids = append(ids, b.newKey(by, name, "orders-viewer").Key.ID)
			b.clock.Advance(time.Hour)
		}
		_, err := b.a.DeleteKey(b.Context(), by, ids[3])
		b.must(err)
		_, _, err = b.a.DeactivateKey(b.Context(), by, ids[1])
		b.must(err)
		b.clock.Advance(30 * day)
		b.newKey(by, "young")
		before := b.raw.dump()
		for limit, names := range map[int][]string{0: nil, 1: {"three"}, 2: {"three", "two"}, 3: {"three", "two", "one"}, 100: {"three", "two", "one"}} {
			preview := b.preview(by, week, limit)
			var got []string
			for _, key := range preview.Keys {
				got = append(got, key.Name)
				if len(key.Tokens) != 1 || len(key.Roles) != 1 {
					b.Fatalf("the key is %+v", key)
				}
			}
			if preview.Past != 3 || preview.Stopped != 3 || !slices.Equal(got, names) || preview.Mark == "" || preview.Mark != b.preview(by, week, 9).Mark {
				b.Fatalf("at most %d: %q of %+v", limit, got, preview)
			}
		}
		if b.raw.dump() != before {
			b.Fatal("a preview changed the database")
		}
		if same := b.preview(by, b.account(by).Settings(), 9); same.Past != 0 || same.Stopped != 0 || same.Mark != "" {
			b.Fatalf("the settings that hold would do %+v", same)
		}
	}},
	{"settings/keys stop only when the person has accepted exactly those", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "one")
		b.clock.Advance(5 * day)
		b.newKey(by, "two")
		b.clock.Advance(4 * day)
		seen := b.preview(by, week, 9)
		if seen.Stopped != 1 || seen.Keys[0].Name != "one" {
			b.Fatalf("the preview is %+v", seen)
		}
		wantRefused := func(mark string) {
			b.Helper()
			before := b.raw.dump()
			_, changed, err := b.b.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 1, Settings: week, Accepted: mark})
			b.want(err, keys.KindConflict, keys.ReasonKeysWouldStop)
			if changed || b.raw.dump() != before {
				b.Fatal("a refusal changed the database")
			}
		}
		wantRefused("")
		wantRefused("1-0")
		b.clock.Advance(5 * day) // now the second would stop, too
		wantRefused(seen.Mark)
		seen = b.preview(by, week, 9)
		third := b.newKey(by, "three").Key // which does not stop
		account := b.change(by, week, seen.Mark)
		if seen.Stopped != 2 || account.Settings() != week || b.settingsEvent()["stopped"] != 2.0 {
			b.Fatalf("the account is %+v, the event %v", account, b.settingsEvent())
		}
		if got := account.Judge(third.CreatedAt, b.clock.Now()).Standing; got == keys.StandingExpired {
			b.Fatalf("the third key is %s", got)
		}
	}},
	{"settings/the mark of other keys is refused, also when they are as many", func(b *bench) {
		by := b.newAccount("acme")
		one := b.newKey(by, "one").Key
		b.clock.Advance(5 * day)
		b.newKey(by, "two")
		b.clock.Advance(4 * day)
		seen := b.preview(by, week, 9)
		_, err := b.a.DeleteKey(b.Context(), by, one.ID)
		b.must(err)
		b.clock.Advance(5 * day)
		if now := b.preview(by, week, 9); seen.Stopped != 1 || now.Stopped != 1 || now.Mark == seen.Mark {
			b.Fatalf("the previews are %+v and %+v", seen, now)
		}
		_, _, err = b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 1, Settings: week, Accepted: seen.Mark})
		b.want(err, keys.KindConflict, keys.ReasonKeysWouldStop)
	}},
	{"settings/a mark that no key needs any more does no harm", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "one").Key
		b.clock.Advance(30 * day)
		seen := b.preview(by, week, 9)
		_, err := b.a.DeleteKey(b.Context(), by, key.ID)
		b.must(err)
		b.change(by, week, seen.Mark)
	}},
	{"settings/a key goes with its youngest token: a renewed one does not stop", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		b.clock.Advance(30 * day)
		made, err := b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
		b.must(err)
		if preview := b.preview(by, week, 9); preview.Past != 0 || preview.Stopped != 0 {
			b.Fatalf("renewed: %+v", preview)
		}
		_, err = b.a.UndoRenewal(b.Context(), by, made.Key.ID)
		b.must(err)
		if preview := b.preview(by, week, 9); preview.Past != 1 || preview.Stopped != 1 {
			b.Fatalf("undone: %+v", preview)
		}
	}},
	{"settings/what a shorter duration ends, a longer one brings back, and no token is changed", func(b *bench) {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		long := b.account(by).Settings()
		b.clock.Advance(30 * day)
		short := b.change(by, week, b.preview(by, week, 9).Mark)
		if !key.Tokens[0].CreatedAt.Before(short.ValidFrom(b.clock.Now())) {
			b.Fatal("the token still comes in")
		}
		eight := week
		eight.Duration.Amount++
		if preview := b.preview(by, eight, 9); preview.Past != 1 || preview.Stopped != 0 || preview.Mark != "" {
			b.Fatalf("what is stopped already stops again: %+v", preview)
		}
		if preview := b.preview(by, long, 9); preview.Past != 0 || preview.Stopped != 0 {
			b.Fatalf("the longer duration would do %+v", preview)
		}
		again := b.change(by, long, "")
		found, err := b.b.Key(b.Context(), by, key.ID)
		b.must(err)
		if !slices.EqualFunc(found.Tokens, key.Tokens, sameToken) || found.Version != 1 || found.Tokens[0].CreatedAt.Before(again.ValidFrom(b.clock.Now())) ||
			again.Judge(found.Tokens[0].CreatedAt, b.clock.Now()).Standing != keys.StandingFine {
			b.Fatalf("the key is %+v", found)
		}
	}},
	{"settings/without enforcement no key stops, and turning it on stops those that are past", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "Orders sync")
		b.clock.Advance(30 * day)
		lenient := week
		lenient.EnforceExpiry = false
		if preview := b.preview(by, lenient, 9); preview.Past != 1 || preview.Stopped != 0 || preview.Mark != "" || len(preview.Keys) != 0 {
			b.Fatalf("not enforced: %+v", preview)
		}
		b.change(by, lenient, "")
		preview := b.preview(by, week, 9)
		if preview.Past != 1 || preview.Stopped != 1 || len(preview.Keys) != 1 {
			b.Fatalf("turned on: %+v", preview)
		}
		_, _, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 2, Settings: week})
		b.want(err, keys.KindConflict, keys.ReasonKeysWouldStop)
		b.change(by, week, preview.Mark)
		if account := b.change(by, lenient, ""); !account.ValidFrom(b.clock.Now()).IsZero() {
			b.Fatalf("turned off: %+v", account)
		}
	}},
	{"settings/another zone ends its days at another time, which may stop keys", func(b *bench) {
		by := b.newAccount("acme") // in Lisbon
		b.newKey(by, "Orders sync")
		b.change(by, week, "")
		east := week
		east.Zone = "Pacific/Noumea" // where it was eleven in the evening of the same day
		b.clock.Advance(7*day + time.Hour - time.Microsecond)
		if preview := b.preview(by, east, 9); preview.Stopped != 0 {
			b.Fatalf("a moment before midnight in the other zone: %+v", preview)
		}
		b.clock.Advance(time.Microsecond)
		preview := b.preview(by, east, 9)
		if preview.Past != 1 || preview.Stopped != 1 || b.preview(by, week, 9).Past != 0 {
			b.Fatalf("at midnight in the other zone: %+v", preview)
		}
		_, _, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 2, Settings: east})
		b.want(err, keys.KindConflict, keys.ReasonKeysWouldStop)
		if account := b.change(by, east, preview.Mark); account.Zone != "Pacific/Noumea" || account.SettingsVersion != 3 {
			b.Fatalf("the account is %+v", account)
		}
	}},
	{"settings/an actor whose account is not there is told so", func(b *bench) {
		by := b.newAccount("acme")
		by.AccountID = "none"
		_, err := b.a.PreviewSettings(b.Context(), by, week, 9)
		b.want(err, keys.KindNotFound, keys.ReasonAccountNotFound)
		_, _, err = b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{Version: 1, Settings: week})
		b.want(err, keys.KindNotFound, keys.ReasonAccountNotFound)
	}},
}

// change gives the account settings, and fails the test unless that changes something.
func (b *bench) change(by keys.Actor, in keys.Settings, accepted string) keys.Account {
	b.Helper()
	account, changed, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{
		Version: b.account(by).SettingsVersion, Settings: in, Accepted: accepted,
	})
	b.must(err)
	if !changed || account.Settings() != in || b.account(by) != account {
		b.Fatalf("changed = %v, to %+v", changed, account)
	}
	return account
}

func (b *bench) preview(by keys.Actor, in keys.Settings, limit int) store.SettingsPreview {
	b.Helper()
	preview, err := b.b.PreviewSettings(b.Context(), by, in, limit)
	b.must(err)
	return preview
}

// settingsEvent are the details of the newest change of settings.
func (b *bench) settingsEvent() (details map[string]any) {
	b.Helper()
	all := b.raw.Texts(`SELECT details FROM audit WHERE action = 'settings.changed' ORDER BY seq DESC`)
	if len(all) == 0 {
		b.Fatal("no event of it")
	}
	b.must(json.Unmarshal([]byte(all[0]), &details))
	return details
}
