package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// serveRefused starts the real binary on a folder and expects it to give up within five seconds, in
// one line that names the folder and has the words, and to leave every byte as it was. Only an empty
// lock file may be new.
func serveRefused(t *testing.T, folder string, words ...string) {
	t.Helper()
	program := binary(t)
	before := contents(t, folder)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0", "--data", folder)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"PATH=" + os.Getenv("PATH")}, &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailed {
		t.Fatalf("the program ended with %v; want exit code %d within 5 s", err, exitFailed)
	}
	result{stdout.String(), stderr.String(), exitFailed}.refused(t, append(words, folder)...)
	after := contents(t, folder)
	if _, had := before[lockFile]; !had && after[lockFile] == "" {
		delete(after, lockFile)
	}
	if !maps.Equal(before, after) {
		t.Errorf("the folder was touched: it held %v and holds %v", names(before), names(after))
	}
}

func names(files map[string]string) (list []string) {
	for name := range files {
		list = append(list, name)
	}
	return list
}

// change rewrites a file.
func change(t *testing.T, path string, how func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, how(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sqlDo runs statements on the database of a folder that nobody serves.
func sqlDo(t *testing.T, folder string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(folder, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		done, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: changed %d rows, %v", statement, n, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOddDatabasesAreRefusedUntouched(t *testing.T) {
	const pageSize = 4096
	tests := []struct {
		name string
		odd  func(t *testing.T, folder string)
		word string
	}{
		{"empty file", func(t *testing.T, folder string) {
			change(t, filepath.Join(folder, databaseFile), func([]byte) []byte { return nil })
		}, "empty"},
		{"text file", func(t *testing.T, folder string) {
			change(t, filepath.Join(folder, databaseFile), func([]byte) []byte { return []byte(strings.Repeat("Dear diary, \n", 1000)) })
		}, "not"},
		{"truncated", func(t *testing.T, folder string) {
			change(t, filepath.Join(folder, databaseFile), func(b []byte) []byte { return b[:len(b)/2+100] })
		}, ""},
		{"two garbage pages", func(t *testing.T, folder string) {
			change(t, filepath.Join(folder, databaseFile), func(b []byte) []byte {
				copy(b[5*pageSize:7*pageSize], bytes.Repeat([]byte{0xa5}, 2*pageSize))
				return b
			})
		}, ""},
		{"newer schema", func(t *testing.T, folder string) {
			sqlDo(t, folder, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
		}, "newer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := initialised(t)
			tt.odd(t, folder)
			serveRefused(t, folder, tt.word)
		})
	}
}

func TestFoldersThatAreNoDataFolderAreRefusedUntouched(t *testing.T) {
	tests := []struct {
		name string
		odd  func(t *testing.T, folder string) error
		word string
	}{
		{"folder with other files", func(_ *testing.T, folder string) error {
			return os.WriteFile(filepath.Join(folder, "holiday.jpg"), []byte("not a database"), 0o600)
		}, "holiday.jpg"},
		{"folder with hidden files", func(_ *testing.T, folder string) error {
			return os.WriteFile(filepath.Join(folder, ".bashrc"), []byte("alias ll='ls -l'"), 0o600)
		}, ".bashrc"},
		{"folder with other folders", func(_ *testing.T, folder string) error {
			return os.Mkdir(filepath.Join(folder, "photos"), 0o700)
		}, "photos"},
		{"marker of an instance without its database", func(_ *testing.T, folder string) error {
			return os.WriteFile(filepath.Join(folder, markerFile), []byte("1b4e28ba\n"), 0o600)
		}, "restore"},
		{"log of a database without the database", func(_ *testing.T, folder string) error {
			return os.WriteFile(filepath.Join(folder, databaseFile+"-wal"), []byte("frames"), 0o600)
		}, databaseFile + "-wal"},
		{"folder in the place of the database", func(_ *testing.T, folder string) error {
			return os.Mkdir(filepath.Join(folder, databaseFile), 0o700)
		}, "not a file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := tt.odd(t, folder); err != nil {
				t.Fatal(err)
			}
			serveRefused(t, folder, tt.word)
		})
	}
	t.Run("file in the place of the folder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(file, []byte("a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		cli(t, "", "serve", "--listen", "127.0.0.1:0", "--data", file).refused(t, file, "not a folder")
		if content, err := os.ReadFile(file); err != nil || string(content) != "a file" {
			t.Errorf("the file holds %q (%v); want it untouched", content, err)
		}
	})
}

