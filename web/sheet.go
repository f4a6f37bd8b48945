package web

import (
	"context"
	"strconv"
	"time"
)

// sheet is a table that leaves the console in a file.
type sheet struct {
	// name is what the tab of a workbook is called.
	name    string
	columns []sheetColumn
	// each calls add with the cells of each row, in the order of the columns.
	each func(ctx context.Context, add func(row []cell) error) error
}

// sheetColumn is a column of a sheet: its head, and how many characters wide a workbook draws it.
type sheetColumn struct {
	head  string
	width int
}

// cell is a value of a sheet. It is text, whatever it looks like, unless it is a number.
type cell struct {
	text   string
	number bool
}

func textCell(text string) cell { return cell{text: text} }

func numberCell(n int64) cell { return cell{text: strconv.FormatInt(n, 10), number: true} }

// timeCell is a moment, or nothing for the zero time. It is text in the form of RFC 3339, in UTC: a date of
// a spreadsheet has no zone, and each program shows it in its own way.
func timeCell(at time.Time) cell {
	if at.IsZero() {
		return cell{}
	}
	return textCell(at.UTC().Truncate(time.Second).Format(time.RFC3339))
}

// heads are the cells of the first row.
func (s sheet) heads() (row []cell) {
	for _, c := range s.columns {
		row = append(row, textCell(c.head))
	}
	return row
}
