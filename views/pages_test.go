package views

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"latchkey/views/words"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(render(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// everything is all pages and fragments by name.
func everything() map[string]templ.Component {
	all := samplePages()
	maps.Copy(all, sampleFragments())
	return all
}

// squeezed is the text of a selection with its white space made single and the
// texts of neighbouring elements kept apart.
func squeezed(s *goquery.Selection) string {
	var parts []string
	for _, node := range s.Nodes {
		for n := range node.Descendants() {
			if n.Type == html.TextNode {
				parts = append(parts, strings.Fields(n.Data)...)
			}
		}
	}
	return strings.Join(parts, " ")
}

func TestNoMarkupCarriesStyleOrScript(t *testing.T) {
	for name, c := range everything() {
		parse(t, c).Find("*").Each(func(_ int, s *goquery.Selection) {
			tag := goquery.NodeName(s)
			if tag == "style" || tag == "script" && (s.AttrOr("src", "") == "" || s.Text() != "") {
				t.Errorf("%s: has an inline %s", name, tag)
			}
			for _, attr := range s.Nodes[0].Attr {
				if attr.Key == "style" || strings.HasPrefix(attr.Key, "on") || strings.HasPrefix(attr.Key, "hx-on") {
					t.Errorf("%s: <%s> has the attribute %s", name, tag, attr.Key)
				}
				if strings.HasPrefix(strings.TrimSpace(attr.Val), "javascript:") {
					t.Errorf("%s: <%s %s> is a script", name, tag, attr.Key)
				}
			}
		})
	}
}

func TestEveryPageHasTheSameFrame(t *testing.T) {
	for name, c := range samplePages() {
		doc := parse(t, c)
		for selector, want := range map[string]int{
			"h1": 1, "head > title": 1, `html[lang="en"]`: 1, "body > header": 1, `main#main[tabindex="-1"]`: 1, "footer": 1,
			`main #flash[role="status"]`: 1, `main #alert[role="alert"]`: 1, `#live[role="status"]`: 1, `footer a[href="/help"]`: 1,
			`link[rel="stylesheet"]`: 1, `link[rel="icon"]`: 1, // The page of a link has its own script, and no other.
			`script[src*="/static/app."], script[src*="/static/link."]`: 1,
		} {
			if got := doc.Find(selector).Length(); got != want {
				t.Errorf("%s: %d of %s, want %d", name, got, selector, want)
			}
		}
		if first := doc.Find("body a").First(); first.AttrOr("href", "") != "#main" {
			t.Errorf("%s: the first link is not the one that skips to main", name)
		}
		if got := squeezed(doc.Find("head > title")); !strings.HasSuffix(got, "Latchkey") {
			t.Errorf("%s: the title is %q", name, got)
		}
	}
}

func TestTitleNamesPageAccountAndProduct(t *testing.T) {
	failed := sampleGenerate()
	failed.Failed = true
	for want, c := range map[string]templ.Component{
		"API Keys - acme - Latchkey":            KeysListPage(sampleList()),
		"Error: Generate key - acme - Latchkey": KeysGeneratePage(failed),
		"Log in - Latchkey":                     LoginPage(Login{Shell: sampleGate("Log in")}),
	} {
		if got := squeezed(parse(t, c).Find("title")); got != want {
			t.Errorf("title is %q, want %q", got, want)
		}
	}
}

func TestIdsAreUniqueAndReferencesMeet(t *testing.T) {
	for name, c := range samplePages() {
		doc := parse(t, c)
		ids := map[string]int{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
		for id, n := range ids {
			if n > 1 || strings.ContainsAny(id, " \t") || id == "" {
				t.Errorf("%s: the id %q stands %d times", name, id, n)
			}
		}
		for _, attr := range []string{"for", "aria-describedby", "aria-labelledby", "popovertarget", "data-copy"} {
			doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
				for _, id := range strings.Fields(s.AttrOr(attr, "")) {
					if ids[id] == 0 {
						t.Errorf("%s: %s points at %q, which is not there", name, attr, id)
					}
				}
			})
		}
		doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
			if ids[strings.TrimPrefix(s.AttrOr("href", ""), "#")] == 0 {
				t.Errorf("%s: a link leads to %s, which is not there", name, s.AttrOr("href", ""))
			}
		})
	}
}

func TestEveryInputAndButtonHasAName(t *testing.T) {
	for name, c := range everything() {
		doc := parse(t, c)
		doc.Find("input:not([type=hidden]):not([hidden]), select").Each(func(_ int, s *goquery.Selection) {
			if doc.Find(`label[for="`+s.AttrOr("id", "")+`"]`).Length() != 1 && s.AttrOr("aria-label", "") == "" {
				t.Errorf("%s: the input %s has no label of its own", name, s.AttrOr("id", "?"))
			}
		})
		doc.Find("button, a").Each(func(_ int, s *goquery.Selection) {
			if squeezed(s) == "" && s.AttrOr("aria-label", "") == "" {
				t.Errorf("%s: a %s has no name", name, goquery.NodeName(s))
			}
		})
		doc.Find("svg").Each(func(_ int, s *goquery.Selection) {
			if hidden := s.AttrOr("aria-hidden", "") == "true"; hidden == (s.AttrOr("role", "") == "img") {
				t.Errorf("%s: a picture is neither hidden from screen readers nor said to be one, or both", name)
			}
		})
	}
}

