package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// walker follows links and sends forms of pages as a browser without script does, and knows no
// address but the first.
type walker struct {
	t    *testing.T
	http *browser
	page *goquery.Document
	at   string
}

// open gets a page and follows redirects.
func (w *walker) open(path string) {
	w.t.Helper()
	w.show(w.http.get(path), path)
}

func (w *walker) show(p page, path string) {
	w.t.Helper()
	for range 5 {
		w.at, _, _ = strings.Cut(path, "#")
		if p.location == "" {
			w.page = document(w.t, p)
			return
		}
		path = p.location
		p = w.http.get(path)
	}
	w.t.Fatalf("%s redirects for ever", path)
}

// follow follows the link with these words, below a selector.
func (w *walker) follow(below, link string) {
	w.t.Helper()
	found := w.page.Find(below).Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return strings.Join(strings.Fields(s.Text()), " ") == link
	})
	href, ok := found.Attr("href")
	if !ok {
		w.t.Fatalf("%s has no link %q below %s", w.at, link, below)
	}
	w.open(href)
}

// send sends the form that holds a button with these words, below a selector, with what it holds
// already and the given fields set.
func (w *walker) send(below, button string, fields url.Values) {
	w.t.Helper()
	form := w.page.Find(below).Find("button[type=submit]").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return strings.Join(strings.Fields(s.Text()), " ") == button
	}).Closest("form")
	if method, _ := form.Attr("method"); method != "post" {
		w.t.Fatalf("%s has no button %q below %s that posts", w.at, button, below)
	}
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, s *goquery.Selection) {
		name, value := s.AttrOr("name", ""), s.AttrOr("value", "")
		kind := s.AttrOr("type", "text")
		if _, checked := s.Attr("checked"); checked || kind != "checkbox" && kind != "radio" {
			values.Add(name, value)
		}
	})
	for name, set := range fields {
		values[name] = set
	}
	action := form.AttrOr("action", w.at)
	w.show(w.http.post(action, values), action)
}

func (w *walker) says(selector, text string) {
	w.t.Helper()
	if got := words(w.page, selector); !strings.Contains(got, text) {
		w.t.Fatalf("%s: %s says %q; want %q", w.at, selector, got, text)
	}
}

func TestJourneyOfAnAdministratorOverPlainHTTP(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := serveFolder(t, folder)
	link := s.line(`^    (http\S+)$`)
	code := s.line(`^    (lku_\w+)$`)

	w := &walker{t: t, http: newBrowser(t, s.url)}
	w.open("/")
	if s.url+w.at != link {
		t.Fatalf("a fresh installation opens with %s; want %s", w.at, link)
	}
	w.send("main", "Create administrator", url.Values{"code": {code}, "account": {"acme"}, "email": {email}, "password": {goodPassword}, "zone": {"Europe/Lisbon"}})
	w.says("#flash", "Setup complete. Generate the first key when an integration needs one.")
	w.says("main h2", "No API keys yet")

	w.send("header", "Log out", nil)
	w.says("main", "You are logged out.")
	w.send("main", "Log in", url.Values{"email": {email}, "password": {"not the password"}})
	w.says("[role=alert]", "Email or password is incorrect")
	w.send("main", "Log in", url.Values{"email": {email}, "password": {goodPassword}})
	w.says("h1", "API Keys")

	w.follow("main", "+ Generate Key")
	w.send("main", "Generate", url.Values{"name": {"Order sync"}, "roles": {"orders-viewer"}})
	w.says("h1", "Key generated")
	id, token := keyForm.FindString(words(w.page, "#key")), tokenForm.FindString(words(w.page, "#token"))
	if id == "" || token == "" {
		t.Fatal("the result page lacks key or token")
	}
	w.follow("main", "Close")
	w.says("#count", "1 key")
	w.says(row(id), "Order sync")
	w.says(row(id), "Orders viewer")
	w.says(row(id), "Active")

	w.follow(menu(id), "Edit")
	w.send("main", "Save", url.Values{"name": {"Order mirror"}})
	w.says("#flash", "Changes saved.")
	w.says(row(id), "Order mirror")
	w.follow(menu(id), "Deactivate")
	w.send("main", "Deactivate", nil)
	w.says("#flash", "Order mirror is inactive.")
	w.says(row(id), "Inactive")

	s.stop()
	s = serveFolder(t, folder)
	w.http.base = s.url
	w.open("/")
	w.says(row(id), "Order mirror")
	w.says(row(id), "Inactive")

	w.send(menu(id), "Activate", nil)
	w.says("#flash", "Order mirror is active.")
	renewed := w.renews(id)
	w.follow(menu(id), "Delete Key")
	w.send("main", "Delete", nil)
	w.says(".summary", "Check this option to delete the key")
	w.send("main", "Delete", url.Values{"understood": {"on"}})
	w.says("#flash", "Order mirror was deleted.")
	w.says("main h2", "No API keys yet")
	if got := w.http.get(pathKey(id, "edit")).status; got != http.StatusNotFound {
		t.Errorf("the deleted key's page answered %d; want 404", got)
	}
	s.stop()

	for name, content := range contents(t, folder) {
		if strings.Contains(content, token) || strings.Contains(content, renewed[0]) || strings.Contains(content, renewed[1]) || strings.Contains(content, goodPassword) {
			t.Errorf("%s holds the token or the password", name)
		}
	}
	if logged := s.stderr.String(); strings.Contains(logged, token) || strings.Contains(logged, goodPassword) {
		t.Error("the log holds the token or the password")
	}
	if _, err := os.Stat(filepath.Join(folder, setupCodeFile)); !os.IsNotExist(err) {
		t.Errorf("the setup code is still there: %v", err)
	}
}

