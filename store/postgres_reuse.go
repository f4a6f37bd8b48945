package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// idleTrust is how long a connection may have been idle and is used without a question.
	idleTrust = time.Second
	// idleAnswer is how long a connection may take to say that it is still one. The lost ones of a pool are asked
	// one after the other, and what asks has a deadline of its own.
	idleAnswer = 500 * time.Millisecond
)

// poolPostgres makes a pool that soon drops the connections to a host that was lost without a word.
func poolPostgres(config *pgx.ConnConfig, connections int) *sql.DB {
	db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(askIdle), stdlib.OptionResetSession(dropLost))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// askIdle closes a connection that does not answer. It asks instead of the driver, which would wait for as long as
// the caller does.
func askIdle(ctx context.Context, p stdlib.ShouldPingParams) (driverAsks bool) {
	if p.IdleDuration > idleTrust {
		ctx, cancel := context.WithTimeout(ctx, idleAnswer)
		defer cancel()
		if p.Conn.Ping(ctx) != nil {
			_ = p.Conn.Close(ctx) // does nothing to one whose time ran out
		}
	}
	return false
}

// dropLost takes a connection that askIdle closed out of the pool.
func dropLost(_ context.Context, c *pgx.Conn) error {
	if c.IsClosed() {
		return driver.ErrBadConn
	}
	return nil
}
