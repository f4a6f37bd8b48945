package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"latchkey/keys/verifier"
	"latchkey/store"
)

// What stands in a data folder.
const (
	databaseFile = "latchkey.db"
	// markerFile holds the instance's id and says that the folder was in use, even when the database
	// is gone: an unmounted volume must not look like a fresh start.
	markerFile = "instance"
	// unfinished starts the names of what a crash leaves of a database that was being made.
	unfinished = databaseFile + ".new-"
)

// instance is an open installation.
type instance struct {
	place
	store *store.Store
	held  *os.File
	// verifier is set when the instance is served.
	verifier atomic.Pointer[verifier.Verifier]
}

// catchUp is the store's AfterCommit, which the store needs before there can be a verifier.
func (i *instance) catchUp(ctx context.Context) error {
	if v := i.verifier.Load(); v != nil {
		return v.CatchUp(ctx)
	}
	return nil
}

// Close closes the database and then gives the lock back, if it was taken.
func (i *instance) Close() error {
	err := i.store.Close()
	if i.held != nil {
		err = errors.Join(err, i.held.Close())
	}
	return err
}

// access says how a command opens an installation.
type access struct {
	// create makes the instance when there is none.
	create bool
	// exclusive holds the lock of the data folder until Close.
	exclusive bool
	options   store.Options
}

// openInstance opens an installation, or returns an error of one line that says what is wrong with it and what
// to do.
func openInstance(ctx context.Context, where place, a access) (*instance, error) {
	if where.postgres() {
		return openOnPostgres(ctx, where, a)
	}
	return openInFolder(ctx, where, a)
}

// openOnPostgres opens a PostgreSQL database. The data folder is then the server's own: other commands do not
// touch it.
func openOnPostgres(ctx context.Context, where place, a access) (inst *instance, err error) {
	inst = &instance{place: where}
	if a.exclusive {
		if inst.held, err = claimFolder(where.folder); err != nil {
			return nil, err
		}
	}
	a.options.AfterCommit, a.options.MustExist = inst.catchUp, !a.create
	if inst.store, err = store.Open(ctx, where.url, a.options); err == nil {
		return inst, nil
	}
	if inst.held != nil {
		_ = inst.held.Close()
	}
	return nil, fmt.Errorf("%s: %w", where, err)
}

// openInFolder opens the SQLite file of a data folder. A folder that is refused is left as it was, but for an
// empty lock file.
func openInFolder(ctx context.Context, where place, a access) (*instance, error) {
	folder := where.folder
	fresh, err := inspect(folder)
	if err != nil {
		return nil, err
	}
	if fresh && !a.create {
		return nil, fmt.Errorf("there is no Latchkey in %s; nothing was done. Start one with latchkey serve or latchkey init, or name its folder with --data", folder)
	}
	inst := &instance{place: where}
	a.options.AfterCommit = inst.catchUp
	if fresh || a.exclusive {
		if inst.held, err = claimFolder(folder); err != nil {
			return nil, err
		}
	}
	if a.exclusive {
		err = checkMoved(folder) // under the lock, which a copy holds, too
	}
	if err == nil {
		err = inst.open(ctx, a)
	}
	if err != nil {
		if inst.held != nil {
			_ = inst.held.Close()
		}
		return nil, err
	}
	return inst, nil
}

// open opens the database, which makes it where it is missing: whole or not at all, so that a crash
// leaves a folder that still counts as empty.
func (i *instance) open(ctx context.Context, a access) error {
	if i.held != nil {
		fresh, err := inspect(i.folder)
		if err != nil {
			return err
		}
		if fresh {
			if err := prepareFolder(i.folder); err != nil {
				return fmt.Errorf("cannot prepare the data folder: %w", err)
			}
		}
	}
	var err error
	if i.store, err = store.Open(ctx, filepath.Join(i.folder, databaseFile), a.options); err != nil {
		if !strings.Contains(err.Error(), i.folder) {
			err = fmt.Errorf("%s: %w", filepath.Join(i.folder, databaseFile), err)
		}
		return err
	}
	if i.held == nil {
		return nil
	}
	if err := mark(i.folder); err != nil {
		return errors.Join(fmt.Errorf("cannot write to the data folder: %w", err), i.store.Close())
	}
	if a.exclusive {
		return nil
	}
	err = i.held.Close()
	i.held = nil
	return err
}

// inspect says whether a data folder is fresh, which is missing or empty, or has a database. Any
// other folder is refused. It changes nothing.
func inspect(folder string) (fresh bool, err error) {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return true, nil
	case errors.Is(err, syscall.ENOTDIR):
		return false, fmt.Errorf("%s is not a folder; it was left as it is. Name a folder with --data", folder)
	case err != nil:
		return false, fmt.Errorf("cannot read the data folder: %w. Let the user that runs latchkey read it, or name another with --data", err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if slices.Contains(names, databaseFile) {
		return false, nil
	}
	if slices.Contains(names, markerFile) {
		return false, fmt.Errorf("%s belongs to a Latchkey, but its database %s is gone; nothing was changed. "+
			"Mount the right volume or restore the database there, or name another folder with --data", folder, databaseFile)
	}
	foreign := slices.DeleteFunc(names, func(name string) bool {
		return name == lockFile || strings.HasPrefix(name, unfinished) || name == "lost+found"
	})
	if len(foreign) > 0 {
		return false, fmt.Errorf("%s holds other files (%s) and no Latchkey database; nothing was changed. Name an empty or a new folder with --data",
			folder, shortList(foreign))
	}
	return true, nil
}

// shortList is at most three names.
func shortList(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// claimFolder makes the folder if it is missing and takes its lock.
func claimFolder(folder string) (*os.File, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the data folder: %w. Choose a place that the user that runs latchkey may write to with --data", err)
	}
	held, err := lock(filepath.Join(folder, lockFile))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("another latchkey is running on %s; nothing was changed. Stop that one first, or name another folder with --data", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write to the data folder: %w. Make %s writable for the user that runs latchkey, or name another with --data", err, folder)
	}
	return held, nil
}

// prepareFolder makes a locked folder ready to hold a database: it takes it away from other users'
// eyes, for one that somebody made for us is often open to others, and removes what a crash left.
// Where the folder cannot be closed (a mount of another owner), the files in it still are.
func prepareFolder(folder string) error {
	//nolint:gosec // A folder needs its x bit; this takes away all bits of others.
	if err := os.Chmod(folder, 0o700); err != nil && !errors.Is(err, os.ErrPermission) {
		return err
	}
	left, err := filepath.Glob(filepath.Join(folder, unfinished+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// mark leaves the marker in the folder of a healthy database, unless it is there.
func mark(folder string) error {
	path := filepath.Join(folder, markerFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return writeFile(path, uuid.NewString()+"\n")
}

// writeFile puts a file for the owner's eyes only in place, whole or not at all.
func writeFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// storeOptions are the options of a store that a command opens.
func storeOptions(now func() time.Time, log *slog.Logger) store.Options {
	return store.Options{Now: now, Log: log}
}
