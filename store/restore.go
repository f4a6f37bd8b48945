package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"latchkey/keys"
)

// numbersLeftOut is how many stable integers a restore leaves out. Those that were given away after the
// backup was made must not come again: the audit log and what others wrote down name tokens by them.
const numbersLeftOut = 1_000_000

// RestoreReport says what a restore brought back.
type RestoreReport struct {
	// Backup is what was restored.
	Backup BackupReport
	// Newest is when the newest event of the backup happened.
	Newest time.Time
	// Sessions is how many sessions were ended.
	Sessions int64
	// Review are the accounts whose keys wait for an admin's confirmation, and Active their active keys.
	Review []keys.Account
	Active []RestoredKey
	// Replayed is how many events came from the export of the audit log, and LogEnd when the last of them
	// happened. Both are zero when there was none.
	Replayed int
	LogEnd   time.Time
	// Applied are what took access away after the backup and was done again, Lost the keys that were
	// generated after it, and Users the emails of those whose password was changed after it: they have none
	// now.
	Applied []Replayed
	Lost    []string
	Users   []string
}

// RestoredKey is an active key of a restored account.
type RestoredKey struct {
	Account string
	Key     keys.Key
	LastUse keys.LastUse
}

// Replayed is one thing that was done again.
type Replayed struct {
	Action keys.Action
	// Object is the key, role, account or token that it was done to.
	Object string
}

// Restore makes a database at path out of a backup, with nobody signed in. With the events of the audit
// log that export gives, which must go on where the backup's log ends, what was revoked after the backup is
// revoked again, and the log goes on with all of them. Without an export, which is nil then, nobody knows
// what was revoked: each account with an active key is put under review. Until the database is whole, it
// has another name, which begins with path and ".new-". An error that matches ErrRefused says in one line
// why nothing was restored.
func Restore(ctx context.Context, backup, path string, export func(func(ExportedEvent) error) error, o Options) (report RestoreReport, err error) {
	if backup, err = filepath.Abs(backup); err != nil { // the driver reads a name as a URL
		return report, err
	}
	if report.Backup, err = checkBackup(ctx, backup); err != nil {
		return report, err
	}
	var newer []ExportedEvent
	if export != nil {
		if newer, err = newerEvents(export, report.Backup.Head); err != nil {
			return report, err
		}
	}
	making, err := copyBeside(backup, path)
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(making + suffix) // when it did not get its name, it is of no use
		}
	}()
	if err != nil {
		return report, err
	}
	s, err := Open(ctx, making, o)
	if err != nil {
		return report, err
	}
	err = s.restored(ctx, newer, export == nil, &report)
	// Closing the last connection moves the write-ahead log into the file.
	if err := errors.Join(err, s.Close()); err != nil {
		return report, err
	}
	return report, putInPlace(making, path)
}

// checkBackup returns what a backup is, or refuses what is none.
func checkBackup(ctx context.Context, path string) (BackupReport, error) {
	for _, suffix := range []string{"-wal", "-journal", "-shm"} {
		if _, err := os.Lstat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			return BackupReport{}, refused("beside %s there is %s, so it is a database in use and no backup; nothing was restored. Make a backup with latchkey backup",
				path, filepath.Base(path)+suffix)
		}
	}
	if _, err := checkHeader(path, 0); err != nil {
		return BackupReport{}, err
	}
	if err := checkContent(ctx, path, true, 0); err != nil {
		return BackupReport{}, err
	}
	return describe(ctx, path)
}

// copyBeside copies a file to a name that begins with path and ".new-".
func copyBeside(from, path string) (making string, err error) {
	source, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // its mode is 0600
	if err != nil {
		return "", cannotWrite(path, err)
	}
	_, err = io.Copy(target, source)
	return target.Name(), errors.Join(err, target.Sync(), target.Close())
}

// restored is the one transaction of a restore.
func (s *Store) restored(ctx context.Context, newer []ExportedEvent, review bool, report *RestoreReport) error {
	return s.attempt(ctx, keys.Command("latchkey restore"), func(ctx context.Context, t *tx) error {
		if err := t.forgetTheLiving(ctx, report); err != nil {
			return err
		}
		accounts, err := list(ctx, t, scanAccount, `SELECT `+accountColumns+` FROM account ORDER BY number`)
		if err != nil {
			return err
		}
		if review {
			err = t.putUnderReview(ctx, accounts, report)
		} else {
			err = t.replay(ctx, newer, report)
		}
		if err != nil {
			return err
		}
		for _, a := range accounts {
			t.record(keys.AuditEvent{
				Action: keys.ActionBackupRestored, AccountID: a.ID, ObjectKind: objectAccount, ObjectID: a.ID, Object: a.Slug,
				Details: map[string]any{
					"backup": report.Backup.Digest, "backup_head": report.Backup.Head.Seq, "replayed": len(newer),
					"review": slices.ContainsFunc(report.Review, func(r keys.Account) bool { return r.ID == a.ID }),
				},
			})
		}
		return nil
	})
}

// forgetTheLiving ends what a backup must not bring back to life, and leaves numbers out.
func (t *tx) forgetTheLiving(ctx context.Context, report *RestoreReport) (err error) {
	if report.Sessions, err = t.exec(ctx, `DELETE FROM session`); err != nil {
		return err
	}
	for _, query := range []string{`DELETE FROM setup_code`, `DELETE FROM device`} {
		if _, err := t.exec(ctx, query); err != nil {
			return err
		}
	}
	if err := t.voidLinksOfUsers(ctx); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE head SET number = number + $1 WHERE id = 1`, numbersLeftOut); err != nil {
		return err
	}
	var newest int64
	if err := t.row(ctx, `SELECT COALESCE(MAX(at), 0) FROM audit`).Scan(&newest); err != nil {
		return err
	}
	report.Newest = fromMicros(newest)
	return nil
}

// putUnderReview lists every active key and makes its account's admins look at it.
func (t *tx) putUnderReview(ctx context.Context, accounts []keys.Account, report *RestoreReport) error {
	for _, a := range accounts {
		rows, err := t.activeKeys(ctx, a.ID)
		if err != nil {
			return err
		}
		for _, k := range rows {
			if err := t.completeKey(ctx, &k); err != nil {
				return err
			}
			usage, err := t.lastUses(ctx, k)
			if err != nil {
				return err
			}
			report.Active = append(report.Active, RestoredKey{Account: a.Slug, Key: k.Key, LastUse: usage.Last})
		}
		if len(rows) == 0 {
			continue
		}
		if _, err := t.exec(ctx, `UPDATE account SET review_since = $2 WHERE id = $1`, a.ID, t.at.UnixMicro()); err != nil {
			return err
		}
		a.ReviewSince = t.at
		report.Review = append(report.Review, a)
	}
	return nil
}

// reviewOf puts one account under review, because the log says something that we do not know to repeat.
func (t *tx) reviewOf(ctx context.Context, accountID string, report *RestoreReport) error {
	a, err := scanAccount(t.row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, accountID))
	if err != nil {
		return orNothing(err)
	}
	return t.putUnderReview(ctx, []keys.Account{a}, report)
}
