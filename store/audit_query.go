package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"latchkey/keys"
)

// auditQuery is a filter in SQL. Its parts exclude each other. Each asks one index; with OR between them,
// SQLite would read all events of the account.
type auditQuery struct{ parts []auditPart }

// auditPart is a condition and its arguments.
type auditPart struct {
	text string
	args []any
}

// with adds a condition to the part, in which each ? is an argument.
func (p auditPart) with(condition string, args ...any) auditPart {
	for _, arg := range args {
		p.args = append(slices.Clip(p.args), arg)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(p.args)), 1)
	}
	p.text += " AND " + condition
	return p
}

func (t *tx) auditQuery(ctx context.Context, accountID string, f AuditFilter) (auditQuery, error) {
	all := auditPart{text: `account_id = $1`, args: []any{accountID}}
	if f.Alarms {
		all = all.with(`alarm`)
	}
	if f.Actor != "" {
		all = all.with(`actor = ?`, f.Actor)
	}
	if f.Action != "" {
		all = all.with(`action = ?`, string(f.Action))
	}
	if !f.From.IsZero() {
		all = all.with(`at >= ?`, f.From.UnixMicro())
	}
	if !f.Until.IsZero() {
		all = all.with(`at < ?`, f.Until.UnixMicro())
	}
	if f.Target == "" {
		return auditQuery{[]auditPart{all}}, nil
	}
	if !isKeyID(f.Target) {
		return auditQuery{[]auditPart{all.with(`object = ?`, f.Target)}}, nil
	}
	tokens, err := list(ctx, t, scanText, `
		SELECT CAST(api_token.number AS TEXT) FROM api_token JOIN api_key ON api_key.id = api_token.key_id
		WHERE api_key.account_id = $1 AND api_key.app_key = $2`, accountID, f.Target)
	q := auditQuery{[]auditPart{all.with(`object_kind IN ('key', 'external') AND object_id = ?`, f.Target)}}
	for _, number := range tokens {
		q.parts = append(q.parts, all.with(`object_kind = 'token' AND object_id = ?`, number))
	}
	return q, err
}

func isKeyID(text string) bool {
	_, err := keys.ParseKeyID(text)
	return err == nil
}

// eventsOf are the first events older than a place in the log, the newest first, or the first ones newer
// than it, the oldest first. The zero place is the end of the log that is gone away from.
func (t *tx) eventsOf(ctx context.Context, q auditQuery, place eventCursor, older bool, limit int) (found []LoggedEvent, err error) {
	order, beyond := ` ORDER BY at DESC, seq DESC`, `(at, seq) < (?, ?)`
	if !older {
		order, beyond = ` ORDER BY at, seq`, `(at, seq) > (?, ?)`
	}
	for _, part := range q.parts {
		if place != (eventCursor{}) {
			part = part.with(beyond, place.at, place.seq)
		}
		part.args = append(slices.Clip(part.args), limit)
		some, err := list(ctx, t, scanEvent, `
			SELECT seq, id, at, account_id, actor_kind, actor_id, actor, action, object_kind, object_id,
				object, ip, request_id, result, alarm, details
			FROM audit WHERE `+part.text+order+` LIMIT `+places(len(part.args), 1), part.args...)
		if err != nil {
			return nil, err
		}
		for _, e := range some {
			found = append(found, LoggedEvent{AuditEvent: e})
		}
	}
	if len(q.parts) > 1 {
		slices.SortFunc(found, func(a, b LoggedEvent) int {
			newer := cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Seq, a.Seq))
			if older {
				return newer
			}
			return -newer
		})
		found = found[:min(limit, len(found))]
	}
	return found, nil
}

// nameKeys says of events which key each is about, and how that is called now.
func (t *tx) nameKeys(ctx context.Context, accountID string, events []LoggedEvent) error {
	var numbers, ids []any
	for _, e := range events {
		if number, err := strconv.ParseInt(e.ObjectID, 10, 64); err == nil && e.ObjectKind == objectToken {
			numbers = append(numbers, number)
		}
	}
	owners := map[string]string{}
	err := t.pairsOf(ctx, owners, `
		SELECT CAST(api_token.number AS TEXT), api_key.app_key FROM api_token JOIN api_key ON api_key.id = api_token.key_id
		WHERE api_key.account_id = $1 AND api_token.number IN `, accountID, numbers)
	if err != nil {
		return err
	}
	for i := range events {
		switch e := &events[i]; e.ObjectKind {
		case objectKey:
			e.Key = keys.KeyID(e.ObjectID)
		case objectToken:
			e.Key = keys.KeyID(owners[e.ObjectID])
		}
		if events[i].Key != "" {
			ids = append(ids, string(events[i].Key))
		}
	}
	names := map[string]string{}
	err = t.pairsOf(ctx, names, `
		SELECT app_key, name FROM api_key WHERE account_id = $1 AND deleted_at IS NULL AND app_key IN `, accountID, ids)
	for i, e := range events {
		events[i].KeyName = names[string(e.Key)]
	}
	return err
}

// pairsOf reads pairs of texts by a query that ends where the places of what is asked for begin. It asks
// for as many places each time, so that the query is prepared once.
func (t *tx) pairsOf(ctx context.Context, into map[string]string, query, accountID string, asked []any) error {
	for some := range slices.Chunk(asked, keyChunk) {
		args := append([]any{accountID}, some...)
		for len(args) <= keyChunk {
			args = append(args, some[0])
		}
		_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
			var name, value string
			err = row.Scan(&name, &value)
			into[name] = value
			return none, err
		}, query+`(`+places(2, keyChunk)+`)`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// eventCursor is a place in the log: between the event that has it and the next older one.
type eventCursor struct{ at, seq int64 }

func eventCursorOf(e LoggedEvent) eventCursor { return eventCursor{e.At.UnixMicro(), e.Seq} }

// String is the cursor as it stands in an address: both numbers in base 36.
func (c eventCursor) String() string {
	return strconv.FormatInt(c.at, 36) + "." + strconv.FormatInt(c.seq, 36)
}

// parseEventCursor reads a cursor. Whatever String would not have written is Malformed.
func parseEventCursor(text string) (c eventCursor, err error) {
	at, seq, _ := strings.Cut(text, ".")
	c.at, err = strconv.ParseInt(at, 36, 64)
	number, invalid := strconv.ParseInt(seq, 36, 64)
	c.seq = number
	if err != nil || invalid != nil || c.String() != text {
		return eventCursor{}, keys.Malformed(keys.ReasonCursor)
	}
	return c, nil
}
