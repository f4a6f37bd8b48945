package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"latchkey/keys/secret"
)

// notCopied are the tables of what belongs to running servers: the schema's own version, which the target has,
// the servers themselves, and the codes that they have shown.
var notCopied = []string{"goose_db_version", "node", "setup_code"}

// copiedTable is a table that both databases have.
type copiedTable struct {
	name    string
	columns []string
}

// copiedTables are the tables to copy, each after those that it refers to. They are what the databases say that
// they have, so that no table of a later schema is forgotten.
func copiedTables(ctx context.Context, sent, got *sql.Tx, source, target database) (tables []copiedTable, err error) {
	names, err := source.tables(ctx, sent)
	if err != nil {
		return nil, err
	}
	there, err := target.tables(ctx, got)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(noOthers("target", there, names), noOthers("source", names, there)); err != nil {
		return nil, err
	}
	refers, err := target.references(ctx, got)
	if err != nil {
		return nil, err
	}
	for _, name := range referredFirst(names, refers) {
		if slices.Contains(notCopied, name) {
			continue
		}
		table := copiedTable{name: name}
		if table.columns, err = columnsOf(ctx, sent, name); err != nil {
			return nil, err
		}
		there, err := columnsOf(ctx, got, name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(slices.Sorted(slices.Values(there)), slices.Sorted(slices.Values(table.columns))) {
			return nil, refused("table %s has the columns %q in the source and %q in the target, which should be the same; nothing was copied", name, table.columns, there)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// noOthers refuses a database that has tables which the other one has not.
func noOthers(which string, tables, known []string) error {
	others := slices.DeleteFunc(slices.Clone(tables), func(name string) bool { return slices.Contains(known, name) })
	return orNil(len(others) > 0, refused("the %s has tables that are not Latchkey's: %q; nothing was copied. Move them away, or name another database or, with search_path, another schema", which, others))
}

// querier is a database or a transaction in one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tables are the names of the tables of a database, sorted.
func (db database) tables(ctx context.Context, q querier) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if db.server != nil {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	names, err := pairsOfTexts(ctx, q, `SELECT name, '' FROM (`+strings.Replace(query, "tablename", "tablename AS name", 1)+`) AS every_table`)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, pair := range names {
		all = append(all, pair[0])
	}
	slices.Sort(all)
	return all, nil
}

// references are pairs of tables: the first refers to the second.
func (db database) references(ctx context.Context, tx *sql.Tx) ([][2]string, error) {
	if db.server != nil {
		return pairsOfTexts(ctx, tx, `
			SELECT a.relname, b.relname FROM pg_constraint JOIN pg_class AS a ON a.oid = conrelid JOIN pg_class AS b ON b.oid = confrelid
			WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`)
	}
	return pairsOfTexts(ctx, tx, `
		SELECT m.name, f."table" FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'`)
}

func pairsOfTexts(ctx context.Context, q querier, query string) (pairs [][2]string, err error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (pair [2]string, err error) {
		err = row.Scan(&pair[0], &pair[1])
		return pair, err
	})
}

// referredFirst orders tables so that each comes after those that it refers to.
func referredFirst(names []string, refers [][2]string) (ordered []string) {
	for len(ordered) < len(names) {
		before := len(ordered)
		for _, name := range names {
			waits := slices.ContainsFunc(refers, func(pair [2]string) bool {
				return pair[0] == name && pair[1] != name && !slices.Contains(ordered, pair[1])
			})
			if !waits && !slices.Contains(ordered, name) {
				ordered = append(ordered, name)
			}
		}
		if len(ordered) == before {
			return append(ordered, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(ordered, name) })...)
		}
	}
	return ordered
}

func columnsOf(ctx context.Context, tx *sql.Tx, table string) (columns []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+table+` WHERE 1 = 0`) //nolint:gosec // a name from the catalogue
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it has no rows
	columns, err = rows.Columns()
	if err != nil {
		return nil, err
	}
	return columns, rows.Err()
}

