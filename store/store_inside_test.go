package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// An id that a key has had, even a deleted one, is never given to another.
func TestKeyIDIsNeverUsedAgain(t *testing.T) {
	s, by := insideStore(t)
	first := generate(t, s, by)
	suffix := string(first.ID)[len("appkey-acme-"):]
	if _, err := s.DeleteKey(t.Context(), by, first.ID); err != nil {
		t.Fatal(err)
	}
	suffixes := []string{suffix, suffix, "NEWSUFFX"}
	s.newSuffix = func() string {
		next := suffixes[0]
		suffixes = suffixes[1:]
		return next
	}
	if second := generate(t, s, by); second.ID != "appkey-acme-NEWSUFFX" || len(suffixes) != 0 {
		t.Fatalf("the second key is %s", second.ID)
	}
}

// A full disk refuses changes and changes nothing; reads go on, and so does everything once there is
// room, without opening the database again.
func TestFullDiskHeals(t *testing.T) {
	s, by := insideStore(t)
	kept := generate(t, s, by)
	limit(t, s, 1) // the least that it takes is the size that the file has
	made := 1
	var err error
	for ; err == nil; made++ {
		_, err = s.GenerateKey(t.Context(), by, NewKey{Name: fmt.Sprint(made), Nonce: secret.NewNonce()})
	}
	if keys.KindOf(err) != keys.KindUnavailable {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Key(t.Context(), by, kept.ID); err != nil {
		t.Fatal(err)
	}
	limit(t, s, 1_000_000)
	generate(t, s, by)
	page, err := s.Keys(t.Context(), by, KeyAsk{Limit: 1})
	if err != nil || page.Total != made {
		t.Fatalf("%d keys, want %d: %v", page.Total, made, err)
	}
	report, err := s.VerifyAudit(t.Context())
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("%v, %v", report.Damage, err)
	}
}

// limit sets how many pages the database may have.
func limit(t *testing.T, s *Store, pages int) {
	t.Helper()
	if _, err := s.db.write.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
}

// A change that cannot begin because another program writes is tried again.
func TestBusyDatabaseIsTriedAgain(t *testing.T) {
	s, by := insideStore(t)
	attempts := 0
	retryable := s.db.retryable
	busy := errors.New("busy")
	s.db.retryable = func(err error) bool { return errors.Is(err, busy) || retryable(err) }
	err := s.change(t.Context(), by, func(context.Context, *tx) error {
		if attempts++; attempts < 4 {
			return busy
		}
		return nil
	})
	if err != nil || attempts != 4 {
		t.Fatalf("%d attempts, %v", attempts, err)
	}
}

func insideStore(t *testing.T) (*Store, keys.Actor) {
	t.Helper()
	now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "latchkey.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	command := keys.Command("test")
	account, _, err := s.CreateAccount(t.Context(), command, NewAccount{Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return s, command.In(account)
}

func generate(t *testing.T, s *Store, by keys.Actor) keys.Key {
	t.Helper()
	made, err := s.GenerateKey(t.Context(), by, NewKey{Name: "Orders sync", Nonce: secret.NewNonce()})
	if err != nil {
		t.Fatal(err)
	}
	return made.Key
}
