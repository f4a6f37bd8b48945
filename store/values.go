package store

import (
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// now is the time as the database keeps it: microseconds in UTC.
func (s *Store) now() time.Time { return s.options.Now().UTC().Truncate(time.Microsecond) }

// fromMicros is the time of a column.
func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// orNever is the time of a column that may be NULL, which is the zero time.
func orNever(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}

// newID makes an id: a UUIDv7, so that the newest rows are neighbours in an index.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// checkText refuses what only one of the databases would take as text.
func checkText(texts ...string) error {
	for _, text := range texts {
		if !keys.IsText(text) {
			return keys.Malformed(keys.ReasonNotText)
		}
	}
	return nil
}

// normalEmail is the form in which an email is kept. It is Malformed when the email is not text,
// which must be asked first: changing its case would mend what is not UTF-8.
func normalEmail(email string) (string, error) { return keys.NormalEmail(email), checkText(email) }

// maxNote is how many bytes are kept of what a client says of itself.
const maxNote = 512

// note is text that a client sent and that is only kept to be shown: without secrets, cut and cleaned, never
// refused.
func note(text string) string {
	text = secret.Redact(text)
	if len(text) > maxNote {
		text = text[:maxNote]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// places are n placeholders of a query, the first with this number.
func places(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// rowsOfPlaces are the placeholders of an INSERT of several rows, in parentheses for each row.
func rowsOfPlaces(rows, columns int) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = "(" + places(columns*i+1, columns) + ")"
	}
	return strings.Join(all, ", ")
}
