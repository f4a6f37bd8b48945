package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"latchkey/keys"
)

// This file keeps the columns of api_key that repeat what stands elsewhere, so that the list can be searched,
// filtered and ordered by indexes alone. Whoever changes what they repeat calls the function here in the same
// transaction.

// maxNameKey is how many bytes of a folded name the order by names looks at.
const maxNameKey = 64

// findText is what a search looks through: the folded id and the folded name, in two lines. What somebody
// types has no line break, so it never matches over both.
func findText(id keys.KeyID, name string) string {
	return keys.Fold(string(id)) + "\n" + keys.Fold(name)
}

// nameKey is a name's place in the order of names.
func nameKey(name string) []byte {
	folded := []byte(keys.Fold(name))
	return folded[:min(len(folded), maxNameKey)]
}

// noteTokens repeats in a key's row what the list says of its tokens and of its link. It is called after every
// change of either.
func (t *tx) noteTokens(ctx context.Context, keyID string) error {
	_, err := t.exec(ctx, `
		UPDATE api_key SET
			token_newest = COALESCE((
				SELECT created_at FROM api_token WHERE key_id = api_key.id AND state = 'live' ORDER BY number DESC LIMIT 1), 0),
			token_count = (SELECT COUNT(*) FROM api_token WHERE key_id = api_key.id AND state = 'live'),
			link_until = COALESCE((
				SELECT MAX(expires_at) FROM link WHERE key_id = api_key.id AND opened_at IS NULL AND voided_at IS NULL), 0)
		WHERE id = $1`, keyID)
	return err
}

// noteRoles repeats in a key's row which roles it holds. It is called after every change of them.
func (t *tx) noteRoles(ctx context.Context, keyID string) error {
	_, err := t.exec(ctx, `
		UPDATE api_key SET role_set = COALESCE((
			SELECT CASE WHEN COUNT(*) > 50 THEN '*' ELSE ',' || STRING_AGG(CAST(role_number AS TEXT), ',') || ',' END
			FROM api_key_role WHERE key_id = api_key.id), '')
		WHERE id = $1`, keyID)
	return err
}

// foldedRows is how many rows foldNames reads at once.
const foldedRows = 500

// foldNames fills in what only Go can make of a key's id and name, where it is missing: in a database of an
// older schema, and where an older program added a key meanwhile. An index holds just these rows, so it costs
// nothing when there are none. What it did before it is interrupted stays done.
func foldNames(ctx context.Context, db *sql.DB) error {
	for {
		rows, err := unfolded(ctx, db)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := fold(ctx, db, rows); err != nil {
			return err
		}
	}
}

type unfoldedRow struct {
	number int64
	id     keys.KeyID
	name   string
}

func unfolded(ctx context.Context, db *sql.DB) (found []unfoldedRow, err error) {
	rows, err := db.QueryContext(ctx, `SELECT number, app_key, name FROM api_key WHERE find_text = '' ORDER BY number LIMIT $1`, foldedRows)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row unfoldedRow
		if err := rows.Scan(&row.number, &row.id, &row.name); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// fold writes rows in one transaction. A key that got another name since it was read is left to whoever gave it.
func fold(ctx context.Context, db *sql.DB, rows []unfoldedRow) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	update, err := tx.PrepareContext(ctx, `UPDATE api_key SET find_text = $2, name_key = $3 WHERE number = $1 AND find_text = '' AND name = $4`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, update.Close()) }()
	for _, row := range rows {
		if _, err := update.ExecContext(ctx, row.number, findText(row.id, row.name), nameKey(row.name), row.name); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// containing is the pattern of LIKE, with \ as its escape, for texts that hold this one.
func containing(text string) string { return "%" + likeEscape.Replace(text) + "%" }

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
