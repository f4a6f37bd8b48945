package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/store/storetest"
)

// bulk are the fields of an action on these keys.
func bulk(action string, ids ...keys.KeyID) url.Values {
	fields := url.Values{"action": {action}}
	for _, id := range ids {
		fields.Add("id", string(id))
	}
	return fields
}

func TestBulkAsksAndThenActsOnEachKey(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	var ids []keys.KeyID
	for i := range 13 {
		id, _ := b.generate(fmt.Sprintf("Key %02d", i))
		ids = append(ids, id)
	}
	other, _ := b.generate("Bystander")
	page := b.get(pathKeys())
	if got := page.Find(`tbody input[type=checkbox][name=id][form=bulk]`).Length(); got != 14 {
		t.Errorf("%d rows can be selected", got)
	}
	page.Find("tbody input").Each(func(_ int, box *goquery.Selection) {
		if want := "Select " + box.Closest("tr").Find("th > bdi").Text(); box.AttrOr("aria-label", "") != want {
			t.Errorf("a box is called %q, not %q", box.AttrOr("aria-label", ""), want)
		}
	})
	form := page.Find("form#bulk")
	if form.AttrOr("action", "") != pathKeysBulk("") || form.AttrOr("method", "") != "get" || form.Find(`[role=group][aria-label="Bulk actions"]`).Length() != 1 {
		t.Error("the bar is not a form that asks")
	}
	var buttons []string
	form.Find("button").Each(func(_ int, button *goquery.Selection) { buttons = append(buttons, strings.TrimSpace(button.Text())) })
	if got := strings.Join(buttons, ", "); got != "Activate, Deactivate, Delete, Export selected, Clear" {
		t.Errorf("the bar offers %s", got)
	}
	if got := form.Find("[formaction]").AttrOr("formaction", ""); got != pathKeysExport(formatXLSX) {
		t.Errorf("an export goes to %q", got)
	}
	before := k.dump()
	a := b.get(pathKeysBulk("q=key") + "&" + bulk("deactivate", append(ids, ids[0], "appkey-acme-00000000")...).Encode())
	a.is(http.StatusOK)
	a.says("h1", "Deactivate 13 keys")
	a.says("main", "Integrations that use them stop working immediately")
	a.says(".bulk-keys", "and 3 more")
	a.says(".alert", "1 of the selected keys was deleted meanwhile")
	if named := a.Find(".bulk-keys code").Length(); named != 10 || a.Find("#understood").Length() != 0 {
		t.Errorf("it names %d keys", named)
	}
	if got := a.Find(`form.confirm input[name=id]`).Length(); got != 13 {
		t.Errorf("it carries %d keys", got)
	}
	if got := a.href("form.confirm a.btn"); got != pathKeys()+"?q=key" {
		t.Errorf("Cancel leads to %q", got)
	}
	if after := k.dump(); after != before {
		t.Errorf("asking changed:\n%s", difference(before, after))
	}
	b.post(pathKeyDeactivate(ids[1], ""), nil)
	b.post(pathKeyDelete(ids[2], ""), url.Values{"understood": {"on"}})
	action, _ := a.Find("form.confirm").Attr("action")
	b.post(action, bulk("deactivate", ids...)).leadsTo(pathKeys() + "?q=key")
	list := b.get(pathKeys() + "?q=key")
	list.says("#flash .warning", "11 keys deactivated. 1 was already inactive. 1 could not be: "+string(ids[2])+", already deleted.")
	b.get(pathKeys()+"?status=inactive").says("#count", "12 keys match")
	b.get(pathKeys()+"?status=active").says("tbody", string(other))
	if got := k.events(string(keys.ActionKeyDeactivated)); got != 12 {
		t.Errorf("%d events tell of it", got)
	}

	b.post(pathKeysBulk(""), bulk("activate", ids[3], ids[4])).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash .success", "2 keys activated.")
}

// events counts the audit events of an action.
func (k *kit) events(action string) int {
	k.t.Helper()
	return len(k.raw.Texts(`SELECT id FROM audit WHERE action = $1`, action))
}

func TestBulkDeleteNeedsItsBox(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	first, _ := b.generate("One")
	second, _ := b.generate("Two")
	b.get(pathKeysBulk("")+"?"+bulk("delete", first, second).Encode()).says("label[for=understood]", "I understand that this action cannot be undone")
	a := b.post(pathKeysBulk(""), bulk("delete", first, second))
	a.is(http.StatusUnprocessableEntity)
	a.says("title", "Error: ")
	a.says(`.summary a[href="#understood"]`, "Check this option to delete the key")
	if a.Find("#understood").AttrOr("aria-invalid", "") != "true" || a.Find("form.confirm input[name=id]").Length() != 2 {
		t.Error("the form is not as it was sent")
	}
	b.get(pathKeys()).says("#count", "2 keys")
	fields := bulk("delete", first, second)
	fields.Set("understood", "on")
	b.post(pathKeysBulk(""), fields).leadsTo(pathKeys())
	list := b.get(pathKeys())
	list.says("#flash", "2 keys deleted.")
	list.says("main", "No API keys yet")
}

