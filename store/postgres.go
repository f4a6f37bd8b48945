package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

const (
	// postgresConnections is how many connections one store holds at most, but for those of the feed and the one
	// that listens.
	postgresConnections = 10
	// feedConnections is one for following the feed and one for heartbeats.
	feedConnections = 2
	// postgresRead ends a read of a page: what took longer has no answer to expect.
	postgresRead = 2500 * time.Millisecond
)

// server is a PostgreSQL server that several nodes may work on.
type server struct {
	// config makes further connections.
	config *pgx.ConnConfig
	// patient are the statements that begin a transaction of beginPatient.
	patient string
	// patience is how long it is waited for while the database is opened.
	patience patience
	// ownTimeout says that the URL has a lock_timeout of its own.
	ownTimeout bool
}

func openPostgres(ctx context.Context, url string, o Options) (database, error) {
	db, err := connectPostgres(url, o)
	if err != nil {
		return database{}, err
	}
	if err := preparePostgres(ctx, db, o); err != nil {
		return database{}, errors.Join(err, db.close())
	}
	return db, nil
}

// connectPostgres opens a database as it is.
func connectPostgres(url string, o Options) (database, error) {
	config, err := postgresConfig(url)
	if err != nil {
		return database{}, err
	}
	ownTimeout := said(config, "lock_timeout")
	patient := setSession(config)
	db := poolPostgres(config, postgresConnections)
	return database{
		write: db, read: db, feed: poolPostgres(config, feedConnections),
		snapshot:     &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		retryable:    retryablePostgres,
		readDeadline: postgresRead,
		server:       &server{config: config, patient: patient, patience: patienceOf(o), ownTimeout: ownTimeout},
	}, nil
}

// preparePostgres brings the schema up to date, and says what the operator should know about the server.
func preparePostgres(ctx context.Context, db database, o Options) error {
	var exists bool
	var durable string
	err := db.ask(ctx, func(ctx context.Context) error {
		return db.write.QueryRowContext(ctx, `
			SELECT to_regclass('head') IS NOT NULL, current_setting('synchronous_commit')`).Scan(&exists, &durable)
	})
	switch {
	case err != nil:
		return fmt.Errorf("cannot use the database: %w", err)
	case !exists && o.MustExist:
		return refused("there is no Latchkey in that database; nothing was done. Start one with latchkey serve or latchkey init, or give the right --database-url")
	case durable == "off":
		o.Log.Warn("the database's synchronous_commit is off: when its server crashes, changes that were answered can be lost")
	}
	return migrate(ctx, goose.DialectPostgres, db.write, migrationLock{patience: db.server.patience, ownTimeout: db.server.ownTimeout})
}

// The codes of PostgreSQL that say that a transaction was rolled back, and that another may succeed.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	readOnlyServer       = "25006"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	idleInTransaction    = "25P03"
)

// retryablePostgres is a failure before a commit after which nothing of the transaction is left: two got in
// each other's way, the connection was lost, or the server stopped or is another one now.
func retryablePostgres(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return lostConnection(err)
	}
	switch failure.Code {
	case serializationFailure, deadlockDetected, readOnlyServer, adminShutdown, crashShutdown, cannotConnectNow, idleInTransaction:
		return true
	}
	return false
}

// lostConnection says whether an error is of the connection, and not that somebody waited long enough.
func lostConnection(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}
