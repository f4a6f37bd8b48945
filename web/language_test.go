package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/keys"
	"latchkey/views/words"
)

// speaks asserts the language of a page.
func (a answer) speaks(language string) {
	a.t.Helper()
	if got, _ := a.Find("html").Attr("lang"); got != language {
		a.t.Fatalf("the page speaks %q, not %q", got, language)
	}
}

func TestTheDomainAndTheCatalogueHaveTheSameLanguages(t *testing.T) {
	var spoken []string
	for _, l := range words.Languages() {
		spoken = append(spoken, l.Tag)
	}
	if !slices.Equal(spoken, keys.Languages()) {
		t.Errorf("the catalogue has %q, the rules have %q", spoken, keys.Languages())
	}
}

func TestQ33TheLanguageIsTheUsersThenTheCookiesThenTheBrowsers(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.get(pathKeys()).speaks("en")
	b.header.Set("Accept-Language", "es-MX,es;q=0.9,en;q=0.5")
	b.get(pathKeys()).speaks("es")
	b.cookies["latchkey_language"] = &http.Cookie{Name: "latchkey_language", Value: "pt-BR"}
	b.get(pathKeys()).speaks("pt-BR")
	b.prefer(url.Values{"language": {"en"}})
	b.cookies["latchkey_language"] = &http.Cookie{Name: "latchkey_language", Value: "pt-BR"}
	b.get(pathKeys()).speaks("en")
	b.cookies["latchkey_language"] = &http.Cookie{Name: "latchkey_language", Value: "xx><script>"}
	b.prefer(url.Values{"language": {""}})
	if _, kept := b.cookies["latchkey_language"]; kept {
		t.Error("the browser keeps a language that was taken back")
	}
	b.get(pathKeys()).speaks("es")
	stranger := k.browser()
	stranger.cookies["latchkey_language"] = &http.Cookie{Name: "latchkey_language", Value: "xx><script>"}
	stranger.get(pathLogin()).speaks("en")
	stranger.header.Set("Accept-Language", strings.Repeat("zz-", 400)+"q=;;")
	stranger.get(pathLogin()).speaks("en")
}

func TestPagesSayThatTheyDependOnLanguageAndCookie(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for _, a := range []answer{b.get(pathKeys()), b.get("/nothing"), k.browser().get(pathLogin())} {
		vary := strings.Join(a.header.Values("Vary"), ", ")
		if !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Vary %q, Cache-Control %q", vary, a.header.Get("Cache-Control"))
		}
	}
}

func TestBeforeSigningInALanguageIsChosenBelowThePage(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	page := b.get(pathLogin() + "?next=%2Fhelp&notice=ended")
	choices := page.Find("footer form button[name=language]")
	if got := page.text("footer form"); got != "EnglishPortuguês (Brasil)Español" || choices.Length() != 3 {
		t.Fatalf("the languages are %q", got)
	}
	if got, _ := page.Find("footer [aria-current]").Attr("value"); got != "en" {
		t.Errorf("the current one is %q", got)
	}
	next, _ := page.Find("footer input[name=next]").Attr("value")
	b.post(pathLanguage(), url.Values{"language": {"pt-BR"}, "next": {next}}).is(http.StatusSeeOther)
	kept := b.cookies["latchkey_language"]
	if kept == nil || kept.Value != "pt-BR" || !kept.HttpOnly || kept.SameSite != http.SameSiteLaxMode || kept.MaxAge <= 0 {
		t.Fatalf("the cookie is %+v", kept)
	}
	page = b.get(next)
	page.speaks("pt-BR")
	page.says("main", "Sua sessão terminou. Entre para continuar.")
	failed := b.post(pathLogin(), url.Values{"email": {"ana@acme.example"}, "password": {"wrong"}})
	failed.is(http.StatusUnprocessableEntity)
	failed.says("main", "E-mail ou senha incorretos")
	if got, _ := failed.Find("footer input[name=next]").Attr("value"); got != pathLogin() {
		t.Errorf("after a POST it leads to %q", got)
	}

	for name, fields := range map[string]url.Values{
		"a language that there is not": {"language": {"xx"}, "next": {pathLogin()}},
		"another site":                 {"language": {"es"}, "next": {"https://evil.example/"}},
		"another host":                 {"language": {"es"}, "next": {`/\evil.example`}},
		"nowhere":                      {"language": {"es"}},
	} {
		c := k.browser()
		a := c.post(pathLanguage(), fields)
		a.is(http.StatusSeeOther)
		if to := a.header.Get("Location"); to != pathHome() && to != pathLogin() {
			t.Errorf("%s leads to %q", name, to)
		}
		if cookie := c.cookies["latchkey_language"]; (cookie != nil) != (fields.Get("language") == "es") {
			t.Errorf("%s leaves the cookie %v", name, cookie)
		}
	}
	signedIn := k.signIn("ana@acme.example")
	for _, path := range []string{pathHelp(), pathKeys(), "/nothing"} {
		if signedIn.get(path).Find("footer form").Length() != 0 {
			t.Errorf("%s offers languages to who has preferences", path)
		}
	}
}

