package verifier

import (
	"net/http"
	"reflect"
	"testing"

	"latchkey/keys"
)

// service is an application behind a Require. It keeps the last request that came through.
type service struct {
	door
	came *http.Request
}

func (f *front) service(resource string, o HandlerOptions) *service {
	s := &service{}
	s.door = f.open(NewHandler(f.verifier, o).Require(resource)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.came = r
		w.Header().Set("X-Application", "yes")
		w.WriteHeader(http.StatusTeapot)
	})))
	return s
}

func TestRequireAnswersWhatItRefusesAsTheHandlerDoes(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	s := f.service("orders.read", HandlerOptions{RefusalsPerMinute: 16, Proxies: loopback})
	flood := http.Header{"X-Forwarded-For": {"203.0.113.9"}}
	for name, row := range map[string]struct {
		header http.Header
		want   problem
	}{
		"nothing": {nil, wantMissing}, "malformed": {with(k.live.pair(), k.live.bearer()), wantMalformed},
		"unknown": {pair(k.live.id, someToken), wantUnknown}, "deleted": {k.deleted.bearer(), wantUnknown},
		"foreign": {k.foreign.pair(), wantUnknown}, "inactive": {k.inactive.pair(), wantInactive},
		"expired": {k.expired.pair(), wantExpired}, "rotated": {k.rotated.pair(), wantRotated},
		"not granted": {k.bare.pair(), scopeProblem("orders.read")},
	} {
		s.ask("/orders?resource=&account=globex", with(row.header, flood)).wantProblem(row.want)
		if s.came != nil {
			t.Fatalf("%s came through", name)
		}
	}
	for range 7 {
		s.ask("/orders", flood).wantProblem(wantMissing)
	}
	s.ask("/orders", flood).wantProblem(wantFlooded)
	s.ask("/orders", with(flood, k.live.pair())).want(http.StatusTeapot)
}

func TestRequireLetsTheRequestGoOnWithoutItsCredential(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	spoofed := http.Header{
		"X-Latchkey-Account": {"root"}, "X-Latchkey-Key-Id": {"root"}, "x-latchkey-admin": {"yes"}, "X_Latchkey_Roles": {"owner"},
		"x-latchkey_account": {"root"}, "X_LATCHKEY-KEY_ID": {"root"}, "X-Latchkeyless": {"mine"}, "Accept": {"text/html", "*/*"},
	}
	kept := http.Header{"X-Latchkeyless": {"mine"}, "Accept": {"text/html", "*/*"}, "User-Agent": {"test"}, "Accept-Encoding": {"gzip"}}
	told := http.Header{
		"X-Latchkey-Key-Id": {k.live.id}, "X-Latchkey-Account": {"acme"}, "X-Latchkey-Roles": {"orders-viewer,pricing-viewer"}, "X-Latchkey-Token-State": {"current"},
	}
	application := http.Header{"Authorization": {"Bearer of-the-application"}}
	for _, row := range []struct {
		name string
		sent http.Header
		o    HandlerOptions
		want http.Header
	}{
		{"a pair", k.live.pair(), HandlerOptions{}, kept},
		{"Bearer", k.live.bearer(), HandlerOptions{}, kept},
		{"a pair beside the application's", with(k.live.pair(), application), HandlerOptions{}, with(kept, application)},
		{"a pair, told", k.live.pair(), HandlerOptions{IdentityHeaders: true}, with(kept, told)},
	} {
		s := f.service("orders.read", row.o)
		got := s.ask("/orders?x=1", with(spoofed, row.sent)).want(http.StatusTeapot)
		got.wantHeaders("Content-Length", "Date", "X-Application")
		if !reflect.DeepEqual(s.came.Header, row.want) {
			t.Errorf("%s: the application got %v, want %v", row.name, s.came.Header, row.want)
		}
		want := Identity{KeyID: keys.KeyID(k.live.id), Account: "acme", Roles: []string{"orders-viewer", "pricing-viewer"}}
		if identity, ok := IdentityOf(s.came.Context()); !ok || !reflect.DeepEqual(identity, want) {
			t.Errorf("%s: it comes from %+v, want %+v", row.name, identity, want)
		}
		if s.came.URL.String() != "/orders?x=1" {
			t.Errorf("%s: the address became %s", row.name, s.came.URL)
		}
	}
}

func TestRequireTellsARetiringToken(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	s := f.service("", HandlerOptions{IdentityHeaders: true})
	for _, row := range []struct {
		key   held
		state string
		roles string
	}{{k.retiring, "retiring", "orders-viewer"}, {k.renewed, "current", "orders-viewer"}, {k.bare, "current", ""}} {
		s.ask("/", row.key.bearer()).want(http.StatusTeapot)
		identity, _ := IdentityOf(s.came.Context())
		if identity.Retiring != (row.state == "retiring") || s.came.Header.Get("X-Latchkey-Token-State") != row.state {
			t.Errorf("%+v, %v, want %s", identity, s.came.Header, row.state)
		}
		if roles := s.came.Header.Values("X-Latchkey-Roles"); len(roles) != 1 || roles[0] != row.roles {
			t.Errorf("roles %q, want %q", roles, row.roles)
		}
	}
}

// The request that came is the caller's: a middleware further out may log it after the answer.
func TestRequireLeavesTheRequestThatCameAsItIs(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme)
	h := NewHandler(f.verifier, HandlerOptions{IdentityHeaders: true})
	var before, after http.Header
	d := f.open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before = r.Header.Clone()
		h.Require("")(http.HandlerFunc(func(_ http.ResponseWriter, on *http.Request) {
			on.Header["Accept"][0] = "changed"
		})).ServeHTTP(w, r)
		after = r.Header
	}))
	d.ask("/", with(k.pair(), http.Header{"Accept": {"*/*"}, "X-Latchkey-Account": {"root"}})).want(http.StatusOK)
	if !reflect.DeepEqual(before, after) || len(before) == 0 {
		t.Errorf("%v became %v", before, after)
	}
}

func TestNobodyIsIdentifiedWithoutRequire(t *testing.T) {
	if identity, ok := IdentityOf(t.Context()); ok || !reflect.DeepEqual(identity, Identity{}) {
		t.Errorf("it comes from %+v", identity)
	}
}
