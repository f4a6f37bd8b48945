package store

import (
	"encoding/base64"
	"strconv"
	"strings"

	"latchkey/keys"
)

// KeySort is the column by which the list of keys is ordered. Keys that are alike in it follow one another
// in the order in which they were generated.
type KeySort string

// The orders of the list.
const (
	// SortCreated orders keys by when they were generated.
	SortCreated KeySort = ""
	// SortName orders keys by their folded names.
	SortName KeySort = "name"
	// SortDuration orders keys by the age of their newest live token, those without one first.
	SortDuration KeySort = "duration"
	// SortStatus orders keys by their status, active ones first.
	SortStatus KeySort = "status"
)

// keySorts are the column of each order, and the letter that its cursors begin with.
var keySorts = map[KeySort]struct{ column, letter string }{
	SortCreated:  {"created_at", "c"},
	SortName:     {"name_key", "n"},
	SortDuration: {"token_newest", "d"},
	SortStatus:   {"status", "s"},
}

// cursor is a place in the list: that of the key which has this value in the column of the order, and this
// number. It stays one when the key is changed or deleted.
type cursor struct {
	sort KeySort
	// value is an int64, a string or bytes, as the column is.
	value  any
	number int64
}

// String is the cursor as it stands in an address. A page of the list carries it many times, so it is short.
func (c cursor) String() string {
	var value string
	switch v := c.value.(type) {
	case int64:
		value = strconv.FormatInt(v, 36)
	case string:
		value = v
	case []byte:
		value = base64.RawURLEncoding.EncodeToString(v)
	}
	return keySorts[c.sort].letter + value + "." + strconv.FormatInt(c.number, 36)
}

// parseCursor reads a cursor of an order. Whatever String would not have written is Malformed.
func parseCursor(sort KeySort, text string) (cursor, error) {
	place, digits, _ := strings.Cut(text, ".")
	value, ours := strings.CutPrefix(place, keySorts[sort].letter)
	number, err := strconv.ParseInt(digits, 36, 64)
	c := cursor{sort: sort, number: number}
	if err == nil && ours {
		c.value, err = parsePlace(sort, value)
	}
	if err != nil || !ours || c.String() != text {
		return cursor{}, keys.Malformed(keys.ReasonCursor)
	}
	return c, nil
}

func parsePlace(sort KeySort, text string) (any, error) {
	switch sort {
	case SortName:
		name, err := base64.RawURLEncoding.DecodeString(text)
		if len(name) > maxNameKey {
			err = keys.Malformed(keys.ReasonCursor)
		}
		return name, err
	case SortStatus:
		if status := keys.Status(text); status != keys.StatusActive && status != keys.StatusInactive {
			return nil, keys.Malformed(keys.ReasonCursor)
		}
		return text, nil
	case SortCreated, SortDuration:
	}
	return strconv.ParseInt(text, 36, 64)
}
