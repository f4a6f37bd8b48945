package web

import (
	"context"
	"io"
	"strings"
	"unicode"
)

// utf8Mark is what a spreadsheet program needs at the beginning of a file to read it as UTF-8. Without it,
// Excel shows "São Paulo" as "SÃ£o Paulo" without a word; a program that does not know the mark sees
// it in the head of the first column, where it is noticed at once.
const utf8Mark = "\ufeff"

// writeCSV writes a sheet in the form of RFC 4180: lines end with CR and LF, and each cell stands in quotes.
// The quotes alone would not keep a spreadsheet program from taking text for a formula: inert does.
func writeCSV(ctx context.Context, w io.Writer, s sheet) error {
	if _, err := io.WriteString(w, utf8Mark); err != nil {
		return err
	}
	var line strings.Builder
	write := func(row []cell) error {
		line.Reset()
		for i, c := range row {
			if i > 0 {
				line.WriteByte(',')
			}
			text := c.text
			if !c.number {
				text = inert(text)
			}
			line.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
		}
		line.WriteString("\r\n")
		_, err := io.WriteString(w, line.String())
		return err
	}
	if err := write(s.heads()); err != nil {
		return err
	}
	return s.each(ctx, write)
}

// inert is text that no spreadsheet program takes for a formula: an apostrophe stands before each = + - and @,
// and their wide forms, that begins it, whatever blanks or invisible marks come first, and before a tab or
// a line end that begins it. The same holds after a semicolon, a tab or a line end inside: where the comma
// is the decimal sign, programs split lines at those, and then quotes hide nothing. Whoever reads the file by
// a program of their own takes the apostrophes away again.
func inert(text string) string {
	if !strings.ContainsAny(text, "=+-@＝＋－＠\t\r\n") {
		return text
	}
	var out strings.Builder
	begins := true
	for i, r := range text {
		splits := r == ';' || r == '\t' || r == '\r' || r == '\n'
		if begins && strings.ContainsRune("=+-@＝＋－＠", r) || i == 0 && splits && r != ';' {
			out.WriteByte('\'')
		}
		out.WriteRune(r)
		begins = splits || begins && (unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc))
	}
	return out.String()
}
