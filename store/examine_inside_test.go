package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/keys"
)

// A file too large to be read before it is served from is read meanwhile, and Check tells what is
// wrong with it. Here every file is too large.
func TestALargeFileIsExaminedWhileItIsServed(t *testing.T) {
	for name, c := range map[string]struct{ spoil, damaged bool }{"healthy": {false, false}, "damaged": {true, true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "latchkey.db")
			made, err := Open(t.Context(), path, Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			if err := made.Close(); err != nil {
				t.Fatal(err)
			}
			if c.spoil {
				spoilIndex(t, path)
			}
			unchecked, err := checkSQLite(t.Context(), path, 0)
			if !unchecked || err != nil {
				t.Fatalf("unchecked %v, %v", unchecked, err)
			}
			db, err := poolsSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			s := &Store{db: db, options: Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}, loaded: make(chan struct{})}
			s.db.examine = func(ctx context.Context) error { return quickCheck(ctx, path, db.read) }
			s.examine(t.Context())
			for range 2 {
				if _, err := s.LoadFeed(t.Context(), Nothing{}); err != nil {
					t.Fatal(err)
				}
			}
			s.work.Wait()
			if err := s.Check(t.Context()); errors.Is(err, ErrRefused) != c.damaged {
				t.Errorf("Check says %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Nothing is a keys.FeedLoad that keeps nothing.
type Nothing struct{}

func (Nothing) Account(keys.FeedAccount)       {}
func (Nothing) Key(keys.FeedKeyRow)            {}
func (Nothing) KeyRoles(int64, []int64)        {}
func (Nothing) KeyGrant(int64, keys.FeedGrant) {}
func (Nothing) Token(keys.FeedTokenRow)        {}

// What looks like damage is looked at again when another program wrote meanwhile, and only then.
func TestDamageIsCheckedAgainWhenTheFileChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	for name, c := range map[string]struct {
		meanwhile func() error // another program, while the file is checked for the first time
		checks    int
	}{
		"nothing happened":      {func() error { return nil }, 1},
		"a log came":            {func() error { return os.WriteFile(path+"-wal", []byte("frames"), 0o600) }, 2},
		"the file grew":         {func() error { return os.WriteFile(path, []byte("pages and more"), 0o600) }, 2},
		"the file was modified": {func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }, 2},
	} {
		if err := errors.Join(os.RemoveAll(path+"-wal"), os.WriteFile(path, []byte("pages"), 0o600)); err != nil {
			t.Fatal(err)
		}
		checks := 0
		err := checkUndisturbed(path, func(int64) error {
			if checks++; checks == 1 {
				return errors.Join(damaged(path, "a page"), c.meanwhile())
			}
			return nil
		})
		if checks != c.checks || errors.Is(err, ErrRefused) != (checks == 1) {
			t.Errorf("%s: %d checks, want %d; %v", name, checks, c.checks, err)
		}
	}
}

// spoilIndex overwrites the root page of an index, which nothing reads before the whole file is read.
func spoilIndex(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var page, size int64
	if err := errors.Join(
		db.QueryRowContext(t.Context(), `SELECT rootpage FROM sqlite_master WHERE name = 'audit_object'`).Scan(&page),
		db.QueryRowContext(t.Context(), `PRAGMA page_size`).Scan(&size),
		db.Close(),
	); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = 0xa5
	}
	_, err = file.WriteAt(garbage, (page-1)*size)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
