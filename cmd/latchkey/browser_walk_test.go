package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// walk visits every page in every state that a person can bring it into, and looks at each once: with
// axe, for its width, for what the browser complains about and for what it keeps.
type walk struct {
	*tab
	checked int
}

// visited are the paths of the pages that were looked at, over all walks. A page that says that there is
// nothing is none.
var visited = struct {
	sync.Mutex
	paths  map[string]bool
	states int
	walks  int
}{paths: map[string]bool{}}

// state checks what the tab shows now.
func (w *walk) state(name string) {
	w.t.Helper()
	w.until(name+" is at rest", `document.readyState === "complete" && !(`+busy+`)`)
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			w.screen(width, theme)
			w.drawn()
			for _, found := range w.axe() {
				w.t.Errorf("%s, %s, %d px: axe: %s", name, theme, width, found)
			}
		}
	}
	w.screen(320, "light")
	for _, touch := range []bool{false, true} {
		w.touch(touch)
		// A menu looks for its place when it opens, so it opens again on the screen of another size.
		look[bool](w.tab, `((m) => { m?.hidePopover(); m?.showPopover(); return true; })(document.querySelector(":popover-open"))`)
		w.drawn()
		for _, found := range append(w.overflow(), w.unreachable()...) {
			w.t.Errorf("%s, 320 px, touch %t: %s", name, touch, found)
		}
	}
	w.touch(false)
	w.screen(1280, "light")
	w.keepsNoSecret()
	w.checked++
	path := look[string](w.tab, `performance.getEntriesByType("navigation")[0].responseStatus === 200 ? location.pathname : ""`)
	visited.Lock()
	visited.paths[path] = true
	visited.states++
	visited.Unlock()
	w.naming("after " + name)
}

// naming says where the tab is, for complaints.
func (w *walk) naming(state string) {
	w.diary.mu.Lock()
	defer w.diary.mu.Unlock()
	w.diary.now = state
}

// page opens a page and looks at it.
func (w *walk) page(name, path string) {
	w.t.Helper()
	w.naming(name)
	w.open(path)
	w.state(name)
}

// done counts the walk.
func (w *walk) done() {
	w.t.Helper()
	visited.Lock()
	visited.walks++
	visited.Unlock()
	w.t.Logf("axe: %d page states", w.checked)
}

// pageRoutes returns the patterns of the pages in the route table.
func pageRoutes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "web", "routes.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || row.Type != nil || len(row.Elts) != 5 {
			return true
		}
		method, isName := row.Elts[0].(*ast.Ident)
		path, isText := row.Elts[1].(*ast.BasicLit)
		kind, isKind := row.Elts[2].(*ast.Ident)
		if !isName || !isText || !isKind {
			t.Fatal("a row of the route table has another form")
		}
		if method.Name == "get" && kind.Name == "page" {
			pattern, err := strconv.Unquote(path.Value)
			if err != nil {
				t.Fatal(err)
			}
			patterns = append(patterns, pattern)
		}
		return true
	})
	return patterns
}

// redirects are the pages that only lead to another one.
var redirects = []string{"/", "/account/api-keys", "/account/api-keys/settings/preview"}

// The walks are held together so that it can be said at the end whether they missed a page.
func TestB38B39B40EveryPageInEveryState(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: a browser")
	}
	t.Run("walks", func(t *testing.T) {
		t.Run("from setup to the first key", walkFirstRun)
		t.Run("a long list and its dialogs", walkList)
		t.Run("the forms of a key", walkForms)
		t.Run("what goes wrong", walkFailures)
		t.Run("renewal and settings", walkRenewal)
		t.Run("what a key is used for", walkUsage)
		t.Run("search and many keys", walkFind)
		t.Run("single-access links", walkLinks)
		t.Run("keys of other accounts", walkExternal)
		t.Run("roles and permissions", walkRoles)
		t.Run("users and their links", walkUsers)
		t.Run("the audit log", walkAudit)
		t.Run("preferences and sessions", walkPreferences)
	})
	t.Logf("note: axe: %d page states, %d runs", visited.states, visited.states*4)
	if visited.walks < 13 {
		return // not all were asked for
	}
	patterns, looked := pageRoutes(t), map[string]bool{}
	for path := range visited.paths {
		looked[rowOf(patterns, path)] = true
	}
	for _, pattern := range patterns {
		if !slices.Contains(redirects, pattern) && !looked[pattern] {
			t.Errorf("no walk looked at %s", pattern)
		}
	}
	if len(patterns) < 40 {
		t.Errorf("the route table seems to have only the pages %q", patterns)
	}
}

