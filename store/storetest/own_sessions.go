package storetest

import (
	"fmt"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var ownSessionCases = []testCase{
	{"own sessions/the list has the user's own alone, the newest first, with where and when", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		began := b.clock.Now()
		first := b.signIn(by, secret.Digest{})
		b.clock.Advance(2 * time.Minute)
		second := b.signIn(by, secret.Digest{})
		b.signIn(other, secret.Digest{})
		_, err := b.a.Session(b.Context(), first)
		b.must(err)
		all := b.ownSessions(by, second)
		if len(all) != 2 || all[0].ID == all[1].ID || all[0].ID == "" || all[1].ID == "" {
			b.Fatalf("got %+v", all)
		}
		newest, oldest := all[0], all[1]
		if !newest.Current || oldest.Current || !newest.CreatedAt.Equal(b.clock.Now()) || !oldest.CreatedAt.Equal(began) {
			b.Fatalf("got %+v", all)
		}
		if oldest.IP != by.IP || oldest.UserAgent != "a browser" || !oldest.SeenAt.Equal(b.clock.Now()) {
			b.Fatalf("the oldest is %+v", oldest)
		}
		for _, of := range all {
			for _, digest := range []secret.Digest{first, second} {
				if of.ID == string(digest.Bytes()) {
					b.Fatal("the id is the digest")
				}
			}
		}
	}},
	{"own sessions/those that are over are not in it", func(b *bench) {
		by := b.newAccount("acme")
		b.signIn(by, secret.Digest{})
		b.clock.Advance(keys.SessionIdle)
		now := b.signIn(by, secret.Digest{})
		if all := b.ownSessions(by, now); len(all) != 1 || !all[0].Current {
			b.Fatalf("got %+v", all)
		}
	}},
	{"own sessions/one ends, with its event; the others live on", func(b *bench) {
		by := b.newAccount("acme")
		there := b.signIn(by, secret.Digest{})
		b.clock.Advance(time.Second)
		here := b.signIn(by, secret.Digest{})
		id := b.ownSessions(by, here)[1].ID
		ended, err := b.a.EndOwnSession(b.Context(), by, id)
		b.must(err)
		if ended.ID != id || ended.UserAgent != "a browser" || ended.IP != by.IP {
			b.Fatalf("ended is %+v", ended)
		}
		_, err = b.b.Session(b.Context(), there)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		_, err = b.b.Session(b.Context(), here)
		b.must(err)
		b.wantRevoked(1)
		before := b.raw.dump()
		_, err = b.b.EndOwnSession(b.Context(), by, id)
		b.want(err, keys.KindNotFound, keys.ReasonSessionNotFound)
		if b.raw.dump() != before {
			b.Fatal("ending it again changed the database")
		}
	}},
	{"own sessions/somebody else's cannot be ended", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		theirs := b.signIn(other, secret.Digest{})
		id := b.ownSessions(other, theirs)[0].ID
		before := b.raw.dump()
		_, err := b.a.EndOwnSession(b.Context(), by, id)
		b.want(err, keys.KindNotFound, keys.ReasonSessionNotFound)
		elsewhere := by
		elsewhere.UserID = other.UserID
		_, err = b.a.EndOwnSession(b.Context(), elsewhere, id)
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		_, err = b.a.EndOwnSessions(b.Context(), elsewhere)
		b.want(err, keys.KindNotFound, keys.ReasonUserNotFound)
		if len(b.ownSessions(elsewhere, theirs)) != 0 {
			b.Fatal("another account's sessions are listed")
		}
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"own sessions/all end at once, with one event, and nobody else's", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		var mine []secret.Digest
		for range 3 {
			b.clock.Advance(time.Second)
			mine = append(mine, b.signIn(by, secret.Digest{}))
		}
		theirs := b.signIn(other, secret.Digest{})
		ended, err := b.a.EndOwnSessions(b.Context(), by)
		b.must(err)
		if ended != 3 {
			b.Fatalf("%d ended, want 3", ended)
		}
		for _, session := range mine {
			_, err := b.b.Session(b.Context(), session)
			b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		}
		_, err = b.b.Session(b.Context(), theirs)
		b.must(err)
		b.wantRevoked(3)
	}},
	{"own sessions/a sign-in beside the end of all leaves at most its own session", func(b *bench) {
		by := b.newAccount("acme")
		for range 5 {
			b.signIn(by, secret.Digest{})
		}
		b.race(6, func(i int, s *store.Store) {
			if i > 0 {
				_, err := s.EndOwnSessions(b.Context(), by)
				if err != nil {
					b.Error(err)
				}
				return
			}
			try := store.LoginTry{Email: by.Email, IP: by.IP}
			candidate, err := s.BeginLogin(b.Context(), try)
			if err != nil {
				b.Error(err)
				return
			}
			if err := s.FinishLogin(b.Context(), by, candidate, try, newSession(), ""); err != nil {
				b.Error(err)
			}
		})
		if left := len(b.ownSessions(by, secret.Digest{})); left > 1 {
			b.Fatalf("%d sessions are left", left)
		}
	}},
}

func (b *bench) ownSessions(by keys.Actor, current secret.Digest) []store.OwnSession {
	b.Helper()
	all, err := b.b.OwnSessions(b.Context(), by, current)
	b.must(err)
	return all
}

// wantRevoked asserts one event of ended sessions, with how many those were.
func (b *bench) wantRevoked(count int64) {
	b.Helper()
	if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = $1`, string(keys.ActionSessionRevoked)); n != 1 {
		b.Fatalf("%d events, want 1", n)
	}
	details := b.raw.Texts(`SELECT details FROM audit WHERE action = $1`, string(keys.ActionSessionRevoked))[0]
	if want := fmt.Sprintf(`"sessions_ended":%d`, count); !strings.Contains(details, want) {
		b.Fatalf("details are %s, want %s in them", details, want)
	}
}
