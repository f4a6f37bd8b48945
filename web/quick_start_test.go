package web

import (
	"go/format"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

func headers(key, token string) option {
	return func(c *Config) { c.KeyHeader, c.TokenHeader = key, token }
}

// snippets are the codes of the quick start, by their ids.
func (a answer) snippets() map[string]string {
	a.t.Helper()
	a.is(http.StatusOK)
	all := map[string]string{}
	for _, id := range []string{"qs-curl", "qs-go", "qs-js"} {
		code := a.Find("code#" + id)
		if code.Length() != 1 {
			a.t.Fatalf("there are %d snippets %s", code.Length(), id)
		}
		all[id] = code.Text()
	}
	return all
}

func TestTheQuickStartAsksAboutThisKey(t *testing.T) {
	for name, c := range map[string]struct {
		options            []option
		url, key, tokenFor string
	}{
		"as it comes": {nil, "http://latchkey.test/v1/verify?account=acme", keys.DefaultKeyHeader, keys.DefaultTokenHeader},
		"configured": {
			[]option{publicURL("https://keys.example:8443"), headers("X-Api-Id", "X-Api-Secret")},
			"https://keys.example:8443/v1/verify?account=acme", "X-Api-Id", "X-Api-Secret",
		},
	} {
		k := newKit(t, c.options...)
		b := k.signIn("ana@acme.example")
		id, token := b.generate("Order sync")
		a := b.get(pathKeyShow(id))
		a.showsNone(token)
		all := a.snippets()
		for snippet, code := range all {
			for _, want := range []string{c.url, c.key, string(id), c.tokenFor, "API_TOKEN"} {
				if strings.Count(code, want) != 1 && want != c.key {
					t.Errorf("%s: %s has %q %d times", name, snippet, want, strings.Count(code, want))
				}
			}
			if c.options != nil && strings.Contains(code, "VTEX") {
				t.Errorf("%s: %s still has the default headers", name, snippet)
			}
			for _, line := range strings.Split(code, "\n") {
				if len(line) > 68 {
					t.Errorf("%s: %s has a long line: %q", name, snippet, line)
				}
			}
		}
		if first, _, _ := strings.Cut(all["qs-curl"], "\n"); !strings.HasPrefix(first, "curl ") {
			t.Errorf("%s: the shell's first line is %q", name, first)
		}
		if formatted, err := format.Source([]byte(all["qs-go"])); err != nil || string(formatted) != all["qs-go"] {
			t.Errorf("%s: the Go program is not as gofmt writes it (%v): %s", name, err, formatted)
		}
	}
}

func TestTheQuickStartFoldsAndCopies(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	a := b.get(pathKeyShow(id))
	const section = `section[aria-labelledby="quick-start"]`
	if got := a.texts(section + ` details[name="qs"] > summary`); !slices.Equal(got, []string{"curl", "Go", "JavaScript"}) {
		t.Errorf("it has %q", got)
	}
	for _, snippet := range []string{"qs-curl", "qs-go", "qs-js"} {
		button := a.Find(section + ` button[data-copy="` + snippet + `"]`)
		if button.Length() != 1 || strings.TrimSpace(button.Text()) != "Copy" {
			t.Errorf("%s has %d buttons that copy it", snippet, button.Length())
		}
		if _, hidden := button.Attr("hidden"); !hidden {
			t.Errorf("without script the button of %s does nothing", snippet)
		}
	}
}

func TestTheQuickStartIsOfTheKeysOwnAccount(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@globex.example")
	id, _ := b.generate("Order sync")
	for snippet, code := range b.get(pathKeyShow(id)).snippets() {
		if !strings.Contains(code, "?account=globex") {
			t.Errorf("%s asks in another account: %s", snippet, code)
		}
	}
}

func TestCheckItStandsWithEveryNewToken(t *testing.T) {
	k := newKit(t, headers("X-Api-Id", "X-Api-Secret"))
	b := k.signIn("ana@acme.example")
	made := b.post(pathKeysGenerate(), url.Values{"name": {"Order sync"}, "nonce": {nonce()}})
	id := keys.KeyID(regexpFind(t, `appkey-acme-[0-9A-Z]{8}`, made.body))
	renewed := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {nonce()}})
	want := `curl -i -H "X-Api-Id: ` + string(id) + `" -H "X-Api-Secret: $API_TOKEN" 'http://latchkey.test/v1/verify?account=acme'`
	for name, a := range map[string]answer{"generated": made, "renewed": renewed} {
		a.is(http.StatusOK)
		if got := a.Find("code#check").Text(); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
		if a.Find(`button[data-copy="check"]`).Length() != 1 || a.text("#check-label") != "Check it" {
			t.Errorf("%s: it has no button to copy it, or no name", name)
		}
		if strings.Count(a.body, a.text("[data-secret]")) != 1 {
			t.Errorf("%s: the token stands on the page more than once", name)
		}
	}
	again := b.get(pathKeyRenewal(id, renewed.renewal(), ""))
	if again.Find("#check").Length() != 0 {
		t.Error("without the token there is nothing to check")
	}
}

// What an operator may write into a header's name or into the public URL stays text in each language.
func TestWhatAShellWouldReadIsQuoted(t *testing.T) {
	v := verifyCall{url: "https://keys.example/it's?account=acme", keyHeader: "X-`id`$HOME", tokenHeader: "X-$(id)", key: "appkey-acme-QKZWPD4T"}
	want := "-H \"X-\\`id\\`\\$HOME: appkey-acme-QKZWPD4T\" -H \"X-\\$(id): $API_TOKEN\" 'https://keys.example/it'\\''s?account=acme'"
	if got := strings.TrimPrefix(v.check(), "curl -i "); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if code := v.javaScript(); !strings.Contains(code, "fetch(\"https://keys.example/it's?account=acme\", {") {
		t.Errorf("the address is not a literal: %s", code)
	}
}
