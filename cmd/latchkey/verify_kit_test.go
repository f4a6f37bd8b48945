package main

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// inStore opens the database of a folder, which may be served meanwhile, as the owner of acme, and closes
// it again.
func inStore(t testing.TB, folder string, do func(s *store.Store, by keys.Actor)) {
	t.Helper()
	inStoreOf(t, folder, "acme", do)
}

func inStoreOf(t testing.TB, folder, slug string, do func(s *store.Store, by keys.Actor)) {
	t.Helper()
	inStoreAt(t, filepath.Join(folder, databaseFile), slug, do)
}

// inStoreAt is inStoreOf for the URL of a database.
func inStoreAt(t testing.TB, database, slug string, do func(s *store.Store, by keys.Actor)) {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	accounts, err := s.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account := accounts[slices.IndexFunc(accounts, func(a keys.Account) bool { return a.Slug == slug })]
	users, err := s.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner := users[slices.IndexFunc(users, func(u keys.User) bool { return u.Account == slug })]
	do(s, demoActor(account, owner))
}

// issued is a key with its token.
type issued struct {
	id     keys.KeyID
	number int64
	token  string
}

// issue generates keys with the role orders-viewer.
func issue(t testing.TB, s *store.Store, by keys.Actor, n int) (all []issued) {
	t.Helper()
	for range n {
		made, err := s.GenerateKey(t.Context(), by, store.NewKey{Name: "Order sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, issued{made.Key.ID, made.Key.Tokens[0].Number, made.Token.Reveal()})
	}
	return all
}

// guarded returns a data folder with n keys of acme.
func guarded(t testing.TB, n int) (folder string, all []issued) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "data")
	code := run(t.Context(), []string{"init", "--data", folder, "--account", "acme", "--email", "ana@acme.example", "--password-file", "-"}, nil,
		strings.NewReader(goodPassword), io.Discard, io.Discard)
	if code != 0 {
		t.Fatalf("init ended with %d", code)
	}
	inStore(t, folder, func(s *store.Store, by keys.Actor) { all = issue(t, s, by, n) })
	return folder, all
}

// pair and bearer are the two ways to present a token.
func (k issued) pair() http.Header {
	return http.Header{
		http.CanonicalHeaderKey(keys.DefaultKeyHeader): {string(k.id)}, http.CanonicalHeaderKey(keys.DefaultTokenHeader): {k.token},
	}
}

func (k issued) bearer() http.Header { return http.Header{"Authorization": {"Bearer " + k.token}} }

// caller asks a server over kept connections.
type caller struct {
	t    testing.TB
	base string
	http *http.Client
}

func newCaller(t testing.TB, base string) *caller {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t, base, &http.Client{Transport: transport, Timeout: deadline}}
}

// newSocketCaller asks through a Unix socket.
func newSocketCaller(t testing.TB, path string) *caller {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t, "http://socket", &http.Client{Transport: transport, Timeout: deadline}}
}

// verdict is an answer to a verification.
type verdict struct {
	status int
	header http.Header
	body   string
}

// try sends a request, and returns an error when there is no whole answer.
func (c *caller) try(method, path string, header http.Header, body string) (verdict, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		return verdict{}, err
	}
	r.Header = header.Clone()
	answer, err := c.http.Do(r)
	if err != nil {
		return verdict{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return verdict{answer.StatusCode, answer.Header, string(text)}, err
}

func (c *caller) get(path string, header http.Header) verdict {
	c.t.Helper()
	got, err := c.try(http.MethodGet, path, header, "")
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// is fails the test unless the answer has a status.
func (v verdict) is(t testing.TB, status int) {
	t.Helper()
	if v.status != status {
		t.Errorf("answered %d %q %s; want %d", v.status, v.header.Get("WWW-Authenticate"), v.body, status)
	}
}

// rawDB opens the database of a folder that may be served meanwhile.
func rawDB(t testing.TB, folder string) *sql.DB {
	t.Helper()
	return rawFile(t, filepath.Join(folder, databaseFile))
}

func rawFile(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// number returns the one number that a query finds.
func number(t testing.TB, db *sql.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func sqlExec(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
