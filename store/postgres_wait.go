package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// patience is how long opening a database waits for others. Whoever starts a server must learn what it waits for.
type patience struct {
	// answer is for a question that a server answers at once, when a connection to it is there.
	answer time.Duration
	// schema is for another program that changes the schema.
	schema time.Duration
}

// usualPatience leaves another program the time for a migration that is not of the largest; what is started
// again meanwhile waits again.
var usualPatience = patience{answer: 10 * time.Second, schema: time.Minute}

// patienceOf is the patience of options.
func patienceOf(o Options) patience {
	if o.patience != (patience{}) {
		return o.patience
	}
	return usualPatience
}

// ask asks a question that every server answers at once, and says so when this one does not. On SQLite nobody
// waits for a network.
func (db database) ask(ctx context.Context, question func(ctx context.Context) error) error {
	if db.server == nil {
		return question(ctx)
	}
	within := db.server.patience.answer + time.Duration(1+len(db.server.config.Fallbacks))*db.server.config.ConnectTimeout
	soon, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := question(soon)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return refused("the database did not answer within %s, and nothing was done; see whether its server is at work, and what stands between", within)
	}
	return err
}

// migrationLock lets one of several programs that start at once change the schema, while the others
// wait. goose's own lock asks again every few seconds; this one waits in the server.
type migrationLock struct {
	patience patience
	// ownTimeout says that the URL has a lock_timeout of its own, which holds for the migrations, too. Without one
	// they wait as long as it takes: somebody may be at work on a table that changes.
	ownTimeout bool
}

// migrationLockID is any number that nobody else locks.
const migrationLockID = 0x6c6174_63686b

// lockNotAvailable is the code of a wait for a lock that was too long.
const lockNotAvailable = "55P03"

// SessionLock waits for the lock and takes it. An error that matches ErrRefused says who holds it.
func (l migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	soon, cancel := context.WithTimeout(ctx, l.patience.schema+l.patience.answer)
	defer cancel()
	err := l.lock(soon, conn)
	failure, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && failure.Code == lockNotAvailable:
		return l.taken(soon, conn)
	case err != nil && soon.Err() != nil && ctx.Err() == nil:
		return refused("the database did not say within %s that the schema may be changed, and nothing was done", l.patience.schema+l.patience.answer)
	}
	return err
}

func (l migrationLock) lock(ctx context.Context, conn *sql.Conn) error {
	after := `SET lock_timeout = 0`
	if l.ownTimeout {
		after = `RESET lock_timeout`
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(`SET lock_timeout = %d`, l.patience.schema.Milliseconds())); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLockID); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, after)
	return err
}

// taken is the refusal of a lock that somebody else holds.
func (l migrationLock) taken(ctx context.Context, conn *sql.Conn) error {
	var holder int
	var from string
	err := conn.QueryRowContext(ctx, `
		SELECT pid, COALESCE(host(client_addr), 'its own machine')
		FROM pg_locks JOIN pg_stat_activity USING (pid)
		WHERE granted AND locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (classid::bigint << 32) + objid::bigint = $1 AND objsubid = 1`, migrationLockID).Scan(&holder, &from)
	if err != nil {
		return refused("another latchkey has been changing the schema for over %s, and nothing was done; start this one again when it is done", l.patience.schema)
	}
	return refused("another latchkey, on %s, has been changing the schema for over %s, and nothing was done; start this one again when it is done. If it hangs, end it, or its connection with SELECT pg_terminate_backend(%d)", from, l.patience.schema, holder)
}

// SessionUnlock gives the lock back.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, failed := conn.ExecContext(ctx, `RESET lock_timeout`)
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLockID)
	return errors.Join(err, failed)
}
