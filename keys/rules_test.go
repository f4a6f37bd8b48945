package keys_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/keys"
)

func TestCheckName(t *testing.T) {
	for name, want := range map[string]keys.Reason{
		"Order sync":                "",
		"x":                         "",
		strings.Repeat("é", 64):     "",
		strings.Repeat("é", 65):     keys.ReasonNameLong,
		"":                          keys.ReasonNameEmpty,
		" \t\u00a0\n":               keys.ReasonNameEmpty,
		"<script>alert(1)</script>": "",
	} {
		if got := keys.ReasonOf(keys.CheckName(keys.NormalName(name))); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}

func TestCheckAccountSlug(t *testing.T) {
	for slug, ok := range map[string]bool{
		"acme": true, "a1b": true, strings.Repeat("a", 20): true,
		"": false, "ab": false, strings.Repeat("a", 21): false, "Acme": false, "ac-me": false, "äcme": false, "acme\n": false,
	} {
		if got := keys.CheckAccountSlug(slug) == nil; got != ok {
			t.Errorf("%q: accepted %v, not %v", slug, got, ok)
		}
	}
}

func TestCheckEmail(t *testing.T) {
	for email, ok := range map[string]bool{
		"ana@acme.example": true, " Ana@ACME.example ": true, "ana+keys@acme.example": true,
		"": false, "ana": false, "ana@": false, "Ana <ana@acme.example>": false, "ana@acme.example, bo@acme.example": false,
		"ana@acme.example\x00": false, strings.Repeat("a", 250) + "@acme.example": false,
	} {
		if got := keys.CheckEmail(keys.NormalEmail(email)) == nil; got != ok {
			t.Errorf("%q: accepted %v, not %v", email, got, ok)
		}
	}
}

func TestCheckZone(t *testing.T) {
	for name, ok := range map[string]bool{"UTC": true, "America/Sao_Paulo": true, "": false, "Local": false, "Mars/Olympus": false, "../etc/passwd": false} {
		if got := keys.CheckZone(name) == nil; got != ok {
			t.Errorf("%q: accepted %v, not %v", name, got, ok)
		}
	}
}

func TestParseKeyID(t *testing.T) {
	for id, ok := range map[string]bool{
		"appkey-acme-QKZWPD4T": true,
		"appkey-acme-QKZWPD4":  false, "appkey-acme-qkzwpd4t": false, "appkey-acme-QKZWPD4I": false, "appkey-acme-QKZWPD4T\n": false,
		"appkey-ACME-QKZWPD4T": false, "key-acme-QKZWPD4T": false, "": false, "appkey-acme-QKZWPD4T'--": false, "appkey-acme-QKZWPD4\x00": false,
	} {
		_, err := keys.ParseKeyID(id)
		if (err == nil) != ok {
			t.Errorf("%q: %v", id, err)
		}
		if err != nil && keys.KindOf(err) != keys.KindNotFound {
			t.Errorf("%q: %s, not not-found", id, keys.KindOf(err))
		}
	}
}

func TestMayGrantNeverGivesMoreThanTheActorHolds(t *testing.T) {
	roles := map[string]keys.Role{}
	for _, r := range append(keys.BuiltInRoles(), keys.SampleRoles()...) {
		roles[r.Slug] = r
	}
	owner := keys.Command("test")
	administrator := keys.Actor{Holds: roles[keys.RoleUserAdministrator].Resources}
	nobody := keys.Actor{}
	for name, c := range map[string]struct {
		who  keys.Actor
		role string
		ok   bool
	}{
		"an owner gives Owner":                             {owner, keys.RoleOwner, true},
		"an administrator gives their own role":            {administrator, keys.RoleUserAdministrator, true},
		"an administrator does not give Owner":             {administrator, keys.RoleOwner, false},
		"an administrator gives resources of the account":  {administrator, "orders-manager", true},
		"a user without permissions gives no console role": {nobody, keys.RoleUserAdministrator, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.who.MayGrant([]keys.Role{roles["orders-viewer"], roles[c.role]})
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
			if err != nil && (keys.KindOf(err) != keys.KindForbidden || keys.ReasonOf(err) != keys.ReasonEscalation) {
				t.Errorf("%v, not an escalation", err)
			}
		})
	}
}

func TestRequireFailsClosed(t *testing.T) {
	viewer := keys.Actor{Holds: []string{keys.ViewAPIKeys}}
	if err := viewer.Require(keys.ViewAPIKeys); err != nil {
		t.Error(err)
	}
	for _, resource := range []string{keys.EditAPIKeys, "", "latchkey.keys", "orders.read"} {
		if keys.KindOf(viewer.Require(resource)) != keys.KindForbidden {
			t.Errorf("%q is allowed", resource)
		}
	}
}

func TestBroadRolesAreThoseThatReachTheConsole(t *testing.T) {
	for _, r := range keys.BuiltInRoles() {
		if !r.Broad() {
			t.Errorf("%s is not broad", r.Slug)
		}
	}
	samples := keys.SampleRoles()
	if len(samples) == 0 {
		t.Fatal("no sample role")
	}
	for _, r := range samples {
		if r.Broad() {
			t.Errorf("%s is broad", r.Slug)
		}
	}
}

func TestSampleRolesHoldOnlySampleResources(t *testing.T) {
	known := map[string]bool{}
	for _, r := range append(keys.SampleResources(), keys.ConsoleResources()...) {
		if !keys.IsResourceSlug(r.Slug) || known[r.Slug] {
			t.Errorf("resource %q is malformed or there twice", r.Slug)
		}
		known[r.Slug] = true
	}
	for _, r := range append(keys.SampleRoles(), keys.BuiltInRoles()...) {
		for _, slug := range r.Resources {
			if !known[slug] {
				t.Errorf("role %s holds %s, which is no resource", r.Slug, slug)
			}
		}
	}
}

func TestLoginWaitDoublesToItsLimit(t *testing.T) {
	want := map[int]time.Duration{1: 0, 4: 0, 5: time.Second, 6: 2 * time.Second, 7: 4 * time.Second, 14: 512 * time.Second, 15: keys.MaxLoginWait, 100: keys.MaxLoginWait, 1 << 30: keys.MaxLoginWait}
	for n, wait := range want {
		if got := keys.LoginWait(n); got != wait {
			t.Errorf("after failure %d: %s, not %s", n, got, wait)
		}
	}
}

func TestLoginNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"203.0.113.7": "203.0.113.0/24", "::ffff:203.0.113.7": "203.0.113.0/24",
		"2001:db8:1:2ff::1": "2001:db8:1:200::/56", "fe80::1%eth0": "fe80::/56", "": "unknown", "unix": "unknown",
	} {
		if got := keys.LoginNetwork(ip); got != want {
			t.Errorf("%q: %q, not %q", ip, got, want)
		}
	}
}

func TestProblemsJoinsWhatIsWrongWithAForm(t *testing.T) {
	err := keys.Problems(keys.CheckEmail(""), nil, keys.CheckAccountSlug("A"))
	if keys.KindOf(err) != keys.KindInvalid || err.Error() != "invalid: email-empty (email=email-empty, account=account-slug)" {
		t.Errorf("got %v", err)
	}
	if err := keys.Problems(nil, nil); err != nil {
		t.Errorf("no problem gives %v", err)
	}
	if err := keys.Problems(keys.CheckEmail(""), keys.NotFound(keys.ReasonKeyNotFound)); keys.KindOf(err) != keys.KindNotFound {
		t.Errorf("another refusal gives %v", err)
	}
}
