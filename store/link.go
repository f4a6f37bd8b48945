package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// linkRow is a link with what it belongs to: a key or a user, by the internal id.
type linkRow struct {
	keys.Link
	accountID, keyID, userID string
	digest                   secret.Digest
	wrong                    int64
}

const linkColumns = `link.id, link.account_id, link.kind, link.key_id, link.user_id, link.token, link.digest, link.created_at, link.created_by,
	link.expires_at, link.opened_at, link.opened_ip, link.voided_at, link.wrong`

func scanLink(row scanner) (l linkRow, err error) {
	var keyID, userID sql.NullString
	var digest []byte
	var created, expires int64
	var opened, voided sql.NullInt64
	err = row.Scan(&l.ID, &l.accountID, &l.Kind, &keyID, &userID, &l.Token, &digest, &created, &l.CreatedBy, &expires, &opened, &l.OpenedIP, &voided, &l.wrong)
	if err != nil {
		return linkRow{}, err
	}
	l.keyID, l.userID = keyID.String, userID.String
	l.CreatedAt, l.ExpiresAt, l.OpenedAt, l.VoidedAt = fromMicros(created), fromMicros(expires), orNever(opened), orNever(voided)
	l.digest, err = secret.DigestOf(digest)
	return l, err
}

// insertLink writes a new link of the actor's account. Its id, times and maker are set here.
func (t *tx) insertLink(ctx context.Context, l *linkRow, value secret.Value) error {
	l.ID, l.accountID, l.digest = secret.NewNonce(), t.by.AccountID, value.Digest()
	l.CreatedAt, l.CreatedBy, l.ExpiresAt = t.at, t.by.Email, t.at.Add(keys.LinkLife)
	_, err := t.exec(ctx, `
		INSERT INTO link (id, account_id, kind, key_id, user_id, token, digest, created_at, created_by, expires_at, opened_ip, void_reason, wrong)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 0)`,
		l.ID, l.accountID, string(l.Kind), orNull(l.keyID), orNull(l.userID), l.Token, l.digest.Bytes(),
		l.CreatedAt.UnixMicro(), l.CreatedBy, l.ExpiresAt.UnixMicro())
	return err
}

// orNull is a text as a column keeps it that is NULL where there is none.
func orNull(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// openLink notes that a link was opened, from the actor's address.
func (t *tx) openLink(ctx context.Context, l *linkRow) error {
	l.OpenedAt, l.OpenedIP = t.at, note(t.by.IP)
	opened, err := t.exec(ctx, `
		UPDATE link SET opened_at = $2, opened_ip = $3 WHERE id = $1 AND opened_at IS NULL AND voided_at IS NULL`,
		l.ID, l.OpenedAt.UnixMicro(), l.OpenedIP)
	if err == nil && opened != 1 {
		return errors.New("the link was opened or voided behind its lock")
	}
	return err
}

// voidLink notes that a link can never be opened again, and why. A link that expired is void since then.
func (t *tx) voidLink(ctx context.Context, l *linkRow, reason string) error {
	l.VoidedAt = t.at
	if l.ExpiresAt.Before(t.at) {
		l.VoidedAt = l.ExpiresAt
	}
	_, err := t.exec(ctx, `
		UPDATE link SET voided_at = $2, void_reason = $3 WHERE id = $1 AND opened_at IS NULL AND voided_at IS NULL`,
		l.ID, l.VoidedAt.UnixMicro(), reason)
	return err
}
