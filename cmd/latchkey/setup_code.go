package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// setupCodeFile repeats the printed setup code for whoever cannot see the program's output.
const setupCodeFile = "setup-code"

// setupCodeEvery is how often an unclaimed installation looks whether it was claimed, also by
// another command, and whether its code has run out.
const setupCodeEvery = time.Second

// setupCode keeps an unclaimed installation claimable: there is always one good code, on standard
// output and in a file. It is not logged, for the logger would cut it out.
type setupCode struct {
	folder string
	public *url.URL
	store  *store.Store
	now    func() time.Time
	log    *slog.Logger
	out    io.Writer

	expires time.Time
}

// start makes the first code and returns the invitation to print. It is empty when the installation
// is claimed; then the file of an earlier code is removed.
func (c *setupCode) start(ctx context.Context) (invitation string, err error) {
	unclaimed, err := c.store.Unclaimed(ctx)
	if err != nil {
		return "", err
	}
	if !unclaimed {
		return "", removeSetupCode(c.folder)
	}
	return c.issue(ctx)
}

// keep looks after the code until the installation is claimed or ctx ends.
func (c *setupCode) keep(ctx context.Context, look <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
			done, err := c.look(ctx)
			if err != nil {
				c.log.Error("setup could not be looked after", "error", err)
			}
			if done {
				return
			}
		}
	}
}

// look removes the file once the installation is claimed, and renews a code that has run out.
func (c *setupCode) look(ctx context.Context) (done bool, err error) {
	unclaimed, err := c.store.Unclaimed(ctx)
	if err != nil {
		return false, err
	}
	if !unclaimed {
		err := removeSetupCode(c.folder)
		return err == nil, err
	}
	if c.now().Before(c.expires) {
		return false, nil
	}
	invitation, err := c.issue(ctx)
	if err == nil {
		_, err = io.WriteString(c.out, invitation+"\n")
	}
	return false, err
}

// issue replaces the code and returns the words that show it. The database comes first: a code that
// is shown must work.
func (c *setupCode) issue(ctx context.Context) (invitation string, err error) {
	code := secret.New(secret.KindSetup)
	expires := c.now().Add(keys.SetupCodeLife)
	if err := c.store.PutSetupCode(ctx, code.Digest(), expires); err != nil {
		return "", err
	}
	c.expires = expires
	file := filepath.Join(c.folder, setupCodeFile)
	if err := writeFile(file, code.Reveal()+"\n"); err != nil {
		return "", err
	}
	return fmt.Sprintf(`
This installation is not set up yet. Open

    %s/setup

and enter the setup code, which is good until %s:

    %s

The code is also in %s.`, c.public, expires.Format("15:04 MST"), code.Reveal(), file), nil
}

// removeSetupCode removes the file of a code that no longer opens anything.
func removeSetupCode(folder string) error {
	err := os.Remove(filepath.Join(folder, setupCodeFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
