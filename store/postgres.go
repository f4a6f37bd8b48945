package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// postgresConnections is how many connections one store holds at most.
const postgresConnections = 10

func openPostgres(ctx context.Context, url string) (database, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return database{}, fmt.Errorf("read the database URL: %w", err)
	}
	// The frame's locks are written for this level, whatever the server's own default is.
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	if err := migrate(ctx, goose.DialectPostgres, db, migrationLock{}); err != nil {
		return database{}, errors.Join(err, db.Close())
	}
	return database{
		write: db, read: db,
		snapshot:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		retryable: retryablePostgres,
	}, nil
}

// retryablePostgres is a serialization failure or a deadlock: PostgreSQL rolled the transaction back.
func retryablePostgres(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failure.Code == "40001" || failure.Code == "40P01")
}

// migrationLock lets one of several programs that start at once change the schema, while the others
// wait. goose's own lock asks again every few seconds; this one waits in the server.
type migrationLock struct{}

// migrationLockID is any number that nobody else locks.
const migrationLockID = 0x6c6174_63686b

// SessionLock waits for the lock and takes it.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLockID)
	return err
}

// SessionUnlock gives the lock back.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLockID)
	return err
}
