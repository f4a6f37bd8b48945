package store

import (
	"context"
	"database/sql"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// OpenedLink is what the link of a key handed over. The token is nowhere else but here, and its digest in
// the database.
type OpenedLink struct {
	// Account is the slug of the key's account, and AccountID its id.
	Account, AccountID string
	// Key is the key that the token belongs to.
	Key keys.Key
	// Token is the token that was made, or zero when the link could not be opened.
	Token secret.Value
}

// KeyLinkExists returns nil when there is a link of a key with this id, whatever its state, and else
// NotFound with ReasonLinkNotFound.
func (s *Store) KeyLinkExists(ctx context.Context, id string) error {
	return s.read(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.keyLink(ctx, id)
		return err
	})
}

// keyLink is the link of a key with this id, or NotFound.
func (t *tx) keyLink(ctx context.Context, id string) (linkRow, error) {
	if !secret.ValidNonce(id) {
		return linkRow{}, keys.NotFound(keys.ReasonLinkNotFound)
	}
	l, err := scanLink(t.row(ctx, `SELECT `+linkColumns+` FROM link WHERE id = $1 AND key_id IS NOT NULL`, id))
	return l, orNotFound(err, keys.ReasonLinkNotFound)
}

// OpenKeyLink opens the link of a key, once: the token is made, and nobody gets it but the caller. The
// actor is whoever has the link, whose address is noted. It returns NotFound for an unknown id and, in the
// same way and after as much work, for a secret that is not the link's; TooMany when the address has
// presented too many of those; Gone, with the time, when the link was opened, has expired or was taken
// back, or when its maker could not make it now; Conflict with ReasonLinkKeyInactive when the key is not active, which leaves the link as it is. With
// Gone and Conflict, which only the right secret meets, Account, AccountID and Key are set all the same.
func (s *Store) OpenKeyLink(ctx context.Context, by keys.Actor, id string, value secret.Digest) (opened OpenedLink, err error) {
	link, err := s.presentedLink(ctx, by, id, value)
	if err != nil {
		return OpenedLink{}, err
	}
	var over error // what is also written down, so it is no error of the transaction
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		opened, over = OpenedLink{}, nil
		k, account, err := t.lockKeyOfLink(ctx, link)
		opened.Key, opened.Account, opened.AccountID = k.Key, account.Slug, account.ID
		if err != nil {
			return err
		}
		t.by = t.by.In(account)
		// The key is locked, so what its link is now stays true.
		current, err := t.keyLink(ctx, link.ID)
		if err != nil {
			return err
		}
		if over = current.Check(t.at); over != nil {
			return t.noteExpired(ctx, k.Key, &current.Link)
		}
		k.Link = current.Link
		if over, err = t.checkMaker(ctx, current); err != nil {
			return err
		}
		if over != nil {
			return t.voidKeyLinkBeyondMaker(ctx, &k)
		}
		opened.Token, err = t.openKeyLink(ctx, &k)
		opened.Key = k.Key
		return err
	})
	if err == nil {
		err = over
	}
	if err != nil {
		opened.Token = secret.Value{}
	}
	return opened, err
}

// presentedLink is the link whose secret was presented. A wrong secret is counted.
func (s *Store) presentedLink(ctx context.Context, by keys.Actor, id string, value secret.Digest) (linkRow, error) {
	var link linkRow
	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		link, err = t.keyLink(ctx, id)
		return err
	})
	if err != nil && keys.KindOf(err) != keys.KindNotFound {
		return linkRow{}, err
	}
	// Of an unknown id the digest is zero, which is nobody's.
	if right := link.digest.Equal(value); err == nil && right {
		return link, nil
	}
	if err := s.countWrongSecret(ctx, by, id); err != nil {
		return linkRow{}, err
	}
	return linkRow{}, keys.NotFound(keys.ReasonLinkNotFound)
}

// lockKeyOfLink is the key of a link, locked and complete, and its account, which is locked, too: so nobody takes
// away meanwhile what the link's maker may do. The link of a deleted key is Gone.
func (t *tx) lockKeyOfLink(ctx context.Context, link linkRow) (k keyRow, account keys.Account, err error) {
	t.saw = true
	account, err = scanAccount(t.row(ctx, `UPDATE account SET version = version + 1 WHERE id = $1 RETURNING `+accountColumns, link.accountID))
	if err != nil {
		return keyRow{}, keys.Account{}, err
	}
	k, err = scanKey(t.row(ctx, `UPDATE api_key SET version = version + 1 WHERE id = $1 RETURNING `+keyColumns, link.keyID))
	if err != nil {
		return keyRow{}, keys.Account{}, err
	}
	var deleted sql.NullInt64
	if err := t.row(ctx, `SELECT deleted_at FROM api_key WHERE id = $1`, k.id).Scan(&deleted); err != nil {
		return keyRow{}, keys.Account{}, err
	}
	if deleted.Valid {
		return k, account, t.goneWithKey(ctx, link, fromMicros(deleted.Int64))
	}
	return k, account, t.completeKey(ctx, &k)
}

// goneWithKey says why the link of a deleted key cannot be opened. That somebody had used it before says more
// than that its key is gone.
func (t *tx) goneWithKey(ctx context.Context, link linkRow, deleted time.Time) error {
	current, err := t.keyLink(ctx, link.ID)
	if err != nil {
		return err
	}
	if over := current.Check(t.at); over != nil {
		return over
	}
	return keys.Gone(keys.ReasonLinkVoided, deleted)
}

// noteExpired writes down that a link has expired, so that no clock that goes back brings it back. Of a
// link that is over already there is nothing to write.
func (t *tx) noteExpired(ctx context.Context, k keys.Key, l *keys.Link) error {
	if !l.OpenedAt.IsZero() || !l.VoidedAt.IsZero() {
		return errUnchanged
	}
	t.record(linkEvent(keys.ActionLinkExpired, k, *l, nil))
	return t.voidLink(ctx, l, "expired")
}

// openKeyLink makes the token of the waiting link of a locked key.
func (t *tx) openKeyLink(ctx context.Context, k *keyRow) (secret.Value, error) {
	link := k.Link
	next, err := k.Renewal().After(keys.EventOpen, t.at)
	if keys.ReasonOf(err) == keys.ReasonRenewalOpen {
		return secret.Value{}, keys.Gone(keys.ReasonLinkVoided, t.at) // the words of a renewal are for who renews
	}
	if err != nil {
		return secret.Value{}, err
	}
	value := secret.New(secret.KindToken)
	next.Tokens[0].Hint = value.Hint()
	if err := t.openLink(ctx, &link); err != nil {
		return secret.Value{}, err
	}
	t.record(linkEvent(keys.ActionLinkOpened, k.Key, link, map[string]any{"hint": value.Hint()}))
	k.Tokens, k.Link = next.Tokens, link
	return value, t.insertToken(ctx, *k, next.Tokens[0], value)
}
