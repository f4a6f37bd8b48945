package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AuditHead is the end of the audit log: its newest row and that row's hash.
type AuditHead struct {
	Seq  int64
	Hash string
}

// AuditReport is what VerifyAudit found.
type AuditReport struct {
	// Rows is how many rows were read.
	Rows int64
	// Head is the end of the log as the counter knows it.
	Head AuditHead
	// Damage is what is wrong, in the order of the rows. An intact log has none.
	Damage []Damage
}

// DamageKind says in what way the audit log is damaged.
type DamageKind string

// The kinds of damage.
const (
	// DamageChanged: columns of row Seq are not as they were written.
	DamageChanged DamageKind = "changed"
	// DamageDeleted: the rows from Seq to Last are missing.
	DamageDeleted DamageKind = "deleted"
	// DamageSwapped: the rows Seq and Last stand in each other's place.
	DamageSwapped DamageKind = "swapped"
	// DamageCut: the rows from Seq to Last, the newest ones, are missing.
	DamageCut DamageKind = "cut"
	// DamageReplaced: row Seq is whole in itself but does not follow the row before it.
	DamageReplaced DamageKind = "replaced"
	// DamageUnplaced: after row Seq stands a row whose seq is not a whole number.
	DamageUnplaced DamageKind = "unplaced"
	// DamageHead: the counter's row, if it is there, does not name the newest row and its hash.
	DamageHead DamageKind = "head"
	// DamageRewritten: row Seq has another hash than the one that was kept elsewhere.
	DamageRewritten DamageKind = "rewritten"
)

// Damage is one thing that is wrong with the audit log.
type Damage struct {
	Kind DamageKind
	// Seq is the row, and Last the other or the last one, where the kind has two.
	Seq, Last int64
	// Columns are the names of the changed columns.
	Columns []string
}

// String is the damage in words.
func (d Damage) String() string {
	switch d.Kind {
	case DamageChanged:
		return fmt.Sprintf("row %d was changed: %s", d.Seq, strings.Join(d.Columns, ", "))
	case DamageDeleted:
		return fmt.Sprintf("%s missing", d.rows())
	case DamageSwapped:
		return fmt.Sprintf("rows %d and %d were swapped", d.Seq, d.Last)
	case DamageCut:
		return fmt.Sprintf("the end of the log was cut off: %s missing", d.rows())
	case DamageReplaced:
		return fmt.Sprintf("row %d does not follow row %d: one of them was replaced", d.Seq, d.Seq-1)
	case DamageUnplaced:
		return fmt.Sprintf("after row %d stands a row whose seq was changed: it is not a whole number", d.Seq)
	case DamageHead:
		return fmt.Sprintf("the counter's row was changed or removed: it does not name row %d and its hash", d.Seq)
	case DamageRewritten:
		return fmt.Sprintf("row %d or one before it was written anew: its hash is not the one that was kept elsewhere", d.Seq)
	}
	return string(d.Kind)
}

func (d Damage) rows() string {
	if d.Seq == d.Last {
		return fmt.Sprintf("row %d is", d.Seq)
	}
	return fmt.Sprintf("rows %d to %d are", d.Seq, d.Last)
}

// VerifyAudit reads the whole audit log, row by row, and says what in it was changed after it was
// written: which columns of which row, which rows are missing, which were swapped, how many were cut
// off at the end. It shows damage and careless edits; somebody who can write the database can also
// write a whole new chain, which only a head that was kept elsewhere shows: name it in kept.
func (s *Store) VerifyAudit(ctx context.Context, kept ...AuditHead) (report AuditReport, err error) {
	err = s.readAll(ctx, func(ctx context.Context, t *tx) error {
		head, found, err := t.readHead(ctx)
		if err != nil {
			return err
		}
		v := auditVerifier{kept: kept}
		if report.Rows, err = t.eachAuditRow(ctx, v.next); err != nil {
			return err
		}
		v.end(head, found)
		report.Head = head
		report.Damage = v.damage
		return nil
	})
	return report, err
}

// AuditHead returns the end of the audit log. Kept elsewhere, it proves what the log was up to there.
func (s *Store) AuditHead(ctx context.Context) (head AuditHead, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		return t.row(ctx, `SELECT seq, chain FROM head WHERE id = 1`).Scan(&head.Seq, &head.Hash)
	})
	return head, err
}

// readHead returns the counter's row, or false when it is missing or its place is not a number.
func (t *tx) readHead(ctx context.Context) (head AuditHead, found bool, err error) {
	var seq string
	err = t.row(ctx, `SELECT CAST(seq AS TEXT), chain FROM head WHERE id = 1`).Scan(&seq, &head.Hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return AuditHead{}, false, err
	}
	if head.Seq, found = wholeNumber(seq); !found {
		return AuditHead{}, false, nil
	}
	return head, true, nil
}

// storedRow is a row as it is found. SQLite keeps any value in any column, so all of them are texts.
type storedRow struct {
	seq        int64
	placed     bool     // seq is a number
	values     []string // of auditColumns
	hash, sums string
}

func (r storedRow) prev() string { return r.values[len(r.values)-1] }

