package web

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf16"
)

// A workbook is a zip file of XML parts (ECMA-376). The parts written here are the least that every
// spreadsheet program opens. Rows go straight into the compressed part, so a workbook of any length takes
// the same little memory; the stream writer of a library for workbooks took 50 MiB for each.

// What a sheet can hold, by the format.
const (
	maxSheetRows = 1 << 20
	maxCellUnits = 32767
)

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	spaceTag = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	relTag   = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	partTag  = `http://schemas.openxmlformats.org/package/2006/`
	typeTag  = `application/vnd.openxmlformats-officedocument.spreadsheetml.`
)

// workbook is a workbook that is being written.
type workbook struct {
	zip *zip.Writer
	// names are those of the sheets that were begun.
	names []string
	part  *bufio.Writer
	rows  int
	// limit is the greatest number of rows in a sheet.
	limit int
}

// writeXLSX writes sheets as a workbook and returns how many rows they have, without their heads. A sheet that
// is longer than the format allows goes on in a further one.
func writeXLSX(ctx context.Context, w io.Writer, sheets []sheet, limit int) (rows int, err error) {
	book := &workbook{zip: zip.NewWriter(w), limit: limit}
	for _, s := range sheets {
		if err := book.begin(s, s.name); err != nil {
			return 0, err
		}
		parts := 1
		err := s.each(ctx, func(row []cell) error {
			if book.rows == book.limit {
				parts++
				if err := errors.Join(book.end(), book.begin(s, fmt.Sprintf("%s (%d)", s.name, parts))); err != nil {
					return err
				}
			}
			rows++
			return book.row(row, false)
		})
		if err := errors.Join(err, book.end()); err != nil {
			return 0, err
		}
	}
	return rows, errors.Join(book.finish(), book.zip.Close())
}

// begin begins a sheet: its columns have their widths, and the heads stay in sight.
func (b *workbook) begin(s sheet, name string) error {
	b.names, b.rows = append(b.names, name), 0
	part, err := b.zip.Create("xl/worksheets/sheet" + strconv.Itoa(len(b.names)) + ".xml")
	if err != nil {
		return err
	}
	b.part = bufio.NewWriter(part)
	b.write(xmlHead, `<worksheet xmlns="`, spaceTag, `"><sheetViews><sheetView workbookViewId="0">`,
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range s.columns {
		n := strconv.Itoa(i + 1)
		b.write(`<col min="`, n, `" max="`, n, `" width="`, strconv.Itoa(c.width), `" customWidth="1"/>`)
	}
	b.write(`</cols><sheetData>`)
	return b.row(s.heads(), true)
}

func (b *workbook) end() error {
	b.write(`</sheetData></worksheet>`)
	return b.part.Flush()
}

// row writes a row. Text has the type of an inline string, which is never a formula. An empty cell is
// left out.
func (b *workbook) row(row []cell, head bool) error {
	b.rows++
	number := strconv.Itoa(b.rows)
	b.write(`<row r="`, number, `">`)
	for i, c := range row {
		if c.text == "" {
			continue
		}
		b.write(`<c r="`, string(rune('A'+i)), number, `"`)
		if c.number {
			b.write(`><v>`, c.text, `</v></c>`)
			continue
		}
		if head {
			b.write(` s="1"`)
		}
		b.write(` t="inlineStr"><is><t xml:space="preserve">`)
		if err := xml.EscapeText(b.part, []byte(sheetText(c.text))); err != nil {
			return err
		}
		b.write(`</t></is></c>`)
	}
	_, err := b.part.WriteString(`</row>`)
	return err
}

// write writes to the part. An error stays with it, and comes with the end of the row or the sheet.
func (b *workbook) write(texts ...string) {
	for _, text := range texts {
		_, _ = b.part.WriteString(text)
	}
}

// escapeLike is what spreadsheet programs read as one character by its number.
var escapeLike = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// sheetText is text as a cell has it: not longer than a cell may be, and without what would be read as an
// escape.
func sheetText(text string) string {
	if len(text) > maxCellUnits {
		if units := utf16.Encode([]rune(text)); len(units) > maxCellUnits {
			text = string(utf16.Decode(units[:maxCellUnits-1])) + "…"
		}
	}
	return escapeLike.ReplaceAllString(text, "_x005F_$1")
}

// finish writes the parts that say what the others are.
func (b *workbook) finish() error {
	types := xmlHead + `<Types xmlns="` + partTag + `content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + typeTag + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + typeTag + `styles+xml"/>`
	list, rels := "", ""
	for i, name := range b.names {
		n := strconv.Itoa(i + 1)
		types += `<Override PartName="/xl/worksheets/sheet` + n + `.xml" ContentType="` + typeTag + `worksheet+xml"/>`
		list += `<sheet name="` + name + `" sheetId="` + n + `" r:id="rId` + n + `"/>`
		rels += `<Relationship Id="rId` + n + `" Type="` + relTag + `/worksheet" Target="worksheets/sheet` + n + `.xml"/>`
	}
	for _, part := range []struct{ name, text string }{
		{"xl/workbook.xml", xmlHead + `<workbook xmlns="` + spaceTag + `" xmlns:r="` + relTag + `"><sheets>` + list + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", xmlHead + `<Relationships xmlns="` + partTag + `relationships">` + rels +
			`<Relationship Id="styles" Type="` + relTag + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", xmlHead + styles},
		{"_rels/.rels", xmlHead + `<Relationships xmlns="` + partTag + `relationships">` +
			`<Relationship Id="rId1" Type="` + relTag + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", types + `</Types>`},
	} {
		w, err := b.zip.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, part.text); err != nil {
			return err
		}
	}
	return nil
}

// styles are two looks of a cell: the usual one, and that of a head.
const styles = `<styleSheet xmlns="` + spaceTag + `">` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
