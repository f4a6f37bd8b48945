package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/keys"
)

// This file is the frame of every transaction. The rules for a change are:
//
//   - The first statement is an UPDATE … RETURNING of the row that owns the invariant, in the order
//     account, key, counter: the FOR UPDATE that both databases have. Without it, parallel changes of
//     one key have several winners on PostgreSQL.
//   - Then load, apply the rule of package keys, save, and record what happened. The frame writes the
//     audit rows last, so that the counter's row is held for as short a time as possible.
//   - The closure may run again after a definite failure, so it has no effects outside the database
//     but to set variables that it sets anew each time.
//   - A constraint is never left to fail: PostgreSQL would refuse the rest of the transaction. It is
//     ON CONFLICT DO NOTHING, and a count.

// changeDeadline ends a change that the database does not answer.
const changeDeadline = 5 * time.Second

// The pauses between two attempts of one change.
const (
	firstPause = 2 * time.Millisecond
	maxPause   = 100 * time.Millisecond
)

// errUnchanged rolls a change back without an error: there was nothing to do.
var errUnchanged = errors.New("nothing changed")

// tx is one transaction. It has one time for everything that happens in it.
type tx struct {
	sql    *sql.Tx
	store  *Store
	by     keys.Actor
	at     time.Time
	events []keys.AuditEvent
	// prepared are the pool's statements, or nil where the driver has its own, and unprepared the queries
	// that were not among them.
	prepared   *statements
	unprepared []string
	// fed says that the transaction wrote to the change feed, and saw that it looked at what the feed
	// tells of.
	fed, saw bool
	// actorChecked says that the actor holds still what they held when they asked.
	actorChecked bool
	// unheld says that the caller takes the change in itself, so that nobody waits for it.
	unheld bool
}

// change runs do in a transaction and appends the events that it recorded. A client that goes away
// does not interrupt it.
func (s *Store) change(ctx context.Context, by keys.Actor, do func(ctx context.Context, t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return keys.Unavailable(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeDeadline)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := s.attempt(ctx, by, do)
		switch {
		case err == nil, errors.Is(err, errUnchanged):
			return nil
		case keys.KindOf(err) != "" || !s.db.retryable(err):
			return s.failed(err)
		}
		select {
		case <-ctx.Done():
			return s.failed(err)
		case <-time.After(pause):
		}
	}
}

// failed is the refusal of an error, which is remembered when it is the database's.
func (s *Store) failed(err error) error {
	if kind := keys.KindOf(err); kind == "" || kind == keys.KindUnknown {
		s.failing.Store(true)
	}
	return refusal(err)
}

// attempt runs a change once. An error of the commit is never tried again: nobody knows whether the
// database made the change before its answer was lost.
func (s *Store) attempt(ctx context.Context, by keys.Actor, do func(ctx context.Context, t *tx) error) error {
	began, err := s.db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &tx{sql: began, store: s, by: by, at: s.now(), prepared: s.db.writes}
	defer t.end(ctx)
	if err := do(ctx, t); err != nil {
		return t.refused(ctx, err)
	}
	if err := t.appendEvents(ctx); err != nil {
		return err
	}
	err = began.Commit()
	if t.fed && !t.unheld {
		// A change that does not hold everywhere yet must not be acknowledged.
		err = errors.Join(err, s.hold(ctx))
	}
	if err != nil {
		return keys.OutcomeUnknown(err)
	}
	s.failing.Store(false)
	return nil
}

// refused returns why a change was not made. That can tell of another change which was committed a
// moment ago, such as that the key is inactive already, so that one must hold before it is told.
func (t *tx) refused(ctx context.Context, err error) error {
	_ = t.sql.Rollback() // nobody shall wait for its locks meanwhile
	if !t.saw || t.unheld || keys.KindOf(err) == "" && !errors.Is(err, errUnchanged) {
		return err
	}
	if late := t.store.hold(ctx); late != nil {
		return keys.Unavailable(late)
	}
	return err
}

// hold returns when everything that was committed before holds. When that fails, what is read from the
// database may be ahead of what holds, until a later hold succeeds.
func (s *Store) hold(ctx context.Context) error {
	if s.options.AfterCommit == nil {
		return nil
	}
	missed := s.missed.Load()
	if err := s.options.AfterCommit(ctx); err != nil {
		s.missed.Add(1)
		return err
	}
	s.held.Store(missed)
	return nil
}

// read runs do over one snapshot of the database, and returns when what it shows holds. It is for what a page
// shows: a database that does not answer soon ends it.
func (s *Store) read(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	return s.shown(ctx, s.db.readDeadline, do)
}

// readAll is read for what takes as long as there are rows.
func (s *Store) readAll(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	return s.shown(ctx, 0, do)
}

