package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"latchkey/keys"
)

// This file reads everything that a verifier knows: of a million keys, three million rows. They come in
// three streams at the same time, each in a read transaction of its own. All streams must show one
// state, so they are begun anew until the counter of the audit log, which every change moves, is the
// same in each. The rows are read past database/sql, whose conversions take a third of the time.

const (
	// feedStreams is how many streams there are.
	feedStreams = 3
	// feedTries is how often all streams are begun at once, before one transaction reads them one after
	// the other.
	feedTries = 5
)

// LoadFeed gives everything that a verifier knows to into, as it is at one moment, and returns the place
// in the feed that this shows. After an error into has only some of it.
func (s *Store) LoadFeed(ctx context.Context, into keys.FeedLoad) (keys.FeedPlace, error) {
	for range feedTries {
		place, err := s.loadFeed(ctx, into, feedStreams)
		if !errors.Is(err, errStatesDiffer) {
			return place, s.hasLoaded(err)
		}
	}
	place, err := s.loadFeed(ctx, into, 1)
	return place, s.hasLoaded(err)
}

// hasLoaded says, with the first load that was not in vain, that the processor and the disk have time again.
func (s *Store) hasLoaded(err error) error {
	if err == nil {
		s.onLoad.Do(func() { close(s.loaded) })
	}
	return refusal(err)
}

// errStatesDiffer says that something was changed between the beginnings of two read transactions.
var errStatesDiffer = errors.New("the read transactions show different states")

// loadFeed reads all streams, in as many transactions as said. It returns errStatesDiffer, with nothing
// given to into, when these show different states.
func (s *Store) loadFeed(ctx context.Context, into keys.FeedLoad, transactions int) (place keys.FeedPlace, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := s.listenForSilence(cancel)
	readers, err := s.openFeed(ctx, transactions, heard)
	defer func() { err = errors.Join(err, closeFeed(readers)) }()
	if err != nil {
		return keys.FeedPlace{}, err
	}
	place = placeOf(readers)
	if place.Branch, err = readers[0].branch(ctx); err != nil {
		return keys.FeedPlace{}, err
	}
	accounts, err := readers[0].feedAccounts(ctx, `SELECT id FROM account`)
	if err != nil {
		return keys.FeedPlace{}, err
	}
	for _, a := range accounts {
		into.Account(a)
	}
	var running sync.WaitGroup
	failed := make([]error, len(readers))
	for i, r := range readers {
		running.Go(func() {
			for stream := i; stream < feedStreams && failed[i] == nil; stream += len(readers) {
				failed[i] = r.stream(ctx, stream, into)
			}
			if failed[i] != nil {
				cancel() // the other streams are of no use any more
			}
		})
	}
	running.Wait()
	return place, errors.Join(failed...)
}

// feedSilence is how long a server may send nothing while everything is loaded. It has to sort millions of rows
// before the first comes.
const feedSilence = 30 * time.Second

// listenForSilence calls what ends a load when no row comes for too long. It returns what to call when rows
// come.
func (s *Store) listenForSilence(end func()) (heard func()) {
	if s.db.server == nil {
		return func() {}
	}
	timer := time.AfterFunc(feedSilence, end)
	return func() { timer.Reset(feedSilence) }
}

// feedReader is a read transaction on a connection of its own.
type feedReader struct {
	*tx
	conn  *sql.Conn
	state feedState
	// beat is the newest heartbeat of this node that the transaction shows.
	beat int64
	// heard is called when rows have come.
	heard func()
}

// feedState is what changes with every change. A mark alone would do: the counter is there so that the
// streams need not trust that the change log tells of everything.
type feedState struct {
	seq  int64
	mark keys.FeedMark
}

// openFeed begins read transactions that show one state. It returns those that were begun also with an
// error.
func (s *Store) openFeed(ctx context.Context, transactions int, heard func()) (readers []*feedReader, err error) {
	for range transactions {
		conn, err := s.db.read.Conn(ctx)
		if err != nil {
			return readers, err
		}
		r := &feedReader{conn: conn, heard: heard}
		readers = append(readers, r)
		began, err := s.db.beginPatient(ctx, conn, s.db.snapshot) // one stream may end long before another
		if err != nil {
			return readers, err
		}
		r.tx = &tx{sql: began, store: s, at: s.now()}
		err = r.row(ctx, `SELECT seq, `+newestChange+` FROM head WHERE id = 1`).Scan(&r.state.seq, &r.state.mark.Seq, &r.state.mark.EventID)
		if err != nil {
			return readers, err
		}
		if r.state != readers[0].state {
			return readers, errStatesDiffer
		}
		if r.beat, err = r.beatShown(ctx); err != nil {
			return readers, err
		}
	}
	return readers, nil
}

