package verifier

import (
	"net/url"
	"strings"
)

// nothing is a text that is neither a resource nor an account: nobody is granted it, and nobody has a
// say in it.
const nothing = "?"

// maxResource and maxAccount are the lengths of the longest slugs.
const (
	maxResource = 64
	maxAccount  = 20
)

// query is what the query of a verification asks for. A parameter that is not there is empty.
type query struct{ account, resource string }

// readQuery reads the query of a verification. A parameter that is given twice, or whose value is empty
// or cannot be a slug, becomes nothing. A name that cannot be read might have been resource, so nobody
// is granted it. Other parameters are ignored.
func readQuery(raw string) (q query) {
	for raw != "" {
		var parameter string
		parameter, raw, _ = strings.Cut(raw, "&")
		if parameter == "" {
			continue
		}
		name, value, _ := strings.Cut(parameter, "=")
		name, readable := unescape(name)
		switch {
		case !readable:
			q.resource = nothing
		case name == "resource":
			q.resource = only(q.resource, value, isResource)
		case name == "account":
			q.account = only(q.account, value, isAccount)
		}
	}
	return q
}

// only is the value of a parameter that was not met before, or nothing.
func only(before, value string, isSlug func(string) bool) string {
	if before != "" {
		return nothing
	}
	value, readable := unescape(value)
	if !readable || !isSlug(value) {
		return nothing
	}
	return value
}

// unescape reads a name or a value, and says whether it could. Semicolons divided parameters once, and
// whoever wrote one may have meant that.
func unescape(text string) (string, bool) {
	for i := range len(text) {
		if c := text[i]; c == '%' || c == '+' || c == ';' {
			plain, err := url.QueryUnescape(text)
			return plain, err == nil && !strings.Contains(text, ";")
		}
	}
	return text, true
}

// isResource is keys.IsResourceSlug without a regular expression.
func isResource(slug string) bool {
	if slug == "" || len(slug) > maxResource || !isAlphanumeric(slug[0]) {
		return false
	}
	for i := 1; i < len(slug); i++ {
		if c := slug[i]; !isAlphanumeric(c) && c != '.' && c != '_' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

// isAccount says whether slug can name an account, without a regular expression.
func isAccount(slug string) bool {
	if len(slug) < 3 || len(slug) > maxAccount {
		return false
	}
	for i := range len(slug) {
		if !isAlphanumeric(slug[i]) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
