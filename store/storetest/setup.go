package storetest

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var setupCases = []testCase{
	{"setup/the right code makes the account, its owner and their session, once", func(b *bench) {
		code := b.putCode(time.Hour)
		session := newSession()
		account, user, err := b.a.ClaimSetup(b.Context(), stranger, code, firstAccount, session)
		b.must(err)
		if account.Slug != "acme" || user.Email != "ana@acme.example" || !user.Roles[0].Everything {
			b.Fatalf("claimed %+v by %+v", account, user)
		}
		found, err := b.b.Session(b.Context(), session.Session)
		b.must(err)
		if found.Actor.UserID != user.ID || !found.Actor.May(keys.EditAPIKeys) || found.Account.ID != account.ID {
			b.Fatalf("signed in as %+v", found)
		}
		want := []string{"account.created", "user.created", "setup.claimed", "login.ok"}
		if got := b.raw.Texts(`SELECT action FROM audit ORDER BY seq`); !slices.Equal(got, want) {
			b.Fatalf("audited %q, want %q", got, want)
		}
		_, _, err = b.a.ClaimSetup(b.Context(), stranger, code, firstAccount, newSession())
		b.want(err, keys.KindNotFound, keys.ReasonSetupClosed)
	}},
	{"setup/a wrong, an expired and a replaced code claim nothing", func(b *bench) {
		replaced := b.putCode(time.Hour)
		right := b.putCode(time.Hour)
		for _, code := range []secret.Digest{newCode(), replaced, {}} {
			_, _, err := b.a.ClaimSetup(b.Context(), stranger, code, firstAccount, newSession())
			b.want(err, keys.KindInvalid, keys.ReasonSetupCode)
		}
		b.clock.Advance(time.Hour)
		_, _, err := b.a.ClaimSetup(b.Context(), stranger, right, firstAccount, newSession())
		b.want(err, keys.KindInvalid, keys.ReasonSetupCode)
		unclaimed, err := b.b.Unclaimed(b.Context())
		b.must(err)
		if n := b.raw.count(`SELECT COUNT(*) FROM audit`); !unclaimed || n != 0 {
			b.Fatalf("unclaimed = %v, %d audit rows", unclaimed, n)
		}
	}},
	{"setup/every problem of the form is named at once", func(b *bench) {
		code := b.putCode(time.Hour)
		_, _, err := b.a.ClaimSetup(b.Context(), stranger, code, store.NewAccount{Slug: "A", Zone: "Nowhere", Email: "x"}, newSession())
		b.want(err, keys.KindInvalid, keys.ReasonAccountSlug)
		if refusal, ok := errors.AsType[*keys.Error](err); !ok || len(refusal.Problems) != 3 {
			b.Fatalf("the problems are %v", err)
		}
	}},
	{"setup/of 20 right claims at once exactly one makes an admin", func(b *bench) {
		code := b.putCode(time.Hour)
		var won atomic.Int64
		b.race(20, func(_ int, s *store.Store) {
			_, _, err := s.ClaimSetup(b.Context(), stranger, code, firstAccount, newSession())
			if err == nil {
				won.Add(1)
			} else if keys.ReasonOf(err) != keys.ReasonSetupClosed {
				b.Error(err)
			}
		})
		users := b.raw.count(`SELECT COUNT(*) FROM app_user`)
		accounts := b.raw.count(`SELECT COUNT(*) FROM account`)
		if won.Load() != 1 || users != 1 || accounts != 1 {
			b.Fatalf("%d claims won: %d users, %d accounts", won.Load(), users, accounts)
		}
	}},
	{"setup/an account made by a command closes the setup", func(b *bench) {
		code := b.putCode(time.Hour)
		b.newAccount("zebra")
		_, _, err := b.a.ClaimSetup(b.Context(), stranger, code, firstAccount, newSession())
		b.want(err, keys.KindNotFound, keys.ReasonSetupClosed)
	}},
}

var (
	stranger     = keys.Actor{Kind: keys.ActorNobody, IP: "192.0.2.7", RequestID: "request-1"}
	firstAccount = store.NewAccount{Slug: "acme", Zone: "Europe/Lisbon", Email: " Ana@acme.example", PasswordPHC: testPHC}
)

func newCode() secret.Digest { return secret.New(secret.KindSetup).Digest() }

func newSession() store.SessionStart {
	return store.SessionStart{Session: secret.New(secret.KindSession).Digest(), IP: "192.0.2.7", UserAgent: "a browser"}
}

// putCode makes a setup code that is good for a while.
func (b *bench) putCode(life time.Duration) secret.Digest {
	b.Helper()
	code := newCode()
	b.must(b.a.PutSetupCode(b.Context(), code, b.clock.Now().Add(life)))
	return code
}
