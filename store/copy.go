package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"latchkey/keys"
)

// CopyReport says what a copy is.
type CopyReport struct {
	// Tables are what was copied, in the order of their names.
	Tables []CopiedTable
	// Head is the end of the audit log, which is the same in both databases.
	Head AuditHead
}

// CopiedTable is a table that has the same rows in both databases.
type CopiedTable struct {
	Name string
	Rows int64
	// Digest is of all rows, whatever their order, in hex.
	Digest string
}

// servedWithin is how lately a node that serves a database has sent a heartbeat.
const servedWithin = time.Minute

// Copy writes everything that the database at one URL holds into an empty one at another, of whatever kind both
// are, and compares what arrived with what was sent. What belongs to running servers alone is left out. The
// source is read as it is at one moment and not changed; the target is whole afterwards, or as empty as it was.
// Nobody may serve either of them: the caller sees to that for a file, and Copy refuses a PostgreSQL database
// that a node has sent heartbeats to in the last minute. An error that matches ErrRefused says why nothing was
// copied.
func Copy(ctx context.Context, from, to string, o Options) (CopyReport, error) {
	if from == to {
		return CopyReport{}, refused("both places are the same; nothing was copied")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	report, err := copyTo(ctx, from, to, o)
	if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, errUnconfirmed) {
		return report, err
	}
	return report, nothingCopied(err)
}

// nothingCopied says of an error what became of the copy, once.
func nothingCopied(err error) error {
	if strings.HasSuffix(err.Error(), nothingWasCopied) {
		return err
	}
	return fmt.Errorf("%w%s", err, nothingWasCopied)
}

const nothingWasCopied = ". Nothing was copied"

// errUnconfirmed is a copy of which nobody knows whether it was kept.
var errUnconfirmed = errors.New("the target did not confirm the copy, so it holds everything or nothing: see what latchkey audit verify says of it before you serve from either place")

func copyTo(ctx context.Context, from, to string, o Options) (report CopyReport, err error) {
	source, err := openSource(ctx, from, o)
	if err != nil {
		return report, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, source.close()) }()
	if IsPostgres(to) {
		return copyToPostgres(ctx, source, to, o)
	}
	return copyToFile(ctx, source, strings.TrimPrefix(to, "sqlite://"))
}

// openSource opens a database without bringing its schema up to date: a copy changes nothing there.
func openSource(ctx context.Context, url string, o Options) (db database, err error) {
	dialect := goose.DialectPostgres
	if IsPostgres(url) {
		db, err = connectPostgres(url, o)
	} else {
		dialect = goose.DialectSQLite3
		path := strings.TrimPrefix(url, "sqlite://")
		if _, err := checkSQLite(ctx, path, fullCheckSize); err != nil {
			return database{}, nothingCopied(err)
		}
		db, err = poolsSQLite(path)
	}
	if err != nil {
		return database{}, err
	}
	if err = checkSource(ctx, db, dialect); err == nil {
		err = checkUnserved(ctx, db, o)
	}
	if err != nil {
		return database{}, errors.Join(err, db.close())
	}
	return db, nil
}

