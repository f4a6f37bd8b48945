package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/keys"
)

// usageRows is how many rows of use one statement writes on SQLite, which names and looks up its parameters one
// by one: with more of them that takes longer than the rows.
const usageRows = 8

// RecordUsage adds a batch to what was counted. The batches of a writer come in the order of their
// numbers: one whose number is not greater than the last is already there and counts no more. No two of
// its uses are of one token in one hour. The tokens need not exist. It is not audited.
func (s *Store) RecordUsage(ctx context.Context, batch keys.UsageBatch) error {
	return s.change(ctx, keys.Actor{}, func(ctx context.Context, t *tx) error {
		fresh, err := t.exec(ctx, `
			INSERT INTO usage_batch (writer, number, at) VALUES ($1, $2, $3)
			ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
			WHERE usage_batch.number < excluded.number`,
			batch.Writer, batch.Number, t.at.UnixMicro())
		if err != nil {
			return err
		}
		if fresh == 0 {
			return errUnchanged
		}
		if t.store.db.server != nil {
			return t.addUsesAtOnce(ctx, batch.Uses)
		}
		whole := len(batch.Uses) - len(batch.Uses)%usageRows
		if err := t.addUses(ctx, batch.Uses[:whole], usageRows); err != nil {
			return err
		}
		return t.addUses(ctx, batch.Uses[whole:], 1)
	})
}

// addUsesAtOnce adds uses to their hours in one statement of PostgreSQL: however far away that is, a full batch is
// written within its time. They are columns and not rows, which would be more parameters than a statement may have.
func (t *tx) addUsesAtOnce(ctx context.Context, uses []keys.TokenUsage) error {
	numbers, ips := make([][]int64, 5), make([]string, 0, len(uses))
	for _, u := range uses {
		for i, n := range []int64{u.Token, u.Hour.UnixMicro(), u.Accepted, u.Refused, usedAt(u.Last)} {
			numbers[i] = append(numbers[i], n)
		}
		ips = append(ips, note(u.Last.IP))
	}
	_, err := t.exec(ctx, addUsesQuery(`SELECT * FROM unnest(
		CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]), CAST($6 AS TEXT[]))`),
		numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], ips)
	return err
}

// addUses adds uses to their hours, so many rows at a time.
func (t *tx) addUses(ctx context.Context, uses []keys.TokenUsage, rows int) (err error) {
	if len(uses) == 0 {
		return nil
	}
	statement, err := t.sql.PrepareContext(ctx, addUsesQuery(`VALUES `+rowsOfPlaces(rows, 6)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	args := make([]any, 0, 6*rows)
	for some := range slices.Chunk(uses, rows) {
		args = args[:0]
		for _, u := range some {
			args = append(args, u.Token, u.Hour.UnixMicro(), u.Accepted, u.Refused, usedAt(u.Last), note(u.Last.IP))
		}
		t.store.queries.Add(1)
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// addUsesQuery adds rows to what was counted. The last use of a token never goes back.
func addUsesQuery(rows string) string {
	return `
		INSERT INTO usage_hourly (token, hour, accepted, refused, used_at, used_ip) ` + rows + `
		ON CONFLICT (token, hour) DO UPDATE SET
			accepted = usage_hourly.accepted + excluded.accepted,
			refused = usage_hourly.refused + excluded.refused,
			used_ip = CASE WHEN excluded.used_at < usage_hourly.used_at THEN usage_hourly.used_ip ELSE excluded.used_ip END,
			used_at = CASE WHEN excluded.used_at < usage_hourly.used_at THEN usage_hourly.used_at ELSE excluded.used_at END`
}

// usedAt is the time of a use as the database keeps it: 0 for never.
func usedAt(u keys.LastUse) int64 {
	if u.Never() {
		return 0
	}
	return u.At.UnixMicro()
}

// KeyUsage returns how a key of the actor's account was used: when last, as far back as it is kept, and
// how often in each hour of the last UsageDays days and the day before them, which the account's time
// zone may still count to them. It returns NotFound when there is no such key.
func (s *Store) KeyUsage(ctx context.Context, by keys.Actor, id keys.KeyID) (usage keys.KeyUsage, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return keys.KeyUsage{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		k, err := t.keyOfID(ctx, by.AccountID, id)
		if err != nil {
			return err
		}
		if usage, err = t.lastUses(ctx, k); err != nil {
			return err
		}
		from := t.at.Truncate(time.Hour).Add(-(keys.UsageDays + 1) * day)
		usage.Hours, err = list(ctx, t, scanHour, `
			SELECT hour, CAST(SUM(accepted) AS BIGINT), CAST(SUM(refused) AS BIGINT) FROM usage_hourly
			WHERE token IN (SELECT number FROM api_token WHERE key_id = $1) AND hour >= $2
			GROUP BY hour ORDER BY hour`, k.id, from.UnixMicro())
		return err
	})
	if err != nil {
		return keys.KeyUsage{}, err
	}
	return usage, nil
}

// lastUses is the last use of a key, and of each of its live tokens.
func (t *tx) lastUses(ctx context.Context, k keyRow) (keys.KeyUsage, error) {
	usage := keys.KeyUsage{Tokens: map[int64]keys.LastUse{}}
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var token, at int64
		var live bool
		var use keys.LastUse
		if err := row.Scan(&token, &live, &at, &use.IP); err != nil {
			return none, err
		}
		use.At = fromMicros(at)
		if live {
			usage.Tokens[token] = use
		}
		if use.At.After(usage.Last.At) {
			usage.Last = use
		}
		return none, nil
	}, `
		SELECT number, live, used_at, used_ip FROM (
			SELECT api_token.number, api_token.state = 'live' AS live, usage_hourly.used_at, usage_hourly.used_ip,
				ROW_NUMBER() OVER (PARTITION BY api_token.number ORDER BY usage_hourly.used_at DESC, usage_hourly.hour DESC) AS place
			FROM api_token JOIN usage_hourly ON usage_hourly.token = api_token.number
			WHERE api_token.key_id = $1 AND usage_hourly.used_at > 0) AS uses
		WHERE place = 1 ORDER BY number DESC`, k.id)
	return usage, err
}

func scanHour(row scanner) (h keys.HourUsage, err error) {
	var hour int64
	err = row.Scan(&hour, &h.Accepted, &h.Refused)
	h.Hour = fromMicros(hour)
	return h, err
}
