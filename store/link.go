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

// linkOfKey is the newest link of a key, or the zero link. Its number says that, and no clock: clocks of nodes
// differ, and any may be set back.
func (t *tx) linkOfKey(ctx context.Context, keyID string) (keys.Link, error) {
	l, err := scanLink(t.row(ctx, `
		SELECT `+linkColumns+` FROM link WHERE key_id = $1 ORDER BY token DESC LIMIT 1`, keyID))
	return l.Link, orNothing(err)
}

// insertLinkOfKey writes a new link of a locked key, and records it.
func (t *tx) insertLinkOfKey(ctx context.Context, k *keyRow, l keys.Link, token int64, value secret.Value) error {
	l.Token = token
	row := linkRow{Link: l, keyID: k.id}
	if err := t.insertLink(ctx, &row, value); err != nil {
		return err
	}
	k.Link = row.Link
	t.record(linkEvent(keys.ActionLinkCreated, k.Key, k.Link, nil))
	return t.noteTokens(ctx, k.id)
}

// insertLink writes a new link of the actor's account, which keys.NewLink made. It gets its id and its
// maker here.
func (t *tx) insertLink(ctx context.Context, l *linkRow, value secret.Value) error {
	l.ID, l.CreatedBy = secret.NewNonce(), t.by.Email
	l.accountID, l.digest = t.by.AccountID, value.Digest()
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
func (t *tx) openLink(ctx context.Context, l *keys.Link) error {
	l.OpenedAt, l.OpenedIP = t.at, note(t.by.IP)
	opened, err := t.exec(ctx, `
		UPDATE link SET opened_at = $2, opened_ip = $3 WHERE id = $1 AND opened_at IS NULL AND voided_at IS NULL`,
		l.ID, l.OpenedAt.UnixMicro(), l.OpenedIP)
	if err == nil && opened != 1 {
		return errors.New("the link was opened or voided behind its lock")
	}
	return err
}

// objectOfLink is the kind, public id and name of what a link belongs to: the key of the internal id $1, or
// the user of the id $2. One of the two is empty.
const objectOfLink = `
	SELECT 'key', app_key, name FROM api_key WHERE id = $1
	UNION ALL
	SELECT 'user', id, email FROM app_user WHERE id = $2`

// voidLinkOfKey takes back the link of a locked key, and records why.
func (t *tx) voidLinkOfKey(ctx context.Context, k *keyRow, reason string) error {
	t.record(linkEvent(keys.ActionLinkVoided, k.Key, k.Link, map[string]any{"reason": reason}))
	return t.voidLink(ctx, &k.Link, reason)
}

// linkEvent is an event about the link of a key. It belongs to the history of the key.
func linkEvent(action keys.Action, k keys.Key, l keys.Link, details map[string]any) keys.AuditEvent {
	all := map[string]any{"link": l.ID, "kind": string(l.Kind)}
	for name, value := range details {
		all[name] = value
	}
	return keyEvent(action, k, all)
}

// voidLink notes that a link can never be opened again, and why. A link that expired is void since then.
func (t *tx) voidLink(ctx context.Context, l *keys.Link, reason string) error {
	l.VoidedAt = t.at
	if l.ExpiresAt.Before(t.at) {
		l.VoidedAt = l.ExpiresAt
	}
	_, err := t.exec(ctx, `
		UPDATE link SET voided_at = $2, void_reason = $3 WHERE id = $1 AND opened_at IS NULL AND voided_at IS NULL`,
		l.ID, l.VoidedAt.UnixMicro(), reason)
	return err
}
