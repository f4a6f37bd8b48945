package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteReaders is how many reads of one store run at once.
const sqliteReaders = 8

// The pragmas stand in the DSN, because a pool opens connections when it likes, and each needs them.
// Transactions of the one writer begin immediate: one that begins as a reader and then writes fails
// with SQLITE_BUSY whatever busy_timeout says.
var (
	sqliteWriter = url.Values{
		"_pragma": {"busy_timeout(2000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(16777216)"},
		"_txlock": {"immediate"},
	}
	sqliteReader = url.Values{"_pragma": {"busy_timeout(2000)", "query_only(1)"}}
)

func openSQLite(ctx context.Context, path string) (database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return database{}, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createSQLite(ctx, path); err != nil {
			return database{}, err
		}
	}
	unchecked, err := checkSQLite(ctx, path, fullCheckSize)
	if err != nil {
		return database{}, err
	}
	db, err := poolsSQLite(path)
	if err != nil {
		return database{}, err
	}
	if err := migrate(ctx, goose.DialectSQLite3, db.write, nil); err != nil {
		return database{}, errors.Join(err, db.close())
	}
	if unchecked {
		db.examine = func(ctx context.Context) error { return quickCheck(ctx, path, db.read) }
	}
	return db, nil
}

func poolsSQLite(path string) (database, error) {
	write, err := sql.Open("sqlite", dsn(path, withTempFolder(sqliteWriter, filepath.Dir(path))))
	if err != nil {
		return database{}, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn(path, sqliteReader))
	if err != nil {
		return database{}, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return database{
		path: path, write: write, read: read, feed: read, writes: newStatements(write), reads: newStatements(read),
		snapshot: &sql.TxOptions{ReadOnly: true}, retryable: retryableSQLite,
	}, nil
}

// withTempFolder makes SQLite put its temporary files into the database's own folder: an image without a system
// has no other that can be written to, and there even an index of many keys could not be made. Kept in memory
// instead, a sort would take as much of it as there are rows. SQLite has one such folder for the whole process, so
// it is enough that the writer, which every store has, names it. SQLite's manual prefers the variable to this
// pragma, but reads it only once, at the first database of the process, which may be a backup elsewhere.
func withTempFolder(query url.Values, folder string) url.Values {
	if os.Getenv("SQLITE_TMPDIR") != "" {
		return query // somebody has chosen
	}
	query = maps.Clone(query)
	query["_pragma"] = append(slices.Clone(query["_pragma"]), "temp_store_directory('"+strings.ReplaceAll(folder, "'", "''")+"')")
	return query
}

func dsn(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// createSQLite makes an empty database.
func createSQLite(ctx context.Context, path string) error {
	return makeSQLite(ctx, path, func(database) error { return nil })
}

// makeSQLite makes a database beside its place, fills it, and moves it there once it is whole: a program that
// is killed meanwhile leaves no empty file in the place of a database.
func makeSQLite(ctx context.Context, path string, fill func(db database) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // its mode is 0600
	if err != nil {
		return cannotWrite(path, err)
	}
	making := file.Name()
	defer func() { _ = os.Remove(making) }() // when it did not get a second name, it is of no use
	if err := file.Close(); err != nil {
		return err
	}
	db, err := poolsSQLite(making)
	if err != nil {
		return err
	}
	if err = migrate(ctx, goose.DialectSQLite3, db.write, nil); err == nil {
		err = fill(db)
	}
	// Closing the last connection moves the write-ahead log into the file, and syncs it.
	if err := errors.Join(err, db.close()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	// A rename would replace a database that another program has made meanwhile. Some file systems
	// have no second names; there the caller's lock is what keeps other programs away.
	err = os.Link(making, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(making, path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return cannotWrite(path, err)
	}
	return nil
}

// retryableSQLite is a database that another program was writing to when the transaction began.
func retryableSQLite(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && failure.Code()&0xff == sqlite3.SQLITE_BUSY
}