func TestBulkRefusesWhatIsNoChoice(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("One")
	foreign, _ := k.signIn("ana@globex.example").generate("Foreign")
	many := bulk("deactivate")
	for i := range maxBulk + 1 {
		many.Add("id", fmt.Sprintf("appkey-acme-%08d", i))
	}
	before := k.dump()
	for name, c := range map[string]struct {
		fields url.Values
		status int
		says   string
	}{
		"no key":                  {bulk("deactivate"), http.StatusBadRequest, "No key is selected"},
		"no id that is one":       {bulk("deactivate", "x", "../etc"), http.StatusBadRequest, "No key is selected"},
		"too many":                {many, http.StatusBadRequest, "Select at most 200 keys at once"},
		"an action of nobody":     {bulk("drop", id), http.StatusBadRequest, ""},
		"no action":               {bulk("", id), http.StatusBadRequest, ""},
		"keys of another account": {bulk("delete", foreign), http.StatusNotFound, "That key does not exist"},
	} {
		a := b.get(pathKeysBulk("") + "?" + c.fields.Encode())
		if a.status != c.status || !strings.Contains(a.text("main"), c.says) {
			t.Errorf("%s, asked: %d, %q", name, a.status, a.text("main"))
		}
		if c.status == http.StatusBadRequest {
			b.post(pathKeysBulk(""), c.fields).is(c.status)
		}
	}
	if after := k.dump(); after != before {
		t.Errorf("refused, and changed:\n%s", difference(before, after))
	}
	globex := k.dumpOf("globex")
	b.post(pathKeysBulk(""), bulk("deactivate", foreign, id)).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "1 key deactivated. 1 could not be: "+string(foreign)+", already deleted.")
	if k.dumpOf("globex") != globex {
		t.Error("it changed the other account")
	}
}

// A permission that is taken away in the middle is no attempt to get more.
func TestABulkActionWhoseActorLosesTheirRoleSaysSo(t *testing.T) {
	k := newKit(t)
	if storetest.OnPostgres(t) {
		t.Skip("the trigger is one of SQLite")
	}
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	b := k.signIn("admin@acme.example")
	one, _ := b.generate("One")
	two, _ := b.generate("Two")
	three, _ := b.generate("Three")
	k.exec(`CREATE TRIGGER loses AFTER UPDATE OF status ON api_key WHEN (SELECT count(*) FROM api_key WHERE status = 'inactive') > 1 BEGIN
		DELETE FROM user_role WHERE user_id = (SELECT id FROM app_user WHERE email = 'admin@acme.example'); END`)
	b.post(pathKeysBulk(""), bulk("deactivate", one, two, three)).leadsTo(pathKeys())
	b.get(pathKeys()).says("#flash", "1 key deactivated. 2 could not be: Two, you may not do that any more; Three, you may not do that any more.")
	k.server.FlushRefusals(t.Context())
	if got := k.events(string(keys.ActionAuthzDenied)); got != 0 {
		t.Errorf("%d events tell of an attempt to get more", got)
	}
}

// TestNoEscalationInBulk: a key with more than the viewer's own permissions can be stopped and not revived.
func TestNoEscalationInBulk(t *testing.T) {
	k := newKit(t)
	k.addUser("admin@acme.example", keys.RoleUserAdministrator)
	owner, admin := k.signIn("ana@acme.example"), k.signIn("admin@acme.example")
	root, _ := owner.generate(`"><img src=x onerror=alert(1)>`, keys.RoleOwner)
	plain, _ := owner.generate("Plain", "orders-viewer")
	admin.post(pathKeysBulk(""), bulk("deactivate", root, plain)).leadsTo(pathKeys())
	admin.get(pathKeys()).says("#flash .success", "2 keys deactivated.")
	a := admin.get(pathKeysBulk("") + "?" + bulk("activate", root, plain).Encode())
	a.says(".alert", "1 of them holds a permission that you do not hold")
	a.says(".bulk-keys", `"><img src=x onerror=alert(1)>`)
	if a.Find("main img").Length() != 0 {
		t.Error("a name became an element")
	}
	admin.post(pathKeysBulk(""), bulk("activate", root, plain)).leadsTo(pathKeys())
	list := admin.get(pathKeys())
	list.says("#flash .warning", "1 key activated. 1 could not be: \"><img src=x onerror=alert(1)>, holds a permission that you do not hold.")
	list.says("#row-"+string(root)+" [data-l=Status]", "Inactive")
	if list.Find("img").Length() != 0 {
		t.Error("a name became an element")
	}
	k.server.FlushRefusals(t.Context())
	if got := k.events(string(keys.ActionAuthzDenied)); got != 1 {
		t.Errorf("%d events tell of the refusal", got)
	}
}
