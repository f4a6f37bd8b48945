package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// An id that a key has had, even a deleted one, is never given to another.
func TestKeyIDIsNeverUsedAgain(t *testing.T) {
	s, by := insideStore(t)
	first := generate(t, s, by)
	suffix := string(first.ID)[len("appkey-acme-"):]
	if _, err := s.DeleteKey(t.Context(), by, first.ID); err != nil {
		t.Fatal(err)
	}
	suffixes := []string{suffix, suffix, "NEWSUFFX"}
	s.newSuffix = func() string {
		next := suffixes[0]
		suffixes = suffixes[1:]
		return next
	}
	if second := generate(t, s, by); second.ID != "appkey-acme-NEWSUFFX" || len(suffixes) != 0 {
		t.Fatalf("the second key is %s", second.ID)
	}
}

// A full disk refuses changes and changes nothing; reads go on, and so does everything once there is
// room, without opening the database again.
func TestFullDiskHeals(t *testing.T) {
	s, by := insideStore(t)
	kept := generate(t, s, by)
	limit(t, s, 1) // the least that it takes is the size that the file has
	made := 1
	var err error
	for ; err == nil; made++ {
		_, err = s.GenerateKey(t.Context(), by, NewKey{Name: fmt.Sprint(made), Nonce: secret.NewNonce()})
	}
	if keys.KindOf(err) != keys.KindUnavailable {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Key(t.Context(), by, kept.ID); err != nil {
		t.Fatal(err)
	}
	limit(t, s, 1_000_000)
	generate(t, s, by)
	page, err := s.Keys(t.Context(), by, KeyAsk{Limit: 1})
	if err != nil || page.Total != made {
		t.Fatalf("%d keys, want %d: %v", page.Total, made, err)
	}
	report, err := s.VerifyAudit(t.Context())
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("%v, %v", report.Damage, err)
	}
}

// limit sets how many pages the database may have.
func limit(t *testing.T, s *Store, pages int) {
	t.Helper()
	if _, err := s.db.write.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
}

