package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"

	"latchkey/keys"
	"latchkey/views/words"
)

// hostile is a name that wants to be markup, a formula and a link, and to turn the words around it: its marks are
// not balanced, and the first of them ends what sets a name apart.
const hostile = "\"><img src=x onerror=alert(1)>=HYPERLINK(\"http://x\")\u2066🔑\u2069\u2069\u202eevil\u200f"

// spelling is what everything is called that a person can call something.
type spelling struct{ name, guest string }

// agent is what a browser says of itself.
func (s spelling) agent() string { return s.name + " Firefox/140.0" }

var hostileSpelling = spelling{name: hostile, guest: "=1+{{.}}`id`$home\u2066🔑\u2069\u2069\u202elive\u200f-"}

// tame is a spelling of the same shape that means nothing to anybody. Both sort before everything that the product
// or the kit names.
func (s spelling) tame() spelling { return spelling{tame(s.name), tame(s.guest)} }

func tame(text string) string {
	return "0" + strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return '日'
		case r == ' ' || unicode.IsLetter(r) || unicode.IsDigit(r) || r > unicode.MaxASCII:
			return r
		}
		return 'z'
	}, text[1:])
}

// story is everything that an installation answers while everything in it has one spelling.
type story struct {
	*kit
	spelling
	// me is the user whose email has that spelling, and does everything.
	email string
	// ids are keys in every state.
	ids []keys.KeyID
	// slug is that of a role with the spelling.
	slug string
	told []told
	// best is the lowest status that each route answered.
	best     map[string]int
	replacer *strings.Replacer
}

// told is an answer, and to what.
type told struct {
	to, route string
	answer
}

// keep keeps an answer, and follows it once where it leads.
func (s *story) keep(who *browser, r *http.Request, how string) answer {
	s.t.Helper()
	route := s.routeOf(r)
	a := who.send(r)
	s.told = append(s.told, told{fmt.Sprintf("%d. %s%s", len(s.told), route, how), route, a})
	if before, known := s.best[route]; !known || a.status < before {
		s.best[route] = a.status
	}
	return a
}

// routeOf is the row of the table that a request belongs to.
func (s *story) routeOf(r *http.Request) string {
	c := s.server.echo.NewContext(r, nil)
	s.server.echo.Router().Find(r.Method, r.URL.EscapedPath(), c)
	return r.Method + " " + c.Path()
}

func (s *story) get(who *browser, path string) answer {
	s.t.Helper()
	return s.keep(who, who.request(http.MethodGet, path, nil), "")
}

// post sends a form and shows the page that it leads to, with its flash.
func (s *story) post(who *browser, path string, fields url.Values) answer {
	s.t.Helper()
	a := s.keep(who, who.formRequest(path, fields), "")
	if to := a.header.Get("Location"); to != "" {
		s.get(who, to)
	}
	return a
}

func (s *story) hx(who *browser, method, path string, fields url.Values) answer {
	s.t.Helper()
	return s.keep(who, who.hxRequest(method, path, fields), " by htmx")
}

// signsIn is a further session of the user with the spelling, from an address of its own.
func (s *story) signsIn() *browser {
	s.t.Helper()
	s.signIns++
	return s.signInWith(s.email, fmt.Sprintf("198.18.%d.%d", s.signIns/250, s.signIns%250), s.agent())
}

// tell makes an installation, and gives everything in it its name.
func tell(t *testing.T, language string, names spelling) *story {
	t.Helper()
	k := newKit(t)
	k.accepts, k.guest = language, names.guest
	s := &story{kit: k, spelling: names, best: map[string]int{}}
	ana := k.signIn("ana@acme.example")
	s.post(ana, pathResourceAdd(), url.Values{"slug": {"x.read"}, "product": {s.name}, "name": {s.name}, "description": {s.name}})
	made := s.post(ana, pathRoleCreate(), s.role("0"))
	_, s.slug, _ = strings.Cut(made.header.Get("Location"), "#kebab-")
	if s.slug == "" {
		t.Fatalf("no role: %s", made.text("main"))
	}
	s.post(ana, pathRoleDelete(s.slug), nil)
	ana.ownRole()
	s.post(ana, pathRoleEdit("acme-only"), s.role("1"))
	me := ana.invite("owner", "acme-only")
	s.email = me.email
	s.post(k.browser(), pathPassword(me.link), passwordForm(me.secret, password))
	s.makeKeys()
	return s
}

