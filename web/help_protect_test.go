package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func TestProtectAnAPIIsFilledWithTheInstallationsOwnAddress(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@globex.example")
	a := b.get(pathHelpProtect() + "?resource=pricing.write")
	a.is(http.StatusOK)
	a.says("h1", "Protect an API")
	recipes := a.Find("details[name=recipes]")
	if recipes.Length() != 4 {
		t.Fatalf("%d recipes", recipes.Length())
	}
	example := regexp.MustCompile(`\bacme\b|orders\.read|/run/latchkey`)
	host := k.server.public.Hostname()
	for i, name := range []string{"nginx", "Caddy", "Traefik", "Envoy"} {
		one := recipes.Eq(i)
		code := one.Find("code").Text()
		if got := one.Find("summary").Text(); got != name {
			t.Errorf("recipe %d is %q, not %q", i, got, name)
		}
		for _, want := range []string{"globex", "pricing.write", host, k.server.keyHeader, k.server.tokenHeader, "X-Latchkey-Account"} {
			if !strings.Contains(code, want) {
				t.Errorf("%s does not have %q", name, want)
			}
		}
		if left := example.FindString(code); left != "" {
			t.Errorf("%s still has %q", name, left)
		}
	}
	if chosen, _ := a.Find("select[name=resource] option[selected]").Attr("value"); chosen != "pricing.write" {
		t.Errorf("%q is chosen", chosen)
	}
	a.Find("select[name=resource] option").Each(func(_ int, s *goquery.Selection) {
		if value, _ := s.Attr("value"); strings.HasPrefix(value, "latchkey.") {
			t.Errorf("it offers %s, which no API of theirs needs", value)
		}
	})
	for _, query := range []string{"", "?resource=", "?resource=nothing.here", "?resource=%3Cb%3E"} {
		other := b.get(pathHelpProtect() + query)
		other.is(http.StatusOK)
		if chosen, _ := other.Find("select[name=resource] option[selected]").Attr("value"); chosen != "catalog.read" || strings.Contains(other.body, "<b>") {
			t.Errorf("%q chooses %q", query, chosen)
		}
	}
}

func TestHelpLeadsToTheProxiesForWhoIsSignedIn(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	for _, path := range []string{pathHelp(), pathKeyShow(id)} {
		if b.get(path).Find(`main a[href="`+pathHelpProtect()+`"]`).Length() != 1 {
			t.Errorf("%s does not lead there", path)
		}
	}
	if k.browser().get(pathHelp()).Find(`a[href="`+pathHelpProtect()+`"]`).Length() != 0 {
		t.Error("a stranger is led there")
	}
	k.browser().get(pathHelpProtect()).is(http.StatusSeeOther)
}
