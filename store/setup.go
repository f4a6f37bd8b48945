package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// Unclaimed says whether the installation has no user yet.
func (s *Store) Unclaimed(ctx context.Context) (unclaimed bool, err error) {
	err = s.read(ctx, func(t *tx) error {
		unclaimed, err = t.unclaimed(ctx)
		return err
	})
	return unclaimed, err
}

func (t *tx) unclaimed(ctx context.Context) (unclaimed bool, err error) {
	err = t.row(ctx, `SELECT NOT EXISTS (SELECT 1 FROM app_user)`).Scan(&unclaimed)
	return unclaimed, err
}

// PutSetupCode makes a code the one that claims the installation until it expires; the former one is
// void. It is not audited: nobody acted.
func (s *Store) PutSetupCode(ctx context.Context, code secret.Digest, expires time.Time) error {
	return s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `
			INSERT INTO setup_code (id, digest, expires_at, version) VALUES (1, $1, $2, 1)
			ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at, version = setup_code.version + 1`,
			code.Bytes(), expires.UnixMicro())
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
		_, err := t.exec(ctx, `DELETE FROM setup_code WHERE id = 1`)
		return err
	})
	return account, user, err
}

// checkSetup locks the code's row and returns why the claim is refused. The row is locked even when
// there is none: then the code is gone, and so is the chance of every claim that waited for it.
func (t *tx) checkSetup(ctx context.Context, code secret.Digest, in NewAccount) error {
	var digest []byte
	var expires int64
	err := t.row(ctx, `
		UPDATE setup_code SET version = version + 1 WHERE id = 1 RETURNING digest, expires_at`).Scan(&digest, &expires)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	unclaimed, err := t.unclaimed(ctx)
	if err != nil {
		return err
	}
	if !unclaimed {
		return keys.NotFound(keys.ReasonSetupClosed)
	}
	var wrong error
	if stored, err := secret.DigestOf(digest); err != nil || !stored.Equal(code) || !t.at.Before(fromMicros(expires)) {
		wrong = keys.Problem("code", keys.ReasonSetupCode)
	}
	return keys.Problems(wrong, in.check())
}

// SetupCodeRight says whether a code would claim the setup now. It changes nothing: of several that
// ask, ClaimSetup decides.
func (s *Store) SetupCodeRight(ctx context.Context, code secret.Digest) (right bool, err error) {
	err = s.read(ctx, func(t *tx) error {
		return t.row(ctx, `SELECT EXISTS (SELECT 1 FROM setup_code WHERE digest = $1 AND expires_at > $2)`,
			code.Bytes(), t.at.UnixMicro()).Scan(&right)
	})
	return right, err
}
