package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var loginCases = []testCase{
	{"login/a candidate comes with the hash, an unknown email without one", func(b *bench) {
		by := b.newAccount("acme")
		known, err := b.b.BeginLogin(b.Context(), store.LoginTry{Email: " ANA@acme.example ", IP: "192.0.2.7"})
		b.must(err)
		if known.UserID != by.UserID || known.AccountID != by.AccountID || known.PasswordPHC != testPHC || known.KnownDevice {
			b.Fatalf("got %+v", known)
		}
		unknown, err := b.b.BeginLogin(b.Context(), store.LoginTry{Email: "bo@acme.example", IP: "192.0.2.8"})
		b.must(err)
		if unknown.UserID != "" || unknown.PasswordPHC != "" {
			b.Fatalf("got %+v", unknown)
		}
	}},
	{"login/from the fifth failure on, an email from one network waits, known or not", func(b *bench) {
		b.newAccount("acme")
		for _, email := range []string{"ana@acme.example", "nobody@acme.example"} {
			for range 5 {
				b.must(b.fail(email, "192.0.2.7"))
			}
			for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
				b.clock.Advance(wait - time.Microsecond)
				err := b.fail(email, "192.0.2.200")
				b.want(err, keys.KindTooMany, keys.ReasonLoginThrottled)
				if refusal, ok := errors.AsType[*keys.Error](err); !ok || refusal.RetryAfter != time.Microsecond {
					b.Fatalf("come again after %v, want 1µs", refusal.RetryAfter)
				}
				b.clock.Advance(time.Microsecond)
				b.must(b.fail(email, "192.0.2.200"))
			}
			b.must(b.fail(email, "198.51.100.1"))
		}
	}},
	{"login/a success forgets the failures, and a refused attempt does not count", func(b *bench) {
		by := b.newAccount("acme")
		for range 4 {
			b.must(b.fail(by.Email, by.IP))
		}
		b.signIn(by, secret.Digest{})
		for range 5 {
			b.must(b.fail(by.Email, by.IP))
		}
		for range 3 {
			b.want(b.fail(by.Email, by.IP), keys.KindTooMany, keys.ReasonLoginThrottled)
		}
		b.clock.Advance(time.Second)
		b.signIn(by, secret.Digest{})
	}},
	{"login/of 20 guesses at once from one network 5 are let through", func(b *bench) {
		b.newAccount("acme")
		var passed atomic.Int64
		b.race(20, func(_ int, s *store.Store) {
			_, err := s.BeginLogin(b.Context(), store.LoginTry{Email: "ana@acme.example", IP: "192.0.2.7"})
			if err == nil {
				passed.Add(1)
			} else if keys.KindOf(err) != keys.KindTooMany {
				b.Error(err)
			}
		})
		if passed.Load() != 5 {
			b.Fatalf("%d guesses passed, want 5", passed.Load())
		}
	}},
	{"login/an address has 20 attempts a minute, whatever the emails", func(b *bench) {
		for _, ips := range [][2]string{{"192.0.2.7", "192.0.2.7"}, {"2001:db8::1", "2001:db8::ffff"}} {
			for i := range keys.LoginsPerAddress {
				b.must(b.fail(fmt.Sprintf("u%d@%s.example", i, "a"), ips[0]))
			}
			b.clock.Advance(20 * time.Second)
			err := b.fail("other@acme.example", ips[1])
			b.want(err, keys.KindTooMany, keys.ReasonLoginThrottled)
			if refusal, ok := errors.AsType[*keys.Error](err); !ok || refusal.RetryAfter != 40*time.Second {
				b.Fatalf("come again after %v, want 40s", refusal.RetryAfter)
			}
			b.clock.Advance(40 * time.Second)
			b.must(b.fail("other@acme.example", ips[1]))
			b.clock.Advance(time.Hour)
		}
	}},
	{"login/100 failures from unknown browsers lock unknown browsers only, until unlocked", func(b *bench) {
		by := b.newAccount("acme")
		device := secret.New(secret.KindDevice).Digest()
		b.signIn(by, device)
		b.lock(by.Email)
		err := b.fail(by.Email, "203.0.113.1")
		b.want(err, keys.KindTooMany, keys.ReasonLoginLocked)
		b.want(b.fail(by.Email, "203.0.114.1"), keys.KindTooMany, keys.ReasonLoginLocked)
		if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'user.locked' AND alarm`); n != 1 {
			b.Fatalf("%d alarms, want 1", n)
		}
		b.signIn(by, device)
		users, err := b.a.Users(b.Context())
		b.must(err)
		if !users[0].Locked {
			b.Fatal("a sign-in from a known browser unlocked the unknown ones")
		}
		stranger := secret.New(secret.KindDevice).Digest()
		_, err = b.a.BeginLogin(b.Context(), store.LoginTry{Email: by.Email, IP: "203.0.113.1", Device: stranger})
		b.want(err, keys.KindTooMany, keys.ReasonLoginLocked)
		b.clock.Advance(400 * 24 * time.Hour)
		b.must(b.a.Sweep(b.Context()))
		b.want(b.fail(by.Email, "203.0.113.1"), keys.KindTooMany, keys.ReasonLoginLocked)
		b.must(b.a.UnlockUser(b.Context(), keys.Command("user unlock"), by.Email))
		b.must(b.fail(by.Email, "203.0.113.1"))
	}},
	{"login/a known browser has failures of its own", func(b *bench) {
		by := b.newAccount("acme")
		device := secret.New(secret.KindDevice).Digest()
		b.signIn(by, device)
		for range 5 {
			b.must(b.fail(by.Email, by.IP))
		}
		b.want(b.fail(by.Email, by.IP), keys.KindTooMany, keys.ReasonLoginThrottled)
		try := store.LoginTry{Email: by.Email, IP: by.IP, Device: device}
		for range 5 {
			c, err := b.a.BeginLogin(b.Context(), try)
			b.must(err)
			if !c.KnownDevice {
				b.Fatal("the browser is not known")
			}
		}
		_, err := b.a.BeginLogin(b.Context(), try)
		b.want(err, keys.KindTooMany, keys.ReasonLoginThrottled)
	}},
	{"login/a password that was changed meanwhile signs nobody in, and a better hash is kept", func(b *bench) {
		by := b.newAccount("acme")
		try := store.LoginTry{Email: by.Email, IP: by.IP}
		c, err := b.a.BeginLogin(b.Context(), try)
		b.must(err)
		b.must(b.a.FinishLogin(b.Context(), by, c, try, newSession(), "a better hash"))
		err = b.b.FinishLogin(b.Context(), by, c, try, newSession(), "")
		b.want(err, keys.KindConflict, keys.ReasonPasswordChanged)
		if phc := b.passwordPHC(by); phc != "a better hash" {
			b.Fatalf("kept %q", phc)
		}
		users, err := b.b.Users(b.Context())
		b.must(err)
		if !users[0].LastSignInAt.Equal(b.clock.Now()) {
			b.Fatalf("last signed in %v", users[0].LastSignInAt)
		}
	}},
	{"login/nothing that was typed is kept of a failure", func(b *bench) {
		b.must(b.fail("typed@acme.example", "192.0.2.7"))
		if n := len(b.raw.rows(`SELECT * FROM login_limit`)); n != 3 {
			b.Fatalf("%d rows, want 3", n)
		}
		if dump := b.raw.dump(); containsAny(dump, "typed@acme.example", "192.0.2.7", fmt.Sprintf("%x", "typed@acme.example")) {
			b.Fatal("an attempt can be read in the database")
		}
	}},
	{"user/reset gives a new password, ends the sessions, forgets the browsers and unlocks", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		device := secret.New(secret.KindDevice).Digest()
		session := b.signIn(by, device)
		b.signIn(other, device)
		b.lock(by.Email)
		b.must(b.b.ResetUser(b.Context(), keys.Command("user reset"), "Ana@acme.example", "new hash"))
		_, err := b.a.Session(b.Context(), session)
		b.want(err, keys.KindNotFound, keys.ReasonSessionEnded)
		c, err := b.a.BeginLogin(b.Context(), store.LoginTry{Email: by.Email, IP: by.IP})
		b.must(err)
		if c.PasswordPHC != "new hash" {
			b.Fatalf("the hash is %q", c.PasswordPHC)
		}
		if b.knows(by, device) || !b.knows(other, device) {
			b.Fatal("a browser of the user is still known, or one of another user is not")
		}
		b.want(b.a.ResetUser(b.Context(), keys.Command("user reset"), "bo@acme.example", "x"), keys.KindNotFound, keys.ReasonUserNotFound)
		b.want(b.a.UnlockUser(b.Context(), keys.Command("user unlock"), "bo@acme.example"), keys.KindNotFound, keys.ReasonUserNotFound)
	}},
}

// fail begins to sign in from an unknown browser, and leaves it at that.
func (b *bench) fail(email, ip string) error {
	_, err := b.a.BeginLogin(b.Context(), store.LoginTry{Email: email, IP: ip})
	return err
}

// knows says whether a browser is one that the user signed in from.
func (b *bench) knows(by keys.Actor, device secret.Digest) bool {
	b.Helper()
	c, err := b.a.BeginLogin(b.Context(), store.LoginTry{Email: by.Email, IP: by.IP, Device: device})
	b.must(err)
	return c.KnownDevice
}

// lock fails to sign in so often, each time from another network, that unknown browsers are locked.
func (b *bench) lock(email string) {
	b.Helper()
	for i := range keys.FailuresUntilLocked {
		b.must(b.fail(email, fmt.Sprintf("10.0.%d.1", i)))
	}
}