// role is a form that gives a role the spelling.
func (s *story) role(version string) url.Values {
	return url.Values{"name": {s.name}, "description": {s.name}, "resources": {"orders.read", "x.read", keys.ManageUsers}, "version": {version}}
}

func (s *story) makeKeys() {
	s.t.Helper()
	s.clock.advance(-200 * 24 * time.Hour)
	me := s.signsIn()
	old, _ := me.generate(s.name, "acme-only", "owner", "orders-viewer")
	s.clock.advance(200 * 24 * time.Hour)
	me = s.signsIn()
	steady, _ := me.generate(s.name, "acme-only")
	inactive, _ := me.generate(s.name, "acme-only")
	me.post(pathKeyDeactivate(inactive, ""), nil)
	open, _ := me.generate(s.name, "acme-only")
	me.renew(open)
	s.used(me.tokens(open)[1], 3*minute, "203.0.113.7")
	me.alarm(open, "203.0.113.7")
	waiting, _ := me.generate(s.name, "acme-only")
	me.renewByLink(waiting)
	unopened, _ := me.generateByLink(s.name, "acme-only")
	s.ids = []keys.KeyID{old, steady, inactive, open, waiting, unopened}
}

// everyPage asks for every page of the table, about keys in every state, as a page and as a fragment.
func (s *story) everyPage() {
	s.t.Helper()
	me := s.signsIn()
	s.invited = me.invite("acme-only")
	s.anotherSession(route{Path: ":session"}, "own", s.email)
	external := me.external("acme-only")
	for _, r := range s.server.routes() {
		if r.Method != http.MethodGet || r.Kind == download {
			continue
		}
		for _, id := range s.about(r, external) {
			path := s.address(r, id)
			s.get(me, path)
			s.hx(me, http.MethodGet, path, nil)
		}
		s.get(s.browser(), s.address(r, s.ids[0]))
		s.odd(me, r)
	}
}

// about are the keys that a route can be about.
func (s *story) about(r route, external keys.KeyID) []keys.KeyID {
	switch {
	case isExternal(r):
		return []keys.KeyID{external}
	case strings.Contains(r.Path, ":"):
		return s.ids
	}
	return s.ids[:1]
}

// odd asks for a page with the name wherever an address has room for it.
func (s *story) odd(me *browser, r route) {
	s.t.Helper()
	path := s.address(r, s.ids[0])
	query := url.Values{}
	for _, field := range strings.Fields("q status role token_state sort dir actor action target from to alarm list next notice resource duration enforce sheet renewal") {
		query.Set(field, s.name)
	}
	between := "?"
	if strings.Contains(path, "?") {
		between = "&"
	}
	s.get(me, path+between+query.Encode())
	s.hx(me, http.MethodGet, path+between+query.Encode(), nil)
	s.get(s.browser(), path+between+query.Encode())
	s.get(me, path+between+url.Values{"after": {s.name}}.Encode())
	if parameter := regexp.MustCompile(`:\w+`); parameter.MatchString(r.Path) {
		s.get(me, parameter.ReplaceAllString(r.Path, url.PathEscape(s.name)))
	}
}

// moreStates brings about what no row of the table does by itself.
func (s *story) moreStates() {
	s.t.Helper()
	me := s.signsIn()
	q := "?q=" + url.QueryEscape(s.name)
	s.get(me, pathKeys()+q+"&role=acme-only&status=active&sort=name")
	s.hx(me, http.MethodGet, pathKeys()+q, nil)
	s.get(me, pathKeyEdit(s.ids[1], "")+"?list="+url.QueryEscape(q[1:]))
	s.get(me, pathAudit()+"?actor="+url.QueryEscape(s.email))
	s.get(me, pathAudit()+"?target="+url.QueryEscape(s.name))
	s.post(me, pathSettings(), url.Values{"duration": {"3-months"}, "enforce": {"on"}, "zone": {"UTC"}, "version": {"1"}})
	for _, action := range []string{"activate", "deactivate", "delete"} {
		chosen := url.Values{"action": {action}, "id": {string(s.ids[0]), string(s.ids[1]), string(s.ids[2])}}
		s.get(me, pathKeysBulk("")+"?"+chosen.Encode())
	}
	s.twiceAndStale(me)
	s.withLess()
	s.putUnderReview()
	for _, path := range []string{pathKeysReview(), pathKeys(), pathKeyShow(s.ids[1])} {
		s.get(me, path)
	}
	s.post(me, pathKeysReview(), url.Values{"since": {"1700000000000000"}, "looked": {"on"}})
}

