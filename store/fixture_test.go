package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"path/filepath"
	"slices"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// update makes the fixture of the newest schema anew: go test ./store -run TestFixture -update. Do that
// only before the schema is released; afterwards the file shows what an upgrade starts from.
var update = flag.Bool("update", false, "make the fixture of the newest schema anew")

// fixtureTokens are the tokens of a fixture's keys, by their ids. They open nothing but the fixture.
type fixtureTokens map[keys.KeyID]string

// The fixture is a database as schema 1 had it: whatever comes later must read it.
func TestFixtureOfSchema1(t *testing.T) {
	if *update {
		makeFixture(t)
	}
	path := filepath.Join(t.TempDir(), "latchkey.db")
	write(t, path, read(t, "testdata/fixture-v1.db"))
	var tokens fixtureTokens
	if err := json.Unmarshal(read(t, "testdata/fixture-v1.json"), &tokens); err != nil || len(tokens) != 3 {
		t.Fatalf("%d tokens, %v", len(tokens), err)
	}
	s := open(t, path)
	accounts, err := s.Accounts(t.Context())
	if err != nil || len(accounts) != 1 || accounts[0].Slug != "acme" || accounts[0].Duration != keys.DefaultDuration {
		t.Fatalf("accounts are %+v, %v", accounts, err)
	}
	by := keys.Command("test").In(accounts[0])
	page, err := s.Keys(t.Context(), by, store.KeyAsk{Limit: 25})
	if err != nil || page.Total != len(tokens) {
		t.Fatalf("%d keys, %v", page.Total, err)
	}
	for _, key := range page.Keys {
		wantTokenOf(t, path, key, tokens[key.ID])
	}
	wantFixtureKeys(t, page.Keys)
	report, err := s.VerifyAudit(t.Context())
	if err != nil || len(report.Damage) > 0 || report.Rows < 10 {
		t.Fatalf("the audit log is %+v, %v", report, err)
	}
	if _, err := s.DeleteKey(t.Context(), by, page.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
}

// wantTokenOf fails the test unless the key's live token is the one that was shown when it was made.
func wantTokenOf(t *testing.T, path string, key keys.Key, text string) {
	t.Helper()
	token, err := secret.Parse(secret.KindToken, text)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var id keys.KeyID
	err = db.QueryRowContext(t.Context(), `
		SELECT api_key.app_key FROM api_token JOIN api_key ON api_key.id = api_token.key_id
		WHERE api_token.digest = $1 AND api_token.state = 'live'`, token.Digest().Bytes()).Scan(&id)
	if err := errors.Join(err, db.Close()); err != nil || id != key.ID || key.Tokens[0].Hint != token.Hint() {
		t.Fatalf("the token of %s belongs to %q, %v", key.ID, id, err)
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

// makeFixture writes an account with three keys and a deleted one, and a user who has signed in.
func makeFixture(t *testing.T) {
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
	tokens := fixtureTokens{}
	var ids []keys.KeyID
	for _, in := range []store.NewKey{
		{Name: "Orders sync", Roles: []string{"orders-manager"}},
		{Name: "Everything", Roles: []string{keys.RoleOwner}},
		{Name: "Catalog sync", Roles: []string{"catalog-viewer", "catalog-editor"}},
		{Name: "Deleted"},
	} {
		clock.Advance(24 * 3600e9)
		in.Nonce = secret.NewNonce()
		made, err := s.GenerateKey(t.Context(), by, in)
		if err != nil {
			t.Fatal(err)
		}
		tokens[made.Key.ID] = made.Token.Reveal()
		ids = append(ids, made.Key.ID)
	}
	delete(tokens, ids[3])
	try := store.LoginTry{Email: user.Email, IP: "192.0.2.7"}
	candidate, err := s.BeginLogin(t.Context(), try)
	if err != nil {
		t.Fatal(err)
	}
	start := store.SessionStart{
		Session: secret.New(secret.KindSession).Digest(), Device: secret.New(secret.KindDevice).Digest(), IP: try.IP, UserAgent: "a browser",
	}
	_, err1 := s.DeleteKey(t.Context(), by, ids[3])
	_, _, err2 := s.DeactivateKey(t.Context(), by, ids[2])
	err3 := s.FinishLogin(t.Context(), by, candidate, try, start, "")
	text, err4 := json.MarshalIndent(tokens, "", "\t")
	if err := errors.Join(err1, err2, err3, err4, s.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, "testdata/fixture-v1.db", read(t, path))
	write(t, "testdata/fixture-v1.json", append(text, '\n'))
}
