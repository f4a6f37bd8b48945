package store

import (
	"context"
	"database/sql"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// SessionStart is what a new session is made of.
type SessionStart struct {
	// Session is the digest of the session's id. Device is that of the browser's device cookie, or
	// zero for a browser that is not to be remembered.
	Session, Device secret.Digest
	// IP and UserAgent say where the user signs in from.
	IP, UserAgent string
}

// Session is a user who is signed in.
type Session struct {
	// Actor is the user, without the IP and RequestID of a request.
	Actor keys.Actor
	// Account is the user's account.
	Account keys.Account
	// CreatedAt is when the user signed in; SeenAt is the last use that was written down.
	CreatedAt, SeenAt time.Time
	// Preferences are the user's.
	Preferences keys.Preferences
	// Flash is what SetFlash kept, or empty.
	Flash string
}

// startSession signs a user in. A session more than a user may have ends the oldest.
func (t *tx) startSession(ctx context.Context, userID string, in SessionStart) error {
	ended, err := t.exec(ctx, `
		DELETE FROM session WHERE user_id = $1 AND digest NOT IN (
			SELECT digest FROM session WHERE user_id = $1 ORDER BY created_at DESC, digest LIMIT $2)`,
		userID, keys.SessionsPerUser-1)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `
		INSERT INTO session (digest, id, user_id, created_at, seen_at, ip, user_agent, flash) VALUES ($1, $6, $2, $3, $3, $4, $5, '')`,
		in.Session.Bytes(), userID, t.at.UnixMicro(), note(in.IP), note(in.UserAgent), newID())
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE app_user SET last_sign_in_at = $2 WHERE id = $1`, userID, t.at.UnixMicro())
	if err != nil {
		return err
	}
	t.record(keys.AuditEvent{
		Action: keys.ActionLoginOK, ObjectKind: objectSession, IP: in.IP,
		Details: map[string]any{"sessions_ended": ended, "user_agent": note(in.UserAgent)},
	})
	return t.rememberDevice(ctx, userID, in.Device)
}

func (t *tx) rememberDevice(ctx context.Context, userID string, device secret.Digest) error {
	if device == (secret.Digest{}) {
		return nil
	}
	_, err := t.exec(ctx, `
		INSERT INTO device (user_id, digest, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, digest) DO UPDATE SET seen_at = excluded.seen_at`,
		userID, device.Bytes(), t.at.UnixMicro())
	return err
}

// Session returns the session of a digest. It returns NotFound when there is none, when it was not
// used for keys.SessionIdle, or when it is older than keys.SessionAbsolute; such a session is gone
// for good, also when the clock goes back. Its last use is written at most once in
// keys.SessionSeenEvery, and a failure to write it is only logged.
func (s *Store) Session(ctx context.Context, digest secret.Digest) (Session, error) {
	var found Session
	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		found, err = t.session(ctx, digest)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	if found.ended(now) {
		s.touch(ctx, `DELETE FROM session WHERE digest = $1 AND seen_at = $2`, digest.Bytes(), found.SeenAt.UnixMicro())
		return Session{}, keys.NotFound(keys.ReasonSessionEnded)
	}
	if now.Sub(found.SeenAt) >= keys.SessionSeenEvery {
		s.touch(ctx, `UPDATE session SET seen_at = $2 WHERE digest = $1 AND seen_at < $2`, digest.Bytes(), now.UnixMicro())
	}
	return found, nil
}

func (s Session) ended(now time.Time) bool {
	return now.Sub(s.SeenAt) >= keys.SessionIdle || now.Sub(s.CreatedAt) >= keys.SessionAbsolute
}

func (t *tx) session(ctx context.Context, digest secret.Digest) (s Session, err error) {
	var created, seen, accountCreated int64
	var review sql.NullInt64
	a := &s.Account
	err = t.row(ctx, `
		SELECT session.created_at, session.seen_at, session.flash, app_user.id, app_user.email,
			app_user.language, app_user.zone, app_user.theme,
			account.id, account.number, account.slug, account.zone, account.duration_unit, account.duration_amount,
			account.enforce_expiry, account.settings_version, account.key_count, account.created_at, account.review_since
		FROM session JOIN app_user ON app_user.id = session.user_id JOIN account ON account.id = app_user.account_id
		WHERE session.digest = $1 AND app_user.status = 'active'`, digest.Bytes()).Scan(
		&created, &seen, &s.Flash, &s.Actor.UserID, &s.Actor.Email,
		&s.Preferences.Language, &s.Preferences.Zone, &s.Preferences.Theme,
		&a.ID, &a.Number, &a.Slug, &a.Zone, &a.Duration.Unit, &a.Duration.Amount, &a.EnforceExpiry, &a.SettingsVersion,
		&a.KeyCount, &accountCreated, &review)
	if err != nil {
		return Session{}, orNotFound(err, keys.ReasonSessionEnded)
	}
	s.CreatedAt, s.SeenAt, a.CreatedAt = fromMicros(created), fromMicros(seen), fromMicros(accountCreated)
	a.ReviewSince = orNever(review)
	s.Actor.Kind = keys.ActorUser
	s.Actor = s.Actor.In(s.Account)
	s.Actor.Holds, err = t.holds(ctx, s.Actor)
	return s, err
}

// holds are the slugs of the resources that a user holds through their roles, and none when they are inactive.
func (t *tx) holds(ctx context.Context, user keys.Actor) ([]string, error) {
	return list(ctx, t, scanText, `
		SELECT resource.slug FROM resource
		WHERE resource.account_id = $1 AND EXISTS (
			SELECT 1 FROM user_role JOIN role ON role.id = user_role.role_id
			JOIN app_user ON app_user.id = user_role.user_id AND app_user.status = 'active'
			LEFT JOIN role_resource ON role_resource.role_id = role.id AND role_resource.resource = resource.number
			WHERE user_role.user_id = $2 AND (role.everything OR role_resource.role_id IS NOT NULL))
		ORDER BY resource.number`, user.AccountID, user.UserID)
}

// touch runs a statement whose failure must not keep a signed-in user out.
func (s *Store) touch(ctx context.Context, query string, args ...any) {
	err := s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, query, args...)
		return err
	})
	if err != nil {
		s.options.Log.WarnContext(ctx, "session not updated", "error", err)
	}
}

// SetFlash keeps a message for the next page of a session, in place of the one before. It returns
// Malformed when the message is not text. Without such a session it does nothing.
func (s *Store) SetFlash(ctx context.Context, digest secret.Digest, flash string) error {
	if err := checkText(flash); err != nil {
		return err
	}
	return s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE session SET flash = $2 WHERE digest = $1`, digest.Bytes(), flash)
		return err
	})
}

