package storetest

import (
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

var preferenceCases = []testCase{
	{"preferences/they start empty, hold for every session of the user, and for nobody else", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		session, theirs := b.signIn(by, secret.Digest{}), b.signIn(other, secret.Digest{})
		if got := b.preferences(session); got != (keys.Preferences{}) {
			b.Fatalf("they start as %+v", got)
		}
		want := keys.Preferences{Language: "pt-BR", Zone: "America/Sao_Paulo", Theme: keys.ThemeDark}
		b.changePreferences(by, want, true)
		if got := b.preferences(session); got != want {
			b.Fatalf("got %+v, want %+v", got, want)
		}
		if got := b.preferences(b.signIn(by, secret.Digest{})); got != want {
			b.Fatalf("a later session has %+v", got)
		}
		if got := b.preferences(theirs); got != (keys.Preferences{}) {
			b.Fatalf("somebody else has %+v", got)
		}
		b.changePreferences(by, keys.Preferences{}, true)
		if got := b.preferences(session); got != (keys.Preferences{}) {
			b.Fatalf("taken back they are %+v", got)
		}
	}},
	{"preferences/the event names what changed, before and after; the same again writes nothing", func(b *bench) {
		by := b.newAccount("acme")
		b.changePreferences(by, keys.Preferences{Language: "es", Theme: keys.ThemeLight}, true)
		b.changePreferences(by, keys.Preferences{Language: "es", Zone: "UTC", Theme: keys.ThemeLight}, true)
		details := b.raw.Texts(`SELECT details FROM audit WHERE action = $1 ORDER BY seq`, string(keys.ActionPreferencesSet))
		want := []string{
			`{"language":{"after":"es","before":""},"theme":{"after":"light","before":""}}`, `{"zone":{"after":"UTC","before":""}}`,
		}
		if !slices.Equal(details, want) {
			b.Fatalf("details are %q, want %q", details, want)
		}
		before := b.raw.dump()
		b.changePreferences(by, keys.Preferences{Language: "es", Zone: "UTC", Theme: keys.ThemeLight}, false)
		if b.raw.dump() != before {
			b.Fatal("the same again changed the database")
		}
	}},
	{"preferences/what is not to choose from is refused, and who is no user", func(b *bench) {
		by := b.newAccount("acme")
		for _, bad := range []keys.Preferences{{Language: "xx"}, {Zone: "Local"}, {Theme: "pink"}, {Language: "e\x00s"}} {
			_, err := b.a.ChangePreferences(b.Context(), by, bad)
			if keys.KindOf(err) != keys.KindInvalid {
				b.Fatalf("%+v: %v", bad, err)
			}
		}
		nobody := by
		nobody.UserID = "nobody"
		_, err := b.a.ChangePreferences(b.Context(), nobody, keys.Preferences{Language: "es"})
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		elsewhere := b.newAccount("other")
		elsewhere.UserID = by.UserID
		before := b.raw.dump()
		_, err = b.a.ChangePreferences(b.Context(), elsewhere, keys.Preferences{Language: "es"})
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"preferences/the first user has the language of the setup", func(b *bench) {
		code := b.putCode(time.Hour)
		first, session := firstAccount, newSession()
		first.Language = "xx"
		_, _, err := b.a.ClaimSetup(b.Context(), stranger, code, first, session)
		if keys.KindOf(err) != keys.KindInvalid {
			b.Fatalf("a language that there is not: %v", err)
		}
		first.Language = "pt-BR"
		_, _, err = b.a.ClaimSetup(b.Context(), stranger, code, first, session)
		b.must(err)
		if got := b.preferences(session.Session); got != (keys.Preferences{Language: "pt-BR"}) {
			b.Fatalf("got %+v", got)
		}
	}},
}

// preferences are those that a session comes with.
func (b *bench) preferences(session secret.Digest) keys.Preferences {
	b.Helper()
	found, err := b.b.Session(b.Context(), session)
	b.must(err)
	return found.Preferences
}

func (b *bench) changePreferences(by keys.Actor, p keys.Preferences, want bool) {
	b.Helper()
	changed, err := b.a.ChangePreferences(b.Context(), by, p)
	b.must(err)
	if changed != want {
		b.Fatalf("%+v: changed is %v, want %v", p, changed, want)
	}
}
