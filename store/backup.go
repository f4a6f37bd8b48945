package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// BackupReport says what a backup is.
type BackupReport struct {
	// Size is that of the file in bytes, and Digest the SHA-256 of it in hex.
	Size   int64
	Digest string
	// Head is the end of the audit log that the file holds. An export of the log that goes on from there
	// says what was revoked later.
	Head AuditHead
}

// Backup writes the database, as it is at one moment after the call, into a file for the owner's eyes only,
// and checks what it wrote. Others may work on the database meanwhile. The file is there whole or not at
// all. An error that matches ErrRefused says that there is a file of that name already, which stays as it
// is, or that the database is not a file. That the backup was made is recorded after it.
func (s *Store) Backup(ctx context.Context, by keys.Actor, path string) (report BackupReport, err error) {
	if s.db.path == "" {
		return report, refused("only a database in a file is backed up by this; for PostgreSQL use pg_dump")
	}
	if path, err = filepath.Abs(path); err != nil { // the driver reads a name as a URL
		return report, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return report, refused("%s exists already, and was left as it is; name another file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // its mode is 0600
	if err != nil {
		return report, cannotWrite(path, err)
	}
	making := file.Name()
	defer func() { _ = os.Remove(making) }() // when it did not get its name, it is of no use
	if err := file.Close(); err != nil {
		return report, err
	}
	if _, err := s.db.write.ExecContext(ctx, `VACUUM INTO $1`, making); err != nil {
		return report, fmt.Errorf("copy the database to %s: %w", path, err)
	}
	if err := checkContent(ctx, making, true, 0); err != nil {
		return report, err
	}
	if report, err = describe(ctx, making); err != nil {
		return report, err
	}
	if err := putInPlace(making, path); err != nil {
		return report, err
	}
	return report, s.change(ctx, by, func(_ context.Context, t *tx) error {
		t.record(keys.AuditEvent{
			Action: keys.ActionBackupMade, ObjectKind: objectBackup, ObjectID: report.Digest, Object: filepath.Base(path),
			Details: map[string]any{"size": report.Size, "head": report.Head.Seq},
		})
		return nil
	})
}

// describe reads a database file that nobody writes to.
func describe(ctx context.Context, path string) (report BackupReport, err error) {
	file, err := os.Open(path)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return report, err
	}
	digest, err := secret.SumReader(file)
	if err != nil {
		return report, err
	}
	report.Size, report.Digest = info.Size(), hex.EncodeToString(digest.Bytes())
	db, err := sql.Open("sqlite", dsn(path, url.Values{"mode": {"ro"}, "immutable": {"1"}}))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, `SELECT seq, chain FROM head WHERE id = 1`).Scan(&report.Head.Seq, &report.Head.Hash)
	return report, err
}

// putInPlace gives a file its name, once it is on the disk, unless there is a file of that name.
func putInPlace(making, path string) error {
	if err := syncFile(making); err != nil {
		return err
	}
	err := os.Link(making, path)
	if errors.Is(err, fs.ErrExist) {
		return refused("%s exists already, and was left as it is; name another file", path)
	}
	if err != nil { // some file systems have no second names
		err = os.Rename(making, path)
	}
	if err != nil {
		return cannotWrite(path, err)
	}
	return syncFile(filepath.Dir(path))
}

// syncFile waits until a file or a folder is on the disk.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