func TestAReadOnlyMountIsRefused(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T) string{
		"with an instance": initialised,
		"empty":            func(t *testing.T) string { return t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			folder := prepare(t)
			mountReadOnly(t, folder)
			serveRefused(t, folder, "read-only")
			if r := cli(t, "", "user", "reset", "ana@acme.example", "--data", folder); r.code == 0 {
				t.Errorf("user reset succeeded on a read-only mount")
			}
		})
	}
}

// mountReadOnly mounts a folder over itself, read-only. Taking write permission away is not enough:
// root writes all the same.
func mountReadOnly(t *testing.T, folder string) {
	t.Helper()
	if err := syscall.Mount(folder, folder, "", syscall.MS_BIND, ""); err != nil {
		if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
			t.Fatalf("cannot mount: %v", err)
		}
		t.Skipf("a read-only mount needs privileges: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	if err := syscall.Mount("", folder, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

func TestAnInstanceIsMadeInAMissingOrEmptyFolder(t *testing.T) {
	for name, prepare := range map[string]func(folder string) error{
		"missing":       func(string) error { return nil },
		"empty":         func(folder string) error { return os.MkdirAll(folder, 0o755) },
		"new volume":    func(folder string) error { return os.MkdirAll(filepath.Join(folder, "lost+found"), 0o755) },
		"after a crash": func(folder string) error { return halfMade(folder) },
		"lock file left over": func(folder string) error {
			return errors.Join(os.MkdirAll(folder, 0o755), touch(filepath.Join(folder, lockFile)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "deep", "data")
			if err := prepare(folder); err != nil {
				t.Fatal(err)
			}
			s := serveFolder(t, folder)
			for file, mode := range map[string]fs.FileMode{
				"": fs.ModeDir | 0o700, databaseFile: 0o600, markerFile: 0o600, lockFile: 0o600, setupCodeFile: 0o600,
			} {
				info, err := os.Stat(filepath.Join(folder, file))
				if err != nil {
					t.Error(err)
				} else if info.Mode() != mode {
					t.Errorf("%s has mode %v; want %v", info.Name(), info.Mode(), mode)
				}
			}
			marker := contents(t, folder)[markerFile]
			s.stop()

			again := serveFolder(t, folder)
			if got := contents(t, folder)[markerFile]; got != marker || len(marker) != 37 {
				t.Errorf("the instance's id was %q and is %q; want it to stay", marker, got)
			}
			if left, _ := filepath.Glob(filepath.Join(folder, unfinished+"*")); len(left) != 0 {
				t.Errorf("an unfinished database is still there: %v", left)
			}
			again.stop()
		})
	}
}

func halfMade(folder string) error {
	return errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, unfinished+"123"), []byte("half"), 0o600))
}

func touch(path string) error { return os.WriteFile(path, nil, 0o600) }

func TestADatabaseThatWasBroughtHereIsServed(t *testing.T) {
	from, folder := initialised(t), t.TempDir()
	if err := os.Rename(filepath.Join(from, databaseFile), filepath.Join(folder, databaseFile)); err != nil {
		t.Fatal(err)
	}
	s := serveFolder(t, folder)
	newBrowser(t, s.url).signIn("ana@acme.example", goodPassword)
	s.stop()
	if contents(t, folder)[markerFile] == "" {
		t.Error("the folder has no marker; want one")
	}
}

func TestCommandsAboutAnInstanceMakeNone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{
		{"account", "list"},
		{"user", "list"},
		{"user", "reset", "ana@acme.example"},
		{"user", "unlock", "ana@acme.example"},
		{"audit", "verify"},
		{"account", "create", "--account", "acme", "--email", "ana@acme.example", "--password-file", passwordFile(t, goodPassword)},
	} {
		cli(t, "", append(args, "--data", folder)...).refused(t, folder, "--data")
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestASecondServeIsRefused(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	first := serveFolder(t, folder)
	cli(t, "", "serve", "--listen", "127.0.0.1:0", "--data", folder).refused(t, "another latchkey", folder)
	if got := newBrowser(t, first.url).get("/healthz"); got.status != 200 {
		t.Errorf("/healthz of the first answered %d; want 200", got.status)
	}
	// The kernel gives the lock of a killed program back.
	first.signal(syscall.SIGKILL)
	first.exitCode()
	serveFolder(t, folder).stop()
}
