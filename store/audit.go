package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// This file says how an event is kept. The rows form a chain: each carries the hash of the row before
// it and its own hash over that and every other column, so that a row cannot be changed, removed or
// moved without breaking it. The hash alone could not say which column was changed, so each row also
// carries a CRC-32 sum of every column.

// auditRow is a row of the table audit, in the order of its columns.
type auditRow struct {
	seq                          int64
	id                           string
	at                           int64
	accountID                    string
	actorKind, actorID, actor    string
	action                       string
	objectKind, objectID, object string
	ip, requestID, result        string
	alarm                        bool
	details                      string
	prev, hash, sums             string
}

// auditColumns are the columns that a row's hash and sums cover.
var auditColumns = []string{
	"seq", "id", "at", "account_id", "actor_kind", "actor_id", "actor", "action",
	"object_kind", "object_id", "object", "ip", "request_id", "result", "alarm", "details", "prev",
}

// values are the texts of auditColumns.
func (r auditRow) values() []string {
	return []string{
		strconv.FormatInt(r.seq, 10), r.id, strconv.FormatInt(r.at, 10), r.accountID, r.actorKind, r.actorID, r.actor, r.action,
		r.objectKind, r.objectID, r.object, r.ip, r.requestID, r.result, strconv.FormatBool(r.alarm), r.details, r.prev,
	}
}

// chainHash is the SHA-256 of a row's values, each with its length before it: without the lengths, text
// could move from one column to the next and leave the hash as it is.
func chainHash(values []string) string {
	var content strings.Builder
	content.WriteString("latchkey audit 1\n")
	for _, value := range values {
		fmt.Fprintf(&content, "%d:%s\n", len(value), value)
	}
	return hex.EncodeToString(secret.Sum([]byte(content.String())).Bytes())
}

// columnSums are the sums of a row's values, eight hex digits each.
func columnSums(values []string) string {
	var sums strings.Builder
	for _, value := range values {
		sums.WriteString(columnSum(value))
	}
	return sums.String()
}

func columnSum(value string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(value))) }

// appendEvents writes what the transaction recorded, and what of it a verifier must know.
func (t *tx) appendEvents(ctx context.Context) error {
	if len(t.events) == 0 {
		return nil
	}
	var last int64
	var chain string
	err := t.row(ctx, `UPDATE head SET seq = seq + $1 WHERE id = 1 RETURNING seq, chain`, len(t.events)).Scan(&last, &chain)
	if err != nil {
		return err
	}
	if err := t.checkActor(ctx); err != nil {
		return err
	}
	rows := make([]auditRow, len(t.events))
	var fed []auditRow
	for i, e := range t.events {
		e.Seq = last - int64(len(t.events)-1-i)
		if rows[i], err = t.rowOf(e, chain); err != nil {
			return err
		}
		chain = rows[i].hash
		if inFeed(e) {
			fed = append(fed, rows[i])
		}
	}
	if err := t.insertAudit(ctx, rows); err != nil {
		return err
	}
	if err := t.feed(ctx, fed); err != nil {
		return err
	}
	if t.fed {
		if err := t.notify(ctx); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `UPDATE head SET chain = $1 WHERE id = 1`, chain)
	return err
}

// eventRows is how many rows of events one statement writes.
const eventRows = 20