// twiceAndStale sends forms again, and forms that are too old.
func (s *story) twiceAndStale(me *browser) {
	s.t.Helper()
	roles, once := url.Values{"roles": {"acme-only"}, "version": {"77"}, "name": {s.name}, "description": {s.name}, "resources": {"x.read"}}, nonce()
	generate, invite := url.Values{"name": {s.name}, "nonce": {once}}, url.Values{"email": {s.kit.guest + "0@acme.example"}, "nonce": {once}}
	for _, form := range []struct {
		path   string
		fields url.Values
	}{
		{pathKeysGenerate(), generate},
		{pathKeysGenerate(), generate},
		{pathKeyRenew(s.ids[1], ""), url.Values{"nonce": {once}}},
		{pathKeyRenew(s.ids[1], ""), url.Values{"nonce": {once}}},
		{pathKeyRenew(s.ids[1], ""), url.Values{"nonce": {nonce()}}},
		{pathUsersInvite(), invite},
		{pathUsersInvite(), invite},
		{pathUsersInvite(), url.Values{"email": {s.email}, "nonce": {nonce()}}},
		{pathKeyDeactivate(s.ids[2], ""), nil},
		{pathKeyActivate(s.ids[1], ""), nil},
		{pathKeyEdit(s.ids[1], ""), roles},
		{pathRoleEdit("acme-only"), roles},
		{pathRoleCreate(), roles},
		{pathRoleDelete("acme-only"), nil},
		{pathUserEdit(s.userNumber(s.email)), roles},
		{pathUserDeactivate(s.invited.number), nil},
		{pathUserDeactivate(s.invited.number), nil},
	} {
		s.post(me, form.path, form.fields)
	}
}

// withLess is what somebody meets who may not do all that the role with the spelling allows.
func (s *story) withLess() {
	s.t.Helper()
	s.addRole("editor", keys.ViewAPIKeys, keys.EditAPIKeys, keys.ManageRoles)
	s.addUser("ed@acme.example", "editor")
	ed := s.signIn("ed@acme.example")
	for _, path := range []string{
		pathKeys(), pathKeyEdit(s.ids[1], ""), pathKeyShow(s.ids[1]), pathKeyActivate(s.ids[2], ""), pathKeyRenew(s.ids[1], ""),
		pathRole("acme-only"), pathRoleEdit("acme-only"), pathRoleDelete("acme-only"), pathRoleDuplicate("acme-only"),
	} {
		s.get(ed, path)
		s.hx(ed, http.MethodGet, path, nil)
	}
	s.post(ed, pathKeyActivate(s.ids[2], ""), nil)
	s.hx(ed, http.MethodPost, pathKeyActivate(s.ids[2], ""), nil)
	s.post(ed, pathKeysGenerate(), url.Values{"name": {s.name}, "roles": {"acme-only"}, "nonce": {nonce()}})
	s.post(ed, pathKeysBulk(""), url.Values{"action": {"activate"}, "id": {string(s.ids[1]), string(s.ids[2]), "appkey-acme-00000000"}})
}

// everyAction does everything that the table offers, once as a page and once through htmx, and then once
// for each field of its form with the name in it.
func (s *story) everyAction() {
	s.t.Helper()
	for _, r := range s.server.routes() {
		if r.Method != http.MethodPost || r.Path == pathSetup() {
			continue
		}
		who, path, fields := s.formOf(r)
		s.post(who, path, fields)
		if r.Kind != secretForm {
			who, path, fields = s.formOf(r)
			s.hx(who, http.MethodPost, path, fields)
			s.get(who, pathKeys())
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			who, path, fields := s.formOf(r)
			fields.Set(field, s.name)
			s.post(who, path, fields)
		}
	}
}

