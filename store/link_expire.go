package store

import (
	"context"

	"latchkey/keys"
)

// expireAtOnce is how many links one call of ExpireLinks writes down at most.
const expireAtOnce = 200

// ExpireLinks writes down which links have expired without being opened, each with its event in a
// transaction of its own. They could not be opened since they expired; from then on no clock that goes back
// lets them be, and whoever made them reads in the log what became of them. Call it regularly.
func (s *Store) ExpireLinks(ctx context.Context) error {
	var expired []linkRow
	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		expired, err = list(ctx, t, scanLink, `
			SELECT `+linkColumns+` FROM link
			WHERE opened_at IS NULL AND voided_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, t.at.UnixMicro(), expireAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	for _, link := range expired {
		if err := s.expireLink(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

// expireLink writes down that one link has expired, unless somebody was faster.
func (s *Store) expireLink(ctx context.Context, link linkRow) error {
	by := keys.Actor{Kind: keys.ActorSystem, AccountID: link.accountID}
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		rows, err := t.exec(ctx, `
			UPDATE link SET voided_at = expires_at, void_reason = 'expired'
			WHERE id = $1 AND opened_at IS NULL AND voided_at IS NULL AND expires_at <= $2`, link.ID, t.at.UnixMicro())
		if err != nil || rows == 0 {
			return orUnchanged(err)
		}
		e := keys.AuditEvent{Action: keys.ActionLinkExpired, Details: map[string]any{"link": link.ID, "kind": string(link.Kind)}}
		err = t.row(ctx, objectOfLink, link.keyID, link.userID).Scan(&e.ObjectKind, &e.ObjectID, &e.Object)
		if err != nil {
			return err
		}
		t.record(e)
		return nil
	})
}
