package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

// keyState is all of a key that changes: as its row says, as its audit events say, or as a writer was told.
type keyState struct {
	Name            string
	Active, Deleted bool
	Roles           []string // sorted
	Tokens          []string // the hints of the live ones, the newest first
}

func (s keyState) clone() keyState {
	s.Roles, s.Tokens = slices.Clone(s.Roles), slices.Clone(s.Tokens)
	return s
}

func same(a, b keyState) bool {
	return a.Name == b.Name && a.Active == b.Active && a.Deleted == b.Deleted && slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Tokens, b.Tokens)
}

// checkDatabase looks at the files that the killed server left, and takes over what became of changes in
// doubt.
func (tt *torture) checkDatabase(fully bool) {
	tt.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tt.folder, databaseFile)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		tt.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows := keysOfRows(tt.t, db)
	for _, w := range tt.writers {
		tt.settle(w, rows)
	}
	known := len(tt.shared)
	for _, w := range tt.writers {
		known += len(w.keys)
	}
	if known != len(rows) {
		tt.t.Errorf("there are %d keys, and the writers know of %d", len(rows), known)
	}
	for _, finding := range halfDone(tt.t, db, rows) {
		tt.t.Error(finding)
	}
	if !fully {
		return
	}
	var verdict string
	if err := db.QueryRowContext(tt.t.Context(), `PRAGMA quick_check`).Scan(&verdict); err != nil || verdict != "ok" {
		tt.t.Errorf("quick_check says %q, %v", verdict, err)
	}
	if r := cli(tt.t, "", "audit", "verify", "--data", tt.folder); r.code != 0 {
		tt.t.Errorf("the audit log is damaged: %s%s", r.stdout, r.stderr)
	}
}

// settle compares what a writer was told with what is there.
func (tt *torture) settle(w *writer, rows map[keys.KeyID]keyState) {
	d := w.doubt
	w.doubt, w.lost = nil, false
	if d != nil {
		tt.unknown++
	}
	for _, k := range w.keys {
		row, found := rows[k.id]
		switch {
		case !found:
			tt.t.Errorf("%s is lost, which was acknowledged", k.id)
		case same(row, k.state):
		case d != nil && d.key == k && d.minted && len(row.Tokens) == 2 && same(withoutNewest(row), k.state):
			// The renewal was made, and nobody was told its number: it is the newest token.
			tt.adopted++
			k.state, k.renewal = row, tt.newestToken(k.id)
		case d != nil && d.key == k && same(row, d.then):
			tt.adopted++
			k.state = row
		default:
			tt.t.Errorf("%s is %v; its writer was told %v, and is in doubt about %+v", k.id, row, k.state, d)
		}
	}
	if d != nil && d.name != "" {
		for id, row := range rows {
			if row.Name == d.name {
				tt.adopted++
				w.keys = append(w.keys, &tortured{id: id, state: row, tokens: map[int64]string{}})
			}
		}
	}
}

func withoutNewest(s keyState) keyState {
	s = s.clone()
	s.Tokens = s.Tokens[1:]
	return s
}

func (tt *torture) newestToken(id keys.KeyID) int64 {
	return number(tt.t, rawDB(tt.t, tt.folder), `
		SELECT MAX(api_token.number) FROM api_token JOIN api_key ON api_key.id = api_token.key_id WHERE app_key = $1`, string(id))
}

// checkServer asks the restarted server about some keys, and sends the forms of some acknowledged changes
// again.
func (tt *torture) checkServer() {
	tt.t.Helper()
	for _, w := range tt.writers {
		if len(w.keys) == 0 {
			continue
		}
		k := w.keys[w.random.IntN(len(w.keys))]
		for _, token := range k.tokens {
			live := slices.Contains(k.state.Tokens, token[len(token)-4:])
			want := http.StatusUnauthorized
			if live && k.state.Active && !k.state.Deleted {
				want = http.StatusNoContent
			}
			r, err := http.NewRequestWithContext(tt.t.Context(), http.MethodGet, tt.base+"/v1/verify", nil)
			if err != nil {
				tt.t.Fatal(err)
			}
			r.Header.Set(keys.DefaultKeyHeader, string(k.id))
			r.Header.Set(keys.DefaultTokenHeader, token)
			if status, _ := w.do(r); status != want {
				tt.t.Errorf("%s, which is %v, is verified with %d; want %d", k.id, k.state, status, want)
			}
		}
		if len(w.nonces) == 0 || w.nonces[len(w.nonces)-1].Get("name") == "" {
			continue
		}
		form := w.nonces[len(w.nonces)-1]
		tt.resent++
		status, body := w.post(pathList+"/new", form)
		told := status == http.StatusOK && strings.Contains(body, "already") || status == http.StatusSeeOther // its key was deleted
		if !told || shownToken.MatchString(body) {
			tt.t.Errorf("a form that was sent before answers %d, and shows a token: %v", status, shownToken.MatchString(body))
		}
	}
}

