package verifier

import (
	"net/http"
	"testing"
)

func want(name, value string) http.Header { return http.Header{name: {value}} }

func TestAuthzAnswersWhateverFollowsItsPath(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	for _, path := range []string{
		"/v1/authz", "/v1/authz/", "/v1/authz/orders/7", "/v1/authz//orders", "/v1/authz/../verify", "/v1/authz/%2e%2e/x", "/v1/authz/v1/introspect",
	} {
		got := d.ask(path, with(k.pair(), want(HeaderWantResource, "orders.read"))).want(http.StatusNoContent)
		if got.header.Get("X-Latchkey-Key-Id") != k.id || got.header.Get("X-Latchkey-Account") != "acme" {
			t.Errorf("%s answers %v", path, got.header)
		}
		d.ask(path, nil).wantProblem(wantMissing)
	}
}

func TestAuthzLooksAtNoQuery(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{})
	d.ask("/v1/authz/x?resource=orders.write&account=globex", with(k.pair(), want(HeaderWantResource, "orders.read"))).want(http.StatusNoContent)
	d.ask("/v1/authz/x?resource=orders.read", with(k.pair(), want(HeaderWantResource, "orders.write"))).wantProblem(scopeProblem("orders.write"))
	d.ask("/v1/authz/x?resource=%zz&account=%zz", k.pair()).want(http.StatusNoContent)
}

func TestAuthzTakesAccountAndResourceFromHeaders(t *testing.T) {
	f := newFront(t)
	k := f.fates()
	d := f.guard(HandlerOptions{})
	rows := []struct {
		name   string
		header http.Header
		want   problem
	}{
		{"another account", with(k.live.pair(), want(HeaderWantAccount, "globex")), wantUnknown},
		{"an account that there is not", with(k.live.pair(), want(HeaderWantAccount, "initech")), wantUnknown},
		{"an account twice", with(k.live.pair(), http.Header{HeaderWantAccount: {"acme", "acme"}}), wantUnknown},
		{"an empty account", with(k.live.pair(), want(HeaderWantAccount, "")), wantUnknown},
		{"a list of accounts", with(k.live.pair(), want(HeaderWantAccount, "acme,globex")), wantUnknown},
		{"a resource that is not granted", with(k.live.pair(), want(HeaderWantResource, "orders.write")), scopeProblem("orders.write")},
		{"a resource twice", with(k.live.pair(), http.Header{HeaderWantResource: {"orders.read", "orders.read"}}), wantScope},
		{"an empty resource", with(k.live.pair(), want(HeaderWantResource, "")), wantScope},
		{"a list of resources", with(k.live.pair(), want(HeaderWantResource, "orders.read, orders.write")), wantScope},
		{"a resource that is no slug", with(k.live.pair(), want(HeaderWantResource, "ORDERS.READ")), wantScope},
		{"an inactive key", with(k.inactive.pair(), want(HeaderWantResource, "orders.read")), wantInactive},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := d.ask("/v1/authz/orders", row.header)
			got.t = t
			got.wantProblem(row.want)
		})
	}
	d.ask("/v1/authz/orders", with(k.live.pair(), want(HeaderWantAccount, "acme"))).want(http.StatusNoContent)
	d.ask("/v1/authz/orders", with(k.foreign.pair(), want(HeaderWantAccount, "globex"))).want(http.StatusNoContent)
}
