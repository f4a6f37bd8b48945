package keys

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxRoleSlug is the length of the longest slug that is made of a name, without the number that sets it
// apart from others.
const maxRoleSlug = 48

// reservedRoleSlugs would be taken for something else where a role's slug stands: the addresses of the
// roles' pages have these words in that place.
var reservedRoleSlugs = []string{"new", "permissions"}

// NewRoleSlug returns the slug of a new role: its name in lower-case ASCII, with hyphens between the
// words, and with a number at its end when that is among taken. A slug stands in headers and addresses,
// and stays as it is when the role is given another name.
func NewRoleSlug(name string, taken []string) string {
	slug := roleSlug(name)
	free := slug
	for n := 2; slices.Contains(taken, free) || slices.Contains(reservedRoleSlugs, free); n++ {
		free = slug + "-" + strconv.Itoa(n)
	}
	return free
}

func roleSlug(name string) string {
	var slug strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		letters := asciiOf(r)
		switch {
		case letters == "":
			gap = gap || !unicode.Is(unicode.Mn, r) // an accent that stands by itself parts nothing
			continue
		case slug.Len() >= maxRoleSlug:
			return slug.String()
		case gap && slug.Len() > 0:
			slug.WriteByte('-')
		}
		slug.WriteString(letters)
		gap = false
	}
	if slug.Len() == 0 {
		return "role"
	}
	return slug.String()
}

// asciiOf is a lower-case letter or digit without its accent, or nothing when it has no such form.
func asciiOf(r rune) string {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return string(r)
	}
	for _, plain := range plainLetters {
		if strings.ContainsRune(plain.accented, r) {
			return plain.ascii
		}
	}
	return ""
}

var plainLetters = []struct{ accented, ascii string }{
	{"áàâãäåā", "a"},
	{"æ", "ae"},
	{"çćč", "c"},
	{"éèêëēę", "e"},
	{"íìîïī", "i"},
	{"ł", "l"},
	{"ñń", "n"},
	{"óòôõöøō", "o"},
	{"œ", "oe"},
	{"śš", "s"},
	{"ß", "ss"},
	{"úùûüū", "u"},
	{"ýÿ", "y"},
	{"źżž", "z"},
}