// keysOfRows are all keys as their rows say.
func keysOfRows(t testing.TB, db *sql.DB) map[keys.KeyID]keyState {
	t.Helper()
	all := map[keys.KeyID]keyState{}
	each(t, db, `SELECT app_key, name, status = 'active', deleted_at IS NOT NULL FROM api_key`, func(scan func(...any) error) error {
		var id keys.KeyID
		var s keyState
		err := scan(&id, &s.Name, &s.Active, &s.Deleted)
		all[id] = s
		return err
	})
	add := func(query string, to func(s *keyState, text string)) {
		each(t, db, query, func(scan func(...any) error) error {
			var id keys.KeyID
			var text string
			err := scan(&id, &text)
			s := all[id]
			to(&s, text)
			all[id] = s
			return err
		})
	}
	add(`SELECT api_key.app_key, role.slug FROM api_key_role JOIN api_key ON api_key.id = api_key_role.key_id JOIN role ON role.id = api_key_role.role_id
		ORDER BY role.slug`, func(s *keyState, slug string) { s.Roles = append(s.Roles, slug) })
	add(`SELECT api_key.app_key, api_token.hint FROM api_token JOIN api_key ON api_key.id = api_token.key_id WHERE api_token.state = 'live'
		ORDER BY api_token.number DESC`, func(s *keyState, hint string) { s.Tokens = append(s.Tokens, hint[len(hint)-4:]) })
	return all
}

