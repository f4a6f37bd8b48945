package web

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// toldInDump is what a dump has of requests, and not of what they are about: events, their place in the feed, and how
// often a row was locked.
var toldInDump = regexp.MustCompile(`(?m)^(audit|change_log|head): .*\n| version=\d+`)

// TestAFormThatIsSentTwiceMakesNothingMore sends every form of the table twice with the same cookies, as nginx in
// deploy/compose does where the first answer was lost. Left out are the forms that it sends once.
func TestAFormThatIsSentTwiceMakesNothingMore(t *testing.T) {
	k := newKit(t)
	once := sentOnce(t)
	sent, left := 0, 0
	for _, r := range k.server.routes() {
		if r.Method != http.MethodPost {
			continue
		}
		if once.MatchString(r.Path) {
			left++
			continue
		}
		k.anotherSession(r, "own", "ana@acme.example")
		b := k.signIn("ana@acme.example")
		id := b.keyFor(r)
		if of, found := strings.CutSuffix(r.Path, "/activate"); found {
			b.try(route{Method: http.MethodPost, Path: of + "/deactivate"}, id)
		}
		fields, path, cookies := b.fieldsOf(r, id), k.fill(r.Path, id), copied(b.cookies)
		untouched := k.dump()
		first := b.post(path, fields)
		before := k.dump()
		if changes := r.Path != pathLanguage(); first.status >= 400 || changes && before == untouched {
			t.Errorf("%s: %d, and the database did not change", r.Path, first.status)
		}
		b.cookies = cookies
		second := b.post(path, fields)
		sent++
		if secretInText.MatchString(second.body) {
			t.Errorf("%s shows a secret at the second sending", r.Path)
		}
		switch second.status {
		case http.StatusSeeOther, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		default:
			t.Errorf("%s answers %d to the second sending", r.Path, second.status)
		}
		if before, after := toldInDump.ReplaceAllString(before, ""), toldInDump.ReplaceAllString(k.dump(), ""); after != before {
			t.Errorf("%s did something again:\n%s", r.Path, difference(before, after))
		}
	}
	if left != 5 || sent < 25 {
		t.Errorf("%d forms were sent twice, and %d left out", sent, left)
	}
}

// sentOnce matches the paths whose forms the balancer of deploy/compose never sends a second time.
func sentOnce(t *testing.T) *regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile("../deploy/compose/nginx.conf")
	must(t, err)
	found := regexp.MustCompile(`location ~ (\S+) \{\s+proxy_next_upstream ([^;]*);`).FindStringSubmatch(string(text))
	if found == nil || strings.Contains(found[2], "non_idempotent") {
		t.Fatal("the balancer sends every form again")
	}
	return regexp.MustCompile(found[1])
}

// copied are cookies as they are now.
func copied(cookies map[string]*http.Cookie) map[string]*http.Cookie {
	all := maps.Clone(cookies)
	for name, cookie := range all {
		one := *cookie
		all[name] = &one
	}
	return all
}