// formOf is a session that is about to send the form of an action about something with the spelling.
func (s *story) formOf(r route) (who *browser, path string, fields url.Values) {
	s.t.Helper()
	who = s.signsIn()
	s.anotherSession(r, "own", s.email)
	id := s.ids[0]
	if strings.Contains(r.Path, ":") {
		id = who.namedKeyFor(r, s.name, "acme-only")
	}
	fields = who.fieldsOf(r, id)
	for _, field := range []string{"name", "description", "product"} {
		if fields.Has(field) {
			fields.Set(field, s.name)
		}
	}
	switch r.Path {
	case pathRoleCreate():
		fields.Set("name", fmt.Sprint("Role ", len(s.told)))
	case pathResourceAdd():
		fields.Set("slug", fmt.Sprint("permission.", len(s.told)))
	case pathLogin():
		fields.Set("email", s.email)
	}
	return who, s.fill(r.Path, id), fields
}

// setUp makes another installation, whose first user has the spelling.
func (s *story) setUp() {
	s.t.Helper()
	empty := newEmptyKit(s.t)
	empty.accepts = s.accepts
	inside := &story{kit: empty, spelling: s.spelling, best: s.best, told: s.told}
	code := empty.offerCode()
	inside.get(empty.browser(), pathSetup())
	for _, field := range []string{"code", "account", "email", "zone", "language", "password"} {
		fields := setupForm(code)
		fields.Set(field, s.name)
		inside.post(empty.browser(), pathSetup(), fields)
	}
	fields := setupForm(code)
	fields.Set("email", s.email)
	inside.post(empty.browser(), pathSetup(), fields)
	s.told = inside.told
}

// whole is a story from its beginning to its end.
func whole(t *testing.T, names spelling) *story {
	t.Helper()
	s := tell(t, "", names)
	s.everyPage()
	s.moreStates()
	s.everyAction()
	s.setUp()
	return s
}

func TestAHostileNameIsInertEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: everything is done twice, and once more for each field")
	}
	var is, was *story
	t.Run("told", func(t *testing.T) {
		t.Run("hostile", func(t *testing.T) {
			t.Parallel()
			is = whole(t, hostileSpelling)
		})
		t.Run("tame", func(t *testing.T) {
			t.Parallel()
			was = whole(t, hostileSpelling.tame())
		})
	})
	if is == nil || was == nil {
		return // one of them failed
	}
	is.looksLike(t, was)
	is.standsApart(t)
	is.isShown(t)
	is.isInNoSnippet(t)
	for _, r := range is.server.routes() {
		if status, asked := is.best[r.Method+" "+r.Path]; r.Kind != download && r.Kind != plain && (!asked || status >= http.StatusBadRequest) {
			t.Errorf("%s %s was asked for: %t, and at best answered %d", r.Method, r.Path, asked, status)
		}
	}
}

// TestAHostileNameIsInertInEveryLanguage looks at the list, and at the sentences that a name stands in.
func TestAHostileNameIsInertInEveryLanguage(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: everything is done twice in each language")
	}
	for _, language := range keys.Languages() {
		t.Run(language, func(t *testing.T) {
			var both []*story
			for _, names := range []spelling{hostileSpelling, hostileSpelling.tame()} {
				s := tell(t, language, names)
				me := s.signsIn()
				s.post(me, pathKeyDeactivate(s.ids[1], ""), nil)
				s.post(me, pathKeyDelete(s.ids[1], ""), url.Values{"understood": {"on"}})
				s.get(me, pathKeys()+"?q="+url.QueryEscape(s.name))
				s.get(me, pathKeys()+"?q="+url.QueryEscape(s.name+"!"))
				for _, path := range []string{pathKeyShow(s.ids[3]), pathKeyDelete(s.ids[3], ""), pathRoles(), pathResources(), pathUsers(), pathAudit()} {
					s.get(me, path).speaks(language)
				}
				both = append(both, s)
			}
			both[0].looksLike(t, both[1])
			both[0].standsApart(t)
		})
	}
}