func each(t testing.TB, db *sql.DB, query string, do func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// halfDone says what of the database does not fit together: a key that is not what its audit events say, an
// event that nothing follows from, a nonce without its key or token, a count that is wrong.
func halfDone(t testing.TB, db *sql.DB, rows map[keys.KeyID]keyState) (findings []string) {
	t.Helper()
	told := keysOfEvents(t, db)
	for id, row := range rows {
		if said, found := told[id]; !found || !same(row, said) {
			findings = append(findings, fmt.Sprintf("%s is %v, and its audit events say %v", id, row, said))
		}
	}
	for id := range maps.Keys(told) {
		if _, found := rows[id]; !found {
			findings = append(findings, fmt.Sprintf("%s is in the audit log, and is no key", id))
		}
	}
	for query, what := range map[string]string{
		`SELECT (SELECT seq FROM head) - (SELECT COUNT(*) FROM audit)`:                                                                                       "rows of the audit log are missing or too many",
		`SELECT (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1) <> (SELECT chain FROM head)`:                                                              "the chain does not end with its last row",
		`SELECT (SELECT key_count FROM account) - (SELECT COUNT(*) FROM api_key WHERE deleted_at IS NULL)`:                                                   "the account counts its keys wrongly",
		`SELECT (SELECT COUNT(*) FROM form_nonce) - (SELECT COUNT(*) FROM audit WHERE action IN ('key.generated', 'renew.started'))`:                         "forms and what they made do not match",
		`SELECT (SELECT COUNT(*) FROM form_nonce) - (SELECT COUNT(DISTINCT token) FROM form_nonce)`:                                                          "two forms made one token",
		`SELECT (SELECT COUNT(*) FROM api_token) - (SELECT COUNT(*) FROM audit WHERE action = 'token.minted')`:                                               "tokens and their events do not match",
		`SELECT (SELECT COUNT(*) FROM change_log) - (SELECT COUNT(*) FROM audit WHERE result = 'ok' AND object_kind IN ('account', 'key', 'token', 'role'))`: "the feed and the audit log do not match",
	} {
		if n := number(t, db, query); n != 0 {
			findings = append(findings, fmt.Sprintf("%s (%d)", what, n))
		}
	}
	return findings
}

// keysOfEvents are all keys as their audit events say, one after the other.
func keysOfEvents(t testing.TB, db *sql.DB) map[keys.KeyID]keyState {
	t.Helper()
	all := map[keys.KeyID]keyState{}
	each(t, db, `SELECT action, object_id, details FROM audit WHERE object_kind IN ('key', 'token') AND result = 'ok' ORDER BY seq`, func(scan func(...any) error) error {
		var action keys.Action
		var object, text string
		if err := scan(&action, &object, &text); err != nil {
			return err
		}
		var details struct {
			Key, Hint string
			Name      json.RawMessage
			Roles     json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &details); err != nil {
			return err
		}
		id := keys.KeyID(object)
		if details.Key != "" {
			id = keys.KeyID(details.Key)
		}
		s := all[id]
		if err := s.apply(action, details.Hint, details.Name, details.Roles); err != nil {
			return err
		}
		all[id] = s
		return nil
	})
	return all
}

// apply is what an event makes of a key.
func (s *keyState) apply(action keys.Action, hint string, name, roles json.RawMessage) error {
	changed := func(raw json.RawMessage, into any) error {
		if raw == nil {
			return nil
		}
		return json.Unmarshal(raw, &struct {
			After any `json:"after"`
		}{into})
	}
	switch action { //nolint:exhaustive // the others change nothing of a key
	case keys.ActionKeyGenerated:
		s.Active = true
		if err := json.Unmarshal(name, &s.Name); err != nil {
			return err
		}
		return json.Unmarshal(roles, &s.Roles)
	case keys.ActionKeyEdited:
		if err := changed(name, &s.Name); err != nil {
			return err
		}
		err := changed(roles, &s.Roles)
		slices.Sort(s.Roles)
		return err
	case keys.ActionKeyActivated, keys.ActionKeyDeactivated:
		s.Active = action == keys.ActionKeyActivated
	case keys.ActionKeyDeleted:
		s.Deleted, s.Roles = true, nil
	case keys.ActionTokenMinted:
		s.Tokens = append([]string{hint[len(hint)-4:]}, s.Tokens...)
	case keys.ActionTokenRetired, keys.ActionTokenRevoked:
		s.Tokens = slices.DeleteFunc(s.Tokens, func(t string) bool { return t == hint[len(hint)-4:] })
	}
	return nil
}

// TestTheTortureSeesWhatIsWrong damages a database in each way that a lost half of a change would.
func TestTheTortureSeesWhatIsWrong(t *testing.T) {
	for name, damage := range map[string]string{
		"a key without its events":     `UPDATE api_key SET app_key = 'appkey-acme-00000000' WHERE number = (SELECT MIN(number) FROM api_key)`,
		"a status without its event":   `UPDATE api_key SET status = 'inactive' WHERE number = (SELECT MIN(number) FROM api_key)`,
		"a name without its event":     `UPDATE api_key SET name = 'x' WHERE number = (SELECT MIN(number) FROM api_key)`,
		"a deletion without its event": `UPDATE api_key SET deleted_at = 1 WHERE number = (SELECT MIN(number) FROM api_key)`,
		"a role without its event":     `DELETE FROM api_key_role`,
		"an end of a token alone":      `UPDATE api_token SET state = 'revoked' WHERE number = (SELECT MIN(number) FROM api_token)`,
		"an event without its change":  `UPDATE audit SET action = 'key.deactivated' WHERE seq = (SELECT MAX(seq) FROM audit WHERE action = 'key.generated')`,
		"a lost last event":            `DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)`,
		"a lost nonce":                 `DELETE FROM form_nonce WHERE token = (SELECT MIN(token) FROM form_nonce)`,
		"two nonces for one token":     `UPDATE form_nonce SET token = (SELECT MIN(token) FROM form_nonce)`,
		"a lost change of the feed":    `DELETE FROM change_log WHERE seq = (SELECT MAX(seq) FROM change_log)`,
		"a wrong count of keys":        `UPDATE account SET key_count = key_count + 1`,
		"a head that was not written":  `UPDATE head SET chain = ''`,
		"a token without its event":    `UPDATE audit SET action = 'key.edited', details = '{}' WHERE action = 'token.minted'`,
	} {
		t.Run(name, func(t *testing.T) {
			folder, _ := guarded(t, 3)
			db := rawDB(t, folder)
			if found := halfDone(t, db, keysOfRows(t, db)); len(found) > 0 {
				t.Fatalf("before: %q", found)
			}
			sqlExec(t, db, `PRAGMA foreign_keys = OFF`)
			sqlExec(t, db, damage)
			if found := halfDone(t, db, keysOfRows(t, db)); len(found) == 0 {
				t.Error("it is not seen")
			}
		})
	}
	t.Run("a lost acknowledged change", func(t *testing.T) {
		known := keyState{Name: "x", Active: true, Tokens: []string{"abcd"}}
		if same(known, keyState{Name: "x", Tokens: []string{"abcd"}}) || same(known, keyState{Name: "x", Active: true}) || !same(known, known.clone()) {
			t.Error("states are compared wrongly")
		}
	})
}
