package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"latchkey/keys/secret"
)

// Options are what a store needs from outside.
type Options struct {
	// Now tells the time. It is required.
	Now func() time.Time
	// AfterCommit returns when everything that was committed before the call holds for every
	// verification that begins later. It is called after every commit of something that a verifier must
	// know, also when the outcome of the commit is unknown, and before a change is refused for what was
	// found. An error of it makes the outcome of the change unknown. Its context has the deadline of the
	// change. It may be nil.
	AfterCommit func(ctx context.Context) error
	// Log takes what cannot be returned as an error. Nil discards it.
	Log *slog.Logger
	// Node is the server that the store is a part of. Only a node writes heartbeats, and only on PostgreSQL.
	Node NodeIdentity
	// MustExist refuses a PostgreSQL database that holds no Latchkey, instead of making one in it.
	MustExist bool
	// patience is how long opening waits for others. The zero value is the usual.
	patience patience
}

// Store keeps accounts, users, sessions, API keys and the audit log in one database. Its methods may
// be called from many goroutines, and several stores may work on one database at once. One SQLite file
// must not be open twice in one process while another process has it open, too: Open reads the file
// to check it, and on Unix, closing a file gives back all locks that the process holds on it, also
// those of the store that was opened before.
//
// Every method that changes something is one user action in one transaction, together with its audit
// events. Refusals come back as *keys.Error of the kinds that the method's comment names. Besides
// those, every method may return KindUnavailable, when the database could not do it and nothing was
// changed, every change KindUnknown, when the answer of the commit was lost or AfterCommit failed, and
// every method that takes text KindMalformed, when that is not valid UTF-8 or holds a NUL.
type Store struct {
	db      database
	options Options
	queries atomic.Int64
	// damage is what examine found; stop and work end it. It waits for loaded, which LoadFeed closes once.
	damage atomic.Pointer[error]
	stop   context.CancelFunc
	work   sync.WaitGroup
	loaded chan struct{}
	onLoad sync.Once
	// failing says that the last change failed because of the database.
	failing atomic.Bool
	// missed counts the calls of AfterCommit that failed, and held is that count at the begin of the last
	// one that did not.
	missed, held atomic.Int64
	// nodeID is that of this run of a node, beat the number of its last heartbeat.
	nodeID string
	beat   atomic.Int64
	// newSuffix makes the last part of a key's id; a test makes it collide.
	newSuffix func() string
}

// Open opens the database at a URL, `sqlite:///path/latchkey.db`, a plain path, or `postgres://…`,
// and brings its schema up to date. A SQLite file that does not exist is created, with mode 0600. An
// error that matches ErrRefused says in one line what is wrong with the database and what to do;
// the database was not touched then.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := openDatabase(ctx, url, o)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, options: o, newSuffix: secret.NewKeySuffix, nodeID: uuid.NewString(), loaded: make(chan struct{})}
	s.examine(ctx)
	return s, nil
}

// examine checks a large database while it is served from, once a verifier has loaded: until then nothing is served,
// and both would read all of the file. What it finds, Check tells.
func (s *Store) examine(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if s.db.examine == nil {
		return
	}
	s.work.Go(func() {
		select {
		case <-s.loaded:
		case <-ctx.Done():
			return
		}
		if err := s.db.examine(ctx); errors.Is(err, ErrRefused) {
			s.damage.Store(&err)
			s.options.Log.Error("the database is damaged", "error", err)
		}
	})
}

// Close closes the database. No method may be running.
func (s *Store) Close() error {
	s.stop()
	s.work.Wait()
	return s.db.close()
}

// Queries returns how many statements were sent to the database since Open.
func (s *Store) Queries() int64 { return s.queries.Load() }

// Failing says that the last change that was tried could not be saved because of the database, such as on a
// full disk. The next change that is saved ends it.
func (s *Store) Failing() bool { return s.failing.Load() }

// Check returns an error unless the database answers a question about its own content and no damage
// was found in it. It writes nothing.
func (s *Store) Check(ctx context.Context) error {
	if damage := s.damage.Load(); damage != nil {
		return *damage
	}
	return s.snapshot(ctx, func(ctx context.Context, tx *tx) error {
		var seq int64
		return tx.row(ctx, `SELECT seq FROM head WHERE id = 1`).Scan(&seq)
	})
}