// looksLike asserts that both stories are the same but for the spelling: no name became an element, an attribute
// or anything else but itself.
func (s *story) looksLike(t *testing.T, other *story) {
	t.Helper()
	if len(s.told) != len(other.told) {
		t.Fatalf("%d answers, not %d", len(s.told), len(other.told))
	}
	for i, a := range s.told {
		b := other.told[i]
		if a.to != b.to || a.status != b.status {
			t.Errorf("%s answers %d; with a tame name %s answers %d", a.to, a.status, b.to, b.status)
			continue
		}
		got, want := s.outline(a.answer), other.outline(b.answer)
		if !slices.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s: after %q comes %q, with a tame name %q", a.to, got[max(0, at-3):at], got[at:min(at+4, len(got))], want[at:min(at+4, len(want))])
		}
	}
}

// nameless are the pages that show nothing that a person chose a name for, but for their own email in the bar.
var nameless = []string{
	"/", "/healthz", "/livez", "/readyz", "/static/*", "/favicon.ico", "/help", "/help/protect", "/credentials/:lid", "/password/:lid", "/setup",
	"/login", "/account/preferences", "/account/sessions", "/account/sessions/end", "/account/password", "/account/api-keys",
	"/account/api-keys/settings", "/account/api-keys/settings/preview", "/account/api-keys/external/:id/remove", "/account/roles/permissions/new",
}

// isShown asserts that every page of the table shows a name as it is, but for the nameless ones.
func (s *story) isShown(t *testing.T) {
	t.Helper()
	shown := map[string]bool{}
	for _, a := range s.told {
		if text := a.Find("main").Text(); strings.Contains(text, s.name) || strings.Contains(text, s.kit.guest) {
			shown[a.route] = true
		}
	}
	for _, r := range s.server.routes() {
		if r.Method == http.MethodGet && r.Kind != download && shown["GET "+r.Path] == slices.Contains(nameless, r.Path) {
			t.Errorf("%s shows the name: %t", r.Path, shown["GET "+r.Path])
		}
	}
}

