package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/keys"
)

// This file is for PostgreSQL, where several nodes work on one database. There it is not enough that a read
// succeeds: it may come from a server that is not the primary any more. A heartbeat that was committed, and
// that a read of the feed then shows, proves that the read had everything that was committed before it.

// NodeIdentity is a server of the installation. The zero value is none, as of a command.
type NodeIdentity struct {
	// Name is what its operator calls it, and Version that of the program.
	Name, Version string
}

// beats says whether the store writes heartbeats.
func (s *Store) beats() bool { return s.db.server != nil && s.options.Node != NodeIdentity{} }

// microsNow is the database's clock: only there all nodes have the same one.
const microsNow = `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`

// Beat commits a heartbeat of this node. On SQLite, and in a store that is no node, there is none, and the
// zero Beat is returned.
func (s *Store) Beat(ctx context.Context, h keys.Heartbeat) (keys.Beat, error) {
	if !s.beats() {
		return keys.Beat{}, nil
	}
	// Whether one that fails was committed nobody knows, so its number is gone.
	number, before := s.beat.Add(1), s.now()
	s.queries.Add(1)
	var micros int64
	err := s.db.feed.QueryRowContext(ctx, `
		INSERT INTO node (id, name, version, beat, beat_at, applied, applied_event, proved_at, max_staleness)
		VALUES ($1, $2, $3, $4, `+microsNow+`, $5, $6, `+microsNow+` - $7, $8)
		ON CONFLICT (id) DO UPDATE SET beat = GREATEST(node.beat, excluded.beat), beat_at = excluded.beat_at,
			applied = excluded.applied, applied_event = excluded.applied_event, proved_at = excluded.proved_at
		RETURNING `+microsNow,
		s.nodeID, s.options.Node.Name, s.options.Node.Version, number,
		h.Applied.Seq, h.Applied.EventID, h.ProofAge.Microseconds(), h.MaxStaleness.Microseconds(),
	).Scan(&micros)
	if err != nil {
		return keys.Beat{}, fmt.Errorf("write the heartbeat: %w", err)
	}
	after := s.now()
	return keys.Beat{Number: number, ClockOffset: fromMicros(micros).Sub(before.Add(after.Sub(before) / 2))}, nil
}

// beatShown is the number of this node's newest heartbeat in a snapshot.
func (t *tx) beatShown(ctx context.Context) (number int64, err error) {
	if !t.store.beats() {
		return 0, nil
	}
	err = t.row(ctx, `SELECT COALESCE(MAX(beat), 0) FROM node WHERE id = $1`, t.store.nodeID).Scan(&number)
	return number, err
}

// Leave removes this node's heartbeat: it has stopped answering.
func (s *Store) Leave(ctx context.Context) error {
	if !s.beats() {
		return nil
	}
	s.queries.Add(1)
	_, err := s.db.write.ExecContext(ctx, `DELETE FROM node WHERE id = $1`, s.nodeID)
	return refusal(err)
}

// Shared says whether several nodes may work on the database, which is so on PostgreSQL.
func (s *Store) Shared() bool { return s.db.server != nil }

// Nodes are the servers of an installation at one moment.
type Nodes struct {
	// All are in the order of their names. There are none on SQLite.
	All []keys.Node
	// Own is the id of the node that asks.
	Own string
	// Newest is the number of the newest change.
	Newest int64
	// At is the moment, by the database's clock.
	At time.Time
}

// Nodes returns the nodes that have sent a heartbeat in the last hour and did not stop since. One that is cut
// off, and whose name another one bears since, was started again and is not among them. Of this node, own says
// more than its last heartbeat did; the zero value says nothing.
func (s *Store) Nodes(ctx context.Context, own keys.Heartbeat) (n Nodes, err error) {
	if s.db.server == nil {
		return Nodes{}, nil
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		var micros int64
		err := t.row(ctx, `SELECT COALESCE((SELECT MAX(seq) FROM change_log), 0), `+microsNow).Scan(&n.Newest, &micros)
		if err != nil {
			return err
		}
		n.At = fromMicros(micros)
		speaks := s.nodeID
		if own == (keys.Heartbeat{}) {
			speaks = ""
		}
		n.All, err = list(ctx, t, scanNode, nodesQuery, n.At.Add(-NodeMemory).UnixMicro(),
			speaks, own.Applied.Seq, own.Applied.EventID, n.At.Add(-own.ProofAge).UnixMicro())
		return err
	})
	n.Own, n.All = s.nodeID, withoutReplaced(n.All, n.At)
	return n, err
}

