package store

import (
	"context"

	"latchkey/keys"
)

// Export says what leaves the console as a file, for the audit log.
type Export struct {
	// Permission is what whoever takes it must hold.
	Permission string
	// File is the name that the file is offered under.
	File string
	// Format is how it is written: csv or xlsx.
	Format string
	// Sheets are the names of its tables.
	Sheets []string
	// Filters are what narrowed it, by name. Without any, it holds everything.
	Filters map[string]string
	// Rows is how many rows there were to export, without the heads of columns.
	Rows int
}

// RecordExport writes down that the actor exports something. A caller that it returns an error to must
// not hand anything out. It returns Forbidden when the actor lacks the export's permission, and
// Malformed when a filter is not text.
func (s *Store) RecordExport(ctx context.Context, by keys.Actor, e Export) error {
	if err := by.Require(e.Permission); err != nil {
		return err
	}
	details := map[string]any{"format": e.Format, "sheets": e.Sheets, "rows": e.Rows}
	for name, value := range e.Filters {
		if err := checkText(value); err != nil {
			return err
		}
		details["filter_"+name] = note(value)
	}
	return s.change(ctx, by, func(_ context.Context, t *tx) error {
		t.record(keys.AuditEvent{Action: keys.ActionExportMade, ObjectKind: objectExport, Object: e.File, Details: details})
		return nil
	})
}
