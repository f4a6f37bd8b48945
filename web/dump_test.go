package web

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// volatile is what reading may touch: when a session was last seen, and the flash that waits in it.
var volatile = regexp.MustCompile(` seen_at=\S+| flash=.*$`)

// ours says which rows hold what the console keeps. Attempts to sign in are counted whatever becomes
// of them.
func ours(row string) bool {
	return !strings.HasPrefix(row, "login_limit: ") && !strings.HasPrefix(row, "goose_db_version: ")
}

// dump is every row of every table but the volatile ones, as text.
func (k *kit) dump() string {
	k.t.Helper()
	return k.dumpWhere(func(string) bool { return true })
}

// dumpOf is what an account owns. Ids of other accounts never occur in its rows, but those of the external
// keys that it gave roles to.
func (k *kit) dumpOf(slug string) string {
	k.t.Helper()
	id := k.raw.Texts(`SELECT id FROM account WHERE slug = $1`, slug)[0]
	keyIDs := k.raw.Texts(`SELECT id FROM api_key WHERE account_id = $1`, id)
	return k.dumpWhere(func(row string) bool {
		if strings.Contains(row, "account_number=") { // an external key is the account's that gave it roles
			return strings.Contains(row, "account_id="+id)
		}
		return strings.Contains(row, id) || slices.ContainsFunc(keyIDs, func(key string) bool { return strings.Contains(row, key) })
	})
}

func (k *kit) dumpWhere(keep func(row string) bool) string {
	k.t.Helper()
	var text strings.Builder
	for _, row := range k.raw.EveryRow() {
		if ours(row) && keep(row) {
			text.WriteString(volatile.ReplaceAllString(row, "") + "\n")
		}
	}
	return text.String()
}

// difference is the lines that only one of two dumps has.
func difference(before, after string) string {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	var text strings.Builder
	for _, line := range b {
		if !slices.Contains(a, line) {
			text.WriteString("- " + line + "\n")
		}
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			text.WriteString("+ " + line + "\n")
		}
	}
	return text.String()
}

func regexpFind(t testing.TB, pattern, text string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindString(text)
	if found == "" {
		t.Fatalf("no %s in the page", pattern)
	}
	return found
}

// The searches for secrets can only be believed if they see what is kept.
func TestTheDumpAndTheFilesShowWhatIsKept(t *testing.T) {
	k := newKit(t)
	before := k.dump()
	k.signIn("ana@acme.example").generate("Quince marmalade")
	if strings.Contains(before, "Quince marmalade") || !strings.Contains(k.dump(), "name=Quince marmalade") {
		t.Error("the dump does not show the key that was made")
	}
	var files strings.Builder
	for place, content := range k.raw.Files() {
		if content == "" {
			t.Errorf("%s is empty", place)
		}
		files.WriteString(content)
	}
	if !strings.Contains(files.String(), "Quince marmalade") {
		t.Error("the files do not show the key that was made")
	}
}