// nodesQuery names the nodes that have sent a heartbeat after $1. What the node $2 has applied, and when that was
// proved, is $3 to $5. A change of which there is no row was lost, unless it is older than the log.
const nodesQuery = `
	SELECT id, name, version, applied,
		COALESCE((SELECT event_id <> applied_event FROM change_log WHERE seq = applied),
			applied > COALESCE((SELECT MIN(seq) FROM change_log), 0)),
		beat_at, proved_at, max_staleness
	FROM (
		SELECT id, name, version, beat_at, max_staleness,
			CASE WHEN id = $2 THEN CAST($3 AS BIGINT) ELSE applied END AS applied,
			CASE WHEN id = $2 THEN CAST($4 AS TEXT) ELSE applied_event END AS applied_event,
			CASE WHEN id = $2 THEN CAST($5 AS BIGINT) ELSE proved_at END AS proved_at
		FROM node WHERE beat_at > $1
	) AS said ORDER BY name, id`

// withoutReplaced leaves out the nodes that ended without a word and were started again under their name.
func withoutReplaced(all []keys.Node, at time.Time) []keys.Node {
	return slices.DeleteFunc(slices.Clone(all), func(n keys.Node) bool {
		return n.CutOff(at) && slices.ContainsFunc(all, func(other keys.Node) bool {
			return other.Name == n.Name && other.BeatAt.After(n.BeatAt)
		})
	})
}

// NodeMemory is how long a node is named that has stopped sending heartbeats without a word. Until then it must have
// stopped answering.
const NodeMemory = time.Hour

func scanNode(row scanner) (n keys.Node, err error) {
	var beat, proved, staleness int64
	err = row.Scan(&n.ID, &n.Name, &n.Version, &n.Applied, &n.Strayed, &beat, &proved, &staleness)
	n.BeatAt, n.ProvedAt = fromMicros(beat), fromMicros(proved)
	n.MaxStaleness = time.Duration(staleness) * time.Microsecond
	return n, err
}

// feedChannel is where a transaction that wrote to the feed says so.
const feedChannel = "latchkey_feed"

// notify tells nodes that listen, when the transaction commits, that there is something in the feed.
func (t *tx) notify(ctx context.Context) error {
	if t.store.db.server == nil {
		return nil
	}
	_, err := t.exec(ctx, `SELECT pg_notify('`+feedChannel+`', '')`)
	return err
}

// The rhythm of a connection that listens.
const (
	listenAgain = time.Second
	// listenFor is how long a connection waits before it asks whether the server is still there.
	listenFor = 15 * time.Second
)

// Listen calls hint whenever some transaction has written to the feed, until ctx ends. It is only a hint:
// one that is lost costs nothing but time, until the feed is looked at without. It returns at once on SQLite.
func (s *Store) Listen(ctx context.Context, hint func()) {
	if s.db.server == nil {
		return
	}
	failing := false
	for ctx.Err() == nil {
		err := s.listen(ctx, func() {
			failing = false
			hint()
		})
		if ctx.Err() != nil {
			return
		}
		if !failing {
			s.options.Log.Warn("the database's hints of changes are interrupted", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

// listen listens on one connection until that is lost.
func (s *Store) listen(ctx context.Context, hint func()) error {
	conn, err := s.connectToListen(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		hint() // of what came before, too
		soon, cancel := context.WithTimeout(ctx, listenFor)
		_, err := conn.WaitForNotification(soon)
		waited := soon.Err() != nil
		cancel()
		switch {
		case err == nil:
		case ctx.Err() != nil || !waited:
			return err
		default:
			// Waiting that ran out leaves the connection usable; one that is dead does not answer.
			if err := s.alive(ctx, conn); err != nil {
				return err
			}
		}
	}
}

func (s *Store) connectToListen(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, changeDeadline)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.db.server.config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `LISTEN `+feedChannel); err != nil {
		return nil, errors.Join(err, conn.Close(ctx)) // a server that refuses to listen keeps the connection
	}
	return conn, nil
}

func (s *Store) alive(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, postgresRead)
	defer cancel()
	return conn.Ping(ctx)
}
