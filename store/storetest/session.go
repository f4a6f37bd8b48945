package storetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var sessionCases = []testCase{
	{"session/it says who is signed in and what they hold", func(b *bench) {
		by := b.newAccount("acme")
		found, err := b.b.Session(b.Context(), b.signIn(by, secret.Digest{}))
		b.must(err)
		want := by
		want.IP, want.RequestID = "", ""
		got := found.Actor
		slices.Sort(want.Holds)
		slices.Sort(got.Holds)
		if got.UserID != want.UserID || got.AccountID != want.AccountID || got.Account != "acme" || got.Email != want.Email ||
			got.Kind != keys.ActorUser || got.IP != "" || !slices.Equal(got.Holds, want.Holds) {
			b.Fatalf("got %+v, want %+v", got, want)
		}
		if !found.CreatedAt.Equal(b.clock.Now()) || found.Account.Slug != "acme" || found.Flash != "" {
			b.Fatalf("got %+v", found)
		}
		_, err = b.b.Session(b.Context(), secret.New(secret.KindSession).Digest())
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
	}},
	{"session/it ends 30 minutes after its last use, for good", func(b *bench) {
		session := b.signIn(b.newAccount("acme"), secret.Digest{})
		for range 3 {
			b.clock.Advance(keys.SessionIdle - time.Microsecond)
			_, err := b.a.Session(b.Context(), session)
			b.must(err)
		}
		b.clock.Advance(keys.SessionIdle)
		_, err := b.a.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		b.clock.Advance(-keys.SessionIdle)
		_, err = b.b.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
	}},
	{"session/it ends 12 hours after the sign-in, however much it is used", func(b *bench) {
		session := b.signIn(b.newAccount("acme"), secret.Digest{})
		uses := int(keys.SessionAbsolute / (20 * time.Minute))
		for range uses - 1 {
			b.clock.Advance(20 * time.Minute)
			_, err := b.a.Session(b.Context(), session)
			b.must(err)
		}
		b.clock.Advance(20 * time.Minute)
		_, err := b.a.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
	}},
	{"session/its last use is written at most once a minute", func(b *bench) {
		session := b.signIn(b.newAccount("acme"), secret.Digest{})
		start := b.clock.Now()
		b.clock.Advance(keys.SessionSeenEvery - time.Microsecond)
		_, err := b.a.Session(b.Context(), session)
		b.must(err)
		if seen := b.raw.count(`SELECT seen_at FROM session`); seen != start.UnixMicro() {
			b.Fatal("written too early")
		}
		b.clock.Advance(time.Microsecond)
		_, err = b.a.Session(b.Context(), session)
		b.must(err)
		if seen := b.raw.count(`SELECT seen_at FROM session`); seen != b.clock.Now().UnixMicro() {
			b.Fatal("not written")
		}
	}},
	{"session/the eleventh of a user ends the oldest", func(b *bench) {
		by := b.newAccount("acme")
		other := b.signIn(b.newAccount("other"), secret.Digest{})
		var sessions []secret.Digest
		for range keys.SessionsPerUser + 1 {
			b.clock.Advance(time.Second)
			sessions = append(sessions, b.signIn(by, secret.Digest{}))
		}
		_, err := b.a.Session(b.Context(), sessions[0])
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		for _, session := range append(sessions[1:], other) {
			_, err := b.a.Session(b.Context(), session)
			b.must(err)
		}
	}},
	{"session/logging out ends it, and once more does nothing", func(b *bench) {
		by := b.newAccount("acme")
		session := b.signIn(by, secret.Digest{})
		b.must(b.a.Logout(b.Context(), by, session))
		_, err := b.b.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		before := b.raw.dump()
		b.must(b.b.Logout(b.Context(), by, session))
		if b.raw.dump() != before {
			b.Fatal("a second log out changed the database")
		}
	}},
	{"session/a new password ends the other ones and needs the old one", func(b *bench) {
		by := b.newAccount("acme")
		here, there := b.signIn(by, secret.Digest{}), b.signIn(by, secret.Digest{})
		b.must(b.a.ChangePassword(b.Context(), by, store.LoginCandidate{PasswordPHC: testPHC}, store.LoginTry{Email: by.Email}, "new hash", here))
		_, err := b.a.Session(b.Context(), here)
		b.must(err)
		_, err = b.a.Session(b.Context(), there)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		err = b.a.ChangePassword(b.Context(), by, store.LoginCandidate{PasswordPHC: testPHC}, store.LoginTry{Email: by.Email}, "newer hash", here)
		b.want(err, keys.KindConflict, keys.ReasonPasswordChanged)
		if phc := b.passwordPHC(by); phc != "new hash" {
			b.Fatalf("the hash is %q", phc)
		}
	}},
	{"session/a new password forgets the user's browsers, but not the one where it was typed", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		here, there := secret.New(secret.KindDevice).Digest(), secret.New(secret.KindDevice).Digest()
		keep := b.signIn(by, here)
		b.signIn(by, there)
		b.signIn(other, there)
		try := store.LoginTry{Email: by.Email, IP: by.IP, Device: here}
		b.must(b.a.ChangePassword(b.Context(), by, store.LoginCandidate{PasswordPHC: testPHC, KnownDevice: true}, try, "new hash", keep))
		if !b.knows(by, here) || b.knows(by, there) || !b.knows(other, there) {
			b.Fatalf("known are here %v, there %v, there to another user %v", b.knows(by, here), b.knows(by, there), b.knows(other, there))
		}
	}},
	{"session/logging out ends it, with its event, also for a client that has gone away", func(b *bench) {
		by := b.newAccount("acme")
		session := b.signIn(by, secret.Digest{})
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		b.must(b.a.Logout(ctx, by, session))
		_, err := b.b.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = $1`, string(keys.ActionLogout)); n != 1 {
			b.Fatalf("%d events, want 1", n)
		}
	}},
	{"session/where logging out cannot end it, an error says so", func(b *bench) {
		by := b.newAccount("acme")
		session := b.signIn(by, secret.Digest{})
		allow := b.raw.Refuse("DELETE", "session")
		b.want(b.a.Logout(b.Context(), by, session), keys.KindUnavailable, keys.ReasonNotSaved)
		allow()
		_, err := b.b.Session(b.Context(), session)
		b.must(err)
	}},
	{"session/of 10 requests at once one takes the flash", func(b *bench) {
		session := b.signIn(b.newAccount("acme"), secret.Digest{})
		b.must(b.a.SetFlash(b.Context(), session, `{"saved":true}`))
		var taken atomic.Int64
		b.race(10, func(_ int, s *store.Store) {
			flash, err := s.TakeFlash(b.Context(), session)
			if err != nil {
				b.Error(err)
			}
			if flash == `{"saved":true}` {
				taken.Add(1)
			}
		})
		if taken.Load() != 1 {
			b.Fatalf("taken %d times", taken.Load())
		}
	}},
}
