package verifier

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// The refusals as the specification of the status table spells them.
var (
	wantMissing = problem{
		status: 401, code: "no_credentials", title: "No API credential", challenge: `Bearer realm="latchkey"`,
	}
	wantMalformed = problem{
		status: 401, code: "invalid_request", title: "Incomplete or ambiguous API credential",
		challenge: `Bearer realm="latchkey", error="invalid_request"`,
	}
	wantUnknown  = tokenProblem("", "")
	wantInactive = tokenProblem(`, error_description="inactive"`, "The key is inactive.")
	wantExpired  = tokenProblem(`, error_description="expired"`, "The token has expired.")
	wantRotated  = tokenProblem(`, error_description="rotated"`, "The token was replaced or taken back.")
	wantScope    = problem{
		status: 403, code: "insufficient_scope", title: "The key may not do this",
		challenge: `Bearer realm="latchkey", error="insufficient_scope"`,
	}
	wantFlooded     = problem{status: 429, code: "too_many_refusals", title: "Too many requests from this address were refused"}
	wantUnavailable = problem{status: 503, code: "unavailable", title: "Credentials cannot be checked at the moment"}
)

func tokenProblem(reason, detail string) problem {
	return problem{
		status: 401, code: "invalid_token", title: "Invalid API credential", detail: detail,
		challenge: `Bearer realm="latchkey", error="invalid_token"` + reason,
	}
}

func scopeProblem(resource string) problem {
	p := wantScope
	p.challenge += `, scope="` + resource + `"`
	p.detail = "It lacks the permission " + resource + "."
	return p
}

// fates are keys of acme, one for each thing that can become of them, and one of globex.
type fates struct {
	live, bare, inactive, expired, rotated, undone, deleted, foreign held
	// retiring is the old token of an open renewal, and renewed the new one.
	retiring, renewed held
}

func (f *front) fates() (all fates) {
	f.Helper()
	all.expired = f.key(f.acme, "orders-viewer")
	f.settle(f.acme, 7, true)
	f.advance(9 * 24 * time.Hour)
	all.live = f.key(f.acme, "pricing-viewer", "orders-viewer")
	all.bare = f.key(f.acme)
	all.inactive = f.key(f.acme, "orders-viewer")
	f.activate(f.acme, all.inactive, false)
	all.rotated = f.key(f.acme, "orders-viewer")
	f.complete(f.acme, f.renew(f.acme, all.rotated), false)
	all.undone = f.renew(f.acme, f.key(f.acme, "orders-viewer"))
	_, err := f.store.UndoRenewal(f.Context(), f.acme, keys.KeyID(all.undone.id))
	f.must(err)
	all.deleted = f.key(f.acme, "orders-viewer")
	f.delete(f.acme, all.deleted)
	all.retiring = f.key(f.acme, "orders-viewer")
	all.renewed = f.renew(f.acme, all.retiring)
	f.complete(f.acme, all.renewed, true)
	all.foreign = f.key(f.globex, "orders-viewer")
	return all
}

func TestEveryRefusalOfTheStatusTable(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	never := secret.New(secret.KindToken).Reveal()
	rows := []struct {
		name, query string
		header      http.Header
		want        problem
	}{
		{"nothing", "", nil, wantMissing},
		{"Basic", "", http.Header{"Authorization": {"Basic YTpi"}}, wantMissing},
		{"nothing, for a resource that there is not", "?resource=", nil, wantMissing},
		{"nothing, for an account that there is not", "?account=initech", nil, wantMissing},

		{"both shapes", "", with(k.live.pair(), k.live.bearer()), wantMalformed},
		{"a key alone", "", http.Header{keys.DefaultKeyHeader: {k.live.id}}, wantMalformed},
		{"a token alone", "", http.Header{keys.DefaultTokenHeader: {k.live.token}}, wantMalformed},
		{"two tokens", "", with(k.live.pair(), http.Header{keys.DefaultTokenHeader: {k.live.token}}), wantMalformed},
		{"both shapes, for a resource that there is not", "?resource=", with(k.live.pair(), k.live.bearer()), wantMalformed},

		{"junk", "", pair(k.live.id, "lkt_junk"), wantUnknown},
		{"junk as Bearer", "", http.Header{"Authorization": {"Bearer lkt_junk"}}, wantUnknown},
		{"a wrong checksum", "", pair(k.live.id, mistyped(k.live.token)), wantUnknown},
		{"never issued", "", pair(k.live.id, never), wantUnknown},
		{"never issued, as Bearer", "", http.Header{"Authorization": {"Bearer " + never}}, wantUnknown},
		{"deleted", "", k.deleted.pair(), wantUnknown},
		{"deleted, as Bearer", "", k.deleted.bearer(), wantUnknown},
		{"another key", "", pair(k.bare.id, k.live.token), wantUnknown},
		{"a key that is none", "", pair("x", k.live.token), wantUnknown},
		{"the key in lower case", "", pair(strings.ToLower(k.live.id), k.live.token), wantUnknown},
		{"another account's key", "", pair(k.foreign.id, k.live.token), wantUnknown},
		{"of another account", "", k.foreign.pair(), wantUnknown},
		{"of another account, as Bearer", "", k.foreign.bearer(), wantUnknown},
		{"an account that there is not", "?account=initech", k.live.bearer(), wantUnknown},
		{"an account twice", "?account=acme&account=acme", k.live.bearer(), wantUnknown},
		{"an empty account", "?account=", k.live.bearer(), wantUnknown},
		{"an account that is no slug", "?account=*", k.live.bearer(), wantUnknown},
		{"an account that cannot be read", "?account=%zz", k.live.bearer(), wantUnknown},
		{"an unknown token, for a resource that there is not", "?resource=", pair(k.live.id, never), wantUnknown},

		{"inactive", "", k.inactive.pair(), wantInactive},
		{"inactive, as Bearer", "", k.inactive.bearer(), wantInactive},
		{"inactive, with another key", "", pair(k.live.id, k.inactive.token), wantUnknown},
		{"expired", "", k.expired.bearer(), wantExpired},
		{"rotated", "", k.rotated.bearer(), wantRotated},
		{"rotated, with another key", "", pair(k.live.id, k.rotated.token), wantUnknown},
		{"undone", "", k.undone.bearer(), wantRotated},
		{"inactive, for a resource that there is not", "?resource=", k.inactive.bearer(), wantInactive},

		{"not granted", "?resource=orders.write", k.live.pair(), scopeProblem("orders.write")},
		{"not granted, as Bearer", "?resource=orders.write", k.live.bearer(), scopeProblem("orders.write")},
		{"granted to nobody", "?resource=a.b_c:d-9", k.live.bearer(), scopeProblem("a.b_c:d-9")},
		{"without a role", "?resource=orders.read", k.bare.bearer(), scopeProblem("orders.read")},
		{"twice", "?resource=orders.read&resource=orders.read", k.live.bearer(), wantScope},
		{"empty", "?resource=", k.live.bearer(), wantScope},
		{"no slug", "?resource=ORDERS.READ", k.live.bearer(), wantScope},
		{"not readable", "?resource=%zz", k.live.bearer(), wantScope},
		{"a quotation mark and a line break", "?resource=a%22%0d%0aX-Latchkey-Account:%20root", k.live.bearer(), wantScope},
	}
	for name, options := range map[string]HandlerOptions{
		"with identity headers": {IdentityHeaders: true}, "without": {},
	} {
		d := f.guard(options)
		for _, row := range rows {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				got := d.ask(PathVerify+row.query, row.header)
				got.t = t
				got.wantProblem(row.want)
			})
		}
	}
}

// mistyped is a token with another last character.
func mistyped(token string) string {
	last := "a"
	if strings.HasSuffix(token, last) {
		last = "b"
	}
	return token[:len(token)-1] + last
}

func TestNobodyCanTellAnUnknownTokenFromADeletedMismatchedOrForeignOne(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	want := d.verify(pair(k.live.id, secret.New(secret.KindToken).Reveal())).withoutID()
	if !strings.Contains(want, `error="invalid_token"`) || strings.Contains(want, k.live.id) {
		t.Fatalf("an unknown token is answered with\n%s", want)
	}
	for name, header := range map[string]http.Header{
		"unknown as Bearer": {"Authorization": {"Bearer " + secret.New(secret.KindToken).Reveal()}},
		"mistyped":          pair(k.live.id, mistyped(k.live.token)), "deleted": k.deleted.pair(), "deleted as Bearer": k.deleted.bearer(),
		"mismatched": pair(k.bare.id, k.live.token), "foreign": k.foreign.pair(), "foreign as Bearer": k.foreign.bearer(),
	} {
		if got := d.verify(header).withoutID(); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestIdentityHeadersStandOnEveryAcceptance(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	ids := map[string]bool{}
	for _, row := range []struct {
		name         string
		key          held
		roles, state string
	}{
		{"two roles", k.live, "orders-viewer,pricing-viewer", "current"},
		{"no role", k.bare, "", "current"},
		{"the old token of a renewal", k.retiring, "orders-viewer", "retiring"},
		{"the new token of a renewal", k.renewed, "orders-viewer", "current"},
	} {
		for shape, header := range map[string]http.Header{"pair": row.key.pair(), "Bearer": row.key.bearer()} {
			got := d.verify(header).want(http.StatusNoContent)
			got.wantHeaders("Cache-Control", "Date", "X-Latchkey-Account", "X-Latchkey-Key-Id", "X-Latchkey-Roles", "X-Latchkey-Token-State", "X-Request-Id")
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Latchkey-Account": "acme", "X-Latchkey-Key-Id": row.key.id,
				"X-Latchkey-Roles": row.roles, "X-Latchkey-Token-State": row.state,
			} {
				if values := got.header.Values(name); len(values) != 1 || values[0] != want {
					t.Errorf("%s as %s: %s: %q, want %q", row.name, shape, name, values, want)
				}
			}
			if got.text != "" {
				t.Errorf("%s: a body: %s", row.name, got.text)
			}
			ids[got.header.Get("X-Request-Id")] = true
		}
	}
	if len(ids) != 8 || ids[""] {
		t.Errorf("the request ids are %v", ids)
	}
}

func TestWithoutIdentityHeadersAnAcceptanceSaysNothing(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{})
	for _, header := range []http.Header{k.pair(), k.bearer()} {
		d.verify(header).want(http.StatusNoContent).wantHeaders("Date")
	}
}

func TestAnAcceptanceCostsTwoAllocations(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	for _, identity := range []bool{false, true} {
		h := NewHandler(f.verifier, HandlerOptions{IdentityHeaders: identity, RefusalsPerMinute: 1})
		r := httptest.NewRequest(http.MethodGet, PathVerify+"?account=acme&resource=orders.read", nil)
		for name, values := range k.pair() {
			r.Header.Set(name, values[0])
		}
		w := &silentWriter{header: http.Header{}}
		want := 0.0
		if identity {
			want = 2
		}
		if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n > want || w.status != http.StatusNoContent {
			t.Errorf("status %d, %v allocations, want %v", w.status, n, want)
		}
	}
}

// silentWriter is an answer that goes nowhere.
type silentWriter struct {
	header http.Header
	status int
}

// Header returns the headers.
func (w *silentWriter) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *silentWriter) WriteHeader(status int) { w.status = status }

// Write drops the body.
func (w *silentWriter) Write(p []byte) (int, error) { return len(p), nil }

func TestEveryMethodIsVerified(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		got := d.send(method, PathVerify+"?resource=orders.read", k.pair(), "").want(http.StatusNoContent)
		if got.header.Get("X-Latchkey-Key-Id") != k.id {
			t.Errorf("%s: %v", method, got.header)
		}
		refused := d.send(method, PathVerify, nil, "").want(http.StatusUnauthorized)
		if (refused.text == "") != (method == http.MethodHead) {
			t.Errorf("%s is refused with %q", method, refused.text)
		}
	}
}

func TestTheBodyOfAVerificationIsNotRead(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	for _, header := range []http.Header{k.bearer(), nil} {
		r := httptest.NewRequest(http.MethodPost, PathVerify, unreadable{t})
		if header != nil {
			r.Header = header
		}
		NewHandler(f.verifier, HandlerOptions{}).ServeHTTP(httptest.NewRecorder(), r)
	}
}

type unreadable struct{ t *testing.T }

// Read fails the test.
func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestOtherPathsAreNotFound(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "owner")
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	for _, path := range []string{"/v1/", "/v1", "/v1/verify/", "/v1/verify/x", "/v1//verify", "/v1/VERIFY", "/v1/authzx", "/v1/AUTHZ", "/", "/verify", "/v1/introspect/"} {
		d.ask(path, k.bearer()).wantProblem(problem{status: 404, code: "not_found", title: "There is nothing here"})
	}
}

func TestWhileItCannotKnowItAnswers503(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	unloaded := f.open(NewHandler(New(f.store, f.sink, f.verifier.options), HandlerOptions{RefusalsPerMinute: 1, IdentityHeaders: true}))
	for range 3 {
		for name, header := range map[string]http.Header{
			"live": k.live.pair(), "unknown": pair(k.live.id, someToken), "nothing": nil, "malformed": with(k.live.pair(), k.live.bearer()),
		} {
			got := unloaded.verify(header).wantProblem(wantUnavailable)
			if wait := got.header.Get("Retry-After"); wait != "1" {
				t.Errorf("%s: Retry-After: %s", name, wait)
			}
		}
	}
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	f.clock.Advance(DefaultMaxStaleness)
	d.verify(k.live.pair()).want(http.StatusNoContent)
	f.clock.Advance(time.Second)
	for range 3 {
		d.verify(k.live.pair()).wantProblem(wantUnavailable)
		d.verify(pair(k.live.id, someToken)).wantProblem(wantUnavailable)
	}
	d.send(http.MethodPost, PathIntrospect, k.live.bearer(), "token="+k.live.token).wantProblem(wantUnavailable)
	f.advance(0)
	d.verify(k.live.pair()).want(http.StatusNoContent)
	d.verify(pair(k.live.id, someToken)).wantProblem(wantUnknown)
}

func TestTheNamesOfThePairCanBeOthers(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{KeyHeader: "x-acme-KEY", TokenHeader: "X-Acme-Token", IdentityHeaders: true})
	d.verify(http.Header{"X-ACME-key": {k.id}, "x-acme-token": {k.token}}).want(http.StatusNoContent)
	d.verify(k.pair()).wantProblem(wantMissing)
	d.verify(with(k.pair(), http.Header{"X-Acme-Key": {k.id}})).wantProblem(wantMalformed)
	d.verify(with(k.pair(), k.bearer())).want(http.StatusNoContent)
}

func TestNoKeyOfOneAccountPassesForTheOther(t *testing.T) {
	f := newFront(t)
	acme, globex := f.key(f.acme, "orders-viewer"), f.key(f.globex, "orders-viewer")
	second := New(f.store, f.sink, Options{Now: f.clock.Now, Log: f.verifier.options.Log, Account: "globex"})
	f.must(second.Load(f.Context()))
	checked := 0
	for guarded, d := range map[string]door{
		"acme":   f.guard(HandlerOptions{IdentityHeaders: true}),
		"globex": f.open(NewHandler(second, HandlerOptions{IdentityHeaders: true})),
	} {
		for _, named := range []string{"", "acme", "globex"} {
			account := guarded
			if named != "" {
				account = named
			}
			for _, resource := range []string{"", "orders.read"} {
				path := PathVerify + "?"
				if named != "" {
					path += "account=" + named + "&"
				}
				if resource != "" {
					path += "resource=" + resource
				}
				for owner, k := range map[string]held{"acme": acme, "globex": globex} {
					for _, header := range []http.Header{k.pair(), k.bearer()} {
						checked++
						got := d.ask(path, header)
						if owner != account {
							got.wantProblem(wantUnknown)
							continue
						}
						got.want(http.StatusNoContent)
						if got.header.Get("X-Latchkey-Account") != owner || got.header.Get("X-Latchkey-Key-Id") != k.id {
							t.Errorf("%s: %v", path, got.header)
						}
					}
				}
				d.ask(path, pair(acme.id, globex.token)).wantProblem(wantUnknown)
				d.ask(path, pair(globex.id, acme.token)).wantProblem(wantUnknown)
			}
		}
	}
	if checked != 48 {
		t.Errorf("%d requests", checked)
	}
}

func TestWhatAProxyWasAskedForDecidesNothing(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	spoofed := http.Header{
		"X-Original-Uri": {"/public"}, "X-Original-Url": {"/public"}, "X-Original-Method": {"OPTIONS"}, "X-Forwarded-Uri": {"/v1/verify?resource=orders.read"},
		"X-Forwarded-Method": {"OPTIONS"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-Proto": {"https"}, "X-Latchkey-Account": {"globex"},
		"X-Latchkey-Key-Id": {k.id}, "X-Latchkey-Want-Resource": {"orders.read"}, "X-Rewrite-Url": {"/public"}, "Cookie": {"token=" + k.token},
	}
	for _, o := range []HandlerOptions{{IdentityHeaders: true}, {IdentityHeaders: true, Proxies: loopback}} {
		d := f.guard(o)
		d.verify(spoofed).wantProblem(wantMissing)
		d.verify(with(spoofed, pair(k.id, someToken))).wantProblem(wantUnknown)
		d.ask(PathVerify+"?resource=orders.write", with(spoofed, k.pair())).wantProblem(scopeProblem("orders.write"))
		got := d.ask(PathVerify+"?resource=orders.read", with(spoofed, k.pair())).want(http.StatusNoContent)
		if got.header.Get("X-Latchkey-Account") != "acme" {
			t.Errorf("%v", got.header)
		}
	}
}

func TestTooManyRefusalsOfAnAddressAreAnswered429(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{Proxies: loopback, RefusalsPerMinute: 3, IdentityHeaders: true})
	from := func(ip string, headers ...http.Header) http.Header {
		return with(append(headers, http.Header{"X-Forwarded-For": {ip}})...)
	}
	const flooder = "203.0.113.9"
	f.advance(10 * time.Second)
	d.verify(from(flooder)).wantProblem(wantMissing)
	d.verify(from(flooder, pair(k.id, someToken))).wantProblem(wantUnknown)
	d.ask(PathVerify+"?resource=orders.write", from(flooder, k.pair())).wantProblem(scopeProblem("orders.write"))
	for _, header := range []http.Header{nil, pair(k.id, someToken), with(k.pair(), k.bearer())} {
		if got := d.verify(from(flooder, header)).wantProblem(wantFlooded); got.header.Get("Retry-After") != "50" {
			t.Errorf("Retry-After: %s", got.header.Get("Retry-After"))
		}
	}
	d.ask(PathVerify+"?resource=orders.write", from(flooder, k.pair())).wantProblem(wantFlooded)
	d.send(http.MethodPost, PathIntrospect, from(flooder), "").wantProblem(wantFlooded)
	for range 5 {
		d.verify(from(flooder, k.pair())).want(http.StatusNoContent)
		d.verify(from("203.0.113.10, "+flooder+", 127.0.0.1", k.bearer())).want(http.StatusNoContent)
	}
	d.verify(from("203.0.113.10")).wantProblem(wantMissing)

	f.advance(50 * time.Second)
	for range 3 {
		d.verify(from(flooder)).wantProblem(wantMissing)
	}
	d.verify(from(flooder)).wantProblem(wantFlooded)

	if got := f.verifier.Stats().Flooded; got != 6 {
		t.Errorf("%d answers of 429 were counted, want 6", got)
	}
	reported := f.refused(keys.ActionVerifyFlooded)
	for refusal, count := range reported {
		if refusal.IP != flooder || count != 2 {
			t.Errorf("%d of %+v", count, refusal)
		}
	}
	if len(reported) != 1 {
		t.Errorf("the audit log got %v, want one entry for each minute", reported)
	}
}

// Behind a proxy that does not say who its clients are, all of them would share one limit.
func TestAProxyThatHidesItsClientsIsNotLimited(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{Proxies: loopback, RefusalsPerMinute: 1})
	for _, header := range []http.Header{nil, {"X-Forwarded-For": {"unknown"}}, {"X-Forwarded-For": {"127.0.0.2"}}} {
		d.verify(header).wantProblem(wantMissing)
		d.verify(header).wantProblem(wantMissing)
	}
}

func TestAStrangerCannotEvadeTheLimitByNamingOtherAddresses(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{RefusalsPerMinute: 2})
	d.verify(http.Header{"X-Forwarded-For": {"203.0.113.1"}}).wantProblem(wantMissing)
	d.verify(http.Header{"X-Forwarded-For": {"203.0.113.2"}}).wantProblem(wantMissing)
	d.verify(http.Header{"X-Forwarded-For": {"203.0.113.3"}}).wantProblem(wantFlooded)
}

func TestWithoutALimitNobodyIsFlooded(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{})
	for range 2 * DefaultRefusalsPerMinute {
		d.verify(nil).want(http.StatusUnauthorized)
	}
}

func TestVerdictsAndTheirTimesAreCounted(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{})
	d.verify(k.pair())
	d.verify(k.bearer())
	d.verify(pair(k.id, someToken))
	d.verify(nil)
	d.verify(with(k.pair(), k.bearer()))
	stats := f.verifier.Stats()
	want := [codes]uint64{CodeValid: 2, CodeUnknown: 1, CodeMissing: 1, CodeMalformed: 1}
	if stats.Verdicts != want {
		t.Errorf("%v, want %v", stats.Verdicts, want)
	}
	timed := uint64(0)
	for _, count := range stats.Latency {
		timed += count
	}
	if timed != 3 {
		t.Errorf("%d verdicts were timed, want those of 3 tokens", timed)
	}
}

func TestRefusalsAreLoggedWithoutWhatWasPresented(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{Proxies: loopback})
	sent := http.Header{
		"X-Forwarded-For": {"203.0.113.9"}, "X-Original-Uri": {"/orders/7?api_token=" + k.token},
		"Referer": {"https://x.example/" + k.token}, "User-Agent": {k.token},
	}
	got := d.ask(PathVerify+"?resource=orders.write&token="+k.token, with(sent, k.pair())).wantProblem(scopeProblem("orders.write"))
	log := f.log.String()
	for _, part := range []string{
		"level=DEBUG", "id=" + got.header.Get("X-Request-Id"), "verdict=FORBIDDEN", "status=403", "ip=203.0.113.9", "path=/orders/7\n",
	} {
		if !strings.Contains(log, part) {
			t.Errorf("no %s in the log:\n%s", part, log)
		}
	}
	d.verify(with(sent, pair(k.id, mistyped(k.token))))
	d.verify(with(sent, k.pair(), k.bearer()))
	for _, text := range []string{k.token, mistyped(k.token), k.token[4:20], "api_token"} {
		if strings.Contains(f.log.String(), text) {
			t.Errorf("%s is in the log:\n%s", text, f.log.String())
		}
	}
	if strings.Count(f.log.String(), "verification refused") != 3 {
		t.Errorf("the log is\n%s", f.log.String())
	}
}

func TestOnlyAProxySaysWhatItWasAskedFor(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"", ""},
		{"/orders", "/orders"},
		{"/orders?x=1", "/orders"},
		{"/orders?x=%zz", "/orders"},
		{"/orders#x", "/orders"},
		{"/orders%3Fx=1", "/orders"},
		{"/a%20b%0Ac", "/a b.c"},
		{"/\u00fc", "/."},
		{"/%zz", ""},
		{"orders", ""},
		{"https://user:pass@x.example/orders", ""},
		{"/x/" + someToken + "/y", "/x/lkt_[redacted]/y"},
		{"/x/lkt%5F" + someToken[4:], "/x/lkt_[redacted]"},
		{"/" + strings.Repeat("a", 300), "/" + strings.Repeat("a", 255)},
	} {
		for _, name := range []string{"X-Original-Uri", "X-Forwarded-Uri"} {
			header := http.Header{name: {c.uri}}
			if got := forwardedPath(header, true); got != c.want {
				t.Errorf("%s: %s: %q, want %q", name, c.uri, got, c.want)
			}
			if got := forwardedPath(header, false); got != "" {
				t.Errorf("a stranger's word was taken: %q", got)
			}
		}
	}
}
