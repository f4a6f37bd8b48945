package views

import "latchkey/views/ui"

// sampleAudit is a page of the audit log with every kind of row.
func sampleAudit() Audit {
	return Audit{
		Shell: sampleShell("Audit log"), URL: "/audit", CSVURL: "/audit/export.csv", XLSXURL: "/audit/export.xlsx", Zone: "UTC",
		Actor: hostileName, From: "2026-09-01", Alarm: true, Filtered: true, OlderURL: "/audit?after=x", AlarmsURL: "/audit?alarm=1",
		Actions: []AuditAction{{Value: "key.edited", Label: "Key edited", Chosen: true}, {Value: "key.deleted", Label: "Key deleted"}},
		Alarms: []AuditAlarm{
			{Name: hostileName, URL: "/keys/x", Text: Sentence{Text: "Presented on 12 Sep 2026.", Times: []ui.Time{sampleTime()}}, Advice: "Renew it."},
			{Name: "ana@acme.example", Text: Sentence{Text: "Too many wrong passwords"}, Advice: "Ask the person."},
		},
		Rows: []AuditRow{
			{
				ID: "8", At: sampleTime(), Who: hostileName, Action: "Key edited", Kind: "Key", Target: hostileName, TargetURL: "/keys/x", Source: "192.0.2.17",
				OK: true, Result: "Done", Fields: []AuditField{{Label: "Name", Before: hostileName, After: sampleName, Change: true}, {Label: "Request", After: "r1"}},
			},
			{ID: "7", At: sampleTime(), WhoKind: "Nobody signed in", Action: "Replaced token presented", Alarm: true, Kind: "Key", Target: sampleName, Result: "Refused"},
			{ID: "6", At: sampleTime(), Who: "latchkey init", WhoKind: "Command on the server", Action: "Account created", OK: true, Result: "Done"},
		},
	}
}