func TestOverHTTPSTheChoiceIsKeptForThisHostAlone(t *testing.T) {
	b := newKit(t, publicURL("https://latchkey.test")).browser()
	b.post(pathLanguage(), url.Values{"language": {"es"}, "next": {pathLogin()}}).leadsTo(pathLogin())
	if c := b.cookies["__Host-latchkey_language"]; c == nil || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %+v", c)
	}
	b.get(pathLogin()).speaks("es")
}

func TestTheSetupSpeaksTheBrowsersLanguageAndKeepsTheChosenOne(t *testing.T) {
	k := newEmptyKit(t)
	code := k.offerCode()
	b := k.browser()
	b.header.Set("Accept-Language", "pt-BR")
	page := b.get(pathSetup())
	page.speaks("pt-BR")
	page.says("h1", "Configurar o Latchkey")
	if got, _ := page.Find("select[name=language] option[selected]").Attr("value"); got != "pt-BR" {
		t.Errorf("the language is %q", got)
	}
	fields := setupForm(code)
	fields.Set("language", "xx")
	failed := b.post(pathSetup(), fields)
	failed.is(http.StatusUnprocessableEntity)
	failed.says(`[role="alert"] a[href="#language"]`, "Escolha um idioma da lista")
	fields.Set("language", "es")
	b.post(pathSetup(), fields).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.speaks("es")
	list.says("#flash", "Configuración completa.")
	elsewhere := k.signIn("ana@acme.example")
	elsewhere.header.Set("Accept-Language", "en")
	elsewhere.get(pathKeys()).speaks("es")
}

// idToken is what could be the id of a text.
var idToken = regexp.MustCompile(`[\w./-]+`)

// idShape is the shape of an id of a text: its area, and its name. What stands before it may make it another thing.
var idShape = regexp.MustCompile(`([\w.-]*)\b([a-z]+)\.([a-z][a-z0-9-]*[a-z0-9])\b`)

// catalogue is what ids there are, and the areas that they begin with.
type catalogue struct{ ids, areas map[string]bool }

func newCatalogue() catalogue {
	c := catalogue{map[string]bool{}, map[string]bool{}}
	for _, id := range words.IDs() {
		area, _, _ := strings.Cut(id, ".")
		c.ids[id], c.areas[area] = true, true
	}
	return c
}

// unknown is what has the shape of an id, in an area of the catalogue, and is in no catalogue: a text that there
// is not is shown as its id.
func (c catalogue) unknown(text string) (found []string) {
	for _, match := range idShape.FindAllStringSubmatch(text, -1) {
		if id := match[2] + "." + match[3]; match[1] == "" && c.areas[match[2]] && !c.ids[id] {
			found = append(found, id)
		}
	}
	return found
}

// raw are the ids of texts that a page shows.
func (c catalogue) raw(body string) (found []string) {
	for _, token := range idToken.FindAllString(body, -1) {
		if token = strings.TrimRight(token, "."); c.ids[token] {
			found = append(found, token)
		}
	}
	if strings.Contains(body, "{{") || strings.Contains(body, "&lt;no value&gt;") || strings.Contains(body, "<no value>") {
		found = append(found, "a place that nothing filled")
	}
	return found
}

// englishOnly are the English texts that a language does not have, neither there nor elsewhere.
func englishOnly(t *testing.T, language string) map[string]bool {
	t.Helper()
	english, other := words.With(t.Context(), "en"), words.With(t.Context(), language)
	only, own := map[string]bool{}, map[string]bool{}
	for _, id := range words.IDs() {
		for _, n := range []int{1, 2} {
			own[words.N(other, id, n)], only[words.N(english, id, n)] = true, true
		}
	}
	for text := range only {
		if own[text] || strings.Contains(text, "<no value>") {
			delete(only, text)
		}
	}
	return only
}

// pageTexts are the texts of a page, and of the attributes that people are shown or told.
func (a answer) pageTexts() (all []string) {
	for _, root := range a.Nodes {
		for n := range root.Descendants() {
			if n.Type == html.TextNode {
				all = append(all, strings.Join(strings.Fields(n.Data), " "))
			}
			for _, attribute := range n.Attr {
				if slices.Contains([]string{"aria-label", "title", "placeholder", "data-l", "data-copied", "data-press", "data-failed", "data-offline"}, attribute.Key) {
					all = append(all, attribute.Val)
				}
			}
		}
	}
	return all
}