var parameter = regexp.MustCompile(`:\w+`)

// rowOf is the row of the route table that a path belongs to: of those that it matches, the one with the fewest
// parameters. It is empty when there is none.
func rowOf(patterns []string, path string) (row string) {
	for _, pattern := range patterns {
		one := regexp.MustCompile("^" + parameter.ReplaceAllString(pattern, `[^/]+`) + "$")
		if one.MatchString(path) && (row == "" || strings.Count(pattern, ":") < strings.Count(row, ":")) {
			row = pattern
		}
	}
	return row
}

func TestAPathIsThatOfTheRowWithTheFewestParameters(t *testing.T) {
	patterns := []string{"/keys/:id", "/keys/new", "/keys/:id/renew/:rid", "/keys/:id/renew/undo"}
	for path, want := range map[string]string{
		"/keys/new": "/keys/new", "/keys/x": "/keys/:id", "/keys/x/renew/undo": "/keys/:id/renew/undo", "/keys/x/renew/7": "/keys/:id/renew/:rid", "/keys": "", "": "",
	} {
		if got := rowOf(patterns, path); got != want {
			t.Errorf("%q is of the row %q, not %q", path, got, want)
		}
	}
}

func walkFirstRun(t *testing.T) {
	t.Parallel()
	s, code := unclaimed(t)
	w := &walk{tab: newTab(t, s.url)}
	defer w.done()
	w.page("setup", "/setup")
	w.leads(func() { w.choose("main", "Create administrator") })
	w.state("setup with problems")
	w.page("help, signed out", "/help")
	w.open("/setup")
	w.setUp(code)
	w.state("empty list after setup")
	w.page("empty list", pathList)
	w.click("#account")
	w.state("empty list, account menu open")
	w.page("change password", "/account/password")
	w.fill("#current", "x")
	w.fill("#password", "short")
	w.leads(func() { w.choose("main", "Change password") })
	w.state("change password with problems")
	w.page("help", "/help")
	w.click("#account")
	w.leads(func() { w.choose("#account-menu", "Log out") })
	w.state("sign-in after logging out")
	w.page("sign-in", "/login")
	w.leads(func() { w.choose("main", "Log in") })
	w.state("sign-in that was wrong")
	w.page("sign-in after a session ended", "/login?next=%2Fhelp&notice=ended")
	w.excuseStatus(http.StatusTooManyRequests)
	for range 8 {
		w.open("/login")
		w.signIn(email, "wrong")
		if strings.Contains(w.text("[role=alert]"), "Too many attempts") {
			break
		}
	}
	w.says("[role=alert]", "Too many attempts")
	w.state("sign-in that is throttled")
}

