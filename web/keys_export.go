package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
)

// maxExported is how many keys an export can name.
const maxExported = 200

// The sheets of an export of keys, as an address names them.
const (
	sheetGenerated = "generated"
	sheetExternal  = "external"
)

// keysExportXLSX answers with a workbook of the account's keys: generated ones and external ones.
func (s *Server) keysExportXLSX(c echo.Context) error {
	if err := checkChosen(c); err != nil {
		return err
	}
	return s.answerExport(c, s.keysExport(c, formatXLSX, sheetGenerated, sheetExternal))
}

// keysExportCSV answers with one of the sheets of the workbook.
func (s *Server) keysExportCSV(c echo.Context) error {
	name := cmp.Or(c.QueryParam("sheet"), sheetGenerated)
	if err := checkChosen(c); err != nil {
		return err
	}
	if name != sheetGenerated && name != sheetExternal {
		return malformed()
	}
	return s.answerExport(c, s.keysExport(c, formatCSV, name))
}

// keysExport is the export of sheets of keys that a request asks for.
func (s *Server) keysExport(c echo.Context, format string, names ...string) export {
	by, choice := actor(c), keyChoice(c)
	status := statusWords{t(c, "keys.active"), t(c, "keys.inactive")}
	stem := "api-keys"
	if names[0] == sheetExternal {
		stem = "external-keys"
	}
	e := export{Export: store.Export{
		Permission: keys.ViewAPIKeys, File: s.exportFile(c, stem, format), Format: format, Sheets: names, Filters: map[string]string{},
	}, again: pathKeys()}
	if len(choice.IDs) > 0 {
		e.Filters["keys"] = strconv.Itoa(len(choice.IDs))
	}
	for name, value := range map[string]string{
		paramText: choice.Text, paramStatus: string(choice.Status), paramRole: choice.Role, paramTokens: string(choice.Tokens),
	} {
		if value != "" {
			e.Filters[name] = value
		}
	}
	for _, name := range names {
		if name == sheetGenerated {
			e.sheets = append(e.sheets, generatedSheet(status, func(ctx context.Context, do func(keys.Key) error) error {
				return s.store.EachKey(ctx, by, choice, do)
			}))
		} else {
			e.sheets = append(e.sheets, externalSheet(status, s.externalRows(by, choice)))
		}
	}
	e.count = func(ctx context.Context) (int, error) {
		if names[0] == sheetExternal {
			return countRows(ctx, e.sheets[0])
		}
		return s.store.CountKeys(ctx, by, choice)
	}
	return e
}

// checkChosen refuses more keys than one export can name: a file without some of them would seem whole.
func checkChosen(c echo.Context) error {
	if len(c.QueryParams()["id"]) > maxExported {
		return retryAt(keys.Malformed(reasonTooManyChosen), pathKeys(), "error.back.keys")
	}
	return nil
}

// keyChoice is the choice of keys in a request's address: keys by their ids, or else those that the list shows
// under the same address.
func keyChoice(c echo.Context) (choice store.KeyChoice) {
	for _, text := range c.QueryParams()["id"] {
		// What cannot be a key stands for no key, as one of another account does.
		if id := keys.KeyID(text); keys.IsText(text) && !slices.Contains(choice.IDs, id) {
			choice.IDs = append(choice.IDs, id)
		}
	}
	if len(choice.IDs) == 0 {
		choice.KeyFind = parseList(c.Request().URL.RawQuery).ask().KeyFind
	}
	return choice
}

// exportFile is the name of a file that is exported today, in the reader's zone.
func (s *Server) exportFile(c echo.Context, stem, format string) string {
	v := currentViewer(c)
	return stem + "-" + v.account.Slug + "-" + s.now().In(v.zone()).Format("20060102") + "." + format
}

// generatedSheet is the sheet of the keys that the account generated. The words of its head are those of
// the platform's own export, in every language. While a renewal is open, creationDateToken stays the old token's
// and creationDateNewToken is the new one's.
func generatedSheet(status statusWords, each func(context.Context, func(keys.Key) error) error) sheet {
	return sheet{
		name: "Generated",
		columns: []sheetColumn{
			{"id", 10}, {"keyName", 38}, {"roles", 40}, {"label", 34}, {"creationDate", 21}, {"creationDateToken", 21}, {"creationDateNewToken", 21}, {"status", 10},
		},
		each: func(ctx context.Context, add func([]cell) error) error {
			return each(ctx, func(k keys.Key) error {
				var current, renewed time.Time
				switch {
				case k.Renewing():
					renewed, current = k.Tokens[0].CreatedAt, k.Tokens[1].CreatedAt
				case len(k.Tokens) > 0:
					current = k.Tokens[0].CreatedAt
				}
				return add([]cell{
					numberCell(k.Number), textCell(string(k.ID)), rolesCell(k.Roles), safeCell(k.Name),
					timeCell(k.CreatedAt), timeCell(current), timeCell(renewed), status.cell(k.Active()),
				})
			})
		},
	}
}

// externalRows goes through the external keys of an account. A choice is of keys that the account generated, so
// with one there are none.
func (s *Server) externalRows(by keys.Actor, choice store.KeyChoice) func(ctx context.Context, do func(keys.ExternalKey) error) error {
	return func(ctx context.Context, do func(keys.ExternalKey) error) error {
		if len(choice.IDs) > 0 || choice.Filtered() {
			return nil
		}
		return s.store.EachExternalKey(ctx, by, do)
	}
}

// externalSheet is the sheet of the keys of other accounts that have roles in this one.
func externalSheet(status statusWords, each func(context.Context, func(keys.ExternalKey) error) error) sheet {
	return sheet{
		name:    "External",
		columns: []sheetColumn{{"id", 10}, {"keyName", 38}, {"roles", 40}, {"account", 22}, {"addedDate", 21}, {"status", 10}},
		each: func(ctx context.Context, add func([]cell) error) error {
			return each(ctx, func(k keys.ExternalKey) error {
				return add([]cell{
					numberCell(k.Number), textCell(string(k.ID)), rolesCell(k.Roles), textCell(k.Owner), timeCell(k.AddedAt), status.cell(k.Active),
				})
			})
		},
	}
}

// countRows counts the rows of a sheet by going through them.
func countRows(ctx context.Context, s sheet) (n int, err error) {
	err = s.each(ctx, func([]cell) error { n++; return nil })
	return n, err
}

func rolesCell(roles []keys.Role) cell {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return safeCell(strings.Join(names, ", "))
}

// statusWords are the official words for a status, in the reader's language.
type statusWords struct{ active, inactive string }

func (w statusWords) cell(active bool) cell {
	if active {
		return textCell(w.active)
	}
	return textCell(w.inactive)
}
