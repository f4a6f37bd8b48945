package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// update makes the fixture of the newest schema anew: go test ./store -run TestFixture -update. Do that
// only before the schema is released; afterwards the file shows what an upgrade starts from.
var update = flag.Bool("update", false, "make the fixture of the newest schema anew")

// newestFixture is the one that -update makes. The program cannot make those of older schemas any more.
const newestFixture = "testdata/fixture-v11"

// The fixture is a database as schema 1 had it: whatever comes later must read it.
func TestFixtureOfSchema1(t *testing.T) {
	path := fixture(t, "testdata/fixture-v1", 1)
	var tokens map[keys.KeyID]string
	if err := json.Unmarshal(read(t, "testdata/fixture-v1.json"), &tokens); err != nil || len(tokens) != 3 {
		t.Fatalf("%d tokens, %v", len(tokens), err)
	}
	nonces := fixtureColumn(t, path, `SELECT nonce FROM form_nonce ORDER BY created_at LIMIT 3`) // the fourth made a key that is deleted
	s := open(t, path)
	accounts, err := s.Accounts(t.Context())
	if err != nil || len(accounts) != 1 || accounts[0].Slug != "acme" || accounts[0].Duration != keys.DefaultDuration || accounts[0].SettingsVersion != 1 {
		t.Fatalf("accounts are %+v, %v", accounts, err)
	}
	by := keys.Command("test").In(accounts[0])
	page, err := s.Keys(t.Context(), by, store.KeyAsk{Limit: 25})
	if err != nil || page.Total != len(tokens) {
		t.Fatalf("%d keys, %v", page.Total, err)
	}
	for _, key := range page.Keys {
		wantTokensOf(t, path, key, tokens[key.ID])
	}
	wantFixtureKeys(t, page.Keys)
	wantFixtureLog(t, s)
	wantNumbers(t, path)
	wantFixtureFeed(t, s, page.Keys)
	oldest := page.Keys[2]
	for _, nonce := range nonces { // of forms that made keys, before it was noted which token they made
		if _, err := s.RenewKey(t.Context(), by, oldest.ID, nonce); keys.KindOf(err) != keys.KindMalformed {
			t.Fatalf("a form that made a key renews one: %v", err)
		}
		again, err := s.GenerateKey(t.Context(), by, store.NewKey{Name: "x", Nonce: nonce})
		if err != nil || !again.Repeated {
			t.Fatalf("a form of schema 1 makes a key again: %+v, %v", again, err)
		}
	}
	made, err := s.RenewKey(t.Context(), by, oldest.ID, secret.NewNonce())
	if err != nil || len(made.Key.Tokens) != 2 || made.Key.Tokens[1] != oldest.Tokens[0] || made.Renewal <= oldest.Tokens[0].Number {
		t.Fatalf("renewed is %+v, %v", made, err)
	}
	if _, err := s.DeleteKey(t.Context(), by, page.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
	wantFixtureLog(t, s)
}

// The fixture is a database as schema 2 had it, with renewals.
func TestFixtureOfSchema2(t *testing.T) {
	path := fixture(t, "testdata/fixture-v2", 2)
	tokens := readTokens(t, "testdata/fixture-v2.json")
	s := open(t, path)
	by := wantFixtureAccount(t, s)
	wantFixtureRenewals(t, s, by, path, tokens)
}

// The fixture is a database as schema 3 had it, with counted use, an alarm and an edited role.
func TestFixtureOfSchema3(t *testing.T) {
	path := fixture(t, "testdata/fixture-v3", 3)
	tokens := readTokens(t, "testdata/fixture-v3.json")
	s := open(t, path)
	by := wantFixtureAccount(t, s)
	wantFixtureUse(t, s, by, path, tokens)
	wantFixtureRenewals(t, s, by, path, tokens)
}

// The fixture is a database as schema 4 had it, of which a backup was restored.
func TestFixtureOfSchema4(t *testing.T) {
	wantRestoredFixture(t, "testdata/fixture-v4", 4)
}

// The fixture is a database as schema 11 had it, of which a backup was restored.
func TestFixtureOfSchema11(t *testing.T) {
	if *update {
		makeFixture(t)
	}
	wantRestoredFixture(t, newestFixture, 11)
}

// wantRestoredFixture fails the test unless what makeFixture wrote is under review, and then goes on.
func wantRestoredFixture(t *testing.T, name string, schema int) {
	t.Helper()
	path := fixture(t, name, schema)
	tokens := readTokens(t, name+".json")
	s := open(t, path)
	by := wantFixtureAccount(t, s)
	accounts, err := s.Accounts(t.Context())
	if err != nil || !accounts[0].UnderReview() {
		t.Fatalf("the account is %+v, %v", accounts, err)
	}
	wantFixtureUse(t, s, by, path, tokens)
	if confirmed, err := s.ConfirmReview(t.Context(), by, accounts[0].ReviewSince); err != nil || confirmed != 5 {
		t.Fatalf("%d keys were confirmed, %v", confirmed, err)
	}
	wantFixtureRenewals(t, s, by, path, tokens)
}

// wantFixtureUse fails the test unless the role was edited, and a key was used and raised an alarm.
func wantFixtureUse(t *testing.T, s *store.Store, by keys.Actor, path string, tokens fixtureTokens) {
	t.Helper()
	roles, err := s.Roles(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	role, _ := keys.RoleBySlug(roles, "orders-viewer")
	if role.Name != "Orders reader" || role.Version != 2 || !slices.Equal(role.Resources, []string{"catalog.read", "orders.read"}) {
		t.Fatalf("the edited role is %+v", role)
	}
	overlap := wantFixtureKeysOf(t, s, by, path, tokens)[2]
	usage, err := s.KeyUsage(t.Context(), by, overlap.ID)
	if err != nil || len(usage.Hours) != 1 || usage.Hours[0].Accepted != 7 || usage.Hours[0].Refused != 2 || usage.Last.IP != "192.0.2.7" ||
		usage.Tokens[overlap.Tokens[1].Number] != usage.Last || len(usage.Tokens) != 1 {
		t.Fatalf("the use is %+v, %v", usage, err)
	}
	alarm, found, err := s.KeyAlarm(t.Context(), by, overlap.ID, time.Time{})
	if err != nil || !found || alarm.Action != keys.ActionTokenReuse {
		t.Fatalf("the alarm is %+v, %v", alarm, err)
	}
	again := keys.UsageBatch{Writer: "fixture", Number: 1, Uses: []keys.TokenUsage{{Token: overlap.Tokens[1].Number, Hour: usage.Hours[0].Hour, Accepted: 1}}}
	if err := s.RecordUsage(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if after, err := s.KeyUsage(t.Context(), by, overlap.ID); err != nil || after.Hours[0] != usage.Hours[0] {
		t.Fatalf("a batch that was written counts again: %+v, %v", after, err)
	}
}

func readTokens(t *testing.T, path string) (tokens fixtureTokens) {
	t.Helper()
	if err := json.Unmarshal(read(t, path), &tokens); err != nil || len(tokens.Live) != 6 {
		t.Fatalf("%d keys with tokens, %v", len(tokens.Live), err)
	}
	return tokens
}

// wantFixtureAccount returns who can act in the only account, whose settings were changed once.
func wantFixtureAccount(t *testing.T, s *store.Store) keys.Actor {
	t.Helper()
	accounts, err := s.Accounts(t.Context())
	want := keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: 90}, EnforceExpiry: false, Zone: "Europe/Lisbon"}
	if err != nil || len(accounts) != 1 || accounts[0].Settings() != want || accounts[0].SettingsVersion != 2 {
		t.Fatalf("accounts are %+v, %v", accounts, err)
	}
	return keys.Command("test").In(accounts[0])
}

// wantFixtureKeysOf returns the keys, which must have their tokens, the newest first.
func wantFixtureKeysOf(t *testing.T, s *store.Store, by keys.Actor, path string, tokens fixtureTokens) []keys.Key {
	t.Helper()
	page, err := s.Keys(t.Context(), by, store.KeyAsk{Limit: 25})
	if err != nil || page.Total != len(tokens.Live) {
		t.Fatalf("%d keys, %v", page.Total, err)
	}
	for _, key := range page.Keys {
		wantTokensOf(t, path, key, tokens.Live[key.ID]...)
		wantFound(t, s, by, key)
	}
	return page.Keys
}

// wantFound fails the test unless a key of an older schema is found by what it is.
func wantFound(t *testing.T, s *store.Store, by keys.Actor, key keys.Key) {
	t.Helper()
	find := store.KeyFind{Text: strings.ToUpper(key.Name), Status: key.Status, Sort: store.SortName}
	if len(key.Roles) > 0 {
		find.Role = key.Roles[0].Slug
	}
	switch len(key.Tokens) {
	case 0:
		find.Tokens = store.TokenNone
	case 2:
		find.Tokens = store.TokenTwo
	}
	page, err := s.Keys(t.Context(), by, store.KeyAsk{KeyFind: find, Limit: 25})
	if err != nil || !slices.ContainsFunc(page.Keys, func(k keys.Key) bool { return k.ID == key.ID }) {
		t.Fatalf("%+v finds %d keys, and not %s: %v", find, len(page.Keys), key.ID, err)
	}
}

// wantFixtureRenewals fails the test unless everything of a fixture with renewals is there, and goes on.
func wantFixtureRenewals(t *testing.T, s *store.Store, by keys.Actor, path string, tokens fixtureTokens) {
	t.Helper()
	found := wantFixtureKeysOf(t, s, by, path, tokens)
	replaced, undone, overlap := found[0], found[1], found[2]
	if replaced.Name != "Replaced" || undone.Name != "Undone" || overlap.Name != "Overlap" {
		t.Fatalf("the newest keys are %+v", found[:3])
	}
	wantFixtureKeys(t, found[3:])
	wantFixtureLog(t, s)
	wantNumbers(t, path)
	wantFixtureFeed(t, s, found)
	wantRenewals(t, s, by, overlap, tokens.Nonce, undone, replaced)
	wantFixtureLog(t, s)
	wantNumbers(t, path)
}

// wantNumbers fails the test unless every token and every role of a key has the number of what it
// belongs to.
func wantNumbers(t *testing.T, path string) {
	t.Helper()
	for query, least := range map[string]int{
		`SELECT COUNT(*) FROM api_token`:    4,
		`SELECT COUNT(*) FROM api_key_role`: 4,
	} {
		if n, err := strconv.Atoi(fixtureColumn(t, path, query)[0]); err != nil || n < least {
			t.Fatalf("%s: %d, %v", query, n, err)
		}
	}
	wrong := fixtureColumn(t, path, `
		SELECT 'token ' || api_token.number FROM api_token JOIN api_key ON api_key.id = api_token.key_id
		WHERE api_token.key_number <> api_key.number
		UNION ALL
		SELECT 'role ' || role.slug || ' of ' || api_key.app_key
		FROM api_key_role JOIN api_key ON api_key.id = api_key_role.key_id JOIN role ON role.id = api_key_role.role_id
		WHERE api_key_role.key_number <> api_key.number OR api_key_role.role_number <> role.number`)
	if len(wrong) > 0 {
		t.Fatalf("the numbers of %q are wrong", wrong)
	}
}

// wantFixtureFeed fails the test unless a verifier learns of exactly these keys, and of the deleted one.
func wantFixtureFeed(t *testing.T, s *store.Store, found []keys.Key) {
	t.Helper()
	known := &knownKeys{rows: map[int64]keys.FeedKeyRow{}, tokens: map[int64]int{}}
	place, err := s.LoadFeed(t.Context(), known)
	if mark := place.Mark; err != nil || mark.Seq == 0 || mark.EventID == "" || len(known.rows) != len(found)+1 {
		t.Fatalf("at %+v it learns of %+v, %v", mark, known.rows, err)
	}
	for _, key := range found {
		want := keys.FeedKeyRow{Number: key.Number, ID: key.ID, Active: key.Active()}
		if known.rows[key.Number] != want || known.tokens[key.Number] != len(key.Tokens) {
			t.Fatalf("it learns of %+v with %d tokens", known.rows[key.Number], known.tokens[key.Number])
		}
	}
}

// knownKeys are keys as LoadFeed gives them, and how many live tokens each has.
type knownKeys struct {
	rows   map[int64]keys.FeedKeyRow
	tokens map[int64]int
}

func (k *knownKeys) Account(keys.FeedAccount)       {}
func (k *knownKeys) Key(row keys.FeedKeyRow)        { k.rows[row.Number] = row }
func (k *knownKeys) KeyGrant(int64, keys.FeedGrant) {}
func (k *knownKeys) KeyRoles(_ int64, _ []int64)    {}
func (k *knownKeys) Token(row keys.FeedTokenRow) {
	if row.EndedAt == 0 {
		k.tokens[row.Key]++
	}
}

// wantRenewals fails the test unless the renewals that the fixture holds go on where they were.
func wantRenewals(t *testing.T, s *store.Store, by keys.Actor, overlap keys.Key, nonce string, undone, replaced keys.Key) {
	t.Helper()
	if !overlap.Renewing() || undone.Renewing() || replaced.Renewing() {
		t.Fatalf("the keys are %+v, %+v, %+v", overlap, undone, replaced)
	}
	again, err := s.RenewKey(t.Context(), by, overlap.ID, nonce)
	if err != nil || !again.Repeated || again.Renewal != overlap.Tokens[0].Number {
		t.Fatalf("the form that renewed it gives %+v, %v", again, err)
	}
	key, err := s.UndoRenewal(t.Context(), by, overlap.ID)
	if err != nil || !slices.Equal(key.Tokens, overlap.Tokens[1:]) {
		t.Fatalf("the undo gives %+v, %v", key, err)
	}
	for _, over := range []keys.Key{undone, replaced} {
		if _, err := s.UndoRenewal(t.Context(), by, over.ID); keys.ReasonOf(err) != keys.ReasonNothingToUndo {
			t.Fatalf("undone again: %v", err)
		}
	}
	for id, want := range map[keys.KeyID]keys.Action{undone.ID: keys.ActionTokenRevoked, replaced.ID: keys.ActionTokenRetired} {
		events, err := s.KeyHistory(t.Context(), by, id, 1)
		if err != nil || len(events) != 1 || events[0].Action != want {
			t.Fatalf("the last event is %+v, %v", events, err)
		}
	}
}

// fixture copies a fixture, which must have this schema, and returns the copy's path.
func fixture(t *testing.T, name string, schema int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "latchkey.db")
	write(t, path, read(t, name+".db"))
	if have := fixtureColumn(t, path, `SELECT MAX(version_id) FROM goose_db_version`); !slices.Equal(have, []string{strconv.Itoa(schema)}) {
		t.Fatalf("%s has the schema %q", name, have)
	}
	return path
}

