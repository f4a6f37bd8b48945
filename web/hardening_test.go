package web

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func (b *browser) postRaw(path, contentType string, body io.Reader) answer {
	b.kit.t.Helper()
	r := b.request(http.MethodPost, path, body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

const formType = "application/x-www-form-urlencoded"

func TestBadInput13AnOversizeFormIsRefused(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	large := url.Values{"name": {strings.Repeat("a", 70<<10)}, "nonce": {nonce()}}.Encode()
	b.postRaw(pathKeysGenerate(), formType, strings.NewReader(large)).is(http.StatusRequestEntityTooLarge)
	chunked := b.request(http.MethodPost, pathKeysGenerate(), io.MultiReader(strings.NewReader(large)))
	chunked.ContentLength = -1
	chunked.Header.Set("Content-Type", formType)
	b.send(chunked).is(http.StatusRequestEntityTooLarge)
	if k.dump() != before {
		t.Error("a key was made")
	}
}

func TestBadInput14AMalformedFormIsRefused(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	before := k.dump()
	for _, path := range []string{pathKeysGenerate(), pathKeyEdit(id, ""), pathKeyDelete(id, ""), pathKeyRenew(id, ""), pathKeyRenewal(id, 1, ""), pathKeyUndo(id, ""), pathKeyDeleteOld(id, ""), pathSettings(), pathAccountPassword(), pathLogin()} {
		b.postRaw(path, formType, strings.NewReader("name=%zz")).is(http.StatusBadRequest)
		b.postRaw(path, formType, strings.NewReader("name=a;b=c")).is(http.StatusBadRequest)
		b.postRaw(path, "application/json", strings.NewReader(`{"name":"x"}`)).is(http.StatusUnsupportedMediaType)
		b.postRaw(path, "multipart/form-data; boundary=x", strings.NewReader("--x--")).is(http.StatusUnsupportedMediaType)
		b.postRaw(path, "", strings.NewReader("name=x")).is(http.StatusUnsupportedMediaType)
	}
	b.postRaw(pathKeyEdit(id, ""), formType, strings.NewReader("name=x&version=abc")).is(http.StatusBadRequest)
	if after := k.dump(); after != before {
		t.Errorf("something changed:\n%s", difference(before, after))
	}
}

func TestBadInput15AnotherSiteCannotPost(t *testing.T) {
	k := newKit(t)
	posts := 0
	for _, r := range k.server.routes() {
		if r.Method != http.MethodPost {
			continue
		}
		posts++
		b := k.signIn("ana@acme.example")
		id := b.keyFor(r)
		fields := b.fieldsOf(r, id)
		before := k.dump()
		for name, headers := range map[string]map[string]string{
			"cross-site":   {"Sec-Fetch-Site": "cross-site"},
			"same-site":    {"Sec-Fetch-Site": "same-site"},
			"null origin":  {"Origin": "null"},
			"their origin": {"Origin": "https://evil.example"},
		} {
			request := b.request(http.MethodPost, k.fill(r.Path, id), strings.NewReader(fields.Encode()))
			request.Header.Set("Content-Type", formType)
			for header, value := range headers {
				request.Header.Set(header, value)
			}
			a := b.send(request)
			if a.status != http.StatusForbidden {
				t.Errorf("%s %s: %d", name, r.Path, a.status)
			}
		}
		if after := k.dump(); after != before {
			t.Errorf("%s changed something:\n%s", r.Path, difference(before, after))
		}
		k.server.FlushRefusals(t.Context())
		if after := k.dump(); !strings.Contains(after, "csrf.blocked") || !strings.Contains(after, r.Path) {
			t.Errorf("%s: no csrf.blocked in the audit log", r.Path)
		}
		if a := b.try(r, id); a.status == http.StatusForbidden {
			t.Errorf("%s: our own form is refused", r.Path)
		}
	}
	if posts == 0 {
		t.Fatal("no post in the table")
	}
}

func TestBadInput16NamesAreTextOrRefused(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	send := func(name string) answer {
		return b.postRaw(pathKeysGenerate(), formType, strings.NewReader("nonce="+nonce()+"&name="+name))
	}
	send("").is(http.StatusUnprocessableEntity)
	send(strings.Repeat("a", 65)).is(http.StatusUnprocessableEntity)
	send("a%00b").is(http.StatusBadRequest)
	send("a%ff%feb").is(http.StatusBadRequest)
	b.get(pathKeys()).says("main", "No API keys yet")
	for _, name := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "=HYPERLINK(\"http://x\")", "{{.}}", "${7*7}",
		"\u202egnp.exe", "👩‍🔧 ops", "'; DROP TABLE api_key; --", "&lt;b&gt;", "a\u0301", "javascript:alert(1)", "]]>", "<!-- -->",
	} {
		send(url.QueryEscape(name)).is(http.StatusOK)
		a := b.get(pathKeys())
		if got := a.Find("tbody tr").First().Find("th").Text(); !strings.Contains(got, name) {
			t.Errorf("%q is shown as %q", name, got)
		}
		if a.Find("tbody script, tbody img, tbody b").Length() != 0 {
			t.Errorf("%q became markup", name)
		}
	}
}

func TestBadInput19AForeignKeyDoesNotExist(t *testing.T) {
	k := newKit(t)
	victim := k.signIn("ana@globex.example")
	steady, _ := victim.generate("Their key", "orders-viewer")
	open, _ := victim.generate("Their key", "orders-viewer")
	victim.renew(open)
	b := k.signIn("ana@acme.example")
	before := k.dump()
	tried := 0
	for _, r := range k.server.routes() {
		if !strings.Contains(r.Path, ":id") {
			continue
		}
		theirs := steady
		if needsRenewal(r) {
			theirs = open
			tried++
		}
		a := b.try(r, theirs)
		a.is(http.StatusNotFound)
		a.says("main", "That key does not exist or was deleted")
		never := b.try(r, "appkey-globex-00000000")
		if strip(a) != strip(never) {
			t.Errorf("%s %s: a foreign key and one that never was answer differently", r.Method, r.Path)
		}
		if strings.Contains(a.body, "Their key") {
			t.Error("the foreign key's name is on the page")
		}
	}
	if tried != 6 {
		t.Errorf("%d routes of a renewal were tried", tried)
	}
	if after := k.dump(); after != before {
		t.Errorf("something changed:\n%s", difference(before, after))
	}
	for _, id := range []string{"x", "appkey-acme-", "%00", "%ff", "..%2f..%2fetc", "appkey-acme-QKZWPD4T%00"} {
		b.get(pathKeys() + "/" + id + "/edit").is(http.StatusNotFound)
	}
}

func strip(a answer) string {
	return strings.ReplaceAll(a.text("main"), a.header.Get("X-Request-Id"), "")
}

func TestBadInput20DeleteTwice(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	b.post(pathKeyDelete(id, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	before := k.dump()
	for _, r := range k.server.routes() {
		if strings.Contains(r.Path, ":id") {
			b.try(r, id).is(http.StatusNotFound)
		}
	}
	inPlace := b.hx(http.MethodPost, pathKeyDelete(id, ""), url.Values{"understood": {"on"}})
	inPlace.is(http.StatusNotFound)
	message, err := url.PathUnescape(inPlace.header.Get("Latchkey-Message"))
	must(t, err)
	if !strings.HasPrefix(message, "That key does not exist or was deleted") || inPlace.body != "" {
		t.Errorf("htmx is told %q", message)
	}
	if after := k.dump(); after != before {
		t.Errorf("something changed:\n%s", difference(before, after))
	}
}

func TestAnUnknownHostIsMisdirected(t *testing.T) {
	k := newKit(t, func(c *Config) { c.Hosts = []string{"127.0.0.1:8080"} })
	for host, want := range map[string]int{
		"latchkey.test": http.StatusOK, "LATCHKEY.test:80": http.StatusOK, "127.0.0.1:8080": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "127.0.0.1:9090": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		b := k.browser()
		r := b.request(http.MethodGet, pathLogin(), nil)
		r.Host = host
		if a := b.send(r); a.status != want {
			t.Errorf("%q: %d, not %d", host, a.status, want)
		}
		r = b.request(http.MethodGet, "/healthz", nil)
		r.Host = host
		if a := b.send(r); a.status != http.StatusOK || strings.TrimSpace(a.body) != `{"status":"ok"}` {
			t.Errorf("/healthz on %q: %d %s", host, a.status, a.body)
		}
	}
}

func TestTheClientAddressComesOnlyFromListedProxies(t *testing.T) {
	proxies := func(list ...string) option {
		return func(c *Config) {
			for _, p := range list {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
			}
		}
	}
	for name, c := range map[string]struct {
		trusted         []string
		peer, xff, want string
	}{
		"nobody is trusted":             {nil, "10.0.0.1", "203.0.113.7", "10.0.0.1"},
		"loopback is not trusted":       {nil, "127.0.0.1", "203.0.113.7", "127.0.0.1"},
		"a listed proxy":                {[]string{"10.0.0.0/8"}, "10.0.0.1", "203.0.113.7", "203.0.113.7"},
		"what the client made up":       {[]string{"10.0.0.0/8"}, "10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"},
		"two listed proxies":            {[]string{"10.0.0.0/8"}, "10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"},
		"a peer that is not listed":     {[]string{"10.0.0.0/8"}, "192.0.2.1", "203.0.113.7", "192.0.2.1"},
		"a private peer, not listed":    {[]string{"10.0.0.0/24"}, "10.1.0.1", "203.0.113.7", "10.1.0.1"},
		"a listed proxy without a line": {[]string{"10.0.0.0/8"}, "10.0.0.1", "", "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, proxies(c.trusted...))
			b := k.browser()
			b.ip = c.peer
			if c.xff != "" {
				b.header.Set("X-Forwarded-For", c.xff)
			}
			b.post(pathLogin(), login("ana@acme.example", "not the password at all"))
			k.server.FlushRefusals(t.Context())
			if dump := k.dump(); !strings.Contains(dump, "ip="+c.want+" ") {
				t.Errorf("the audit log does not name %s", c.want)
			}
		})
	}
}

// TestSecretsAppearOnlyWhereTheyAreShown uses everything that has a secret and then looks for it, as
// it is, in hex and in base64, in the database file, its log, what was logged, and later pages.
func TestSecretsAppearOnlyWhereTheyAreShown(t *testing.T) {
	k := newKit(t)
	b := k.browser()
	b.post(pathLogin(), login("ana@acme.example", password)).leadsTo(pathKeys())
	secrets := []string{password, "not the password at all", b.cookies["latchkey_session"].Value, b.cookies["latchkey_device"].Value}
	k.browser().post(pathLogin(), login("ana@acme.example", "not the password at all"))
	var ids []keys.KeyID
	for i := range 20 {
		id, token := b.generate(fmt.Sprintf("Key %d", i), "orders-viewer")
		secrets = append(secrets, token)
		ids = append(ids, id)
	}
	b.get(pathKeys() + "?token=" + secrets[4])
	b.get("/nowhere/" + secrets[5])
	b.post(pathKeysGenerate()+"?token="+secrets[6], url.Values{"name": {""}, "nonce": {nonce()}}).is(http.StatusBadRequest)
	k.browser().get(pathLogin() + "?next=/" + secrets[7])
	for i, old := range []string{"later", "now", ""} {
		rid, token := b.renew(ids[10+i])
		secrets = append(secrets, token)
		if old != "" {
			b.post(pathKeyRenewal(ids[10+i], rid, ""), url.Values{"old": {old}}).leadsTo(pathKeys())
		}
	}
	b.post(pathKeyUndo(ids[12], ""), nil).leadsTo(pathKeys())
	var linked []keys.KeyID
	for i := range 5 {
		id, link := b.generateByLink(fmt.Sprintf("Linked %d", i))
		secrets = append(secrets, link.secret)
		linked = append(linked, id)
		if i == 0 {
			secrets = append(secrets, k.browser().opens(link).text("[data-secret]"))
			k.browser().opens(link).is(http.StatusGone)
		}
		k.browser().get(link.path + "?" + link.secret)
		k.browser().post(link.path, url.Values{"secret": {link.secret + " or so"}}).is(http.StatusNotFound)
	}
	b.post(pathKeyDeactivate(ids[0], ""), nil)
	b.post(pathKeyDelete(ids[1], ""), url.Values{"understood": {"on"}})
	k.server.FlushRefusals(t.Context())

	places := k.raw.Files()
	places["log"] = k.log.String()
	for _, path := range []string{pathKeys(), pathKeyEdit(ids[2], ""), pathKeyDelete(ids[3], ""), pathKeyShow(ids[10]), pathKeyShow(ids[12]), pathKeyShow(linked[0]), pathKeyShow(linked[1]), pathKeyRenew(linked[1], ""), pathKeyDiscard(linked[1], ""), k.fill(pathKeys()+"/:id/renew/:rid", ids[10]), pathSettings(), "/help"} {
		places[path] = b.get(path).body
	}
	places["audit"] = k.dump()
	for place, content := range places {
		if len(content) == 0 {
			t.Errorf("%s is empty", place)
		}
		for _, s := range secrets {
			for form, text := range map[string]string{
				"plain": s, "hex": hex.EncodeToString([]byte(s)), "base64": base64.RawStdEncoding.EncodeToString([]byte(s))[:len(s)],
			} {
				if strings.Contains(content, text) {
					t.Errorf("%s of %.8s… is in %s", form, s, place)
				}
			}
		}
	}
	if len(secrets) != 33 {
		t.Fatalf("%d secrets were looked for", len(secrets))
	}
	if _, err := secret.Parse(secret.KindToken, secrets[4]); err != nil {
		t.Error("what was looked for is no token")
	}
}

// breakAudit makes every insert of an audit row fail, until it is mended.
func (k *kit) breakAudit() (mend func()) {
	k.t.Helper()
	return k.raw.Refuse("INSERT", "audit")
}

// unaudited are the forms of which the audit log need not tell: who logs out is logged out whatever breaks, and
// a language is kept by the browser. The setup has a test of its own.
var unaudited = []string{pathLogout(), pathLanguage(), pathSetup()}

// TestWithoutAnAuditRowNothingChanges sends every form of the table, and asks for every file, while no audit row
// can be written; and again when it can.
func TestWithoutAnAuditRowNothingChanges(t *testing.T) {
	for _, r := range (&Server{}).routes() {
		if r.Kind != download && (r.Method != http.MethodPost || slices.Contains(unaudited, r.Path)) {
			continue
		}
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			k := newKit(t)
			k.anotherSession(r, "own", "ana@acme.example")
			b := k.signIn("ana@acme.example")
			id := b.keyFor(r)
			fields := b.fieldsOf(r, id)
			mend := k.breakAudit()
			before := k.dump()
			a := b.ask(r, id, fields)
			a.is(http.StatusServiceUnavailable)
			a.says("main", "Nothing was changed")
			k.unchangedSince(before, r.Path)
			if secretInText.MatchString(a.body) || len(a.header.Values("Set-Cookie")) != 0 || a.header.Get("Content-Disposition") != "" || strings.Contains(a.body, string(id)) {
				t.Errorf("it shows or sets something: %v", a.header)
			}
			mend()
			if a := b.ask(r, id, fields); a.status >= http.StatusBadRequest || k.dump() == before {
				t.Errorf("with an audit row it answers %d, and may change nothing", a.status)
			}
		})
	}
}

func TestWithoutAnAuditRowSomebodyMayStillLogOut(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	k.breakAudit()
	copied := *b.cookies["latchkey_session"]
	b.post(pathLogout(), nil).leadsTo(pathLogin() + "?notice=logged-out")
	thief := k.browser()
	thief.cookies[copied.Name] = &copied
	thief.get(pathKeys()).leadsTo(pathLogin() + "?notice=ended")
}

func TestWithoutAnAuditRowNobodySetsUp(t *testing.T) {
	k := newEmptyKit(t)
	code := k.offerCode()
	k.breakAudit()
	before := k.dump()
	k.browser().post(pathSetup(), setupForm(code)).is(http.StatusServiceUnavailable)
	k.unchangedSince(before, "the setup")
}

func TestEncodedPathsReachNothing(t *testing.T) {
	b := newKit(t).signIn("ana@acme.example")
	for _, path := range []string{"/static/..%2f..%2fetc/passwd", "/static/%2e%2e/app.css", "/static/..%5capp.css", "/static/", "/static/nothing.css", "//evil.example", "/%09/evil.example"} {
		a := b.get(path)
		if a.status != http.StatusNotFound || a.header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, a.status, a.header.Get("Location"))
		}
	}
}
