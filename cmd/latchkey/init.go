package main

import (
	"errors"
	"log/slog"

	"latchkey/keys"
)

// initCmd sets up a new installation without a browser.
type initCmd struct{ accountFlags }

// errClaimed says that the installation has an account.
var errClaimed = errors.New("this installation is set up already; nothing was changed. For a further account use latchkey account create with the same flags")

// Run creates the instance when there is none, and then its first account and
// the owner, as the setup page does. A server that is running on it goes on and closes its
// setup page.
func (c *initCmd) Run(p *program) error {
	where, err := c.place()
	if err != nil {
		return err
	}
	// What was typed is checked first, so that a mistake leaves no half-made installation.
	in, err := c.newAccount(p)
	if err != nil {
		return err
	}
	inst, err := openInstance(p.ctx, where, access{create: true, options: storeOptions(p.now, p.log(slog.LevelWarn))})
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	unclaimed, err := inst.store.Unclaimed(p.ctx)
	if err != nil {
		return err
	}
	if !unclaimed {
		return errClaimed
	}
	account, user, err := inst.store.CreateAccount(p.ctx, keys.Command("latchkey init"), in)
	if err != nil {
		return err
	}
	p.say("Latchkey is set up in %s: account %s, owner %s.", inst, account.Slug, user.Email)
	p.say("Start it with latchkey serve, unless it is running, and sign in.")
	return removeSetupCode(inst.folder)
}