// TakeFlash returns the session's message and removes it, so that of several requests one gets it.
// Without a message it returns "" and writes nothing.
func (s *Store) TakeFlash(ctx context.Context, digest secret.Digest) (flash string, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		found, err := list(ctx, t, scanText, `SELECT flash FROM session WHERE digest = $1 AND flash <> ''`, digest.Bytes())
		if len(found) > 0 {
			flash = found[0]
		}
		return err
	})
	if err != nil || flash == "" {
		return "", err
	}
	var taken int64
	err = s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		taken, err = t.exec(ctx, `UPDATE session SET flash = '' WHERE digest = $1 AND flash = $2`, digest.Bytes(), flash)
		return err
	})
	if err != nil || taken == 0 {
		return "", err
	}
	return flash, nil
}

// Logout ends a session, also for a client that has gone away. When the audit log cannot be written,
// the session ends all the same, without its event, which is only logged: nobody stays signed in
// because of a full disk. An error means that the session may live on.
func (s *Store) Logout(ctx context.Context, by keys.Actor, digest secret.Digest) error {
	by = itself(by)
	ctx = context.WithoutCancel(ctx)
	unrecorded := s.change(ctx, by, func(ctx context.Context, t *tx) error {
		ended, err := t.endSession(ctx, digest)
		if err != nil {
			return err
		}
		if ended == 0 {
			return errUnchanged
		}
		t.record(keys.AuditEvent{Action: keys.ActionLogout, ObjectKind: objectSession})
		return nil
	})
	if unrecorded == nil {
		return nil
	}
	err := s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		_, err := t.endSession(ctx, digest)
		return err
	})
	if err != nil {
		return err
	}
	s.options.Log.ErrorContext(ctx, "session ended without its audit event", "user", by.UserID, "error", unrecorded)
	return nil
}

func (t *tx) endSession(ctx context.Context, digest secret.Digest) (int64, error) {
	return t.exec(ctx, `DELETE FROM session WHERE digest = $1`, digest.Bytes())
}
