package web

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// offerCode makes a setup code, as serve does when it starts.
func (k *kit) offerCode() string {
	k.t.Helper()
	code := secret.New(secret.KindSetup)
	must(k.t, k.store.PutSetupCode(k.t.Context(), code.Digest(), k.clock.now().Add(keys.SetupCodeLife)))
	return code.Reveal()
}

func setupForm(code string) url.Values {
	return url.Values{"code": {code}, "account": {"acme"}, "email": {"Ana@acme.example"}, "password": {password}, "zone": {"America/Sao_Paulo"}}
}

func TestSetupMakesTheFirstAdministrator(t *testing.T) {
	k := newEmptyKit(t)
	code := k.offerCode()
	b := k.browser()
	for _, path := range []string{"/", pathLogin(), pathKeys(), pathKeysGenerate()} {
		b.get(path).leadsTo(pathSetup())
	}
	a := b.get(pathSetup())
	a.is(http.StatusOK)
	for _, field := range []string{"code", "account", "email", "password", "zone"} {
		if a.Find("[name="+field+"]").Length() != 1 {
			t.Errorf("no field %s", field)
		}
	}
	if got, _ := a.Find("select[name=zone] option[selected]").Attr("value"); got != "UTC" {
		t.Errorf("the zone is %q", got)
	}
	b.post(pathSetup(), setupForm(code)).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.is(http.StatusOK)
	list.says("#flash", "Setup complete. Generate the first key when an integration needs one.")
	list.says("header", "acme")
	who := b.actor()
	if who.Email != "ana@acme.example" || len(who.Holds) != len(keys.ConsoleResources())+len(keys.SampleResources()) {
		t.Errorf("signed in as %+v", who)
	}
	b.generate("Order sync", "orders-viewer")
	b.get(pathSetup()).is(http.StatusNotFound)
	b.post(pathSetup(), setupForm(code)).is(http.StatusNotFound)
	k.browser().get("/").leadsTo(pathLogin())
}

func TestSetupRefusesWithItsReason(t *testing.T) {
	k := newEmptyKit(t)
	code := k.offerCode()
	before := k.dump()
	for name, c := range map[string]struct{ field, value, want string }{
		"no code":         {"code", "", "Check the setup code that the server printed when it started"},
		"mistyped code":   {"code", "lku_x", "Check the setup code that the server printed when it started"},
		"another code":    {"code", secret.New(secret.KindSetup).Reveal(), "Check the setup code that the server printed when it started"},
		"a session's id":  {"code", secret.New(secret.KindSession).Reveal(), "Check the setup code that the server printed when it started"},
		"no account":      {"account", "", "Enter an account name"},
		"capital letters": {"account", "Acme", "Use 3 to 20 lowercase letters or digits"},
		"no email":        {"email", "", "Enter an email"},
		"not an email":    {"email", "ana", "Enter an email such as ana@acme.example"},
		"short password":  {"password", "12345678901234", "Use at least 15 characters"},
		"common password": {"password", "passwordpassword", "This password is easy to guess. Use a few words that do not belong together"},
		"unknown zone":    {"zone", "Mars/Olympus", "Choose a time zone from the list"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := setupForm(code)
			fields.Set(c.field, c.value)
			a := k.browser().post(pathSetup(), fields)
			a.is(http.StatusUnprocessableEntity)
			if got := a.text(`[role="alert"] a[href="#` + c.field + `"]`); got != c.want {
				t.Errorf("says %q", got)
			}
			if strings.Contains(a.body, password) {
				t.Error("the password is on the page")
			}
		})
	}
	if after := k.dump(); after != before {
		t.Errorf("a refused setup left something:\n%s", difference(before, after))
	}
	k.clock.advance(keys.SetupCodeLife + time.Second)
	k.browser().post(pathSetup(), setupForm(code)).is(http.StatusUnprocessableEntity)
	k.browser().post(pathSetup(), setupForm(k.offerCode())).leadsTo(pathKeys())
}

func TestParallelSetupsMakeOneAdministrator(t *testing.T) {
	k := newEmptyKit(t)
	code := k.offerCode()
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if k.browser().post(pathSetup(), setupForm(code)).status == http.StatusSeeOther {
				won.Add(1)
			}
		})
	}
	wait.Wait()
	users, err := k.store.Users(t.Context())
	must(t, err)
	if won.Load() != 1 || len(users) != 1 {
		t.Errorf("%d setups won and made %d users", won.Load(), len(users))
	}
}

func TestEveryZoneOfTheSelectExists(t *testing.T) {
	all := zones()
	if len(all) < 300 {
		t.Fatalf("only %d zones", len(all))
	}
	for _, name := range all {
		if err := keys.CheckZone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
