package views

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func TestGenerateFormAsksForANameAndChecksNoRole(t *testing.T) {
	m := sampleGenerate()
	m.Roles[1].Checked = false
	doc := parse(t, KeysGeneratePage(m))
	form := doc.Find("main form")
	if _, required := form.Find("#name").Attr("required"); !required {
		t.Error("the name is not required")
	}
	if form.Find("#roles :checked, #roles [checked]").Length() != 0 {
		t.Error("a role is checked")
	}
	if !strings.Contains(squeezed(form), "Choose only the roles this integration needs. If the token leaks, everything these roles allow is exposed.") {
		t.Error("the risk is not named")
	}
	if !strings.Contains(squeezed(form), "Without a role this key is accepted but may use no resource.") {
		t.Error("what a key without a role may do is not said")
	}
	if form.Find(`input[name="nonce"]`).AttrOr("value", "") != "nonce" {
		t.Error("the form has no nonce")
	}
	if form.Find(".broad").Length() != 1 {
		t.Error("the wide role has no warning")
	}
	if doc.Find("main [hx-post], main [hx-get], main [hx-boost]").Length() != 0 {
		t.Error("the form whose answer holds the token goes through htmx")
	}
}

func TestProblemsAreSummedUpAndTiedToTheirInputs(t *testing.T) {
	doc := parse(t, samplePages()["generate failed"])
	summary := doc.Find(".summary")
	if squeezed(summary.Find("h2")) != "There is a problem" || summary.Find(`a[href="#name"]`).Length() != 1 {
		t.Errorf("the summary is %q", squeezed(summary))
	}
	if _, focus := summary.Attr("autofocus"); !focus || doc.Find("[autofocus]").Length() != 1 {
		t.Error("the focus does not go to the summary alone")
	}
	input := doc.Find("#name")
	if input.AttrOr("aria-invalid", "") != "true" || input.AttrOr("value", "") != hostileName {
		t.Error("the input is not marked, or lost what was typed")
	}
	first := strings.Fields(input.AttrOr("aria-describedby", "?"))[0]
	if got := squeezed(doc.Find("#" + first)); got != "Enter a key identification" {
		t.Errorf("the input is described by %q", got)
	}
	if !strings.Contains(squeezed(doc.Find("main")), "Another key has this name") {
		t.Error("the twin is not mentioned")
	}
}

func TestPasswordsAreNeverEchoed(t *testing.T) {
	found := 0
	for name, c := range samplePages() {
		parse(t, c).Find(`input[type="password"]`).Each(func(_ int, s *goquery.Selection) {
			found++
			if _, has := s.Attr("value"); has || s.AttrOr("autocomplete", "") == "" {
				t.Errorf("%s: a password input has a value or no autocomplete", name)
			}
		})
	}
	if found < 6 {
		t.Errorf("only %d password inputs were looked at", found)
	}
}

func TestTokenIsShownOnceOnItsPageAndOnNoOther(t *testing.T) {
	for name, c := range everything() {
		shown := map[string]string{
			"generated": sampleToken, "renewed": sampleToken, "renewed alone": sampleToken, "credential opened": sampleToken,
			"generated link": sampleLink, "renewed link": sampleLink,
		}[name]
		for _, value := range []string{sampleToken, sampleLink} {
			want := 0
			if value == shown {
				want = 1
			}
			if got := strings.Count(render(t, c), value); got != want {
				t.Errorf("%s holds %.4s… %d times, want %d", name, value, got, want)
			}
		}
	}
	doc := parse(t, KeysGeneratedPage(sampleGenerated()))
	secret := doc.Find(`code[data-secret][tabindex="0"]`)
	if secret.Length() != 1 || secret.Text() != sampleToken {
		t.Errorf("the secret reads %q", secret.Text())
	}
	if doc.Find(`[data-copy="token"][hidden], [data-copy="key"][hidden]`).Length() != 2 {
		t.Error("copy buttons are not both there, hidden until the script runs")
	}
	text := squeezed(doc.Find("main"))
	for _, want := range []string{sampleKey, sampleName, "The key is already active.", "Another key has this name", "Copy the token before leaving. It cannot be shown again.", "This token is shown only now. Save it in a safe place."} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if doc.Find(`main a[href="/keys"]`).Length() != 1 || doc.Find("script[src*=htmx]").Length() != 0 || doc.Find("main form").Length() != 0 {
		t.Error("the page must have one link, no form and no htmx")
	}
}
