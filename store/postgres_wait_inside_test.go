package store

import (
	"errors"
	"testing"
	"time"
)

// Impatient are options with which opening a database waits less long: for its answers, and for its schema.
func Impatient(o Options, answer, schema time.Duration) Options {
	o.patience = patience{answer: answer, schema: schema}
	return o
}

// LockTimeouts are the lock_timeout of a connection while it changes the schema, and afterwards.
func LockTimeouts(t *testing.T, url string) (during, after string) {
	t.Helper()
	db, err := connectPostgres(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.close() }()
	conn, err := db.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lock := migrationLock{patience: db.server.patience, ownTimeout: db.server.ownTimeout}
	show := func(into *string) error { return conn.QueryRowContext(t.Context(), `SHOW lock_timeout`).Scan(into) }
	err = errors.Join(lock.SessionLock(t.Context(), conn), show(&during), lock.SessionUnlock(t.Context(), conn), show(&after))
	if err != nil {
		t.Fatal(err)
	}
	return during, after
}
