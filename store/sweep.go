package store

import (
	"context"
	"fmt"
	"time"

	"latchkey/keys"
)

// Sweep removes what has served its time: old rows of the change log, but never the newest one, form
// nonces, ended sessions, forgotten browsers, counted attempts to sign in, old links, an expired setup code, and old
// counts of use. A lock of a user stays. However much there is, what was removed when an error ends it stays removed.
func (s *Store) Sweep(ctx context.Context) error {
	for _, old := range sweeps {
		for more := true; more; {
			err := s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
				gone, err := t.exec(ctx, old.query(), t.at.Add(-old.age).UnixMicro(), sweepRows)
				more = gone == sweepRows
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepRows is how many rows one transaction of a sweep removes: few enough for the time that a change has, and
// so that nobody waits for long.
const sweepRows = 5000

const day = 24 * time.Hour

// linkMemory is how long a link is kept after its end.
const linkMemory = 400 * day

// sweepable are the rows of a table that a condition is true of, whose $1 is the time of so long ago.
type sweepable struct {
	table, condition string
	age              time.Duration
	// key is the primary key, and order in which order rows go where that matters: to sort them takes longer than
	// to remove them.
	key, order string
}

// query removes at most $2 rows. The condition stands in it twice, as PostgreSQL looks at a row again that somebody
// has changed meanwhile, but not at the others.
func (s sweepable) query() string {
	return fmt.Sprintf(`DELETE FROM %s WHERE %s AND (%s) IN (SELECT %[3]s FROM %[1]s WHERE %[2]s %[4]s LIMIT $2)`,
		s.table, s.condition, s.key, s.order)
}

var sweeps = []sweepable{
	// Always the beginning, also when the clock went back: with a gap, a reader would miss what was there.
	{"change_log", `seq <= (SELECT MAX(seq) FROM change_log WHERE at < $1) AND seq < (SELECT MAX(seq) FROM change_log)`, 7 * day, "seq", "ORDER BY seq"},
	{"form_nonce", `created_at < $1`, 2 * day, "account_id, nonce", ""},
	{"user_form", `created_at < $1`, 2 * day, "account_id, nonce", ""},
	{"session", `seen_at <= $1`, keys.SessionIdle, "digest", ""},
	{"session", `created_at <= $1`, keys.SessionAbsolute, "digest", ""},
	{"device", `seen_at < $1`, 400 * day, "user_id, digest", ""},
	{"login_limit", `kind IN ('address', 'link') AND last_at < $1`, time.Hour, "scope", ""},
	{"login_limit", `kind IN ('network', 'device') AND last_at < $1`, day, "scope", ""},
	{"login_limit", fmt.Sprintf(`kind = 'email' AND failures < %d AND last_at < $1`, keys.FailuresUntilLocked), 30 * day, "scope", ""},
	{"setup_code", `expires_at <= $1`, 0, "node", ""},
	// By the newest heartbeat, too: to a node whose clock is ahead, all of the others seem to be gone.
	{"node", fmt.Sprintf(`beat_at < $1 AND beat_at < (SELECT MAX(beat_at) FROM node) - %d`, day.Microseconds()), day, "id", ""},
	{"usage_hourly", `hour < $1`, keys.UsageMemory, "hour, token", ""},
	{"usage_batch", `at < $1`, 30 * day, "writer", ""},
	// A link is remembered for as long as somebody who has it may be told what became of it.
	{"link", `expires_at < $1`, linkMemory, "id", ""},
}