func scanStored(row scanner) (r storedRow, err error) {
	r.values = make([]string, len(auditColumns))
	into := make([]any, 0, len(auditColumns)+2)
	for i := range r.values {
		into = append(into, &r.values[i])
	}
	err = row.Scan(append(into, &r.hash, &r.sums)...)
	r.seq, r.placed = wholeNumber(r.values[0])
	// The two databases do not write a boolean alike.
	switch alarm := &r.values[slices.Index(auditColumns, "alarm")]; *alarm {
	case "0":
		*alarm = "false"
	case "1":
		*alarm = "true"
	}
	return r, err
}

// wholeNumber reads a number that is written as the database would write it.
func wholeNumber(text string) (n int64, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}

// eachAuditRow calls a function with every row in order, and counts them.
func (t *tx) eachAuditRow(ctx context.Context, do func(r storedRow)) (count int64, err error) {
	_, err = list(ctx, t, func(row scanner) (none struct{}, err error) {
		r, err := scanStored(row)
		if err == nil {
			count++
			do(r)
		}
		return none, err
	}, `
		SELECT CAST(seq AS TEXT), id, CAST(at AS TEXT), account_id, actor_kind, actor_id, actor, action, object_kind, object_id,
			object, ip, request_id, result, CAST(alarm AS TEXT), details, prev, hash, sums
		FROM audit ORDER BY audit.seq`) // without the table's name, PostgreSQL would order by the text
	return count, err
}

// auditVerifier walks the rows of an audit log. Of the rows it keeps only the one before.
type auditVerifier struct {
	before  storedRow
	damaged bool // the row before was changed or moved, so that its neighbour need not fit
	damage  []Damage
	moved   []movedRow
	kept    []AuditHead
}

// movedRow is a row of which nothing but its place was changed.
type movedRow struct {
	seq     int64
	written string // the sum of the place where it was written
}

func (v *auditVerifier) next(r storedRow) {
	if !r.placed {
		v.found(Damage{Kind: DamageUnplaced, Seq: v.before.seq})
		return
	}
	if r.seq > v.before.seq+1 {
		v.found(Damage{Kind: DamageDeleted, Seq: v.before.seq + 1, Last: r.seq - 1})
		v.damaged = true
	}
	changed := r.changedColumns()
	switch {
	case slices.Equal(changed, []string{"seq"}):
		v.moved = append(v.moved, movedRow{seq: r.seq, written: r.sums[:sumLength]})
	case len(changed) > 0:
		v.found(Damage{Kind: DamageChanged, Seq: r.seq, Columns: changed})
	case r.prev() != v.before.hash && !v.damaged:
		v.found(Damage{Kind: DamageReplaced, Seq: r.seq})
	}
	for _, k := range v.kept {
		if k.Seq == r.seq && k.Hash != r.hash {
			v.found(Damage{Kind: DamageRewritten, Seq: r.seq})
		}
	}
	v.before, v.damaged = r, len(changed) > 0
}

func (v *auditVerifier) found(d Damage) { v.damage = append(v.damage, d) }

// end judges what only the whole log shows.
func (v *auditVerifier) end(head AuditHead, found bool) {
	v.pairMoved()
	for _, k := range v.kept {
		head.Seq = max(head.Seq, k.Seq)
	}
	switch {
	case head.Seq > v.before.seq:
		v.found(Damage{Kind: DamageCut, Seq: v.before.seq + 1, Last: head.Seq})
	case !found, head.Seq < v.before.seq, head.Hash != v.before.hash && !v.damaged:
		v.found(Damage{Kind: DamageHead, Seq: v.before.seq})
	}
	slices.SortStableFunc(v.damage, func(a, b Damage) int { return int(a.Seq - b.Seq) })
}

// pairMoved says of two rows that stand in each other's place that they were swapped, and of any
// other moved row that its place was changed.
func (v *auditVerifier) pairMoved() {
	for len(v.moved) > 0 {
		first := v.moved[0]
		rest := v.moved[1:]
		i := slices.IndexFunc(rest, func(other movedRow) bool {
			return first.written == columnSum(fmt.Sprint(other.seq)) && other.written == columnSum(fmt.Sprint(first.seq))
		})
		if i < 0 {
			v.found(Damage{Kind: DamageChanged, Seq: first.seq, Columns: []string{"seq"}})
		} else {
			v.found(Damage{Kind: DamageSwapped, Seq: first.seq, Last: rest[i].seq})
			rest = slices.Delete(rest, i, i+1)
		}
		v.moved = rest
	}
}

// sumLength is how many digits the sum of one column has.
const sumLength = 8

// changedColumns are the columns of a row that are not as they were written.
func (r storedRow) changedColumns() (changed []string) {
	if len(r.sums) != sumLength*len(auditColumns) {
		return []string{"sums"}
	}
	for i, value := range r.values {
		if r.sums[i*sumLength:(i+1)*sumLength] != columnSum(value) {
			changed = append(changed, auditColumns[i])
		}
	}
	rightHash := r.hash == chainHash(r.values)
	switch {
	case rightHash && len(changed) > 0:
		return []string{"sums"}
	case !rightHash && len(changed) == 0:
		return []string{"hash"}
	}
	return changed
}
