package main

import (
	"fmt"
	"path/filepath"

	"latchkey/keys"
	"latchkey/store"
)

// backupCmd writes the database into a file.
type backupCmd struct {
	placeFlags
	File string `arg:"" help:"The file to write. It must not exist."`
}

// Run makes the backup, also while the folder is served, and says how to know it again.
func (c *backupCmd) Run(p *program) error {
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	report, err := inst.store.Backup(p.ctx, keys.Command("latchkey backup"), path)
	if err != nil && report.Digest == "" {
		return err
	}
	p.say("%s is a backup of %s, checked.\n%s", path, inst, describeBackup(report))
	if err != nil {
		return fmt.Errorf("the backup is made, but that could not be recorded in the audit log: %w", err)
	}
	p.say("It holds digests of tokens and passwords: keep it as safe as the data folder.")
	return nil
}

// describeBackup are the lines by which a backup is known again.
func describeBackup(r store.BackupReport) string {
	return fmt.Sprintf("Size: %d bytes\nSHA-256: %s\nHead of the audit log in it: %d:%s", r.Size, r.Digest, r.Head.Seq, r.Head.Hash)
}