// checkSource refuses a database that is not of this program's own schema.
func checkSource(ctx context.Context, db database, dialect goose.Dialect) error {
	exists, err := hasTable(ctx, db, "head")
	switch {
	case err != nil:
		return err
	case !exists:
		return refused("there is no Latchkey in it; nothing was copied")
	}
	provider, err := migrator(dialect, db.write, nil)
	if err != nil {
		return err
	}
	var have int64
	err = db.ask(ctx, func(ctx context.Context) error {
		have, err = provider.GetDBVersion(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := checkVersion(have, provider); err != nil {
		return nothingCopied(err)
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; have < newest {
		return refused("it has schema %d, and this program copies schema %d; nothing was copied. Start this version of the program on it once, and stop it again", have, newest)
	}
	return nil
}

func orNil(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// hasTable says whether a database has one of our tables: one that was being made has some of them.
func hasTable(ctx context.Context, db database, name string) (exists bool, err error) {
	if db.server == nil {
		return true, nil // a file of ours was checked already
	}
	err = db.ask(ctx, func(ctx context.Context) error {
		return db.read.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&exists)
	})
	return exists, err
}

// checkUnserved refuses a PostgreSQL database that a node is at work on.
func checkUnserved(ctx context.Context, db database, o Options) error {
	if exists, err := hasTable(ctx, db, "node"); err != nil || !exists {
		return err
	}
	s := &Store{db: db, options: o}
	nodes, err := s.Nodes(ctx, keys.Heartbeat{})
	if err != nil {
		return err
	}
	for _, n := range nodes.All {
		if nodes.At.Sub(n.BeatAt) < servedWithin {
			return refused("node %s is at work on it; nothing was copied. Stop all of its nodes first, or wait a minute when that one was killed", n.Name)
		}
	}
	return nil
}

// copyToFile makes the file beside its place, and moves it there when it is whole.
func copyToFile(ctx context.Context, source database, path string) (report CopyReport, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return report, err
	}
	if _, err := os.Lstat(path); err == nil {
		return report, refused("%s exists already, and was left as it is; nothing was copied", path)
	}
	err = makeSQLite(ctx, path, func(target database) error {
		report, err = copyAll(ctx, source, target)
		return err
	})
	return report, err
}

// copyToPostgres fills a database in one transaction: when that is lost, an empty schema is left.
func copyToPostgres(ctx context.Context, source database, url string, o Options) (report CopyReport, err error) {
	target, err := connectPostgres(url, o)
	if err != nil {
		return report, fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, target.close()) }()
	if err := checkUnserved(ctx, target, o); err != nil {
		return report, fmt.Errorf("the target: %w", err)
	}
	if err := checkNoOthers(ctx, source, target); err != nil {
		return report, err
	}
	if err := preparePostgres(ctx, target, o); err != nil {
		return report, fmt.Errorf("the target: %w", nothingCopied(err))
	}
	return copyAll(ctx, source, target)
}

// checkNoOthers refuses a target that somebody else uses, before anything is made in it. One that has a Latchkey,
// of whatever version, is looked at later.
func checkNoOthers(ctx context.Context, source, target database) error {
	if exists, err := hasTable(ctx, target, "head"); err != nil || exists {
		return err
	}
	known, err := source.tables(ctx, source.read)
	if err != nil {
		return err
	}
	there, err := target.tables(ctx, target.read)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	return noOthers("target", there, known)
}

// checkEmpty refuses a target that holds something already.
func checkEmpty(ctx context.Context, got *sql.Tx) error {
	var used bool
	err := got.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM app_user) OR EXISTS (SELECT 1 FROM audit)`).Scan(&used)
	if err != nil {
		return err
	}
	return orNil(used, refused("the target holds a Latchkey already, which was left as it is; nothing was copied. Name an empty database"))
}

// copyAll copies every table in one transaction, and commits it when what arrived is what was sent.
func copyAll(ctx context.Context, source, target database) (report CopyReport, err error) {
	sent, err := source.beginPatient(ctx, source.read, source.snapshot)
	if err != nil {
		return report, err
	}
	defer func() { _ = sent.Rollback() }() // it only reads
	got, err := target.beginPatient(ctx, target.write, nil)
	if err != nil {
		return report, err
	}
	defer func() { _ = got.Rollback() }() // does nothing after a commit
	if target.server != nil {
		// Whoever sets up an installation meanwhile has done so before this, or waits until the end of it.
		if _, err := got.ExecContext(ctx, `LOCK TABLE account, head IN EXCLUSIVE MODE`); err != nil {
			return report, err
		}
	}
	if err := checkEmpty(ctx, got); err != nil {
		return report, err
	}
	tables, err := copiedTables(ctx, sent, got, source, target)
	if err != nil {
		return report, err
	}
	for _, table := range tables {
		if err := table.copy(ctx, sent, got); err != nil {
			return report, fmt.Errorf("copy table %s: %w", table.name, err)
		}
	}
	if report.Tables, err = compareTables(ctx, tables, sent, got); err != nil {
		return report, err
	}
	if err := got.QueryRowContext(ctx, headQuery).Scan(&report.Head.Seq, &report.Head.Hash); err != nil {
		return report, err
	}
	if err := checkUnmoved(ctx, source, report.Head); err != nil {
		return report, err
	}
	return report, confirmed(got.Commit(), target)
}

// confirmed is the outcome of a commit. A file that was not committed does not get its place.
func confirmed(err error, target database) error {
	if _, answered := errors.AsType[*pgconn.PgError](err); err == nil || target.server == nil || answered && !target.retryable(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", errUnconfirmed, err)
}

const headQuery = `SELECT seq, chain FROM head WHERE id = 1`

// checkUnmoved refuses a source that somebody has changed meanwhile: that change is not in the copy.
func checkUnmoved(ctx context.Context, source database, copied AuditHead) error {
	var now AuditHead
	if err := source.read.QueryRowContext(ctx, headQuery).Scan(&now.Seq, &now.Hash); err != nil {
		return err
	}
	return orNil(now != copied, refused("the source was changed while it was copied, so nothing was kept of the copy. Stop every latchkey on it first"))
}