// renews renews the key's token, keeps the old one, undoes that, and renews again for good. It returns
// the tokens that were shown.
func (w *walker) renews(id string) (shown []string) {
	w.t.Helper()
	step1 := func() {
		w.follow(menu(id), "Renew Token")
		w.says("main", "The current token keeps working until it is deleted.")
		w.send("main", "Renew Token", nil)
		w.says("h1", "The new token is ready")
		shown = append(shown, tokenForm.FindString(words(w.page, "#token")))
	}
	step1()
	w.send("main", "Complete", nil)
	w.says(".summary", "Select at least one option")
	w.send("main", "Complete", url.Values{"old": {"later"}})
	w.says("#flash", "Token renewed. The old token still works.")
	w.says(row(id), "New token: ")
	w.says(row(id), "Old token: ")
	w.says(row(id), "Pending deletion - Old token")

	w.follow(menu(id), "Undo Renewal")
	w.send("main", "Undo", nil)
	w.says("#flash", "Renewal undone.")
	w.saysNot(row(id), "Pending deletion")

	step1()
	w.send("main", "Complete", url.Values{"old": {"now"}})
	w.says("#flash", "Token renewed and old token deleted.")
	w.saysNot(row(id), "Pending deletion")
	if shown[0] == "" || shown[1] == "" || shown[0] == shown[1] {
		w.t.Fatal("two renewals showed no two tokens")
	}

	w.follow(row(id), id)
	w.says("h1", "Order mirror")
	for _, event := range []string{"Key generated", "Key edited", "Key deactivated", "Key activated", "Token renewed", "Renewal undone", "Renewal completed"} {
		w.says("ol", event)
	}
	w.follow("main", "API Keys")
	return shown
}

func (w *walker) saysNot(selector, text string) {
	w.t.Helper()
	if got := words(w.page, selector); strings.Contains(got, text) {
		w.t.Fatalf("%s: %s says %q", w.at, selector, got)
	}
}

func TestJourneyOfAnAdministratorInChromium(t *testing.T) {
	t.Parallel()
	s, code := unclaimed(t)
	b := newTab(t, s.url)
	b.open("/")
	b.at("/setup")
	b.focusOn("#code")
	b.setUp(code)
	b.at(pathList)
	b.says("#flash", "Setup complete.")

	b.leads(func() { b.choose("main", "+ Generate Key") })
	b.focusOn("#name")
	b.insert("Order sync")
	b.check("#role-orders-viewer", true)
	b.leads(func() { b.choose("main", "Generate") })
	b.says("h1", "Key generated")
	id := b.text("#key")
	if !tokenForm.MatchString(b.text("#token")) {
		t.Fatal("the result page lacks the token")
	}
	b.leads(func() { b.choose("main", "Close") })

	b.click(kebab(id))
	b.leads(func() { b.choose(menu(id), "Edit") })
	b.fill("#name", "Order mirror")
	b.leads(func() { b.choose("main", "Save") })
	b.says("#flash", "Changes saved.")
	b.says(row(id), "Order mirror")
	b.focusOn(kebab(id))

	b.mark()
	b.click(kebab(id))
	b.choose(menu(id), "Deactivate")
	b.choose("dialog", "Deactivate")
	b.says(row(id), "Inactive")
	b.click(kebab(id))
	b.choose(menu(id), "Activate")
	b.says("#flash", "Order mirror is active.")
	b.stayed()
	b.renews(id, true)

	b.leads(func() {
		b.click(kebab(id))
		b.choose(menu(id), "Delete Key")
		b.check("#understood", true)
		b.choose("dialog", "Delete")
	})
	b.says("#flash", "Order mirror was deleted.")
	b.says("main h2", "No API keys yet")

	b.click("#account")
	b.leads(func() { b.choose("#account-menu", "Log out") })
	b.at("/login")
	b.signIn(email, goodPassword)
	b.at(pathList)
	s.stop()
}
