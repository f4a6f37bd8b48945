package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// LoginTry is an attempt to sign in.
type LoginTry struct {
	// Email is what was typed, and IP is where from.
	Email, IP string
	// Device is the digest of the browser's device cookie, or zero.
	Device secret.Digest
}

// LoginCandidate is who an attempt is about. For an email that no user has, UserID and PasswordPHC
// are empty; the caller checks the password all the same, so that the two take as long. For an inactive
// user PasswordPHC is empty.
type LoginCandidate struct {
	UserID, AccountID, Account, Email, PasswordPHC string
	// KnownDevice says that this user signed in from this browser before.
	KnownDevice bool
}

// BeginLogin counts an attempt to sign in as a failure, before anybody looks at the password, and
// returns who it is about. It returns TooMany, and does not count the attempt, when the address, the
// email from its network, the email from a known browser, or the email from all unknown browsers has
// had its share; ReasonLoginLocked when only `latchkey user unlock` or a known browser helps.
func (s *Store) BeginLogin(ctx context.Context, try LoginTry) (c LoginCandidate, err error) {
	if try.Email, err = normalEmail(try.Email); err != nil {
		return LoginCandidate{}, err
	}
	err = s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		if err := t.countAddress(ctx, try.IP); err != nil {
			return err
		}
		if c, err = t.candidate(ctx, try); err != nil {
			return err
		}
		for _, sc := range try.scopes(c.KnownDevice) {
			if err := t.countFailure(ctx, sc); err != nil {
				return err
			}
		}
		return nil
	})
	if keys.ReasonOf(err) == keys.ReasonLoginLocked && c.UserID != "" {
		if reported := s.reportLock(ctx, c, try); reported != nil {
			err = reported
		}
	}
	if err != nil {
		return LoginCandidate{}, err
	}
	return c, nil
}

func (t *tx) candidate(ctx context.Context, try LoginTry) (LoginCandidate, error) {
	c := LoginCandidate{Email: try.Email}
	err := t.row(ctx, `
		SELECT app_user.id, account.id, account.slug, CASE WHEN app_user.status = 'active' THEN app_user.password_phc ELSE '' END,
			EXISTS (SELECT 1 FROM device WHERE device.user_id = app_user.id AND device.digest = $2)
		FROM app_user JOIN account ON account.id = app_user.account_id
		WHERE app_user.email = $1`,
		try.Email, try.Device.Bytes()).Scan(&c.UserID, &c.AccountID, &c.Account, &c.PasswordPHC, &c.KnownDevice)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	return c, err
}

// reportLock writes one alarm for a lock, when it first keeps somebody out. It is a change of its
// own: the refused attempt was rolled back.
func (s *Store) reportLock(ctx context.Context, c LoginCandidate, try LoginTry) error {
	by := keys.Actor{Kind: keys.ActorNobody, AccountID: c.AccountID, Account: c.Account, IP: try.IP}
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		first, err := t.exec(ctx, `
			UPDATE login_limit SET reported = TRUE WHERE scope = $1 AND NOT reported`, emailScope(try.Email).digest.Bytes())
		if err != nil {
			return err
		}
		if first == 0 {
			return errUnchanged
		}
		t.record(keys.AuditEvent{
			Action: keys.ActionUserLocked, ObjectKind: objectUser, ObjectID: c.UserID, Object: c.Email, Alarm: true,
			Details: map[string]any{"failures": keys.FailuresUntilLocked},
		})
		return nil
	})
}

// FinishLogin signs the candidate in, once the password is right: it forgets the failures that the
// attempt was counted with, starts the session, remembers the browser, and keeps newPHC in place of
// the password's hash unless it is empty. It returns Conflict when the password was changed meanwhile.
func (s *Store) FinishLogin(ctx context.Context, by keys.Actor, c LoginCandidate, try LoginTry, in SessionStart, newPHC string) error {
	email, err := normalEmail(try.Email)
	if err != nil {
		return err
	}
	try.Email = email
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUser(ctx, c.AccountID, c.UserID)
		if err != nil {
			return err
		}
		if user.phc != c.PasswordPHC {
			return keys.Conflict(keys.ReasonPasswordChanged)
		}
		if newPHC != "" {
			if _, err := t.exec(ctx, `UPDATE app_user SET password_phc = $2 WHERE id = $1`, user.id, newPHC); err != nil {
				return err
			}
		}
		if err := t.forget(ctx, try.scopes(c.KnownDevice)); err != nil {
			return err
		}
		return t.startSession(ctx, user.id, in)
	})
}
