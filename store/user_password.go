package store

import (
	"context"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// ChangePassword gives the acting user a new password, forgets the failures that the attempt was
// counted with by BeginLogin, ends the user's sessions but the one to keep, and forgets the user's
// browsers but that of the attempt. An open link that could set another password is void. It returns Conflict when the candidate's hash, against which the
// caller checked the current password, is not the stored one any more.
func (s *Store) ChangePassword(ctx context.Context, by keys.Actor, c LoginCandidate, try LoginTry, newPHC string, keep secret.Digest) error {
	by = itself(by)
	try.Email = keys.NormalEmail(try.Email)
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUser(ctx, by.AccountID, by.UserID)
		if err != nil {
			return err
		}
		if user.phc != c.PasswordPHC {
			return keys.Conflict(keys.ReasonPasswordChanged)
		}
		if _, err := t.exec(ctx, `UPDATE app_user SET password_phc = $2 WHERE id = $1`, user.id, newPHC); err != nil {
			return err
		}
		if err := t.voidUserLinks(ctx, user, voidPasswordChanged); err != nil {
			return err
		}
		if err := t.forget(ctx, try.scopes(c.KnownDevice)); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM device WHERE user_id = $1 AND digest <> $2`, user.id, try.Device.Bytes()); err != nil {
			return err
		}
		ended, err := t.exec(ctx, `DELETE FROM session WHERE user_id = $1 AND digest <> $2`, user.id, keep.Bytes())
		t.record(keys.AuditEvent{
			Action: keys.ActionPasswordChanged, ObjectKind: objectUser, ObjectID: user.id, Object: user.email,
			Details: map[string]any{"sessions_ended": ended},
		})
		return err
	})
}