// insertAudit writes rows of the audit log.
func (t *tx) insertAudit(ctx context.Context, rows []auditRow) error {
	for some := range slices.Chunk(rows, eventRows) {
		var args []any
		for _, r := range some {
			args = append(args, r.seq, r.id, r.at, r.accountID, r.actorKind, r.actorID, r.actor, r.action, r.objectKind, r.objectID,
				r.object, r.ip, r.requestID, r.result, r.alarm, r.details, r.prev, r.hash, r.sums)
		}
		_, err := t.exec(ctx, `
			INSERT INTO audit (seq, id, at, account_id, actor_kind, actor_id, actor, action, object_kind, object_id,
				object, ip, request_id, result, alarm, details, prev, hash, sums)
			VALUES `+rowsOfPlaces(len(some), 19), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// feed tells verifiers of events.
func (t *tx) feed(ctx context.Context, rows []auditRow) error {
	t.fed = t.fed || len(rows) > 0
	for some := range slices.Chunk(rows, eventRows) {
		var args []any
		for _, r := range some {
			args = append(args, r.seq, r.id, r.accountID, r.objectKind, r.objectID, r.at)
		}
		_, err := t.exec(ctx, `
			INSERT INTO change_log (seq, event_id, account_id, object_kind, object_id, at)
			VALUES `+rowsOfPlaces(len(some), 6), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// rowOf makes the row of an event that follows the row whose hash is prev.
func (t *tx) rowOf(e keys.AuditEvent, prev string) (auditRow, error) {
	details, err := json.Marshal(e.Details)
	if err != nil {
		return auditRow{}, err
	}
	row := auditRow{
		seq: e.Seq, id: newID(), at: t.at.UnixMicro(), accountID: e.AccountID,
		actorKind: string(e.ActorKind), actorID: e.ActorID, actor: note(e.Actor), action: string(e.Action),
		objectKind: e.ObjectKind, objectID: e.ObjectID, object: note(e.Object),
		ip: note(e.IP), requestID: note(e.RequestID), result: note(e.Result), alarm: e.Alarm,
		details: secret.Redact(string(details)), prev: prev,
	}
	row.hash, row.sums = chainHash(row.values()), columnSums(row.values())
	return row, nil
}

// The kinds of objects.
const (
	objectAccount = "account"
	objectKey     = "key"
	objectToken   = "token"
	objectRole    = "role"
	objectUser    = "user"
	objectSession = "session"
	objectBackup  = "backup"
	objectExport  = "export"
	// objectResource is a permission of the account's catalogue.
	objectResource = "resource"
	// objectExternal is a key of another account, in the log of the one that gave it roles.
	objectExternal = "external"
)

// inFeed says whether a verifier must know of an event: it changed what decides who may come in. A
// refusal changed nothing.
func inFeed(e keys.AuditEvent) bool {
	switch e.ObjectKind {
	case objectAccount, objectKey, objectToken, objectRole, objectResource, objectExternal:
		return e.Result == resultOK
	}
	return false
}

// The results of an event that is not a refusal, and of a refusal that does not say why.
const (
	resultOK      = "ok"
	resultRefused = "refused"
)

// KeyEvents returns what happened to a key and to its tokens, the newest first, without the refused
// verifications, of which there may be very many. Deleted keys keep their history. It returns NotFound
// when the key never was in the actor's account.
func (s *Store) KeyEvents(ctx context.Context, by keys.Actor, id keys.KeyID) (events []keys.AuditEvent, err error) {
	if _, err := keys.ParseKeyID(string(id)); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		events, err = list(ctx, t, scanEvent, `
			SELECT seq, id, at, account_id, actor_kind, actor_id, actor, action, object_kind, object_id,
				object, ip, request_id, result, alarm, details
			FROM audit
			WHERE account_id = $1 AND action <> 'verify.refused' AND (object_kind, object_id) IN (
				SELECT 'key', CAST($2 AS TEXT)
				UNION ALL
				SELECT 'token', CAST(api_token.number AS TEXT) FROM api_token JOIN api_key ON api_key.id = api_token.key_id
				WHERE api_key.account_id = $1 AND api_key.app_key = $2)
			ORDER BY seq DESC`, by.AccountID, string(id))
		if err == nil && len(events) == 0 {
			return keys.NotFound(keys.ReasonKeyNotFound)
		}
		return err
	})
	return events, err
}

func scanEvent(row scanner) (e keys.AuditEvent, err error) {
	var at int64
	var details string
	err = row.Scan(&e.Seq, &e.ID, &at, &e.AccountID, &e.ActorKind, &e.ActorID, &e.Actor, &e.Action, &e.ObjectKind, &e.ObjectID,
		&e.Object, &e.IP, &e.RequestID, &e.Result, &e.Alarm, &details)
	if err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	err = json.Unmarshal([]byte(details), &e.Details)
	return e, err
}