// standsApart asserts that wherever a name stands in text, it is set apart: in an element that browsers lay out by
// itself, or between marks.
func (s *story) standsApart(t *testing.T) {
	t.Helper()
	seen := 0
	for _, a := range s.told {
		if message := a.message(); strings.Contains(strings.ReplaceAll(message, words.Isolate(s.name), ""), s.name) {
			t.Errorf("%s: the name is not set apart in the message %q", a.to, message)
		}
		for _, root := range a.Nodes {
			for n := range root.Descendants() {
				if n.Type == html.TextNode && (strings.Contains(n.Data, s.name) || strings.Contains(n.Data, s.kit.guest)) {
					seen++
					if !s.apart(n) {
						t.Errorf("%s: the name is not set apart in %q in <%s>", a.to, n.Data, n.Parent.Data)
					}
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d names were looked at", seen)
	}
}

// isInNoSnippet asserts that nothing that people are told to copy holds a name.
func (s *story) isInNoSnippet(t *testing.T) {
	t.Helper()
	copied := map[string]bool{}
	for _, a := range s.told {
		a.Find("[data-copy]").Each(func(_ int, button *goquery.Selection) {
			id := button.AttrOr("data-copy", "")
			copied[id] = true
			if text := a.Find("#" + id).Text(); text == "" || strings.Contains(text, s.name) || strings.Contains(text, s.kit.guest) {
				t.Errorf("%s: %s is %q", a.to, id, text)
			}
		})
	}
	for _, id := range []string{"key", "token", "check", "link", "qs-curl", "qs-go", "qs-js", "recipe-nginx", "try-curl"} {
		if !copied[id] {
			t.Errorf("%s was not looked at", id)
		}
	}
}

// TestNoTextBreaksAShellSnippet has a shell read the snippets of an installation whose operator chose headers
// that mean something to it.
func TestNoTextBreaksAShellSnippet(t *testing.T) {
	const keyHeader, tokenHeader = "X-`id`$HOME", "X-$PATH'|&"
	k := newKit(t, headers(keyHeader, tokenHeader))
	b := k.signIn("ana@acme.example")
	made := b.post(pathKeysGenerate(), url.Values{"name": {hostile}, "nonce": {nonce()}})
	id := keys.KeyID(regexpFind(t, `appkey-acme-[0-9A-Z]{8}`, made.body))
	for snippet, c := range map[string]struct {
		page answer
		key  string
	}{"check": {made, string(id)}, "qs-curl": {b.get(pathKeyShow(id)), string(id)}, "try-curl": {b.get(pathHelpProtect()), "a key"}} {
		run := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\n' "$@"; }; `+c.page.Find("#"+snippet).Text())
		run.Env = []string{"API_KEY=a key", "API_TOKEN=a token"}
		out, err := run.CombinedOutput()
		must(t, err)
		args := strings.Split(string(out), "\n")
		for _, want := range []string{keyHeader + ": " + c.key, tokenHeader + ": a token"} {
			if !slices.Contains(args, want) {
				t.Errorf("%s: curl gets %q, not %q", snippet, args, want)
			}
		}
	}
}

// apart says whether the names in a text cannot turn what stands beside them.
func (s *story) apart(n *html.Node) bool {
	if hasParent(n, "bdi") || hasParent(n, "option") {
		return true
	}
	text := strings.ReplaceAll(n.Data, words.Isolate(s.name), "")
	for rest := text; ; {
		before, after, found := strings.Cut(rest, s.kit.guest)
		if !found {
			break
		}
		// An email goes on after the part that was chosen.
		if end, _, apart := strings.Cut(after, "@acme.example\u2069\u2069"); !strings.HasSuffix(before, "\u2068\u2068") || !apart || len(end) > 3 {
			return false
		}
		rest = after
	}
	return !strings.Contains(text, s.name)
}

func hasParent(n *html.Node, tag string) bool {
	for up := range n.Ancestors() {
		if up.Data == tag {
			return true
		}
	}
	return false
}

// outline is everything in an answer, line by line, with the names and what chance made replaced.
func (s *story) outline(a answer) (lines []string) {
	a.Find("#account > span").SetText("INITIAL")
	for _, root := range a.Nodes {
		for n := range root.Descendants() {
			switch n.Type {
			case html.TextNode:
				lines = append(lines, "text "+s.plain(n.Data))
			case html.ElementNode:
				lines = append(lines, "<"+n.Data)
				for _, attribute := range n.Attr {
					lines = append(lines, attribute.Key+"="+s.plain(attribute.Val))
				}
			case html.CommentNode:
				lines = append(lines, "comment")
			default: // of a document there is one
			}
		}
	}
	for _, name := range []string{"Location", "HX-Redirect"} {
		lines = append(lines, name+": "+s.plain(a.header.Get(name)))
	}
	return append(lines, "message: "+s.plain(a.message()))
}

// message is what app.js shows of an answer without a page.
func (a answer) message() string {
	a.t.Helper()
	message, err := url.PathUnescape(a.header.Get("Latchkey-Message"))
	must(a.t, err)
	return message
}

// byChance is what no two installations have alike.
var byChance = regexp.MustCompile(`^[0-9A-Za-z]{4}$|appkey-[a-z]+-[0-9A-Z]{8}|-[0-9A-HJKMNP-TV-Z]{8}\b|lk[a-z]_[0-9A-Za-z]{49}|[0-9A-Za-z]{22}|…[0-9A-Za-z]{4}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|\?at=\d+`)

// plain is text with a word in the place of each name.
func (s *story) plain(text string) string {
	text = s.words().Replace(text)
	if len(text) < 4 {
		return text
	}
	return byChance.ReplaceAllString(text, "#")
}

// words puts a word in the place of each name, whatever way it is written, and takes away the marks around it.
func (s *story) words() *strings.Replacer {
	if s.replacer == nil {
		pairs := []string{s.slug, "SLUG"}
		for _, known := range []struct{ text, word string }{{s.agent(), "AGENT"}, {s.name, "NAME"}, {s.kit.guest, "GUEST"}} {
			for _, form := range formsOf(known.text) {
				pairs = append(pairs, form, known.word)
			}
		}
		s.replacer = strings.NewReplacer(append(pairs, "\u2068", "", "\u2069", "")...)
	}
	return s.replacer
}

// formsOf are the ways to write a text: as it is, in JSON, and in an address within an address.
func formsOf(text string) []string {
	once := url.QueryEscape(text)
	twice := url.QueryEscape(once)
	return []string{text, strings.ToLower(text), jsonOf(text), url.PathEscape(text), once, twice, url.QueryEscape(twice)}
}

func jsonOf(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(out), `"`)
}

// formulas are names that spreadsheet programs would take for something else.
var formulas = []string{
	hostile, "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "a;=1+1", "a\t=1+1", "a\r=1+1", "1e5", "0012", "2026-09-12", "TRUE", "_x003D_1",
	"\u200f=1+1", "\u202e\u2066@x", "＝1+1", `say "hi", twice`, "São Paulo 日本",
}

// TestQ31TextStaysText looks at every cell of every file: a spreadsheet program must see text, whatever it looks
// like.
func TestQ31TextStaysText(t *testing.T) {
	s := tell(t, "", hostileSpelling)
	me := s.signsIn()
	me.external("acme-only")
	for i, name := range formulas {
		me.generate(name, "acme-only")
		slug := fmt.Sprint("formula.", i)
		me.post(pathResourceAdd(), url.Values{"slug": {slug}, "product": {name}, "name": {name}, "description": {name}}).is(http.StatusSeeOther)
		if name == s.name {
			continue // a role has it already
		}
		made := me.post(pathRoleCreate(), url.Values{"name": {name}, "description": {name}, "resources": {slug}})
		made.is(http.StatusSeeOther)
		_, role, _ := strings.Cut(made.header.Get("Location"), "#kebab-")
		me.external(role)
		me.generate("Order sync", role)
	}
	files := 0
	for _, r := range s.server.routes() {
		if r.Kind != download {
			continue
		}
		files++
		for _, query := range []string{"", "?sheet=external", "?q=" + url.QueryEscape(s.name), "?actor=" + url.QueryEscape(s.email)} {
			a := me.get(r.Path + query)
			a.is(http.StatusOK)
			texts := a.textsOfFile()
			if len(texts) < 10 || !strings.Contains(strings.Join(texts, "\n"), s.name) {
				t.Errorf("%s%s does not have the name as it is, in %d cells", r.Path, query, len(texts))
			}
			if name := a.header.Get("Content-Disposition"); !plainFile.MatchString(name) {
				t.Errorf("%s%s: the file is called %q", r.Path, query, name)
			}
		}
	}
	if files != 4 {
		t.Errorf("%d files", files)
	}
}

var plainFile = regexp.MustCompile(`^attachment; filename=[a-z0-9-]+\.(csv|xlsx)$`)

// textsOfFile are the cells of a file. It asserts that none is a formula.
func (a answer) textsOfFile() (texts []string) {
	a.t.Helper()
	if a.header.Get("Content-Type") != exportMedia[formatXLSX] {
		texts = slices.Concat(a.lines()...)
		for _, text := range texts {
			if calculates(text) {
				a.t.Errorf("the cell %q can be taken for a formula", text)
			}
		}
		return texts
	}
	book := a.book()
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet)
		must(a.t, err)
		for i, row := range rows {
			for j, text := range row {
				texts = append(texts, text)
				a.isTextIn(book, sheet, i+1, j+1, i > 0 && j == slices.Index(rows[0], "id"))
			}
		}
	}
	for _, part := range parts(a.t, a.body) {
		if strings.Contains(part, "<f>") || strings.Contains(part, "<hyperlink") {
			a.t.Errorf("a part holds a formula or a link: %.200s", part)
		}
	}
	return texts
}

// isTextIn asserts that a cell of a workbook is text, or else a number.
func (a answer) isTextIn(book *excelize.File, sheet string, row, column int, number bool) {
	a.t.Helper()
	at, err := excelize.CoordinatesToCellName(column, row)
	must(a.t, err)
	kind, err := book.GetCellType(sheet, at)
	must(a.t, err)
	value, err := book.GetCellValue(sheet, at)
	must(a.t, err)
	formula, err := book.GetCellFormula(sheet, at)
	must(a.t, err)
	text := value == "" || kind == excelize.CellTypeInlineString
	if formula != "" || text == number {
		a.t.Errorf("%s of %s is %q of type %v with the formula %q", at, sheet, value, kind, formula)
	}
}

// calculates says whether a spreadsheet program could take a cell of a CSV file for a formula, or a piece of it where
// the program splits lines at another sign.
func calculates(cell string) bool {
	for _, piece := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";\t\n\r", r) }) {
		bare := strings.TrimLeftFunc(piece, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) })
		if first, _ := utf8.DecodeRuneInString(bare); strings.ContainsRune("=+-@＝＋－＠", first) && bare != "" {
			return true
		}
	}
	return cell != "" && strings.ContainsRune("\t\r\n", rune(cell[0]))
}