// showsNoID asserts that a page shows words where the catalogue has words.
func (a answer) showsNoID(name string, known catalogue) {
	a.t.Helper()
	found := known.raw(a.body)
	for _, text := range a.pageTexts() {
		found = append(found, known.unknown(text)...)
	}
	if len(found) > 0 {
		a.t.Errorf("%s shows %q", name, found)
	}
}

// TestQ33EveryPageIsWholeInEveryLanguage looks at every page, form with problems and error for ids of
// texts, for places that nothing filled and for English left over.
func TestQ33EveryPageIsWholeInEveryLanguage(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: every page in each language")
	}
	known := newCatalogue()
	for _, language := range keys.Languages() {
		t.Run(language, func(t *testing.T) {
			k := newKit(t)
			k.accepts = language
			english := englishOnly(t, language)
			if language != "en" && len(english) < 300 {
				t.Fatalf("only %d texts are English alone", len(english))
			}
			whole := 0
			for name, a := range k.everyPage() {
				if strings.HasPrefix(a.body, "<!") {
					a.speaks(language)
					whole++
				}
				a.showsNoID(name, known)
				for _, text := range a.pageTexts() {
					if english[text] {
						t.Errorf("%s says in English %q", name, text)
					}
				}
			}
			if whole < 60 {
				t.Errorf("only %d whole pages", whole)
			}
		})
	}
}

func TestTheWalkSeesARawIDAndEnglish(t *testing.T) {
	known := catalogue{ids: map[string]bool{"keys.edit": true}, areas: map[string]bool{"keys": true}}
	for body, want := range map[string]int{
		"<p>keys.edit</p>": 1, "Say keys.edit.": 1, `title="keys.edit"`: 1, "latchkey.keys.edit": 0, "keys.edit.name": 0, "{{.Name}}": 1, "&lt;no value&gt;": 1, "fine": 0,
	} {
		if got := len(known.raw(body)); got != want {
			t.Errorf("%q: %d found, want %d", body, got, want)
		}
	}
	for text, want := range map[string]int{"keys.edti": 1, "Say keys.edti.": 1, "keys.edit": 0, "latchkey.keys.view": 0, "orders.read": 0, "appkey-acme.keys": 0, "Keys. edit": 0} {
		if got := len(known.unknown(text)); got != want {
			t.Errorf("%q: %d unknown, want %d", text, got, want)
		}
	}
	if only := englishOnly(t, "pt-BR"); !only["Change password"] || only["Status"] || only["Alterar senha"] {
		t.Error("English texts are not told from others")
	}
}

func TestWordsAroundAKeySpeakTheLanguage(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync", "owner", "orders-viewer")
	k.addRole("keys-viewer", keys.ViewAPIKeys, keys.EditAPIKeys)
	k.addUser("editor@acme.example", "keys-viewer")
	editor := k.signIn("editor@acme.example")
	for _, who := range []*browser{b, editor} {
		who.header.Set("Accept-Language", "pt-BR")
	}
	list := b.get(pathKeys())
	list.says("tbody", "Proprietário")
	list.says("tbody", "Orders viewer")
	list.says("tbody time", "12 de set. de 2026")
	list.says("#count", "1 chave")
	show := b.get(pathKeyShow(id))
	show.says("main", "Tudo nesta conta e tudo o que for adicionado depois")
	show.says("main", "Chave gerada")
	if title, _ := show.Find("main time").First().Attr("title"); title != "12 de set. de 2026, 10:00 UTC" {
		t.Errorf("the moment is %q", title)
	}
	b.get(pathKeysGenerate()).says("main", "Administrador de usuários")
	refused := editor.get(pathKeyEdit(id, ""))
	refused.is(http.StatusForbidden)
	refused.says("main", "O perfil de acesso Proprietário inclui a permissão")
	forbidden := editor.get(pathKeyRenew(id, ""))
	forbidden.is(http.StatusForbidden)
	forbidden.says("main", "Você não pode renovar tokens de API. Peça a alguém com a permissão Renovar token de API.")
	b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "A chave Order sync está inativa.")
	gone := b.hx(http.MethodGet, pathKeyEdit("appkey-acme-QKZWPD4T", ""), nil)
	message, err := url.PathUnescape(gone.header.Get("Latchkey-Message"))
	must(t, err)
	if !strings.HasPrefix(message, "Essa chave não existe ou foi excluída.") {
		t.Errorf("htmx is told %q", message)
	}
}
