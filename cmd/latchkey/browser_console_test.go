package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

const (
	email     = "ana@acme.example"
	pathList  = "/account/api-keys/generated"
	pathNew   = pathList + "/new"
	newSecret = "eleven copper kites at noon"
)

var (
	secretForm = regexp.MustCompile(`lk[a-z]_[0-9A-Za-z]{49}`)
	tokenForm  = regexp.MustCompile(`lkt_[0-9A-Za-z]{49}`)
	keyForm    = regexp.MustCompile(`appkey-[a-z0-9]+-[0-9A-Z]{8}`)
)

// pathKey is the address of an action on a key.
func pathKey(id, verb string) string { return pathList + "/" + id + "/" + verb }

// console is the real server over an installation of its own, with a client that is signed in.
type console struct {
	*served
	t    *testing.T
	http *browser
}

func newConsole(t *testing.T, more ...string) *console {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: a browser")
	}
	c := &console{served: serveFolder(t, initialised(t), more...), t: t}
	c.http = newBrowser(t, c.url)
	c.http.signIn(email, goodPassword)
	return c
}

// tab opens a tab that is signed in and shows the list.
func (c *console) tab() *tab {
	c.t.Helper()
	b := newTab(c.t, c.url)
	b.open("/login")
	b.signIn(email, goodPassword)
	return b
}

// signIn fills the sign-in form of the page that is shown.
func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.fill("#email", email)
	b.fill("#password", password)
	b.leads(func() { b.press(keyEnter) })
}

// generated is a key as its result page showed it.
type generated struct{ id, name, token string }

// generate makes a key over plain HTTP, as the form does.
func (c *console) generate(name string, roles ...string) generated {
	c.t.Helper()
	return generate(c.t, c.http, name, roles...)
}

func generate(t *testing.T, b *browser, name string, roles ...string) generated {
	t.Helper()
	form := document(t, b.get(pathNew))
	nonce, _ := form.Find("input[name=nonce]").Attr("value")
	got := b.post(pathNew, url.Values{"name": {name}, "roles": roles, "nonce": {nonce}})
	if got.status != http.StatusOK {
		t.Fatalf("generating %q answered %d", name, got.status)
	}
	return generated{id: keyForm.FindString(got.body), name: name, token: tokenForm.FindString(got.body)}
}

// document parses an answer.
func document(t *testing.T, p page) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// words is the text of what a selector finds, with its white space folded.
func words(d *goquery.Document, selector string) string {
	return strings.Join(strings.Fields(d.Find(selector).Text()), " ")
}

// does posts a form over plain HTTP and fails the test unless it leads on.
func (c *console) does(path string, form url.Values) {
	c.t.Helper()
	if got := c.http.post(path, form); got.status != http.StatusSeeOther {
		c.t.Fatalf("POST %s answered %d; want 303", path, got.status)
	}
}

// unclaimed is a server on a fresh folder, with the code that it printed.
func unclaimed(t *testing.T) (s *served, code string) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: a browser")
	}
	s = serveFolder(t, filepath.Join(t.TempDir(), "data"))
	if link := s.line(`^    (http\S+)$`); link != s.url+"/setup" {
		t.Fatalf("the setup link is %q; want %q", link, s.url+"/setup")
	}
	return s, s.line(`^    (lku_\w+)$`)
}

// setUp fills the setup form of the page that is shown.
func (b *tab) setUp(code string) {
	b.t.Helper()
	b.fill("#code", code)
	b.fill("#account", "acme")
	b.fill("#email", email)
	b.fill("#password", goodPassword)
	b.leads(func() { b.click("button[type=submit]") })
}

// kebab and row are the selectors of a key's menu button and row.
func kebab(id string) string { return "#kebab-" + id }
func row(id string) string   { return "#row-" + id }
func menu(id string) string  { return row(id) + " .menu" }