// copiedValues is how many values one statement writes, well below what the databases take.
const copiedValues = 2000

// copy writes all rows of a table. What the target has in it from its making goes first.
func (t copiedTable) copy(ctx context.Context, sent, got *sql.Tx) error {
	if _, err := got.ExecContext(ctx, `DELETE FROM `+t.name); err != nil { //nolint:gosec // a name from the catalogue
		return err
	}
	chunk := max(1, copiedValues/len(t.columns))
	insert := `INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, ", ") + `) VALUES `
	var args []any
	write := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := got.ExecContext(ctx, insert+rowsOfPlaces(len(args)/len(t.columns), len(t.columns)), args...)
		args = args[:0]
		return err
	}
	err := t.each(ctx, sent, func(values []any) error {
		if args = append(args, values...); len(args) < chunk*len(t.columns) {
			return nil
		}
		return write()
	})
	if err != nil {
		return err
	}
	return write()
}

// each calls do with the values of each row, which are the same whatever the database.
func (t copiedTable) each(ctx context.Context, tx *sql.Tx, do func(values []any) error) (err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name) //nolint:gosec // names from the catalogue
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range into {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, value := range values {
			// SQLite has no type of its own for what is true or false.
			if number, ok := value.(int64); ok && types[i].DatabaseTypeName() == "BOOLEAN" {
				values[i] = number != 0
			}
		}
		if err := do(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// compareTables reads every table in both transactions again, and returns what it found when that is the same.
func compareTables(ctx context.Context, tables []copiedTable, sent, got *sql.Tx) (report []CopiedTable, err error) {
	for _, t := range tables {
		source, err := t.sum(ctx, sent)
		if err != nil {
			return nil, err
		}
		target, err := t.sum(ctx, got)
		if err != nil {
			return nil, err
		}
		if source != target {
			return nil, refused("table %s did not arrive as it was sent: %d rows with digest %.12s became %d rows with %.12s. Nothing was kept of the copy",
				t.name, source.Rows, source.Digest, target.Rows, target.Digest)
		}
		report = append(report, source)
	}
	slices.SortFunc(report, func(a, b CopiedTable) int { return strings.Compare(a.Name, b.Name) })
	return report, nil
}

// sum counts the rows of a table and adds up their digests, so that the order of the rows does not matter: the
// databases order letters in their own ways.
func (t copiedTable) sum(ctx context.Context, tx *sql.Tx) (CopiedTable, error) {
	result := CopiedTable{Name: t.name}
	var total [4]uint64
	err := t.each(ctx, tx, func(values []any) error {
		row, err := encodeRow(values)
		if err != nil {
			return err
		}
		digest, carry := secret.Sum(row).Bytes(), uint64(0)
		for i := range total {
			total[i], carry = bits.Add64(total[i], binary.LittleEndian.Uint64(digest[8*i:]), carry)
		}
		result.Rows++
		return nil
	})
	var text []byte
	for _, part := range total {
		text = binary.LittleEndian.AppendUint64(text, part)
	}
	result.Digest = hex.EncodeToString(text)
	return result, err
}

// encodeRow is a row as bytes that are those of no other row.
func encodeRow(values []any) (row []byte, err error) {
	for _, value := range values {
		var kind byte
		var content []byte
		switch v := value.(type) {
		case nil:
			kind = 'n'
		case int64:
			kind, content = 'i', strconv.AppendInt(nil, v, 10)
		case bool:
			kind, content = 'b', strconv.AppendBool(nil, v)
		case string:
			kind, content = 's', []byte(v)
		case []byte:
			kind, content = 'y', v
		default:
			return nil, fmt.Errorf("a value is a %T, which no column of ours holds", value)
		}
		row = append(row, kind)
		row = strconv.AppendInt(row, int64(len(content)), 10)
		row = append(append(row, ':'), content...)
	}
	return row, nil
}
