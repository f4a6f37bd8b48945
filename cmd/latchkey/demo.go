package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// demoCmd serves a throw-away installation that looks as if it had been used for months.
type demoCmd struct {
	Listen   string `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address on this machine to listen on; port 0 takes a free one."`
	LogLevel string `name:"log-level" default:"warn" enum:"debug,info,warn,error" help:"What is logged to standard error: debug, info, warn or error."`
}

// What the demo's account and owner are called.
const (
	demoAccount = "acme"
	demoEmail   = "ana@acme.example"
	// demoHelper may manage keys, but not users and roles.
	demoHelper = "ben@acme.example"
	// demoMarked is the account that only marks tokens past their duration, and demoMarkedEmail its owner.
	demoMarked      = "tidewater"
	demoMarkedEmail = "eva@tidewater.example"
)

// Run fills a temporary folder, serves from it until it is asked to stop, and removes it.
func (c *demoCmd) Run(p *program) (err error) {
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && !isLoopback(host) {
		return fmt.Errorf("the demo listens on this machine only, not on %s; nothing was made. Use an address such as 127.0.0.1:8080", c.Listen)
	}
	folder, err := os.MkdirTemp("", "latchkey-demo-")
	if err != nil {
		return fmt.Errorf("cannot create a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	flags, err := defaultFlags()
	if err != nil {
		return err
	}
	flags.Data, flags.Listen, flags.LogLevel = folder, c.Listen, c.LogLevel
	s, err := flags.check()
	if err != nil {
		return err
	}
	l, err := listen(p.ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	clock := &demoClock{now: p.now}
	inst, err := openInstance(p.ctx, s.place, access{create: true, exclusive: true, options: storeOptions(clock.Now, p.log(s.level))})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	password := secret.NewPassword()
	if err := fillDemo(p.ctx, inst.store, clock, password); err != nil {
		return err
	}
	greeting := fmt.Sprintf(`Latchkey %s, a demo with %d keys, is served on %s

Sign in with

    %s
    %s

or, with the same password, as %s, who manages keys and nothing else, as
%s, who looks at keys and at the audit log, or as %s, whose
account marks old tokens and does not refuse them.
Nothing is kept: the demo and all of its changes go when you stop it (Ctrl+C).`,
		version(), demoKeys, publicURL(s, l), demoEmail, password, demoHelper, demoViewer, demoMarkedEmail)
	return serve(p, s, inst, l, greeting)
}

// demoClock tells the time of the story while the demo is filled, and the real time from then on.
type demoClock struct {
	now   func() time.Time
	story atomic.Pointer[time.Time]
}

// Now returns the time of the story, or the real time when the story is over.
func (c *demoClock) Now() time.Time {
	if at := c.story.Load(); at != nil {
		return *at
	}
	return c.now()
}

func (c *demoClock) set(at time.Time) { c.story.Store(&at) }

func (c *demoClock) end() { c.story.Store(nil) }

// fillDemo tells the story of the demo's account through the store's own methods, moment by moment,
// so that its audit log and its keys look like those of a real one.
func fillDemo(ctx context.Context, s *store.Store, clock *demoClock, password string) error {
	defer clock.end()
	now := clock.now()
	phc, err := hashPassword(ctx, password, demoAccount, demoEmail)
	if err != nil {
		return err
	}
	clock.set(now.Add(-demoAge - 24*time.Hour))
	account, owner, err := s.CreateAccount(ctx, keys.Command("latchkey demo"), store.NewAccount{
		Slug: demoAccount, Zone: "UTC", Email: demoEmail, PasswordPHC: phc,
	})
	if err != nil {
		return err
	}
	by := demoActor(account, owner)
	users, err := staffDemo(ctx, s, by, phc)
	if err != nil {
		return err
	}
	made, err := tellDemo(ctx, s, clock, by)
	if err != nil {
		return err
	}
	if err := moveDemoStaff(ctx, s, clock, by, users, phc); err != nil {
		return err
	}
	clock.set(now)
	if err := useDemo(ctx, s, account, demoTokens(made, now), now); err != nil {
		return err
	}
	clock.set(now.Add(-2 * time.Hour))
	if err := alarmDemo(ctx, s, account, made[demoAlarmed].id); err != nil {
		return err
	}
	return fillDemoMarked(ctx, s, clock, now, phc, by, made)
}

// demoMade is a key of the story: its id, the numbers of its first token and of that of its renewal, or 0, and
// the link that was made with it.
type demoMade struct {
	id             keys.KeyID
	first, renewal int64
	link           string
	linkSecret     secret.Value
}

// tellDemo lets the story happen, and returns the keys that came of it.
func tellDemo(ctx context.Context, s *store.Store, clock *demoClock, by keys.Actor) ([]demoMade, error) {
	now := clock.now()
	all := make([]demoMade, demoKeys)
	for _, step := range demoStory() {
		clock.set(now.Add(-step.ago))
		var err error
		switch made := &all[step.key]; step.event {
		case demoGenerate:
			*made, err = demoKey(ctx, s, by, step.name, step.roles)
		case demoDeactivate:
			_, _, err = s.DeactivateKey(ctx, by, made.id)
		case demoRenew:
			var renewed store.Renewed
			renewed, err = s.RenewKey(ctx, by, made.id, secret.NewNonce())
			made.renewal = renewed.Renewal
		case demoLater, demoNow:
			_, err = s.CompleteRenewal(ctx, by, made.id, made.renewal, step.event == demoLater)
		case demoUndo:
			_, err = s.UndoRenewal(ctx, by, made.id)
		default:
			err = demoLink(ctx, s, by, step, made)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func demoKey(ctx context.Context, s *store.Store, by keys.Actor, name string, roles []string) (demoMade, error) {
	made, err := s.GenerateKey(ctx, by, store.NewKey{Name: name, Roles: roles, Nonce: secret.NewNonce()})
	if err != nil {
		return demoMade{}, err
	}
	return demoMade{id: made.Key.ID, first: made.Key.Tokens[0].Number}, nil
}

// demoActor is the owner of an account at their desk.
func demoActor(account keys.Account, owner keys.User) keys.Actor {
	by := keys.Command("").In(account)
	by.Kind, by.UserID, by.Email, by.IP = keys.ActorUser, owner.ID, owner.Email, "192.0.2.17"
	return by
}

// fillDemoMarked makes the account that does not enforce expiry, and lets keys of either account into the
// other one.
func fillDemoMarked(ctx context.Context, s *store.Store, clock *demoClock, now time.Time, phc string, acme keys.Actor, ofAcme []demoMade) error {
	const day = 24 * time.Hour
	clock.set(now.Add(-time.Duration(demoMarkedKeys[0].days+1) * day))
	account, owner, err := s.CreateAccount(ctx, keys.Command("latchkey demo"), store.NewAccount{
		Slug: demoMarked, Zone: "Europe/Lisbon", Email: demoMarkedEmail, PasswordPHC: phc,
	})
	if err != nil {
		return err
	}
	by, settings := demoActor(account, owner), account.Settings()
	settings.EnforceExpiry = false
	if _, _, err := s.ChangeSettings(ctx, by, store.ChangeSettings{Version: account.SettingsVersion, Settings: settings}); err != nil {
		return err
	}
	var tokens []demoToken
	var ids []keys.KeyID
	for i, key := range demoMarkedKeys {
		from := now.Add(-time.Duration(key.days) * day)
		clock.set(from)
		made, err := demoKey(ctx, s, by, key.name, []string{"logistics-operator"})
		if err != nil {
			return err
		}
		tokens = append(tokens, demoToken{key: i, number: made.first, from: from})
		ids = append(ids, made.id)
	}
	for _, lent := range []struct {
		by    keys.Actor
		owner string
		id    keys.KeyID
		roles []string
	}{
		{acme, demoMarked, ids[1], []string{"logistics-viewer"}},
		{acme, demoMarked, ids[3], []string{"logistics-operator", "inventory-viewer", "orders-viewer"}},
		{by, demoAccount, ofAcme[4].id, []string{"logistics-viewer"}},
	} {
		clock.set(clock.Now().Add(day))
		if _, err := s.AddExternalKey(ctx, lent.by, store.NewExternalKey{ID: lent.id, Owner: lent.owner, Roles: lent.roles}); err != nil {
			return err
		}
	}
	clock.set(now)
	return useDemo(ctx, s, account.With(settings), tokens, now)
}
