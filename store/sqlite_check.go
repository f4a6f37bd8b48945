package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pressly/goose/v3"
)

// This file looks at a SQLite file before anything may write to it. SQLite itself would take an empty
// file for a new database, would find garbage pages only when it reads them, and would repair what it
// takes for a crash. So the file is opened in a mode that writes nothing: immutable when there is no
// write-ahead log, and read-only when there is one, since immutable would hide what stands in it.
//
// All of this comes before the database is opened for work: on Unix, closing any file descriptor of a
// file releases the locks that the process holds on it. Those of another Store of this process are
// released, too, which is why there must be none when other programs use the file.

// fullCheckSize is up to which size a file is checked in full before it is served from: it takes a
// second or so. A larger one is, after a clean stop, checked while it is served from.
const fullCheckSize = 256 << 20

// checkSQLite returns a refusal when the file is not a healthy database of ours that can be written.
// Unless its content was checked in full, unchecked is true.
func checkSQLite(ctx context.Context, path string, fullCheckSize int64) (unchecked bool, err error) {
	walSize, err := sizeOf(path + "-wal")
	if err != nil {
		return false, cannotWrite(path, err)
	}
	size, err := checkHeader(path, walSize)
	if err != nil {
		return false, err
	}
	full := size <= fullCheckSize || walSize > 0
	if err := checkUndisturbed(path, func(walSize int64) error { return checkContent(ctx, path, full, walSize) }); err != nil {
		return false, err
	}
	return !full, checkWritable(path)
}

// checkUndisturbed checks the content again when another program wrote meanwhile: what an immutable
// reader takes for damage may be a page that was half written.
func checkUndisturbed(path string, check func(walSize int64) error) error {
	const checks = 5
	for i := 1; ; i++ {
		before := stateOf(path)
		err := check(before.walSize)
		if err == nil || i == checks || stateOf(path) == before {
			return err
		}
	}
}

// fileState is what of a database differs when another program has written to it.
type fileState struct{ size, modified, walSize int64 }

// stateOf is the state of a database. Where it cannot be read, checkContent tells why.
func stateOf(path string) (s fileState) {
	if info, err := os.Stat(path); err == nil {
		s.size, s.modified = info.Size(), info.ModTime().UnixNano()
	}
	s.walSize, _ = sizeOf(path + "-wal")
	return s
}

// sizeOf is the size of a file, or 0 when there is none.
func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// checkHeader reads the first bytes of the file.
func checkHeader(path string, walSize int64) (size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, refused("%s cannot be read (%v); check its owner and permissions", path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, refused("%s is not a file; name the path of a database file", path)
	}
	if info.Size() == 0 && walSize == 0 {
		return 0, refused("%s is empty, which a database of ours never is; restore a backup, or move it away to start afresh", path)
	}
	header := make([]byte, 100)
	_, err = io.ReadFull(file, header)
	switch {
	case info.Size() == 0: // everything is still in the log
	case err != nil || !bytes.HasPrefix(header, []byte("SQLite format 3\x00")):
		return 0, refused("%s is not a database; name another path, restore a backup, or move it away to start afresh", path)
	case walSize == 0 && info.Size()%pageSize(header) != 0:
		return 0, damaged(path, "cut off in the middle of a page")
	}
	return info.Size(), nil
}

// pageSize is the size of the database's pages, 2 bytes at 16 of its header. Of 65536 only a 1 is
// left there.
func pageSize(header []byte) int64 {
	if size := int64(binary.BigEndian.Uint16(header[16:])); size > 1 {
		return size
	}
	return 65536
}

// checkContent reads the database without writing beside it.
func checkContent(ctx context.Context, path string, full bool, walSize int64) (err error) {
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(2000)"}}
	if walSize == 0 {
		query.Set("immutable", "1")
	} else if _, missing := os.Stat(path + "-shm"); missing != nil {
		// SQLite makes its index of the log also when it may only read. What is opened needs it at once,
		// but of what is refused nothing stays behind.
		defer func() {
			if err != nil {
				removeUnused(path + "-shm")
			}
		}()
	}
	db, err := sql.Open("sqlite", dsn(path, query))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if full {
		if err := quickCheck(ctx, path, db); err != nil {
			return err
		}
	}
	return checkSchema(ctx, path, db)
}

// quickCheck reads the whole database and returns a refusal when it is damaged.
func quickCheck(ctx context.Context, path string, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return damaged(path, err.Error())
	}
	if verdict != "ok" {
		return damaged(path, verdict)
	}
	return nil
}

func damaged(path, how string) error {
	how = strings.Join(strings.Fields(how), " ") // SQLite writes several lines
	return refused("%s is damaged (%s); restore a backup, or move it and its -wal away to start afresh", path, how)
}

// checkSchema refuses a database of another program, or of a newer version of this one.
func checkSchema(ctx context.Context, path string, db *sql.DB) error {
	var have int64
	err := db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&have)
	if err != nil {
		return refused("%s is not a Latchkey database; name another path", path)
	}
	provider, err := migrator(goose.DialectSQLite3, db, nil)
	if err != nil {
		return err
	}
	if err := checkVersion(have, provider); err != nil {
		return refused("%s: %v", path, err)
	}
	return nil
}

// removeUnused removes the index of a log, unless another program has the database open: each such
// program holds a shared lock on byte 128 of that file, and if it went on with a file that has no name
// any more, it and whoever comes next would overwrite what the other has written.
func removeUnused(shm string) {
	file, err := os.OpenFile(shm, os.O_RDWR, 0)
	if err != nil {
		return // it was not made
	}
	defer func() { _ = file.Close() }() // which also gives the lock back
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 128, Len: 1}
	if syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock) == nil {
		_ = os.Remove(shm) // it is scratch, and may stay
	}
}

// checkWritable opens the file for writing and makes a file beside it, as SQLite will have to.
func checkWritable(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return cannotWrite(path, err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	probe, err := os.CreateTemp(filepath.Dir(path), ".write-probe-*")
	if err != nil {
		return cannotWrite(path, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func cannotWrite(path string, err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // without the name of a file that is not theirs
	}
	return refused("%s cannot be written (%v); mount its folder writable and check its owner and permissions", path, err)
}
