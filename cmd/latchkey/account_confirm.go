package main

import (
	"slices"

	"latchkey/keys"
)

// accountConfirmCmd ends the review of an account's keys after a restore.
type accountConfirmCmd struct {
	placeFlags
	Account string `arg:"" help:"The account whose active keys were looked through."`
}

// Run lets the account's active keys in again. A server that is running on the folder learns of it within a
// second.
func (c *accountConfirmCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	accounts, err := inst.store.Accounts(p.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(accounts, func(a keys.Account) bool { return a.Slug == c.Account })
	if i < 0 {
		return keys.NotFound(keys.ReasonAccountNotFound)
	}
	by := keys.Command("latchkey account confirm").In(accounts[i])
	confirmed, err := inst.store.ConfirmReview(p.ctx, by, accounts[i].ReviewSince)
	if err != nil {
		return err
	}
	p.say("Confirmed: %s of %s.", plural(confirmed, "%d active key", "%d active keys"), c.Account)
	return nil
}
