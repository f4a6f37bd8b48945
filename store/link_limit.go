package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// countWrongAddress counts a wrong secret of an address, or returns TooMany until the minute is over.
func (t *tx) countWrongAddress(ctx context.Context, ip string) error {
	counted, err := t.count(ctx, minuteScope(scopeLink, ip, t.at))
	if err == nil && counted.failures > keys.WrongSecretsPerAddress {
		return keys.TooMany(keys.ReasonLinkThrottled, untilNextMinute(t.at))
	}
	return err
}

// countWrongSecret counts a wrong secret for the address that it came from and, if there is such a link,
// for the link: the fifth one of a link is an alarm. What it does is the same for
// an unknown id.
func (s *Store) countWrongSecret(ctx context.Context, by keys.Actor, id string) error {
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		if err := t.countWrongAddress(ctx, by.IP); err != nil || !secret.ValidNonce(id) {
			return err
		}
		link, err := scanLink(t.row(ctx, `UPDATE link SET wrong = wrong + 1 WHERE id = $1 RETURNING `+linkColumns, id))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil || link.wrong != keys.WrongSecretsUntilAlarm {
			return err
		}
		return t.alarmOfWrongSecrets(ctx, link)
	})
}

// alarmOfWrongSecrets records that somebody guesses at the link of a key or of a user.
func (t *tx) alarmOfWrongSecrets(ctx context.Context, link linkRow) error {
	e := keys.AuditEvent{
		Action: keys.ActionLinkWrongSecret, AccountID: link.accountID, Result: string(keys.ReasonLinkNotFound), Alarm: true,
		Details: map[string]any{"link": link.ID, "count": link.wrong},
	}
	err := t.row(ctx, objectOfLink, link.keyID, link.userID).Scan(&e.ObjectKind, &e.ObjectID, &e.Object)
	if err != nil {
		return err
	}
	t.record(e)
	return nil
}
