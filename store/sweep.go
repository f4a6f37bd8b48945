package store

import (
	"context"
	"time"

	"latchkey/keys"
)

// Sweep removes what has served its time: old rows of the change log, but never the newest one, form
// nonces, ended sessions, forgotten browsers, counted attempts to sign in, old links, an expired setup code, and old
// counts of use. A lock of a user stays.
func (s *Store) Sweep(ctx context.Context) error {
	return s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		for _, old := range sweeps {
			if _, err := t.exec(ctx, old.query, t.at.Add(-old.age).UnixMicro()); err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, `
			DELETE FROM login_limit WHERE kind = 'email' AND last_at < $1 AND failures < $2`,
			t.at.Add(-30*day).UnixMicro(), keys.FailuresUntilLocked)
		return err
	})
}

const day = 24 * time.Hour

// linkMemory is how long a link is kept after its end.
const linkMemory = 400 * day

var sweeps = []struct {
	query string
	age   time.Duration
}{
	// Always the beginning, also when the clock went back: with a gap, a reader would miss what was there.
	{`DELETE FROM change_log WHERE seq <= (SELECT MAX(seq) FROM change_log WHERE at < $1) AND seq < (SELECT MAX(seq) FROM change_log)`, 7 * day},
	{`DELETE FROM form_nonce WHERE created_at < $1`, 2 * day},
	{`DELETE FROM user_form WHERE created_at < $1`, 2 * day},
	{`DELETE FROM session WHERE seen_at <= $1`, keys.SessionIdle},
	{`DELETE FROM session WHERE created_at <= $1`, keys.SessionAbsolute},
	{`DELETE FROM device WHERE seen_at < $1`, 400 * day},
	{`DELETE FROM login_limit WHERE kind IN ('address', 'link') AND last_at < $1`, time.Hour},
	{`DELETE FROM login_limit WHERE kind IN ('network', 'device') AND last_at < $1`, day},
	{`DELETE FROM setup_code WHERE expires_at <= $1`, 0},
	{`DELETE FROM node WHERE beat_at < $1`, day},
	{`DELETE FROM usage_hourly WHERE hour < $1`, keys.UsageMemory},
	{`DELETE FROM usage_batch WHERE at < $1`, 30 * day},
	// A link is remembered for as long as somebody who has it may be told what became of it.
	{`DELETE FROM link WHERE expires_at < $1`, linkMemory},
}
