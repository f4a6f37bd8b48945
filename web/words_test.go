package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/views/words"
)

// TestEveryReasonHasItsWords keeps refusals from being shown as ids.
func TestEveryReasonHasItsWords(t *testing.T) {
	ids := words.IDs()
	source := sourceOf(t, "../keys/errors.go", "errors.go", "problems.go")
	reasons := regexp.MustCompile(`(?m)\b[rR]eason\w+\s+(?:keys\.)?Reason\s*=\s*"([a-z-]+)"`).FindAllStringSubmatch(source, -1)
	if len(reasons) < 30 {
		t.Fatalf("only %d reasons", len(reasons))
	}
	for _, r := range reasons {
		problem := slices.Contains(ids, "problem."+r[1])
		page := slices.Contains(ids, "error."+r[1]+".heading") && slices.Contains(ids, "error."+r[1]+".text")
		if !problem && !page && !withoutWords[r[1]] {
			t.Errorf("%s has no words", r[1])
		}
	}
	for _, r := range keys.ConsoleResources() {
		for _, form := range []string{".name", ".verb"} {
			if !slices.Contains(ids, "permission."+r.Slug+form) {
				t.Errorf("permission.%s%s has no words", r.Slug, form)
			}
		}
	}
}

// withoutWords are the reasons that no page shows: they lead elsewhere, or only commands meet them.
var withoutWords = map[string]bool{
	"session-ended": true, "login-throttled": true, "login-locked": true, "setup-closed": true, "account-not-found": true, "cursor": true,
	"keys-would-stop": true,
}

// TestEveryIDOfWebIsUsed finds words that nothing says any more, and ids that nothing defines.
func TestEveryIDOfWebIsUsed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	source := sourceOf(t, files...)
	ids := words.IDs()
	for _, found := range regexp.MustCompile(`(?:\b[tn]|shell|confirmView)\(c, "([a-z-]+\.[a-z.-]+[a-z])"`).FindAllStringSubmatch(source, -1) {
		if !slices.Contains(ids, found[1]) {
			t.Errorf("%s is said but not in the catalogue", found[1])
		}
	}
	catalogues, err := filepath.Glob("../views/words/en/web*.json")
	must(t, err)
	if len(catalogues) < 2 {
		t.Fatalf("catalogues %q", catalogues)
	}
	catalogue := sourceOf(t, catalogues...)
	for _, found := range regexp.MustCompile(`(?m)^  "([a-z.-]+)":`).FindAllStringSubmatch(catalogue, -1) {
		id := found[1]
		if composed.MatchString(id) {
			continue
		}
		if !strings.Contains(source, `"`+id+`"`) {
			t.Errorf("%s is in the catalogue but never said", id)
		}
	}
}

// composed are the ids that the code puts together from a reason, a resource or a unit.
var composed = regexp.MustCompile(`^(error|problem|permission|role\.(owner|user-administrator)|history|advice|alarm|audit\.(?:action|advice|field|kind|reason|who)|login\.notice|flash\.renewed|duration\.(valid|marked)|find\.(status|tokens)|bulk\.(heading|ask|text|submit|done|same))[.-]`)

func sourceOf(t *testing.T, files ...string) string {
	t.Helper()
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(t, err)
		all.Write(content)
	}
	return all.String()
}

// TestEveryActionOnAKeyHasItsWords: those of a key, of its tokens, renewals and links stand in its history.
func TestEveryActionOnAKeyHasItsWords(t *testing.T) {
	actions := regexp.MustCompile(`Action = "((?:key|token|renew|link)\.[a-z_]+)"`).FindAllStringSubmatch(sourceOf(t, "../keys/audit_event.go"), -1)
	if len(actions) < 18 {
		t.Fatalf("only %d actions", len(actions))
	}
	for _, action := range actions {
		if id := historyID(keys.Action(action[1])); !slices.Contains(words.IDs(), id) {
			t.Errorf("%s has no words", id)
		}
	}
}
