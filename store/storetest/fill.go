package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

// FillKeys writes n active keys into an account that has none, past the store, for a benchmark that needs
// very many. Key i, counted from 1, is
// `appkey-{account}-` with i in eight digits; it has the role orders-viewer and one live token. It
// returns the tokens in the order of their keys. The change feed does not tell of them, so a verifier
// must be loaded afterwards. No store may write meanwhile.
func FillKeys(t testing.TB, url, account string, n int) (tokens []string) {
	t.Helper()
	db, err := openFill(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err = fill(t.Context(), db, account, n, isPostgres(url))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatalf("fill %s with %d keys: %v", account, n, err)
	}
	return tokens
}

// openFill opens a database for fast writes that a crash may lose: on SQLite with two gigabytes of memory, so that
// digests, which come in no order, find their page there, and without a log of any kind, unless somebody else has
// the file open.
func openFill(ctx context.Context, url string) (*sql.DB, error) {
	if isPostgres(url) {
		return sql.Open("pgx", url)
	}
	db, err := sql.Open("sqlite", "file:"+pathOf(url)+
		"?_pragma=busy_timeout(5000)&_pragma=synchronous(0)&_pragma=cache_size(-2000000)&_pragma=temp_store(2)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, _ = db.ExecContext(ctx, `PRAGMA journal_mode = off`)
	return db, nil
}

// fillRows is how many tokens one statement writes. SQLite takes long to name many more parameters.
const fillRows = 50

func fill(ctx context.Context, db *sql.DB, account string, n int, postgres bool) (tokens []string, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	again, err := dropIndexes(ctx, tx, postgres)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE filled (i BIGINT PRIMARY KEY, digest BYTEA, hint TEXT)`); err != nil {
		return nil, err
	}
	for len(tokens) < n {
		some, err := fillTokens(ctx, tx, len(tokens), min(fillRows, n-len(tokens)))
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, some...)
	}
	// Two numbers for each key: its own and its token's.
	var last int64
	if err := tx.QueryRowContext(ctx, `UPDATE head SET number = number + 2 * $1 WHERE id = 1 RETURNING number`, n).Scan(&last); err != nil {
		return nil, err
	}
	toBytes := "CAST($1 AS BLOB)"
	if postgres {
		toBytes = "convert_to($1, 'UTF8')"
	}
	for _, query := range fillQueries {
		query = bytesOf.ReplaceAllString(query, toBytes)
		if _, err := tx.ExecContext(ctx, query, account, last-2*int64(n)); err != nil {
			return nil, err
		}
	}
	for _, query := range append(again, `DROP TABLE filled`) {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return tokens, tx.Commit()
}

// dropIndexes drops the indexes of the tables that are filled, but not those of a constraint, and returns
// the statements that make them again, at once and so much faster than row by row. PostgreSQL keeps them:
// it would lock the tables for it.
func dropIndexes(ctx context.Context, tx *sql.Tx, postgres bool) (again []string, err error) {
	if postgres {
		return nil, nil
	}
	again, names, err := filledIndexes(ctx, tx)
	for _, name := range names {
		if err == nil {
			_, err = tx.ExecContext(ctx, `DROP INDEX "`+name+`"`)
		}
	}
	return again, err
}

// filledIndexes are the statements that made the indexes of the tables that are filled, and their names.
func filledIndexes(ctx context.Context, tx *sql.Tx) (statements, names []string, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT sql, name FROM sqlite_master
		WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('api_key', 'api_token', 'api_key_role')`)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var statement, name string
		if err := rows.Scan(&statement, &name); err != nil {
			return nil, nil, err
		}
		statements, names = append(statements, statement), append(names, name)
	}
	return statements, names, rows.Err()
}

// fillTokens makes tokens and notes their digests, the first for the key after number before.
func fillTokens(ctx context.Context, tx *sql.Tx, before, n int) (tokens []string, err error) {
	rows, args := make([]string, n), make([]any, 0, 3*n)
	for i := range n {
		token := secret.New(secret.KindToken)
		tokens = append(tokens, token.Reveal())
		rows[i] = fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
		args = append(args, before+i+1, token.Digest().Bytes(), token.Hint())
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO filled (i, digest, hint) VALUES `+strings.Join(rows, ", "), args...)
	return tokens, err
}

// bytesOf stands in a query for the bytes of a text, which each database has its own way to make.
var bytesOf = regexp.MustCompile(`\{bytes of ([^}]*)\}`)

// fillQueries make the keys of the account $1 that filled has tokens for. $2 is the number before the
// first key's. The ids look like those of the store and are in the order of the keys.
var fillQueries = []string{
	`INSERT INTO api_key (id, number, account_id, app_key, name, status, created_at, created_by, version,
		find_text, name_key, role_set, token_newest, token_count)
	SELECT substr(CAST(100000000 + account.number AS TEXT), 2) || '-0000-7000-8000-' || substr(CAST(1000000000000 + i AS TEXT), 2),
		CAST($2 AS BIGINT) + 2 * i - 1, account.id, 'appkey-' || account.slug || '-' || substr(CAST(100000000 + i AS TEXT), 2),
		'Integration ' || CAST(i AS TEXT), 'active', account.created_at + i, 'benchmark', 1,
		'appkey-' || account.slug || '-' || substr(CAST(100000000 + i AS TEXT), 2) || '
integration ' || CAST(i AS TEXT),
		{bytes of 'integration ' || CAST(i AS TEXT)}, ',' || CAST(role.number AS TEXT) || ',', account.created_at + i, 1
	FROM filled JOIN account ON account.slug = $1 JOIN role ON role.account_id = account.id AND role.slug = 'orders-viewer' ORDER BY i`,
	`INSERT INTO api_token (id, number, key_id, key_number, digest, alg, kid, hint, state, created_at, reason)
	SELECT 'token-' || api_key.id, api_key.number + 1, api_key.id, api_key.number, digest, 1, '', hint, 'live', api_key.created_at, ''
	FROM filled JOIN account ON account.slug = $1 JOIN api_key ON api_key.number = CAST($2 AS BIGINT) + 2 * i - 1 ORDER BY i`,
	`INSERT INTO api_key_role (key_id, role_id, key_number, role_number)
	SELECT api_key.id, role.id, api_key.number, role.number
	FROM account JOIN role ON role.account_id = account.id AND role.slug = 'orders-viewer'
	JOIN api_key ON api_key.account_id = account.id AND api_key.number > $2 WHERE account.slug = $1 ORDER BY api_key.number`,
	`UPDATE account SET key_count = (SELECT COUNT(*) FROM api_key WHERE account_id = account.id AND number > $2) WHERE slug = $1`,
}
