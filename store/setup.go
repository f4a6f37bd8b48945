package store

import (
	"context"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// Unclaimed says whether the installation has no user yet.
func (s *Store) Unclaimed(ctx context.Context) (unclaimed bool, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		unclaimed, err = t.unclaimed(ctx)
		return err
	})
	return unclaimed, err
}

func (t *tx) unclaimed(ctx context.Context) (unclaimed bool, err error) {
	err = t.row(ctx, `SELECT NOT EXISTS (SELECT 1 FROM app_user)`).Scan(&unclaimed)
	return unclaimed, err
}

// lockSetup lets nobody else make an account or claim the installation until the transaction ends.
func (t *tx) lockSetup(ctx context.Context) error {
	_, err := t.exec(ctx, `UPDATE head SET seq = seq WHERE id = 1`)
	return err
}

// PutSetupCode makes a code one that claims the installation until it expires; the former one of this node is
// void. It is not audited: nobody acted.
func (s *Store) PutSetupCode(ctx context.Context, code secret.Digest, expires time.Time) error {
	return s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `
			INSERT INTO setup_code (node, digest, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (node) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at`,
			s.options.Node.Name, code.Bytes(), expires.UnixMicro())
		return err
	})
}

// ClaimSetup makes the first account and its owner, signs the owner in, and uses up the setup code.
// It returns NotFound when the installation has a user, and Invalid when a rule is broken or the code
// is wrong or expired. Of any number of claims with the right code, one succeeds.
func (s *Store) ClaimSetup(ctx context.Context, by keys.Actor, code secret.Digest, in NewAccount, session SessionStart) (account keys.Account, user keys.User, err error) {
	if in.Email, err = normalEmail(in.Email); err != nil {
		return keys.Account{}, keys.User{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		if err := t.checkSetup(ctx, code, in); err != nil {
			return err
		}
		if account, user, err = t.createAccount(ctx, in); err != nil {
			return err
		}
		t.record(keys.AuditEvent{Action: keys.ActionSetupClaimed, ObjectKind: "setup", Object: account.Slug})
		// Who claims the setup is nobody; who is signed in at its end is the new owner.
		t.by.Kind, t.by.UserID, t.by.Email = keys.ActorUser, user.ID, user.Email
		if err := t.startSession(ctx, user.ID, session); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM setup_code`)
		return err
	})
	return account, user, err
}

// checkSetup returns why the claim is refused. Of several claims at once the others wait, and then find that
// the code is gone.
func (t *tx) checkSetup(ctx context.Context, code secret.Digest, in NewAccount) error {
	if err := t.lockSetup(ctx); err != nil {
		return err
	}
	unclaimed, err := t.unclaimed(ctx)
	if err != nil {
		return err
	}
	if !unclaimed {
		return keys.NotFound(keys.ReasonSetupClosed)
	}
	right, err := t.setupCodeRight(ctx, code)
	if err != nil {
		return err
	}
	var wrong error
	if !right {
		wrong = keys.Problem("code", keys.ReasonSetupCode)
	}
	return keys.Problems(wrong, in.check())
}

func (t *tx) setupCodeRight(ctx context.Context, code secret.Digest) (right bool, err error) {
	err = t.row(ctx, `SELECT EXISTS (SELECT 1 FROM setup_code WHERE digest = $1 AND expires_at > $2)`,
		code.Bytes(), t.at.UnixMicro()).Scan(&right)
	return right, err
}

// SetupCodeRight says whether a code would claim the setup now. It changes nothing: of several that
// ask, ClaimSetup decides.
func (s *Store) SetupCodeRight(ctx context.Context, code secret.Digest) (right bool, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		right, err = t.setupCodeRight(ctx, code)
		return err
	})
	return right, err
}
