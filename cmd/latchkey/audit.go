package main

import "fmt"

// auditCmd holds the commands about the audit log.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no event of the audit log was changed, removed or moved."`
}

// auditVerifyCmd walks the chain of the audit log.
type auditVerifyCmd struct{ dataFlag }

// Run prints what is damaged, one finding a line, and fails when there is any.
func (c *auditVerifyCmd) Run(p *program) error {
	inst, err := p.openExisting(c.dataFlag)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	report, err := inst.store.VerifyAudit(p.ctx)
	if err != nil {
		return err
	}
	for _, finding := range report.Damage {
		p.say("%s", finding)
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("the audit log is damaged, as listed above (%d events were read). Nothing was changed; compare with a backup", report.Rows)
	}
	p.say("The audit log is whole: %d events, head %d:%s.", report.Rows, report.Head.Seq, report.Head.Hash)
	return nil
}
