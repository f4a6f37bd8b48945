package store

import (
	"context"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// OwnSession is a session as its user sees it in the list of theirs.
type OwnSession struct {
	// ID names the session among those of its user. It opens nothing.
	ID string
	// IP and UserAgent say where the user signed in from.
	IP, UserAgent string
	// CreatedAt is when the user signed in; SeenAt is the last use that was written down.
	CreatedAt, SeenAt time.Time
	// Current says that it is the session of the digest that was asked with.
	Current bool
}

// OwnSessions returns the actor's sessions that are not over, the newest first.
func (s *Store) OwnSessions(ctx context.Context, by keys.Actor, current secret.Digest) (all []OwnSession, err error) {
	now := s.now()
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		found, err := list(ctx, t, func(row scanner) (o OwnSession, err error) {
			var digest []byte
			var created, seen int64
			err = row.Scan(&digest, &o.ID, &o.IP, &o.UserAgent, &created, &seen)
			o.CreatedAt, o.SeenAt = fromMicros(created), fromMicros(seen)
			own, unreadable := secret.DigestOf(digest)
			o.Current = unreadable == nil && own.Equal(current)
			return o, err
		}, `
			SELECT session.digest, session.id, session.ip, session.user_agent, session.created_at, session.seen_at
			FROM session JOIN app_user ON app_user.id = session.user_id
			WHERE session.user_id = $1 AND app_user.account_id = $2
			ORDER BY session.created_at DESC, session.id DESC`, by.UserID, by.AccountID)
		all = nil
		for _, o := range found {
			if !(Session{CreatedAt: o.CreatedAt, SeenAt: o.SeenAt}).ended(now) {
				all = append(all, o)
			}
		}
		return err
	})
	return all, err
}

// EndOwnSession ends one of the actor's sessions and returns it. It returns NotFound with
// ReasonSessionNotFound when the actor has no such session, also when it is somebody else's.
func (s *Store) EndOwnSession(ctx context.Context, by keys.Actor, id string) (ended OwnSession, err error) {
	by = itself(by)
	if err := checkText(id); err != nil {
		return OwnSession{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUser(ctx, by.AccountID, by.UserID)
		if err != nil {
			return err
		}
		var created, seen int64
		ended = OwnSession{ID: id}
		err = t.row(ctx, `
			DELETE FROM session WHERE user_id = $1 AND id = $2 RETURNING ip, user_agent, created_at, seen_at`,
			user.id, id).Scan(&ended.IP, &ended.UserAgent, &created, &seen)
		if err != nil {
			return orNotFound(err, keys.ReasonSessionNotFound)
		}
		ended.CreatedAt, ended.SeenAt = fromMicros(created), fromMicros(seen)
		t.record(keys.AuditEvent{
			Action: keys.ActionSessionRevoked, ObjectKind: objectSession, ObjectID: id, Object: user.email,
			Details: map[string]any{"session_ip": ended.IP, "user_agent": ended.UserAgent, "sessions_ended": 1},
		})
		return nil
	})
	if err != nil {
		return OwnSession{}, err
	}
	return ended, nil
}

// EndOwnSessions ends every session of the actor, the one that they act in too, and returns how many
// those were.
func (s *Store) EndOwnSessions(ctx context.Context, by keys.Actor) (ended int, err error) {
	by = itself(by)
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUser(ctx, by.AccountID, by.UserID)
		if err != nil {
			return err
		}
		rows, err := t.exec(ctx, `DELETE FROM session WHERE user_id = $1`, user.id)
		if err != nil {
			return err
		}
		ended = int(rows)
		t.record(keys.AuditEvent{
			Action: keys.ActionSessionRevoked, ObjectKind: objectSession, Object: user.email, Details: map[string]any{"sessions_ended": ended},
		})
		return nil
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}
