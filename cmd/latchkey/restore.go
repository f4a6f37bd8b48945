package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"latchkey/store"
)

// exitReview is the exit code of a restore that is done, but after which the keys wait for an admin.
const exitReview = 3

// reviewRequired is how a restore without an audit log ends.
type reviewRequired struct{ accounts []string }

func (e reviewRequired) Error() string {
	return fmt.Sprintf("review required: the backup is restored, but nobody knows which of its keys were deactivated or deleted after it. "+
		"Until an admin has looked through the active keys of %s in the console (Account Settings > API Keys shows the way) "+
		"or latchkey account confirm ACCOUNT was run, verifications of them are answered 503", strings.Join(e.accounts, ", "))
}

// restoreCmd makes a data folder out of a backup.
type restoreCmd struct {
	placeFlags
	File  string `arg:"" help:"The backup, as latchkey backup wrote it."`
	Audit string `name:"audit" flagonly:"" placeholder:"FILE" help:"An export of the audit log that was made after the backup: what was revoked between the two is revoked again. Without it every account with active keys must be reviewed, and the exit code is 3."`
}

// Run restores into a folder that is missing or empty.
func (c *restoreCmd) Run(p *program) error {
	where, err := c.place()
	if err != nil {
		return err
	}
	if where.postgres() {
		return errors.New("a backup is restored into a data folder; nothing was changed. Leave --database-url out, and move what was restored to PostgreSQL with latchkey copy")
	}
	folder := where.folder
	if err := checkTarget(folder); err != nil {
		return err
	}
	held, err := claimFolder(folder)
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	if err := errors.Join(checkTarget(folder), prepareFolder(folder)); err != nil {
		return err
	}
	report, err := c.restore(p, filepath.Join(folder, databaseFile))
	if err != nil {
		return err
	}
	if err := mark(folder); err != nil {
		return fmt.Errorf("the backup is restored, but %s cannot be written to: %w", folder, err)
	}
	return c.tell(p, folder, report)
}

// checkTarget refuses a folder that a restore must not write into. It changes nothing.
func checkTarget(folder string) error {
	if _, err := os.Lstat(filepath.Join(folder, databaseFile)); err == nil {
		return fmt.Errorf("%s holds a Latchkey already; nothing was changed. Name a new folder with --data, and serve from that one", folder)
	}
	for _, suffix := range []string{"-wal", "-journal", "-shm"} {
		if _, err := os.Lstat(filepath.Join(folder, databaseFile+suffix)); err == nil {
			return fmt.Errorf("%s has a leftover %s, which would become a part of the restored database; nothing was changed. "+
				"Name a new folder with --data", folder, databaseFile+suffix)
		}
	}
	_, err := inspect(folder)
	return err
}

func (c *restoreCmd) restore(p *program, path string) (report store.RestoreReport, err error) {
	var export func(func(store.ExportedEvent) error) error
	if c.Audit != "" {
		file, err := os.Open(c.Audit)
		if err != nil {
			return report, fmt.Errorf("cannot read the export of the audit log: %w. Nothing was restored", err)
		}
		defer func() { _ = file.Close() }()
		export = func(each func(store.ExportedEvent) error) error { return readExport(file, c.Audit, each) }
	}
	return store.Restore(p.ctx, c.File, path, export, storeOptions(p.now, p.log(slog.LevelWarn)))
}

// readExport reads lines of JSON.
func readExport(from io.Reader, name string, each func(store.ExportedEvent) error) error {
	lines := bufio.NewReader(from)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot read %s: %w. Nothing was restored", name, err)
		}
		var e store.ExportedEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d of %s is no event of an audit log; nothing was restored. Export it anew, or restore without it", n, name)
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// tell says what was restored, and what is to be done now.
func (c *restoreCmd) tell(p *program, folder string, r store.RestoreReport) error {
	p.say("%s is restored into %s, as it was at %s.\n%s", c.File, folder, stamp(r.Newest), describeBackup(r.Backup))
	p.say("All sessions have ended; users sign in anew.")
	if c.Audit != "" {
		tellReplay(p, r)
	}
	if len(r.Users) > 0 {
		p.say("\nThe password was changed after the backup, and nobody can sign in with the old one. Give a new one with latchkey user reset:")
		for _, email := range r.Users {
			p.say("    %s", email)
		}
	}
	if len(r.Review) == 0 {
		return nil
	}
	return c.tellReview(p, r)
}

func tellReplay(p *program, r store.RestoreReport) {
	p.say("\n%s came after the backup, the last at %s. What was revoked after that is not known.",
		plural(r.Replayed, "%d event of the audit log", "%d events of the audit log"), stamp(r.LogEnd))
	for _, done := range r.Applied {
		p.say("    applied again: %s %s", done.Action, done.Object)
	}
	for _, id := range r.Lost {
		p.say("    not in the backup: %s. Its integration needs a new key", id)
	}
}

func (c *restoreCmd) tellReview(p *program, r store.RestoreReport) error {
	p.say("\nThese keys are active:\n")
	rows := [][]string{{"KEY", "NAME", "ACCOUNT", "CREATED", "LAST USED"}}
	for _, k := range r.Active {
		used := "never"
		if !k.LastUse.Never() {
			used = stamp(k.LastUse.At)
		}
		name := k.Key.Name
		if k.Owner != "" {
			name, used = "(external key of "+k.Owner+")", "(its owner knows)"
		}
		rows = append(rows, []string{string(k.Key.ID), name, k.Account, stamp(k.Key.CreatedAt), used})
	}
	if err := p.table(rows); err != nil {
		return err
	}
	var accounts []string
	for _, a := range r.Review {
		accounts = append(accounts, a.Slug)
	}
	slices.Sort(accounts)
	return reviewRequired{accounts}
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }
