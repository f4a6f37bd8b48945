package verifier

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// asker is a door and a key that may introspect.
type asker struct {
	door
	key held
}

func newAsker(f *front, by keys.Actor) asker {
	f.Helper()
	return asker{f.guard(HandlerOptions{IdentityHeaders: true}), f.key(by, keys.RoleOwner)}
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

func (a asker) post(contentType, body string) reply {
	a.Helper()
	return a.send(http.MethodPost, PathIntrospect, with(a.key.bearer(), http.Header{"Content-Type": {contentType}}), body)
}

// about asks in both forms, and wants one answer.
func (a asker) about(fields map[string]string) map[string]any {
	a.Helper()
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	object, err := json.Marshal(fields)
	a.must(err)
	one := a.post(formType, form.Encode()).want(http.StatusOK)
	two := a.post(jsonType, string(object)).want(http.StatusOK)
	for _, answer := range []reply{one, two} {
		answer.wantGuarded("application/json")
		answer.wantHeaders("Cache-Control", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "X-Content-Type-Options", "X-Request-Id")
	}
	if one.text != two.text {
		a.Errorf("as a form %s, as JSON %s", one.text, two.text)
	}
	return one.json()
}

func TestIntrospectionTellsWhatATokenIs(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	a := newAsker(f, f.acme)
	never := secret.New(secret.KindToken).Reveal()
	unknown := map[string]any{"active": false, "code": "UNKNOWN"}
	expiry := func(held held) string {
		return keys.Duration{Amount: 7, Unit: keys.Days}.Expiry(held.made, time.UTC).UTC().Format(time.RFC3339)
	}
	known := func(held held, code, state string, roles, resources []any) map[string]any {
		return map[string]any{
			"active": code == "VALID", "code": code, "key": held.id, "account": "acme", "roles": roles, "resources": resources,
			"expires_at": expiry(held), "token_state": state,
		}
	}
	ended := func(held held, code string, roles, resources []any) map[string]any {
		all := known(held, code, "", roles, resources)
		all["expires_at"], all["token_state"] = nil, nil
		return all
	}
	viewer, reads := []any{"orders-viewer"}, []any{"orders.read"}
	both, bothRead := []any{"orders-viewer", "pricing-viewer"}, []any{"orders.read", "pricing.read"}
	for _, row := range []struct {
		name   string
		fields map[string]string
		want   map[string]any
	}{
		{"live", map[string]string{"token": k.live.token}, known(k.live, "VALID", "current", both, bothRead)},
		{"live with its key", map[string]string{"token": k.live.token, "key": k.live.id}, known(k.live, "VALID", "current", both, bothRead)},
		{"granted", map[string]string{"token": k.live.token, "resource": "pricing.read"}, known(k.live, "VALID", "current", both, bothRead)},
		{"not granted", map[string]string{"token": k.live.token, "resource": "pricing.write"}, known(k.live, "FORBIDDEN", "current", both, bothRead)},
		{"an empty resource", map[string]string{"token": k.live.token, "resource": ""}, known(k.live, "FORBIDDEN", "current", both, bothRead)},
		{"no resource", map[string]string{"token": k.live.token, "resource": "NO SLUG"}, known(k.live, "FORBIDDEN", "current", both, bothRead)},
		{"without a role", map[string]string{"token": k.bare.token}, known(k.bare, "VALID", "current", []any{}, []any{})},
		{"retiring", map[string]string{"token": k.retiring.token}, known(k.retiring, "VALID", "retiring", viewer, reads)},
		{"renewed", map[string]string{"token": k.renewed.token}, known(k.renewed, "VALID", "current", viewer, reads)},
		{"inactive", map[string]string{"token": k.inactive.token}, known(k.inactive, "INACTIVE", "current", viewer, reads)},
		{"expired", map[string]string{"token": k.expired.token}, known(k.expired, "EXPIRED", "current", viewer, reads)},
		{"rotated", map[string]string{"token": k.rotated.token}, ended(k.rotated, "ROTATED", viewer, reads)},
		{"undone", map[string]string{"token": k.undone.token}, ended(k.undone, "ROTATED", viewer, reads)},
		{"deleted", map[string]string{"token": k.deleted.token}, ended(k.deleted, "DELETED", []any{}, []any{})},
		{"with another key", map[string]string{"token": k.live.token, "key": k.bare.id}, unknown},
		{"never issued", map[string]string{"token": never}, unknown},
		{"junk", map[string]string{"token": "junk \u00fc"}, unknown},
		{"of another account", map[string]string{"token": k.foreign.token}, unknown},
		{"of another account with its key", map[string]string{"token": k.foreign.token, "key": k.foreign.id}, unknown},
		{"with what nobody knows", map[string]string{"token": k.live.token, "account": "globex", "token_type_hint": "x"}, known(k.live, "VALID", "current", both, bothRead)},
	} {
		if got := a.about(row.fields); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	// The other account's caller sees its own tokens and none of these.
	b := newAsker(f, f.globex)
	if got := b.about(map[string]string{"token": k.foreign.token}); got["active"] != true || got["account"] != "globex" {
		t.Errorf("its own: %v", got)
	}
	for _, other := range []held{k.live, k.inactive, k.rotated, k.deleted} {
		if got := b.about(map[string]string{"token": other.token, "key": other.id}); !reflect.DeepEqual(got, unknown) {
			t.Errorf("another account's: %v", got)
		}
	}
}

func TestAskingIsNoUseOfTheAskedTokenButOneOfTheCallers(t *testing.T) {
	f := newFront(t)
	a := newAsker(f, f.acme)
	k := f.key(f.acme, "orders-viewer")
	rotated := f.key(f.acme, "orders-viewer")
	f.complete(f.acme, f.renew(f.acme, rotated), false)
	a.about(map[string]string{"token": k.token})
	a.about(map[string]string{"token": k.token, "resource": "orders.write"})
	a.about(map[string]string{"token": rotated.token})
	if got := f.used(k.renewal); got.Accepted != 0 || got.Refused != 0 || !got.Last.Never() {
		t.Errorf("the asked token was counted: %+v", got)
	}
	if got := f.used(rotated.renewal); got.Accepted+got.Refused != 0 {
		t.Errorf("the rotated token was counted: %+v", got)
	}
	if got := f.used(a.key.renewal); got.Accepted != 6 || got.Refused != 0 {
		t.Errorf("the caller was counted as %+v, want 6 uses", got)
	}
	for _, action := range []keys.Action{keys.ActionVerifyRefused, keys.ActionTokenReuse} {
		if got := f.refused(action); len(got) != 0 {
			t.Errorf("the audit log got %v", got)
		}
	}
}

func TestOnlyAKeyThatMayIntrospectMayAsk(t *testing.T) {
	f := newFront(t)
	a := newAsker(f, f.acme)
	k := f.key(f.acme, "orders-viewer")
	inactive := f.key(f.acme, keys.RoleOwner)
	f.activate(f.acme, inactive, false)
	malformed := wantMalformed
	malformed.status = http.StatusBadRequest
	for _, row := range []struct {
		name   string
		header http.Header
		want   problem
	}{
		{"nobody", nil, wantMissing},
		{"Basic", http.Header{"Authorization": {"Basic YTpi"}}, wantMissing},
		{"a pair", a.key.pair(), wantMissing},
		{"a pair beside Basic", with(a.key.pair(), http.Header{"Authorization": {"Basic YTpi"}}), wantMissing},
		{"both shapes", with(a.key.pair(), a.key.bearer()), malformed},
		{"half a pair", http.Header{keys.DefaultTokenHeader: {a.key.token}}, malformed},
		{"two Bearer tokens", with(a.key.bearer(), k.bearer()), malformed},
		{"junk", http.Header{"Authorization": {"Bearer lkt_junk"}}, wantUnknown},
		{"unknown", http.Header{"Authorization": {"Bearer " + someToken}}, wantUnknown},
		{"inactive", inactive.bearer(), wantInactive},
		{"without the permission", k.bearer(), wantScope},
	} {
		got := a.send(http.MethodPost, PathIntrospect+"?resource=orders.read&account=globex", with(row.header, http.Header{"Content-Type": {formType}}), "token="+a.key.token)
		got.wantProblem(row.want)
		if strings.Contains(got.text+got.header.Get("WWW-Authenticate"), keys.IntrospectTokens) {
			t.Errorf("%s: the resource is named", row.name)
		}
	}
}

// slowBody is a body that takes as long as a function says.
type slowBody struct {
	io.Reader
	wait func()
}

// Read waits before it reads.
func (b slowBody) Read(p []byte) (int, error) {
	b.wait()
	return b.Reader.Read(p)
}

func TestIntrospectionAnswers503WhenItCanNoLongerKnow(t *testing.T) {
	f := newFront(t)
	a := newAsker(f, f.acme)
	wait := sync.OnceFunc(func() { f.clock.Advance(DefaultMaxStaleness + time.Second) })
	r := httptest.NewRequest(http.MethodPost, PathIntrospect, slowBody{strings.NewReader("token=" + a.key.token), wait})
	r.Header = with(a.key.bearer(), http.Header{"Content-Type": {formType}})
	w := httptest.NewRecorder()
	NewHandler(f.verifier, HandlerOptions{}).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("status %d, %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestIntrospectionTakesPostOnly(t *testing.T) {
	f := newFront(t)
	a := newAsker(f, f.acme)
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
		got := a.send(method, PathIntrospect+"?token="+a.key.token, a.key.bearer(), "").wantProblem(problem{
			status: 405, code: "method_not_allowed", title: "This address takes POST",
		})
		if got.header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow: %s", method, got.header.Get("Allow"))
		}
	}
}

func TestIntrospectionRefusesBodiesThatItDoesNotUnderstand(t *testing.T) {
	f := newFront(t)
	a := newAsker(f, f.acme)
	media := problem{
		status: 415, code: "unsupported_media_type", title: "The body is of another type",
		detail: "It must be application/x-www-form-urlencoded or application/json.",
	}
	body := problem{
		status: 400, code: "invalid_body", title: "The body cannot be read",
		detail: "It must hold one token, at most one key and at most one resource, each of them a text.",
	}
	large := problem{status: 413, code: "too_large", title: "The body is too large"}
	const token = someToken
	for _, row := range []struct {
		contentType, body string
		want              problem
	}{
		{"", "token=" + token, media},
		{"text/plain", "token=" + token, media},
		{"multipart/form-data; boundary=x", "token=" + token, media},
		{"application/json, " + formType, "token=" + token, media},
		{";", "token=" + token, media},

		{formType, "", body},
		{formType, "key=appkey-acme-7Q2M9KXD", body},
		{formType, "token=", body},
		{formType, "token=" + token + "&token=" + token, body},
		{formType, "token=" + token + "&key=a&key=b", body},
		{formType, "token=" + token + "&key=", body},
		{formType, "token=" + token + "&resource=a&resource=a", body},
		{formType, "token=" + token + "&x=%zz", body},
		{formType, "token=" + token + ";key=a", body},
		{formType, `{"token":"` + token + `"}`, body},

		{jsonType, "", body},
		{jsonType, "token=" + token, body},
		{jsonType, `null`, body},
		{jsonType, `"` + token + `"`, body},
		{jsonType, `["` + token + `"]`, body},
		{jsonType, `{}`, body},
		{jsonType, `{"Token":"` + token + `"}`, body},
		{jsonType, `{"token":""}`, body},
		{jsonType, `{"token":null}`, body},
		{jsonType, `{"token":7}`, body},
		{jsonType, `{"token":["` + token + `"]}`, body},
		{jsonType, `{"token":"` + token + `","token":"` + token + `"}`, body},
		{jsonType, `{"token":"` + token + `","key":""}`, body},
		{jsonType, `{"token":"` + token + `","key":null}`, body},
		{jsonType, `{"token":"` + token + `","resource":null}`, body},
		{jsonType, `{"token":"` + token + `","resource":"a","resource":"a"}`, body},
		{jsonType, `{"token":"` + token + `"`, body},
		{jsonType, `{"token":"` + token + `"} x`, body},
		{jsonType, `{"token":"` + token + `"}{}`, body},
		{jsonType, `{"token" "` + token + `"}`, body},

		{formType, "token=" + token + "&x=" + strings.Repeat("a", 4096), large},
		{jsonType, `{"token":"` + token + `","x":"` + strings.Repeat("a", 4096) + `"}`, large},
	} {
		a.post(row.contentType, row.body).wantProblem(row.want)
	}
	exactly := "token=" + token + "&x="
	a.post(formType+"; charset=utf-8", exactly+strings.Repeat("a", 4096-len(exactly))).want(http.StatusOK)
	a.post(formType, exactly+strings.Repeat("a", 4097-len(exactly))).wantProblem(large)
	a.post("Application/JSON; charset=utf-8", ` {"x":{"token":[1,{}]},"token":"`+token+`","key":"a"} `).want(http.StatusOK)
}

func TestIntrospectionAnswersInTheOrderOfItsSpecification(t *testing.T) {
	f := newFront(t)
	f.settle(f.globex, 7, false)
	a := newAsker(f, f.acme)
	k := f.key(f.globex)
	b := newAsker(f, f.globex)
	if got, want := b.post(formType, "token="+k.token).text, `{"active":true,"code":"VALID","key":"`+k.id+
		`","account":"globex","roles":[],"resources":[],"expires_at":null,"token_state":"current"}`+"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := a.post(formType, "token="+k.token).text, `{"active":false,"code":"UNKNOWN"}`+"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if fields := slices.Sorted(maps.Keys(bodyReaders)); !slices.Equal(fields, []string{jsonType, formType}) {
		t.Errorf("the types are %q", fields)
	}
}
