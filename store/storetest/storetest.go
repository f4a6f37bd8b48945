// Package storetest says what a store does, whatever database it works on, in tests that run on any
// of them. Every case gets a database of its own, and two stores that are open on it, as two nodes
// would be.
package storetest

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// Run runs every case and returns how many ran. fresh makes a database without accounts and returns its URL. With
// prefixes only the cases run whose names begin with one of them.
func Run(t *testing.T, fresh func(t testing.TB) string, prefixes ...string) (ran int) {
	for _, group := range [][]testCase{
		setupCases, accountCases, userCases, usersCases, usersGuardCases, usersRaceCases, loginCases, sessionCases, preferenceCases, ownSessionCases, roleCases, roleEditCases, roleCreateCases, roleDeleteCases, roleUseCases, resourceCases, reviewCases, keyCases, renewalCases, linkCases, historyCases, settingsCases, listCases, findCases, externalCases,
		lostCases, exportCases, auditLogCases, raceCases, frameCases, feedCases, auditCases, refusalCases, verifyRefusalCases, usageCases, sweepCases, textCases,
	} {
		if len(group) == 0 {
			t.Fatal("a group without cases")
		}
		for _, c := range group {
			if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.name, p) }) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				b := open(t, fresh)
				ran++
				c.run(b)
			})
		}
	}
	return ran
}

// testCase is one sentence about a store, and the test of it.
type testCase struct {
	name string
	run  func(b *bench)
}

// bench is what a case works on.
type bench struct {
	*testing.T
	fresh func(t testing.TB) string
	url   string
	clock *Clock
	raw   *Raw
	// a and b are two stores on one database.
	a, b *store.Store
	// committed counts the calls of AfterCommit of both.
	committed *atomic.Int64
}

// open opens two stores on a fresh database.
func open(t *testing.T, fresh func(t testing.TB) string) *bench {
	b := &bench{T: t, fresh: fresh, url: fresh(t), clock: NewClock(), committed: new(atomic.Int64)}
	b.a, b.b = b.open(), b.open()
	b.raw = OpenRaw(t, b.url)
	return b
}

func (b *bench) open() *store.Store {
	b.Helper()
	s, err := store.Open(b.Context(), b.url, store.Options{
		Now:         b.clock.Now,
		AfterCommit: func(context.Context) error { b.committed.Add(1); return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// Clock is a clock that stands still until it is told to move.
type Clock struct{ micros atomic.Int64 }

// NewClock returns a clock that stands at noon of a day in the spring of 2026.
func NewClock() *Clock {
	c := &Clock{}
	c.micros.Store(time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()) }

// Advance moves the clock, back when d is negative.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// The first user of every test account has this hash of a password.
const testPHC = "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test"

// newAccount makes an account and returns its owner as an actor.
func (b *bench) newAccount(slug string) keys.Actor {
	b.Helper()
	account, user, err := b.a.CreateAccount(b.Context(), keys.Command("test"), store.NewAccount{
		Slug: slug, Zone: "Europe/Lisbon", Email: "ana@" + slug + ".example", PasswordPHC: testPHC,
	})
	if err != nil {
		b.Fatal(err)
	}
	owner := keys.Actor{Kind: keys.ActorUser, UserID: user.ID, Email: user.Email, IP: "192.0.2.7", RequestID: "request-1"}.In(account)
	for _, r := range append(keys.ConsoleResources(), keys.SampleResources()...) {
		owner.Holds = append(owner.Holds, r.Slug)
	}
	return owner
}

// account is the actor's account as the database has it now.
func (b *bench) account(by keys.Actor) keys.Account {
	b.Helper()
	all, err := b.b.Accounts(b.Context())
	b.must(err)
	for _, account := range all {
		if account.ID == by.AccountID {
			return account
		}
	}
	b.Fatalf("%s has no account", by.Email)
	return keys.Account{}
}

// passwordPHC is the password's hash of the actor.
func (b *bench) passwordPHC(by keys.Actor) string {
	b.Helper()
	return b.raw.Texts(`SELECT password_phc FROM app_user WHERE id = $1`, by.UserID)[0]
}

// holding is the actor with no other resources than these.
func holding(a keys.Actor, resources ...string) keys.Actor {
	a.Holds = resources
	return a
}

// command is a command that acts in the actor's account.
func (b *bench) command(by keys.Actor) keys.Actor {
	return keys.Command("latchkey test").In(keys.Account{ID: by.AccountID, Slug: by.Account})
}

// newKey makes a key in the actor's account.
func (b *bench) newKey(by keys.Actor, name string, roles ...string) store.Generated {
	b.Helper()
	made, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: name, Roles: roles, Nonce: secret.NewNonce()})
	if err != nil {
		b.Fatal(err)
	}
	return made
}

// signIn signs the actor in from a browser that is not remembered, and returns the session's digest.
func (b *bench) signIn(by keys.Actor, device secret.Digest) secret.Digest {
	b.Helper()
	session := secret.New(secret.KindSession).Digest()
	try := store.LoginTry{Email: by.Email, IP: by.IP, Device: device}
	candidate, err := b.a.BeginLogin(b.Context(), try)
	if err != nil {
		b.Fatal(err)
	}
	start := store.SessionStart{Session: session, Device: device, IP: by.IP, UserAgent: "a browser"}
	if err := b.a.FinishLogin(b.Context(), by, candidate, try, start, ""); err != nil {
		b.Fatal(err)
	}
	return session
}

// want fails the test unless an error is a refusal of this kind and reason.
func (b *bench) want(err error, kind keys.Kind, reason keys.Reason) {
	b.Helper()
	if keys.KindOf(err) != kind || keys.ReasonOf(err) != reason {
		b.Fatalf("got error %v, want %s: %s", err, kind, reason)
	}
}

// must fails the test when there is an error.
func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