func (s *Store) shown(ctx context.Context, within time.Duration, do func(ctx context.Context, t *tx) error) error {
	err := s.within(ctx, s.db.read, within, do)
	if s.held.Load() == s.missed.Load() {
		return err
	}
	if late := s.hold(ctx); late != nil {
		return keys.Unavailable(late)
	}
	return err
}

// snapshot runs do over one snapshot of the database, which must answer soon.
func (s *Store) snapshot(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	return s.within(ctx, s.db.read, s.db.readDeadline, do)
}

// followed is snapshot for what must not wait until changes and pages leave a connection.
func (s *Store) followed(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	return s.within(ctx, s.db.feed, s.db.readDeadline, do)
}

// within runs do over one snapshot of a pool, for no longer than said when that is not 0.
func (s *Store) within(ctx context.Context, pool *sql.DB, limit time.Duration, do func(ctx context.Context, t *tx) error) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	began, err := s.beginRead(ctx, pool, limit)
	if err != nil {
		return refusal(err)
	}
	t := &tx{sql: began, store: s, at: s.now(), prepared: s.db.reads}
	defer t.end(ctx)
	return refusal(do(ctx, t))
}

// beginRead begins a snapshot. What has no limit may take its time.
func (s *Store) beginRead(ctx context.Context, pool *sql.DB, limit time.Duration) (*sql.Tx, error) {
	if limit > 0 {
		return pool.BeginTx(ctx, s.db.snapshot)
	}
	return s.db.beginPatient(ctx, pool, s.db.snapshot)
}

// end rolls back what was not committed, and keeps the queries for the next time.
func (t *tx) end(ctx context.Context) {
	_ = t.sql.Rollback() // does nothing after a commit
	if t.prepared != nil {
		t.prepared.prepare(ctx, t.unprepared)
	}
}

// statement returns the prepared statement of a query, or nil when there is none.
func (t *tx) statement(ctx context.Context, query string) *sql.Stmt {
	t.store.queries.Add(1)
	if t.prepared == nil {
		return nil
	}
	statement := t.prepared.of(ctx, t.sql, query)
	if statement == nil {
		t.unprepared = append(t.unprepared, query)
	}
	return statement
}

// refusal makes every error that is not a refusal already an Unavailable one.
func refusal(err error) error {
	if err == nil || keys.KindOf(err) != "" {
		return err
	}
	return keys.Unavailable(err)
}

// record adds an event to the transaction. What the event leaves open comes from the actor.
func (t *tx) record(e keys.AuditEvent) {
	if e.ActorKind == "" {
		e.ActorKind, e.ActorID, e.Actor = t.by.Kind, t.by.UserID, t.by.Email
	}
	if e.AccountID == "" {
		e.AccountID = t.by.AccountID
	}
	if e.Result == "" {
		e.Result = resultOK
	}
	if e.IP == "" && e.ActorKind != keys.ActorSystem {
		e.IP = t.by.IP
	}
	e.RequestID = t.by.RequestID
	t.events = append(t.events, e)
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var result sql.Result
	var err error
	if prepared := t.statement(ctx, query); prepared != nil { //nolint:sqlclosecheck // it ends with its transaction
		result, err = prepared.ExecContext(ctx, args...)
	} else {
		result, err = t.sql.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row runs a query for one row.
func (t *tx) row(ctx context.Context, query string, args ...any) *sql.Row {
	if prepared := t.statement(ctx, query); prepared != nil { //nolint:sqlclosecheck // it ends with its transaction
		return prepared.QueryRowContext(ctx, args...)
	}
	return t.sql.QueryRowContext(ctx, query, args...)
}

// query runs a query for any number of rows.
func (t *tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if prepared := t.statement(ctx, query); prepared != nil { //nolint:sqlclosecheck // it ends with its transaction
		return prepared.QueryContext(ctx, args...)
	}
	return t.sql.QueryContext(ctx, query, args...)
}

// list runs a query and scans each row of it.
func list[T any](ctx context.Context, t *tx, scan func(row scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scan)
}

// listOnce is list for a query whose text has many forms. It is not kept prepared: the others would lose
// their place to it.
func listOnce[T any](ctx context.Context, t *tx, scan func(row scanner) (T, error), query string, args ...any) ([]T, error) {
	t.store.queries.Add(1)
	rows, err := t.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scan)
}

func scanAll[T any](rows *sql.Rows, scan func(row scanner) (T, error)) (all []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// scanner is a row of *sql.Rows or a *sql.Row.
type scanner interface{ Scan(into ...any) error }

// scanText scans a row of one text.
func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// numbers draws n stable integers from the counter and returns the first. It holds the counter's row
// until the commit, so it comes after the locks of account and key.
func (t *tx) numbers(ctx context.Context, n int) (first int64, err error) {
	var last int64
	err = t.row(ctx, `UPDATE head SET number = number + $1 WHERE id = 1 RETURNING number`, n).Scan(&last)
	return last - int64(n) + 1, err
}
