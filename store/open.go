package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrRefused matches the errors of Open that say that a database is not as it should be. Their text
// is one line: what is wrong, and what to do.
var ErrRefused = errors.New("database refused")

// refusedError is one line of advice that matches ErrRefused.
type refusedError string

func (e refusedError) Error() string        { return string(e) }
func (e refusedError) Is(target error) bool { return target == ErrRefused }

func refused(format string, args ...any) error { return refusedError(fmt.Sprintf(format, args...)) }

// database is what differs between SQLite and PostgreSQL once it is open.
type database struct {
	// path is the file of the database, or empty when it is none.
	path string
	// write and read are for changes and for reads; on PostgreSQL they are one.
	write, read *sql.DB
	// feed is for following the feed and for heartbeats: changes that wait for each other must not keep a node
	// from what was revoked. On SQLite it is read.
	feed *sql.DB
	// writes and reads are the statements of the two. They are nil where the driver keeps its own.
	writes, reads *statements
	// snapshot begins a read that sees one state of the database throughout.
	snapshot *sql.TxOptions
	// examine reads all of a database that was too large to be checked before it was opened, and
	// returns what is wrong with it. It is nil when there is nothing left to check.
	examine func(ctx context.Context) error
	// retryable says whether an error before a commit means that the change may be tried again.
	retryable func(err error) bool
	// readDeadline ends a read that the database does not answer. It is 0 where there is no network between.
	readDeadline time.Duration
	// server is set on PostgreSQL, where several nodes may work on the database.
	server *server
}

// close closes every pool; one that is closed already stays so.
func (db database) close() error {
	return errors.Join(db.feed.Close(), db.read.Close(), db.write.Close())
}

func openDatabase(ctx context.Context, url string, o Options) (database, error) {
	scheme, rest, found := strings.Cut(url, "://")
	switch {
	case !found:
		return openSQLite(ctx, url)
	case scheme == "sqlite":
		return openSQLite(ctx, rest)
	case IsPostgres(url):
		return openPostgres(ctx, url, o)
	}
	return database{}, refused("the database URL begins with %q; use sqlite:///path/to/latchkey.db or postgres://user@host/name", scheme+"://")
}
