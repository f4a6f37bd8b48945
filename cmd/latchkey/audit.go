package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"latchkey/store"
)

// auditCmd holds the commands about the audit log.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no event of the audit log was changed, removed or moved."`
	Export auditExportCmd `cmd:"" help:"Write the audit log as lines of JSON."`
}

// auditVerifyCmd walks the chain of the audit log.
type auditVerifyCmd struct {
	placeFlags
	Head string `name:"head" placeholder:"SEQ:HASH" help:"A head that was kept elsewhere, from the log or from an earlier check: proves that nothing up to it was written anew."`
}

// Run prints what is damaged, one finding a line, and fails when there is any.
func (c *auditVerifyCmd) Run(p *program) error {
	kept, err := c.kept()
	if err != nil {
		return err
	}
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	report, err := inst.store.VerifyAudit(p.ctx, kept...)
	if err != nil {
		return err
	}
	for _, finding := range report.Damage {
		p.say("%s", finding)
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("the audit log is damaged, as listed above (%s). Nothing was changed; compare with a backup",
			plural(report.Rows, "%d event was read", "%d events were read"))
	}
	p.say("The audit log is whole: %s.", plural(report.Rows, "%d event", "%d events"))
	if report.Rows > 0 {
		p.say("Its head, to keep elsewhere and give to --head later:\n%d:%s", report.Head.Seq, report.Head.Hash)
	}
	return nil
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// kept is the head of the command line, if there is one.
func (c *auditVerifyCmd) kept() ([]store.AuditHead, error) {
	if c.Head == "" {
		return nil, nil
	}
	seq, hash, _ := strings.Cut(c.Head, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil || n < 1 || !hexDigest.MatchString(hash) {
		return nil, misused(fmt.Errorf("--head %s is not a head; nothing was checked. Give it as latchkey audit verify prints it: a number, a colon and 64 digits of 0-9 and a-f", c.Head))
	}
	return []store.AuditHead{{Seq: n, Hash: hash}}, nil
}
