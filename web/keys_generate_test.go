package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func TestQ06TheGenerateForm(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	a := b.get(pathKeysGenerate())
	a.is(http.StatusOK)
	name := a.Find("input#name[name=name]")
	if _, required := name.Attr("required"); !required {
		t.Error("Key identification is not required")
	}
	a.says(`label[for="name"]`, "Key identification")
	roles := a.Find(`fieldset input[type=checkbox][name=roles]`)
	if roles.Length() != len(keys.BuiltInRoles())+len(keys.SampleRoles()) {
		t.Errorf("%d roles", roles.Length())
	}
	if n := a.Find("input[name=roles][checked]").Length(); n != 0 {
		t.Errorf("%d roles are preselected", n)
	}
	a.says("form", "Choose only the roles this integration needs. If the token leaks, everything these roles allow is exposed.")
	a.says("form", "Tokens are valid for 3 months")
	a.says("form", "Without a role this key is accepted but may use no resource.")
	if got := a.Find(`fieldset#handover input[type=radio][name=handover]`).Length(); got != 2 {
		t.Errorf("%d ways to hand the token over", got)
	}
	if value, _ := a.Find(`input[name=handover][checked]`).Attr("value"); value != "here" {
		t.Errorf("%q is preselected", value)
	}
	a.says("fieldset#handover", "Show it on the next page")
	a.says("fieldset#handover", "Create a single-access link, valid for 24 hours")
	a.says("form button", "Generate")
	if href, _ := a.Find("form a").Last().Attr("href"); href != pathKeys() {
		t.Errorf("Cancel leads to %q", href)
	}
}

func TestQ07AnEmptyKeyIdentificationIsAProblemOfItsField(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for typed, want := range map[string]string{
		"":                      "Enter a key identification",
		"   \t ":                "Enter a key identification",
		strings.Repeat("é", 65): "Use 64 characters or fewer",
	} {
		before := k.dump()
		a := b.post(pathKeysGenerate(), url.Values{"name": {typed}, "roles": {"orders-viewer"}, "nonce": {nonce()}})
		a.is(http.StatusUnprocessableEntity)
		a.says(`[role="alert"]`, "There is a problem")
		if href, _ := a.Find(`[role="alert"] a`).Attr("href"); href != "#name" {
			t.Errorf("the summary leads to %q", href)
		}
		a.says(`[role="alert"] a`, want)
		input := a.Find("input#name")
		if invalid, _ := input.Attr("aria-invalid"); invalid != "true" {
			t.Error("the field is not marked")
		}
		described, _ := input.Attr("aria-describedby")
		var texts []string
		for _, id := range strings.Fields(described) {
			texts = append(texts, a.text("#"+id))
		}
		if !strings.Contains(strings.Join(texts, " "), want) {
			t.Errorf("the field is described by %q", texts)
		}
		if !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("title %q", a.text("title"))
		}
		if _, checked := a.Find("#role-orders-viewer").Attr("checked"); !checked {
			t.Error("the chosen role was lost")
		}
		if after := k.dump(); after != before {
			t.Errorf("a refused form left something:\n%s", difference(before, after))
		}
	}
}

func TestQ08TheTokenIsShownOnce(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	fields := url.Values{"name": {"  Order sync "}, "roles": {"orders-viewer"}, "nonce": {nonce()}}
	a := b.post(pathKeysGenerate(), fields)
	a.is(http.StatusOK)
	token := a.text("[data-secret]")
	value, err := secret.Parse(secret.KindToken, token)
	must(t, err)
	a.says("h1", "Key generated")
	a.says("main", "Order sync")
	a.says("main", "appkey-acme-")
	a.says("main", "Copy the token before leaving. It cannot be shown again.")
	a.says("main", "The key is already active.")
	if strings.Count(a.body, token) != 1 {
		t.Errorf("the token stands %d times on the page", strings.Count(a.body, token))
	}
	if href, _ := a.Find("main a").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Text(), "Close") }).Attr("href"); href != pathKeys() {
		t.Errorf("Close leads to %q", href)
	}
	before := k.dump()
	if strings.Contains(before, token) {
		t.Error("the token is in the database")
	}
	for range 3 {
		id := keys.KeyID(regexpFind(t, `appkey-acme-[0-9A-Z]{8}`, a.body))
		b.post(pathKeysGenerate(), fields).leadsTo(pathKeyShow(id))
		again := b.get(pathKeyShow(id))
		again.says("#flash", "The token was shown once and cannot be shown again. Renew it to get a new one.")
		again.says("h1", "Order sync")
		if strings.Contains(again.body, token) {
			t.Error("the token is shown again")
		}
		b.get(pathKeys()).says("#count", "1 key")
	}
	if after := k.dump(); after != before {
		t.Errorf("a repeated submit left something:\n%s", difference(before, after))
	}
	key, err := k.store.Key(t.Context(), b.actor(), keys.KeyID(regexpFind(t, `appkey-acme-[0-9A-Z]{8}`, a.body)))
	must(t, err)
	if key.Name != "Order sync" || !key.Active() || len(key.Tokens) != 1 || key.Tokens[0].Hint != value.Hint() || len(key.Roles) != 1 || key.Roles[0].Slug != "orders-viewer" || key.CreatedBy != "ana@acme.example" {
		t.Errorf("the key is %+v", key)
	}
}

func TestQ09TheSameNonceMakesOneKey(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	one := nonce()
	shown := 0
	for range 5 {
		a := b.post(pathKeysGenerate(), url.Values{"name": {"Order sync"}, "nonce": {one}})
		if a.status == http.StatusOK {
			shown++
		}
	}
	if shown != 1 {
		t.Errorf("%d tokens were shown", shown)
	}
	b.get(pathKeys()).says("#count", "1 key")
}

func TestAFormWithoutItsNonceIsRefused(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	for _, bad := range []string{"", "x", strings.Repeat("a", 23), "'; DROP TABLE api_key; --"} {
		b.post(pathKeysGenerate(), url.Values{"name": {"Order sync"}, "nonce": {bad}}).is(http.StatusBadRequest)
	}
	if k.dump() != before {
		t.Error("a key was made")
	}
}

func TestANameThatIsTakenIsSaidButAllowed(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	b.generate("Order sync")
	a := b.post(pathKeysGenerate(), url.Values{"name": {"Order sync"}, "nonce": {nonce()}})
	a.is(http.StatusOK)
	a.says("main", "Another key has this name")
}

func TestAnUnknownRoleIsAProblem(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	a := b.post(pathKeysGenerate(), url.Values{"name": {"Order sync"}, "roles": {"no-such-role"}, "nonce": {nonce()}})
	a.is(http.StatusUnprocessableEntity)
	a.says(`[role="alert"]`, "A chosen role no longer exists")
	if k.dump() != before {
		t.Error("a key was made")
	}
}