// A change that cannot begin because another program writes is tried again, until it can.
func TestBusyDatabaseIsTriedAgain(t *testing.T) {
	s, by := insideStore(t)
	if _, err := s.db.write.ExecContext(t.Context(), `PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	another := holdWrites(t, s)
	refusals := 0
	s.db.retryable = func(err error) bool {
		if refusals++; refusals == 3 {
			if err := another.Rollback(); err != nil {
				t.Error(err)
			}
		}
		return retryableSQLite(err)
	}
	made := generate(t, s, by)
	if _, err := s.Key(t.Context(), by, made.ID); err != nil || refusals != 3 {
		t.Fatalf("refused %d times, want 3; %v", refusals, err)
	}
}

func pathOf(t *testing.T, s *Store) (path string) {
	t.Helper()
	err := s.db.read.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// holdWrites begins a transaction of another program, which keeps every other from writing.
func holdWrites(t *testing.T, s *Store) *sql.Tx {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(pathOf(t, s), sqliteWriter))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	held, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// Only a failure that says that nothing was done, and that another attempt may do it, is tried again.
func TestOnlySomeFailuresAreTriedAgain(t *testing.T) {
	s, _ := insideStore(t)
	exec := func(query string) error {
		_, err := s.db.write.ExecContext(t.Context(), query)
		return err
	}
	if err := exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	another := holdWrites(t, s)
	busy := exec(`UPDATE head SET seq = seq`)
	if err := another.Rollback(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err       error
		retryable func(error) bool
		want      bool
	}{
		"SQLite: another program writes":      {busy, retryableSQLite, true},
		"SQLite: the same, wrapped":           {fmt.Errorf("begin: %w", busy), retryableSQLite, true},
		"SQLite: a broken constraint":         {exec(`INSERT INTO head VALUES (1, 0, 0, '')`), retryableSQLite, false},
		"SQLite: a missing table":             {exec(`DELETE FROM missing`), retryableSQLite, false},
		"SQLite: another error":               {context.DeadlineExceeded, retryableSQLite, false},
		"PostgreSQL: a serialization failure": {&pgconn.PgError{Code: "40001"}, retryablePostgres, true},
		"PostgreSQL: a deadlock":              {&pgconn.PgError{Code: "40P01"}, retryablePostgres, true},
		"PostgreSQL: too long without a word": {&pgconn.PgError{Code: "25P03"}, retryablePostgres, true},
		"PostgreSQL: the same, wrapped":       {fmt.Errorf("save: %w", &pgconn.PgError{Code: "40P01"}), retryablePostgres, true},
		"PostgreSQL: a broken constraint":     {&pgconn.PgError{Code: "23505"}, retryablePostgres, false},
		"PostgreSQL: the outcome is unknown":  {&pgconn.PgError{Code: "40003"}, retryablePostgres, false},
		"PostgreSQL: the server shuts down":   {&pgconn.PgError{Code: "57P01"}, retryablePostgres, true},
		"PostgreSQL: it is not the primary":   {&pgconn.PgError{Code: "25006"}, retryablePostgres, true},
		"PostgreSQL: the connection is lost":  {fmt.Errorf("save: %w", io.ErrUnexpectedEOF), retryablePostgres, true},
		"PostgreSQL: the server crashed":      {&pgconn.PgError{Code: "57P02"}, retryablePostgres, true},
		"PostgreSQL: the server starts":       {&pgconn.PgError{Code: "57P03"}, retryablePostgres, true},
		"PostgreSQL: another error":           {context.DeadlineExceeded, retryablePostgres, false},
	} {
		if c.err == nil || c.retryable(c.err) != c.want {
			t.Errorf("%s (%v): want %v", name, c.err, c.want)
		}
	}
}

// A session that a database does not let go of lives on, and Logout says so.
func TestLogoutOfAReadOnlyDatabaseIsAnError(t *testing.T) {
	s, by := insideStore(t)
	session := secret.New(secret.KindSession).Digest()
	try := LoginTry{Email: "ana@acme.example", IP: "192.0.2.7"}
	c, err := s.BeginLogin(t.Context(), try)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.FinishLogin(t.Context(), by, c, try, SessionStart{Session: session}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.write.ExecContext(t.Context(), `PRAGMA query_only = 1`); err != nil {
		t.Fatal(err)
	}
	if err := s.Logout(t.Context(), by, session); keys.KindOf(err) != keys.KindUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := s.Session(t.Context(), session); err != nil {
		t.Error(err)
	}
}

// What a caller has behind its list of roles stays as it is.
func TestRolesOfTheCallerAreNotWritten(t *testing.T) {
	s, by := insideStore(t)
	all := []string{"orders-viewer", "catalog-viewer"}
	made, err := s.GenerateKey(t.Context(), by, NewKey{Name: "Orders sync", Roles: all[:1], Nonce: secret.NewNonce()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.EditKey(t.Context(), by, EditKey{ID: made.Key.ID, Version: 1, Name: "Orders", Roles: all[:1]}); err != nil {
		t.Fatal(err)
	}
	if all[1] != "catalog-viewer" {
		t.Fatalf("it is %q now", all[1])
	}
}

func insideStore(t *testing.T) (*Store, keys.Actor) {
	t.Helper()
	now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "latchkey.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	command := keys.Command("test")
	account, _, err := s.CreateAccount(t.Context(), command, NewAccount{Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return s, command.In(account)
}

func generate(t *testing.T, s *Store, by keys.Actor) keys.Key {
	t.Helper()
	made, err := s.GenerateKey(t.Context(), by, NewKey{Name: "Orders sync", Nonce: secret.NewNonce()})
	if err != nil {
		t.Fatal(err)
	}
	return made.Key
}

// What the list says of a key's link is that of the one which waits, and noteTokens repeats it.
func TestNoteTokensRepeatsTheLinkThatWaits(t *testing.T) {
	s, by := insideStore(t)
	k := generate(t, s, by)
	until := func() (until, tokens int64) {
		t.Helper()
		err := s.snapshot(t.Context(), func(_ context.Context, t *tx) error {
			return t.row(context.Background(), `SELECT link_until, token_count FROM api_key WHERE app_key = $1`, string(k.ID)).Scan(&until, &tokens)
		})
		if err != nil {
			t.Fatal(err)
		}
		return until, tokens
	}
	link := func(do func(ctx context.Context, t *tx, l *linkRow) error) {
		t.Helper()
		err := s.attempt(t.Context(), by, func(ctx context.Context, t *tx) error {
			row, err := t.lockKey(ctx, k.ID)
			if err != nil {
				return err
			}
			l := linkRow{Link: keys.NewLink(keys.LinkRenewal, t.at), keyID: row.id}
			if err := t.insertLink(ctx, &l, secret.New(secret.KindLink)); err != nil {
				return err
			}
			return errors.Join(do(ctx, t, &l), t.noteTokens(ctx, row.id))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	link(func(ctx context.Context, t *tx, l *linkRow) error { return t.voidLink(ctx, &l.Link, "discarded") })
	if until, tokens := until(); until != 0 || tokens != 1 {
		t.Fatalf("a link that was taken back waits until %d, beside %d tokens", until, tokens)
	}
	link(func(ctx context.Context, t *tx, l *linkRow) error { return t.openLink(ctx, &l.Link) })
	if until, _ := until(); until != 0 {
		t.Fatalf("a link that was opened waits until %d", until)
	}
	link(func(context.Context, *tx, *linkRow) error { return nil })
	if until, _ := until(); until != s.now().Add(keys.LinkLife).UnixMicro() {
		t.Fatalf("the link waits until %d", until)
	}
	page, err := s.Keys(t.Context(), by, KeyAsk{KeyFind: KeyFind{Tokens: TokenLink}, Limit: 5})
	if err != nil || len(page.Keys) != 1 {
		t.Fatalf("%d keys have a link that waits: %v", len(page.Keys), err)
	}
}

// A search looks through an index and never at the rows themselves, whatever is looked for, and no order
// sorts what it finds.
func TestTheListStaysInItsIndexes(t *testing.T) {
	s, by := insideStore(t)
	account := keys.Account{ID: by.AccountID, Zone: "UTC", Duration: keys.DefaultDuration}
	for sort, of := range keySorts {
		for _, find := range []KeyFind{{}, {Text: "x"}, {Status: keys.StatusActive}, {Role: "x"}, {Tokens: TokenRenewSoon}, {Tokens: TokenLink, Text: "x", Role: "x", Status: keys.StatusInactive}} {
			find.Sort = sort
			q := find.query(account, nil, s.now())
			err := s.snapshot(t.Context(), func(_ context.Context, tx *tx) error {
				plan := func(query string, args ...any) string {
					steps, err := list(t.Context(), tx, func(row scanner) (step string, err error) {
						var skip any
						err = row.Scan(&skip, &skip, &skip, &step)
						return step, err
					}, `EXPLAIN QUERY PLAN `+query, args...)
					if err != nil {
						t.Fatal(err)
					}
					return strings.Join(steps, "; ")
				}
				if got := plan(`SELECT `+of.column+`, number FROM api_key WHERE `+q.where+` ORDER BY `+of.column+` DESC, number DESC LIMIT 1001`, q.args...); !strings.Contains(got, "USING COVERING INDEX api_key_by_") {
					t.Errorf("%+v counts by %s", find, got)
				}
				q.and(`(`+of.column+`, number) < (?, ?)`, int64(0), int64(0))
				got := plan(foundColumns+of.column+` FROM api_key WHERE `+q.where+` ORDER BY `+of.column+` DESC, number DESC LIMIT 25`, q.args...)
				if !strings.Contains(got, "USING INDEX api_key_by_") || strings.Contains(got, "TEMP B-TREE") {
					t.Errorf("%+v reads a page by %s", find, got)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
