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

	s, err := serveFlags{dataFlag: dataFlag{Data: folder}, Listen: c.Listen, LogLevel: c.LogLevel}.check()
	if err != nil {
		return err
	}
	l, err := listen(p.ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	clock := &demoClock{now: p.now}
	inst, err := openInstance(p.ctx, folder, access{create: true, exclusive: true, options: storeOptions(clock.Now, p.log(s.level))})
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

or as %s with the same password, who manages keys and nothing else.
Nothing is kept: the demo and all of its changes go when you stop it (Ctrl+C).`,
		version(), demoKeys, publicURL(s, l), demoEmail, password, demoHelper)
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
	by := keys.Command("").In(account)
	by.Kind, by.UserID, by.Email, by.IP = keys.ActorUser, owner.ID, owner.Email, "192.0.2.17"

	_, err = s.CreateUser(ctx, by, store.NewUser{Email: demoHelper, PasswordPHC: phc, Roles: []string{keys.RoleUserAdministrator}})
	if err != nil {
		return err
	}
	ids := make([]keys.KeyID, demoKeys)
	for _, step := range demoStory() {
		clock.set(now.Add(-step.ago))
		if step.deactivate {
			if _, _, err := s.DeactivateKey(ctx, by, ids[step.key]); err != nil {
				return err
			}
			continue
		}
		made, err := s.GenerateKey(ctx, by, store.NewKey{Name: step.name, Roles: step.roles, Nonce: secret.NewNonce()})
		if err != nil {
			return err
		}
		ids[step.key] = made.Key.ID
	}
	return nil
}
