package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// An odd file is refused in one line that names it, and nothing in its folder changes.
func TestOddFileIsRefusedUntouched(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"empty":                   func(t *testing.T, path string) { write(t, path, nil) },
		"text":                    func(t *testing.T, path string) { write(t, path, []byte("account,key\nacme,1\n")) },
		"short text":              func(t *testing.T, path string) { write(t, path, []byte("x")) },
		"zeroed header":           func(t *testing.T, path string) { overwrite(t, path, 0, make([]byte, 100)) },
		"truncated to half":       func(t *testing.T, path string) { truncate(t, path, size(t, path)/2) },
		"truncated by one byte":   func(t *testing.T, path string) { truncate(t, path, size(t, path)-1) },
		"truncated in the header": func(t *testing.T, path string) { truncate(t, path, 60) },
		"two garbage pages":       func(t *testing.T, path string) { overwrite(t, path, 4096, garbage(2)) },
		"a newer schema": func(t *testing.T, path string) {
			run(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
		},
		"another program's":        func(t *testing.T, path string) { remove(t, path); run(t, path, `CREATE TABLE notes (text TEXT)`) },
		"a folder":                 func(t *testing.T, path string) { remove(t, path); mkdir(t, path) },
		"garbage pages beside log": func(t *testing.T, path string) { crash(t, path); overwrite(t, path, 4096, garbage(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := healthy(t)
			spoil(t, path)
			wantRefused(t, path)
		})
	}
}

func TestURLOfAnotherKindIsRefused(t *testing.T) {
	_, err := store.Open(t.Context(), "mysql://localhost/latchkey", options())
	if !errors.Is(err, store.ErrRefused) {
		t.Fatalf("got %v", err)
	}
}

// A file beside which a log stands is what a crash leaves: what was committed is in the log.
func TestFileOfACrashIsOpened(t *testing.T) {
	path := healthy(t)
	crash(t, path)
	s := open(t, path)
	accounts, err := s.Accounts(t.Context())
	if err != nil || len(accounts) != 2 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
}

func TestNewFileIsPrivateAndWhole(t *testing.T) {
	path := healthy(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if names := names(t, filepath.Dir(path)); len(names) != 1 {
		t.Fatalf("its folder holds %q", names)
	}
}

// The name of the folder is a part of what SQLite is told when the file is opened.
func TestFileInAFolderWithAnOddNameIsOpened(t *testing.T) {
	for _, name := range []string{"it's", "a;b", "50% & more?", "ünï“cödé”"} {
		folder := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), filepath.Join(folder, "latchkey.db"), options())
		if err != nil {
			t.Errorf("in a folder %s: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFileInAMissingFolderIsRefused(t *testing.T) {
	_, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "none", "latchkey.db"), options())
	if !errors.Is(err, store.ErrRefused) {
		t.Fatalf("got %v", err)
	}
}

// Programs that start at once on a database that is not there yet all get the same one.
func TestOpenAtOnce(t *testing.T) {
	for name, fresh := range map[string]func(t testing.TB) string{
		"SQLite":   storetest.SQLite,
		"Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			var opening sync.WaitGroup
			for i := range 6 {
				opening.Go(func() {
					s, err := store.Open(t.Context(), url, options())
					if err != nil {
						t.Error(err)
						return
					}
					if err := addAccount(t.Context(), s, fmt.Sprintf("account%d", i)); err != nil {
						t.Error(err)
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			opening.Wait()
			accounts, err := open(t, url).Accounts(t.Context())
			if err != nil || len(accounts) != 6 {
				t.Fatalf("%d accounts, %v", len(accounts), err)
			}
		})
	}
}

func TestNewerSchemaOfPostgresIsRefused(t *testing.T) {
	url := storetest.Postgres(t)
	open(t, url)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), url, options()); !errors.Is(err, store.ErrRefused) {
		t.Fatalf("got %v", err)
	}
}

func wantRefused(t *testing.T, path string) {
	t.Helper()
	before := contents(t, filepath.Dir(path))
	s, err := store.Open(t.Context(), "sqlite://"+path, options())
	if err == nil {
		t.Fatal("opened", s.Close())
	}
	if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("refused with %q", err)
	}
	if after := contents(t, filepath.Dir(path)); after != before {
		t.Fatal("the folder changed")
	}
}

func options() store.Options { return store.Options{Now: storetest.NewClock().Now} }

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func addAccount(ctx context.Context, s *store.Store, slug string) error {
	_, _, err := s.CreateAccount(ctx, keys.Command("test"), store.NewAccount{Slug: slug, Zone: "UTC", Email: slug + "@acme.example", PasswordPHC: "x"})
	return err
}

// healthy makes a database with an account and some keys, and closes it.
func healthy(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "latchkey.db")
	s, err := store.Open(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := s.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "x"})
	for i := range 20 {
		if err == nil {
			_, err = s.GenerateKey(t.Context(), keys.Command("test").In(account), store.NewKey{Name: fmt.Sprint(i), Nonce: secret.NewNonce()})
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// crash adds an account and leaves the files as a program leaves them that is killed.
func crash(t *testing.T, path string) {
	t.Helper()
	s, err := store.Open(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	err = addAccount(t.Context(), s, "late")
	file, log := read(t, path), read(t, path+"-wal")
	if err := errors.Join(err, s.Close()); err != nil || len(log) == 0 {
		t.Fatalf("%d bytes of log, %v", len(log), err)
	}
	write(t, path, file)
	write(t, path+"-wal", log)
}

// run runs a statement on a file and leaves no log beside it.
func run(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// contents are the names, modes and bytes of all files of a folder.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		fmt.Fprintf(&all, "%s %v %x\n", path, info.Mode(), read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int, content []byte) {
	t.Helper()
	all := read(t, path)
	copy(all[at:], content)
	write(t, path, all)
}

func truncate(t *testing.T, path string, to int) {
	t.Helper()
	write(t, path, read(t, path)[:to])
}

func size(t *testing.T, path string) int { t.Helper(); return len(read(t, path)) }

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func garbage(pages int) []byte { return bytes.Repeat([]byte("garbage\xff"), pages*4096/8) }
