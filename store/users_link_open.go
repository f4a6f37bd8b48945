package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// PresentedLink is a link of a user as somebody presents it: its id, and the digest of the secret that came
// with it, which is zero when none did.
type PresentedLink struct {
	ID     string
	Digest secret.Digest
}

// UserLinkExists says whether there is, or was, such a link of a user. Whoever asks has only its address.
func (s *Store) UserLinkExists(ctx context.Context, id string) (exists bool, err error) {
	if !secret.ValidNonce(id) {
		return false, nil
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		_, exists, err = t.userLink(ctx, id)
		return err
	})
	return exists, err
}

// UserOfLink returns the user whose password a link can set, when its secret is right and the link can still
// be opened. It opens nothing. It returns Gone, and whose link it was, when the link was used, voided or has
// expired, or its maker could not make it now, which the caller counts for the audit log; NotFound when
// there is no such link or the secret is wrong, which look alike; and TooMany when the actor's address has
// presented too many wrong secrets. A right secret is never refused for that.
func (s *Store) UserOfLink(ctx context.Context, by keys.Actor, link PresentedLink) (user keys.User, err error) {
	var l linkRow
	var gone error
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		var known bool
		if l, known, err = t.userLinkOf(ctx, link); err != nil || !known {
			return err
		}
		if user, err = scanUser(t.row(ctx, `SELECT `+userColumns+` FROM app_user WHERE app_user.id = $1`, l.userID)); err != nil {
			return err
		}
		if gone = l.Check(t.at); gone == nil {
			gone, err = t.checkMaker(ctx, l)
		}
		return err
	})
	if err != nil {
		return keys.User{}, err
	}
	if l.ID == "" {
		return keys.User{}, s.refuseWrongSecret(ctx, by, link)
	}
	return user, gone
}

// OpenUserLink opens a link: its user has the password of the hash from then on. Sessions of the user end,
// and browsers and failures are forgotten. A link is opened once, whoever comes at the same time. It returns
// what UserOfLink returns.
func (s *Store) OpenUserLink(ctx context.Context, by keys.Actor, link PresentedLink, phc string) (user keys.User, err error) {
	var l linkRow
	var gone error
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		l, gone = linkRow{}, nil
		locked, err := t.lockUserOfLink(ctx, link)
		if err != nil {
			return err
		}
		if user, err = scanUser(t.row(ctx, `SELECT `+userColumns+` FROM app_user WHERE app_user.id = $1`, locked.id)); err != nil {
			return err
		}
		if l, _, err = t.userLinkOf(ctx, link); err != nil {
			return err
		}
		if gone = l.Check(t.at); gone != nil {
			return errUnchanged
		}
		if gone, err = t.checkMaker(ctx, l); err != nil {
			return err
		}
		if gone != nil {
			return t.voidUserLinks(ctx, locked, voidMakerLacks)
		}
		return t.setPasswordByLink(ctx, locked, &l, phc)
	})
	if keys.KindOf(err) == keys.KindNotFound {
		return keys.User{}, s.refuseWrongSecret(ctx, by, link)
	}
	if err != nil {
		return keys.User{}, err
	}
	return user, gone
}

func (t *tx) setPasswordByLink(ctx context.Context, user lockedUser, l *linkRow, phc string) error {
	if err := t.openLink(ctx, &l.Link); err != nil {
		return err
	}
	t.record(userLinkEvent(keys.ActionLinkOpened, user, *l, nil))
	if l.Kind == keys.LinkReset {
		return t.resetPassword(ctx, user, phc)
	}
	_, err := t.replacePassword(ctx, user, phc)
	return err
}

// lockUserOfLink locks the account and the user of a link whose secret is right.
func (t *tx) lockUserOfLink(ctx context.Context, link PresentedLink) (lockedUser, error) {
	if !secret.ValidNonce(link.ID) {
		return lockedUser{}, keys.NotFound(keys.ReasonLinkNotFound)
	}
	var accountID string
	err := t.row(ctx, `
		UPDATE account SET version = version + 1
		WHERE id = (SELECT account_id FROM link WHERE link.id = $1 AND link.digest = $2 AND link.user_id IS NOT NULL)
		RETURNING id`, link.ID, link.Digest.Bytes()).Scan(&accountID)
	if err != nil {
		return lockedUser{}, orNotFound(err, keys.ReasonLinkNotFound)
	}
	return scanLocked(t.row(ctx, `
		UPDATE app_user SET version = version + 1 WHERE id = (SELECT user_id FROM link WHERE link.id = $1) RETURNING `+lockedColumns, link.ID))
}

// userLink is the link of a user with an id, and whether there is one.
func (t *tx) userLink(ctx context.Context, id string) (linkRow, bool, error) {
	l, err := scanLink(t.row(ctx, `SELECT `+linkColumns+` FROM link WHERE link.id = $1 AND link.user_id IS NOT NULL`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return linkRow{}, false, nil
	}
	return l, err == nil, err
}

// userLinkOf is the link that was presented, and whether there is such a one and the secret is right.
func (t *tx) userLinkOf(ctx context.Context, link PresentedLink) (linkRow, bool, error) {
	if !secret.ValidNonce(link.ID) {
		return linkRow{}, false, nil
	}
	l, known, err := t.userLink(ctx, link.ID)
	if err != nil || !known || !l.digest.Equal(link.Digest) {
		return linkRow{}, false, err
	}
	return l, true, nil
}

// refuseWrongSecret counts a wrong secret, or any secret of a link that never was, and returns NotFound.
func (s *Store) refuseWrongSecret(ctx context.Context, by keys.Actor, link PresentedLink) error {
	if err := s.countWrongSecret(ctx, by, link.ID); err != nil {
		return err
	}
	return keys.NotFound(keys.ReasonLinkNotFound)
}