// fixtureColumn is the one column of a query, behind the store's back.
func fixtureColumn(t *testing.T, path, query string, args ...any) (all []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// wantFixtureLog fails the test unless the audit log is whole.
func wantFixtureLog(t *testing.T, s *store.Store) {
	t.Helper()
	report, err := s.VerifyAudit(t.Context())
	if err != nil || len(report.Damage) > 0 || report.Rows < 10 {
		t.Fatalf("the audit log is %+v, %v", report, err)
	}
}

// wantTokensOf fails the test unless the key's live tokens are those that were shown when they were
// made, the newest first.
func wantTokensOf(t *testing.T, path string, key keys.Key, texts ...string) {
	t.Helper()
	if len(key.Tokens) != len(texts) || len(texts) == 0 {
		t.Fatalf("%s has %d live tokens, not %d", key.ID, len(key.Tokens), len(texts))
	}
	for i, text := range texts {
		token, err := secret.Parse(secret.KindToken, text)
		if err != nil {
			t.Fatal(err)
		}
		owner := fixtureColumn(t, path, `
			SELECT api_key.app_key FROM api_token JOIN api_key ON api_key.id = api_token.key_id
			WHERE api_token.digest = $1 AND api_token.number = $2 AND api_token.state = 'live'`, token.Digest().Bytes(), key.Tokens[i].Number)
		if !slices.Equal(owner, []string{string(key.ID)}) || key.Tokens[i].Hint != token.Hint() {
			t.Fatalf("token %d of %s belongs to %q", i, key.ID, owner)
		}
	}
}

func wantFixtureKeys(t *testing.T, found []keys.Key) {
	t.Helper()
	var names []string
	for _, key := range found {
		names = append(names, key.Name+" "+string(key.Status))
	}
	if want := []string{"Catalog sync inactive", "Everything active", "Orders sync active"}; !slices.Equal(names, want) {
		t.Fatalf("the keys are %q, want %q", names, want)
	}
	if roles := found[2].Roles; len(roles) != 1 || !slices.Equal(roles[0].Resources, []string{"orders.read", "orders.write"}) {
		t.Fatalf("the roles of the oldest are %+v", roles)
	}
}

// fixtureTokens are what a fixture's keys were given. They open nothing but the fixture.
type fixtureTokens struct {
	// Live are the live tokens by key, the newest first.
	Live map[keys.KeyID][]string
	// Nonce is the one of the form that renewed the key in overlap.
	Nonce string
}

// makeFixture writes an account with changed settings and an edited role, three keys, a deleted one, one
// in overlap that was used and raised an alarm, one whose renewal was undone and one whose token was
// replaced, and a user who has signed in.
func makeFixture(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "latchkey.db")
	clock := storetest.NewClock()
	s, err := store.Open(t.Context(), path, store.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	account, user, err := s.CreateAccount(t.Context(), keys.Command("fixture"), store.NewAccount{
		Slug: "acme", Zone: "Europe/Lisbon", Email: "ana@acme.example", PasswordPHC: "no password fits",
	})
	if err != nil {
		t.Fatal(err)
	}
	by := keys.Command("fixture").In(account)
	tokens := fixtureTokens{Live: map[keys.KeyID][]string{}, Nonce: secret.NewNonce()}
	var ids []keys.KeyID
	for _, in := range []store.NewKey{
		{Name: "Orders sync", Roles: []string{"orders-manager"}},
		{Name: "Everything", Roles: []string{keys.RoleOwner}},
		{Name: "Catalog sync", Roles: []string{"catalog-viewer", "catalog-editor"}},
		{Name: "Deleted"},
		{Name: "Overlap", Roles: []string{"orders-viewer"}},
		{Name: "Undone"},
		{Name: "Replaced"},
	} {
		clock.Advance(24 * 3600e9)
		in.Nonce = secret.NewNonce()
		made, err := s.GenerateKey(t.Context(), by, in)
		if err != nil {
			t.Fatal(err)
		}
		tokens.Live[made.Key.ID] = []string{made.Token.Reveal()}
		ids = append(ids, made.Key.ID)
	}
	renewals := make([]store.Renewed, 3)
	for i, nonce := range []string{tokens.Nonce, secret.NewNonce(), secret.NewNonce()} {
		clock.Advance(24 * 3600e9)
		if renewals[i], err = s.RenewKey(t.Context(), by, ids[4+i], nonce); err != nil {
			t.Fatal(err)
		}
	}
	tokens.Live[ids[4]] = []string{renewals[0].Token.Reveal(), tokens.Live[ids[4]][0]}
	tokens.Live[ids[6]] = []string{renewals[2].Token.Reveal()}
	delete(tokens.Live, ids[3])
	try := store.LoginTry{Email: user.Email, IP: "192.0.2.7"}
	candidate, err := s.BeginLogin(t.Context(), try)
	if err != nil {
		t.Fatal(err)
	}
	start := store.SessionStart{
		Session: secret.New(secret.KindSession).Digest(), Device: secret.New(secret.KindDevice).Digest(), IP: try.IP, UserAgent: "a browser",
	}
	settings := keys.Settings{Duration: keys.Duration{Unit: keys.Days, Amount: 90}, Zone: account.Zone}
	_, err1 := s.DeleteKey(t.Context(), by, ids[3])
	_, _, err2 := s.DeactivateKey(t.Context(), by, ids[2])
	_, err3 := s.CompleteRenewal(t.Context(), by, ids[4], renewals[0].Renewal, true)
	_, err4 := s.UndoRenewal(t.Context(), by, ids[5])
	_, err5 := s.CompleteRenewal(t.Context(), by, ids[6], renewals[2].Renewal, false)
	_, _, err6 := s.ChangeSettings(t.Context(), by, store.ChangeSettings{Version: 1, Settings: settings})
	err7 := s.FinishLogin(t.Context(), by, candidate, try, start, "")
	_, _, err8 := s.EditRole(t.Context(), by, store.EditRole{
		Slug: "orders-viewer", Version: 1, Name: "Orders reader", Resources: []string{"orders.read", "catalog.read"},
	})
	err9 := s.RecordUsage(t.Context(), keys.UsageBatch{Writer: "fixture", Number: 1, Uses: []keys.TokenUsage{{
		Token: renewals[0].Key.Tokens[1].Number, Hour: clock.Now().Truncate(time.Hour), Accepted: 7, Refused: 2,
		Last: keys.LastUse{At: clock.Now().Truncate(time.Minute), IP: "192.0.2.7"},
	}}})
	err10 := s.RecordRefusals(t.Context(), map[keys.Refusal]int{
		{Action: keys.ActionTokenReuse, AccountID: account.ID, Key: ids[4], IP: "192.0.2.9", Reason: "rotated", Alarm: true}: 1,
	})
	text, err11 := json.MarshalIndent(tokens, "", "\t")
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, s.Close()); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "latchkey.db")
	if _, err := store.Restore(t.Context(), path, restored, nil, store.Options{Now: clock.Now}); err != nil {
		t.Fatal(err)
	}
	write(t, newestFixture+".db", read(t, restored))
	write(t, newestFixture+".json", append(text, '\n'))
}