func walkList(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--listen", "127.0.0.1:0")
	base := p.line(`is served on (http://\S+)$`)
	p.line(`^    (ana@acme\.example)$`)
	password := p.line(`^    (\S+)$`)
	w := &walk{tab: newTab(t, base)}
	defer w.done()
	w.open("/login")
	w.signIn(email, password)
	w.state("first page of the list")
	w.click("#account")
	w.state("list, account menu open")
	w.press(keyEscape)
	w.click("thead")

	active, inactive := w.rowThatIs("Active"), w.rowThatIs("Inactive")
	w.click(kebab(active))
	w.state("menu of an active key")
	w.choose(menu(active), "Deactivate")
	w.says("dialog[open] h2", "Deactivate key")
	w.state("dialog to deactivate")
	w.choose("dialog", "Deactivate")
	w.says("#flash", "is inactive.")
	w.state("list after a deactivation in place")
	w.click(kebab(inactive))
	w.state("menu of an inactive key")
	w.choose(menu(inactive), "Activate")
	w.says("#flash", "is active.")
	w.state("list after an activation in place")
	w.click(kebab(active))
	w.choose(menu(active), "Delete Key")
	w.says("dialog[open] h2", "Delete key")
	w.state("dialog to delete")
	look[bool](w.tab, `document.querySelector("#understood").removeAttribute("required") === undefined`)
	w.choose("dialog", "Delete")
	w.says("dialog .summary", "Check this option")
	w.state("dialog to delete with a problem")
	w.check("#understood", true)
	w.choose("dialog", "Delete")
	w.says("#flash", "was deleted.")
	w.until("a row of many roles", `(document.querySelector("tbody summary")?.click(), document.querySelector("tbody details[open]"))`)
	w.state("list with the roles of a row unfolded")

	seen := map[string]bool{}
	for page := 2; ; page++ {
		for _, chip := range look[[]string](w.tab, `[...document.querySelectorAll("tbody .tag")].map((e) => e.textContent.trim())`) {
			seen[chip] = true
		}
		if !w.has("[rel=next]") {
			break
		}
		first := look[string](w.tab, `document.querySelector("tbody tr").id`)
		w.click("[rel=next]")
		w.until("another page is there", `document.querySelector("tbody tr").id !== `+js(first))
		if page == 2 || !w.has("[rel=next]") {
			w.state(fmt.Sprintf("page %d of the list", page))
		}
	}
	for _, chip := range []string{"Active", "Inactive", "Renew soon", "Expired"} {
		if !seen[chip] {
			t.Errorf("no row of the demo says %q, only %v", chip, seen)
		}
	}
}

// rowThatIs returns the key of the first row with a status.
func (w *walk) rowThatIs(status string) string {
	w.t.Helper()
	return look[string](w.tab, `[...document.querySelectorAll("tbody tr")].find((r) => r.querySelector("[data-l=Status]").textContent.trim() === `+js(status)+`).id.replace("row-", "")`)
}

func walkForms(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	off := c.generate("Price feed")
	c.does(pathKey(off.id, "deactivate"), nil)
	k := c.generate(longKeyName, "orders-manager", "catalog-viewer", "pricing-admin")
	w := &walk{tab: c.tab()}
	defer w.done()

	w.page("generate", pathNew)
	w.leads(func() { w.choose("main", "Generate") })
	w.state("generate with problems")
	w.fill("#name", "Price feed")
	look[bool](w.tab, `(document.querySelectorAll("[name=roles]:not(:disabled)").forEach((e) => e.checked || e.click()), true)`)
	w.state("generate with every role")
	w.fill("#roles-filter", "zzz")
	w.state("generate with a filter that matches no role")
	w.fill("#roles-filter", "o")
	w.leads(func() { w.choose("main", "Generate") })
	w.says("h1", "Key generated")
	w.state("the result page")
	w.click("[data-copy=token]")
	w.until("it answers", `document.querySelector("[data-copy=token]").textContent.trim() !== "Copy"`)
	w.state("the result page after a copy")

	w.page("edit", pathKey(k.id, "edit"))
	w.check("#active", false)
	w.state("edit, about to deactivate")
	w.fill("#name", "")
	w.choose("main", "Save")
	w.says(".summary", "Enter a key identification")
	w.state("edit with problems, in place")
	look[bool](w.tab, `(document.querySelector("#edit").submit(), true)`)
	w.until("the page came", `document.title.startsWith("Error: ") && document.readyState === "complete"`)
	w.state("edit with problems")
	w.page("edit of an inactive key", pathKey(off.id, "edit"))
	w.check("#active", true)
	w.state("edit, about to activate")
	w.page("deactivate", pathKey(k.id, "deactivate"))
	w.page("activate", pathKey(off.id, "activate"))
	w.page("delete", pathKey(k.id, "delete"))
	look[bool](w.tab, `(document.querySelector("main form").noValidate = true)`)
	w.leads(func() { w.choose("main", "Delete") })
	w.state("delete with a problem")
}
