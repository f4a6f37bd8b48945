package secret

import "strings"

// NewPassword returns a fresh random password for a person to copy: 5 groups of
// 5 characters of Crockford's base 32 in lower case, joined by "-". It passes
// [CheckPassword].
func NewPassword() string {
	groups := make([]string, 5)
	for i := range groups {
		groups[i] = strings.ToLower(randomCrockford(5))
	}
	return strings.Join(groups, "-")
}
