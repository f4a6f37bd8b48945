package web

import (
	"context"
	"encoding/json"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
)

// auditExportXLSX answers with a workbook of the audit log, as far as the filters want it.
func (s *Server) auditExportXLSX(c echo.Context) error {
	return s.answerExport(c, s.auditExport(c, formatXLSX))
}

// auditExportCSV answers with the same table in lines.
func (s *Server) auditExportCSV(c echo.Context) error {
	return s.answerExport(c, s.auditExport(c, formatCSV))
}

func (s *Server) auditExport(c echo.Context, format string) export {
	by, ask := actor(c), parseAudit(c.QueryParams())
	filter := ask.filter(currentViewer(c).zone())
	return export{
		Export: store.Export{
			Permission: keys.ViewAuditLog, File: s.exportFile(c, "audit-log", format), Format: format, Sheets: []string{"audit"}, Filters: ask.filters(),
		},
		again: ask.path(pathAudit(), "", ""),
		sheets: []sheet{auditSheet(func(ctx context.Context, do func(store.LoggedEvent) error) error {
			return s.store.EachEvent(ctx, by, filter, do)
		})},
		count: func(ctx context.Context) (int, error) { return s.store.CountEvents(ctx, by, filter) },
	}
}

// auditSheet is the audit log as programs read it: actions and results are the slugs that the log keeps, in
// every language, and details is the JSON of what else is known.
func auditSheet(each func(context.Context, func(store.LoggedEvent) error) error) sheet {
	return sheet{
		name: "Audit log",
		columns: []sheetColumn{
			{"id", 10},
			{"date", 21},
			{"actor", 30},
			{"actorKind", 11},
			{"action", 24},
			{"targetKind", 11},
			{"target", 34},
			{"targetId", 38},
			{"keyName", 38},
			{"source", 18},
			{"result", 18},
			{"alarm", 8},
			{"details", 60},
			{"requestId", 38},
		},
		each: func(ctx context.Context, add func([]cell) error) error {
			return each(ctx, func(e store.LoggedEvent) error {
				details, err := json.Marshal(e.Details)
				if err != nil {
					return err
				}
				alarm := "no"
				if e.Alarm {
					alarm = "yes"
				}
				return add([]cell{
					numberCell(e.Seq), timeCell(e.At), safeCell(e.Actor), textCell(string(e.ActorKind)), textCell(string(e.Action)),
					textCell(e.ObjectKind), safeCell(e.Object), safeCell(e.ObjectID), textCell(string(e.Key)),
					safeCell(e.IP), safeCell(e.Result), textCell(alarm), safeCell(string(details)), safeCell(e.RequestID),
				})
			})
		},
	}
}