// A form that narrows a list changes nothing, and makes up the list's address.
func TestFormsOnlyPostUnlessTheySearch(t *testing.T) {
	for name, c := range everything() {
		parse(t, c).Find("form").Each(func(_ int, s *goquery.Selection) {
			// These two only ask for a page.
			asks := (s.Is("[role=search], #bulk") || s.ParentFiltered("search").Length() > 0) && s.AttrOr("method", "") == "get"
			if s.AttrOr("method", "") != "post" && !asks || s.AttrOr("action", "") == "" {
				t.Errorf("%s: a form has method %q and action %q", name, s.AttrOr("method", ""), s.AttrOr("action", ""))
			}
		})
	}
}

func TestOnlyPagesThatUseHtmxLoadIt(t *testing.T) {
	for name, c := range samplePages() {
		doc := parse(t, c)
		uses := doc.Find("main [hx-get], main [hx-post]").Length() > 0
		loads := doc.Find(`script[src*="htmx"]`).Length() > 0
		configured := doc.Find(`meta[name="htmx-config"]`).Length() > 0
		list := strings.HasPrefix(name, "list")
		if loads != configured || loads != (uses || list) {
			t.Errorf("%s: uses htmx %v, loads it %v, configures it %v", name, uses, loads, configured)
		}
	}
	if got := parse(t, KeysListPage(sampleList())).Find(`meta[name="htmx-config"]`).AttrOr("content", ""); got != htmxConfig || !strings.Contains(got, `"allowEval":false`) {
		t.Errorf("the configuration is %q", got)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	for name, c := range everything() {
		text := render(t, c)
		if strings.Contains(text, "<img") {
			t.Errorf("%s: a name became markup", name)
		}
	}
}

func TestAFullListStaysSmall(t *testing.T) {
	size := len(render(t, KeysListPage(fullList())))
	t.Logf("25 rows: %d bytes of HTML", size)
	if size >= 76_000 {
		t.Errorf("25 rows make %d bytes of HTML, want under 76,000", size)
	}
}

// quotedID is a text id as the source names it.
var quotedID = regexp.MustCompile(`"([a-z]+(?:\.[a-z0-9-]+)+)"`)

func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	known := words.IDs()
	areas := map[string]bool{}
	for _, id := range known {
		areas[strings.Split(id, ".")[0]] = true
	}
	used := map[string]bool{"words.moment": true, "words.short-day": true}
	sources, err := filepath.Glob("*.templ")
	if err != nil || len(sources) < 10 {
		t.Fatalf("sources: %v, %v", sources, err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range quotedID.FindAllSubmatch(text, -1) {
			id := string(match[1])
			if areas[strings.Split(id, ".")[0]] && !strings.HasSuffix(id, ".svg") && !strings.HasSuffix(id, ".js") {
				used[id] = true
				if !slices.Contains(known, id) {
					t.Errorf("%s uses %q, which is in no catalogue", source, id)
				}
			}
		}
		for _, call := range regexp.MustCompile(`words\.[TN]\(ctx, "([^"]*)"`).FindAllSubmatch(text, -1) {
			if !slices.Contains(known, string(call[1])) {
				t.Errorf("%s asks for %q, which is in no catalogue", source, call[1])
			}
		}
	}
	// The texts of web.json and web_*.json belong to the handlers, which have a test of their own.
	files, err := filepath.Glob("words/en/web*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("files of the handlers: %v, %v", files, err)
	}
	var web strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		web.Write(text)
	}
	for _, id := range known {
		if !used[id] && !strings.Contains(web.String(), `"`+id+`"`) {
			t.Errorf("%q is used by no page", id)
		}
	}
}

func TestNoPageShowsARawTextId(t *testing.T) {
	ids := words.IDs()
	for name, c := range everything() {
		text := render(t, c)
		for _, id := range ids {
			if strings.Contains(text, id) {
				t.Errorf("%s: shows the id %q", name, id)
			}
		}
		if strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: a text has a place that nothing filled", name)
		}
	}
}

func TestTemplatesHoldNoWordsOfTheirOwn(t *testing.T) {
	// Text between tags on one line, and lines of text alone: in a template of
	// ours both are expressions in braces.
	literal := regexp.MustCompile(`>[^<{}]*[A-Za-z]{2}[^<{}]*</`)
	for _, pattern := range []string{"*.templ", "ui/*.templ"} {
		sources, err := filepath.Glob(pattern)
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s: %v, %v", pattern, sources, err)
		}
		for _, source := range sources {
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				if !strings.HasPrefix(line, "//") && literal.MatchString(line) {
					t.Errorf("%s:%d holds words: %s", source, i+1, strings.TrimSpace(line))
				}
			}
		}
	}
}