// placeOf is what transactions that show one state have in common. A heartbeat is no change, so it may be in some
// of them only.
func placeOf(readers []*feedReader) keys.FeedPlace {
	place := keys.FeedPlace{Mark: readers[0].state.mark, Beat: readers[0].beat}
	for _, r := range readers[1:] {
		place.Beat = min(place.Beat, r.beat)
	}
	return place
}

// branch is the newest part of the change log.
func (t *tx) branch(ctx context.Context) (keys.FeedBranch, error) {
	newest, err := list(ctx, t, scanMark, `SELECT seq, event_id FROM change_log ORDER BY seq DESC LIMIT $1`, keys.BranchMemory)
	slices.Reverse(newest)
	return newest, err
}

func closeFeed(readers []*feedReader) (err error) {
	for _, r := range readers {
		if r.tx != nil {
			_ = r.sql.Rollback() // there is nothing to keep
		}
		err = errors.Join(err, r.conn.Close())
	}
	return err
}

// stream gives one of the streams to into.
func (r *feedReader) stream(ctx context.Context, stream int, into keys.FeedLoad) error {
	remembered := r.at.Add(-keys.RotatedMemory).UnixMicro()
	switch stream {
	case 0:
		return r.each(ctx, 5, func(row *feedRow) error {
			token, err := feedTokenOf(row.int(0), row.int(1), row.bytes(2), row.int(3), row.int(4))
			if err == nil {
				into.Token(token)
			}
			return err
		}, `SELECT `+feedTokenColumns+` FROM api_token WHERE revoked_at IS NULL OR revoked_at >= $1`, remembered)
	case 1:
		return r.each(ctx, 3, func(row *feedRow) error {
			into.Key(feedKeyOf(row.int(0), row.text(1), row.int(2)))
			return nil
		}, `
			SELECT `+feedKeyColumns+` FROM api_key
			WHERE deleted_at IS NULL OR EXISTS (SELECT 1 FROM api_token WHERE api_token.key_id = api_key.id AND revoked_at >= $1)`, remembered)
	}
	if err := r.roles(ctx, into); err != nil {
		return err
	}
	return r.grants(ctx, into)
}

// roles gives the roles of all keys to into, those of one key at once.
func (r *feedReader) roles(ctx context.Context, into keys.FeedLoad) error {
	var key int64
	var held []int64
	err := r.each(ctx, 2, func(row *feedRow) error {
		if row.int(0) != key && len(held) > 0 {
			into.KeyRoles(key, held)
			held = held[:0]
		}
		key, held = row.int(0), append(held, row.int(1))
		return nil
	}, `SELECT key_number, role_number FROM api_key_role ORDER BY key_number, role_number`)
	if err == nil && len(held) > 0 {
		into.KeyRoles(key, held)
	}
	return err
}

// grants gives what accounts let the keys of others do to into, that of one account and key at once.
func (r *feedReader) grants(ctx context.Context, into keys.FeedLoad) error {
	var key int64
	var held []keys.FeedGrant // of one key, and at most one
	err := r.each(ctx, 3, func(row *feedRow) error {
		if len(held) > 0 && (row.int(0) != key || row.int(1) != held[0].Account) {
			into.KeyGrant(key, held[0])
			held = held[:0]
		}
		key, held = row.int(0), withGrant(held, row.int(1), row.int(2))
		return nil
	}, `
		SELECT `+feedExternalColumns+` FROM `+feedExternal+`
		ORDER BY external_key.key_number, external_key.account_number, external_key_role.role_number`)
	if err == nil && len(held) > 0 {
		into.KeyGrant(key, held[0])
	}
	return err
}

// feedPause is after how many rows a stream looks whether it shall end.
const feedPause = 4096

// each calls do with each row of a query of so many columns. Both drivers are QueryerContexts.
func (r *feedReader) each(ctx context.Context, columns int, do func(row *feedRow) error, query string, args ...any) error {
	r.store.queries.Add(1)
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return r.conn.Raw(func(connection any) (err error) {
		rows, err := connection.(driver.QueryerContext).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		row := &feedRow{values: make([]driver.Value, columns)}
		for n := 1; ; n++ {
			if err := rows.Next(row.values); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := errors.Join(do(row), row.err); err != nil {
				return err
			}
			if n%feedPause == 0 {
				r.heard()
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
		}
	})
}

// feedRow is a row as the driver gives it. SQLite keeps any value in any column, so err says when one is
// not what the schema says; it is zero then.
type feedRow struct {
	values []driver.Value
	err    error
}

func (r *feedRow) int(i int) int64    { return feedValue[int64](r, i) }
func (r *feedRow) text(i int) string  { return feedValue[string](r, i) }
func (r *feedRow) bytes(i int) []byte { return feedValue[[]byte](r, i) }

func feedValue[T any](r *feedRow, i int) T {
	value, ok := r.values[i].(T)
	if !ok {
		r.err = fmt.Errorf("column %d holds a %T, not a %T", i+1, r.values[i], value)
	}
	return value
}
