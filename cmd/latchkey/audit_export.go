package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"latchkey/store"
)

// auditExportCmd writes the audit log as lines of JSON.
type auditExportCmd struct {
	placeFlags
	File  string `arg:"" help:"The file to write, which must not exist; - is standard output."`
	After int64  `name:"after" flagonly:"" placeholder:"SEQ" help:"Only what comes after this number, where the last export ended."`
}

// Run writes the log, also while the folder is served.
func (c *auditExportCmd) Run(p *program) (err error) {
	if c.After < 0 {
		return misused(fmt.Errorf("--after is %d; it is the number of a row, from 0 on. Nothing was written", c.After))
	}
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if c.File == "-" {
		_, _, err := c.export(p, inst, p.stdout)
		return err
	}
	making, err := os.CreateTemp(filepath.Dir(c.File), "."+filepath.Base(c.File)+".new-*") // its mode is 0600
	if err != nil {
		return fmt.Errorf("cannot write beside %s: %w. Nothing was written", c.File, err)
	}
	defer func() { _ = os.Remove(making.Name()) }() // when it did not get its name, it is of no use
	head, count, err := c.export(p, inst, making)
	if err := errors.Join(err, making.Sync(), making.Close()); err != nil {
		return err
	}
	if err := os.Link(making.Name(), c.File); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already, and was left as it is; name another file", c.File)
	} else if err != nil {
		return fmt.Errorf("cannot write %s: %w", c.File, err)
	}
	p.say("%s in %s.", plural(count, "%d event of the audit log is", "%d events of the audit log are"), c.File)
	if count > 0 {
		p.say("It ends with %d:%s", head.Seq, head.Hash)
	}
	return syncFolder(filepath.Dir(c.File))
}

// export writes one event a line, and counts them.
func (c *auditExportCmd) export(p *program, inst *instance, to io.Writer) (head store.AuditHead, count int, err error) {
	out := bufio.NewWriter(to)
	head, err = inst.store.ExportAudit(p.ctx, c.After, func(line []byte) error {
		count++
		_, err := out.Write(append(line, '\n'))
		return err
	})
	return head, count, errors.Join(err, out.Flush())
}
