package verifier

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// lend gives a key of another account roles in the actor's.
func (f *front) lend(by keys.Actor, k held, owner string, roles ...string) {
	f.Helper()
	_, err := f.store.AddExternalKey(f.Context(), by, store.NewExternalKey{ID: keys.KeyID(k.id), Owner: owner, Roles: roles})
	f.must(err)
}

func (f *front) lendAnew(by keys.Actor, k held, version int64, roles ...string) {
	f.Helper()
	_, changed, err := f.store.EditExternalKey(f.Context(), by, store.EditExternalKey{ID: keys.KeyID(k.id), Version: version, Roles: roles})
	f.must(err)
	if !changed {
		f.Fatal("it had these roles already")
	}
}

func (f *front) takeBack(by keys.Actor, k held) {
	f.Helper()
	_, err := f.store.RemoveExternalKey(f.Context(), by, keys.KeyID(k.id))
	f.must(err)
}

func TestAnExternalKeyComesInAsFarAsTheGuardedAccountLetsIt(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{IdentityHeaders: true})
	k := f.key(f.globex, "orders-viewer")
	other := f.key(f.globex, "orders-viewer")
	unknown := d.ask("/v1/verify?account=acme", http.Header{"Authorization": {"Bearer " + secret.New(secret.KindToken).Reveal()}}).want(401).withoutID()
	if got := d.ask("/v1/verify?account=acme", k.bearer()).withoutID(); got != unknown {
		t.Fatalf("before it was added: %s", got)
	}
	f.lend(f.acme, k, "globex", "pricing-viewer", "catalog-editor")

	for _, presented := range []http.Header{k.pair(), k.bearer()} {
		came := d.ask("/v1/verify?account=acme&resource=catalog.write", presented).want(204)
		for name, want := range map[string]string{
			"X-Latchkey-Key-Id": k.id, "X-Latchkey-Account": "acme", "X-Latchkey-Roles": "catalog-editor,pricing-viewer", "X-Latchkey-Token-State": "current",
		} {
			if got := came.header.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		d.ask("/v1/verify", presented).want(204) // acme is the first account
		d.ask("/v1/verify?account=acme&resource=orders.read", presented).wantProblem(scopeProblem("orders.read"))
		if got := d.ask("/v1/verify?account=globex&resource=orders.read", presented).want(204).header.Get("X-Latchkey-Roles"); got != "orders-viewer" {
			t.Errorf("at home its roles are %q", got)
		}
		d.ask("/v1/verify?account=globex&resource=catalog.write", presented).wantProblem(scopeProblem("catalog.write"))
	}
	if got := d.ask("/v1/verify?account=acme", other.bearer()).withoutID(); got != unknown {
		t.Errorf("another key of that account: %s", got)
	}
	if got := d.ask("/v1/verify?account=acme", pair(other.id, k.token)).withoutID(); got != unknown {
		t.Errorf("beside another key: %s", got)
	}
	mine := f.key(f.acme, "orders-viewer")
	if got := d.ask("/v1/verify?account=globex", mine.bearer()).withoutID(); got != unknown {
		t.Errorf("the other way round: %s", got)
	}

	f.lendAnew(f.acme, k, 1, "orders-viewer")
	d.ask("/v1/verify?account=acme&resource=catalog.write", k.bearer()).wantProblem(scopeProblem("catalog.write"))
	d.ask("/v1/verify?account=acme&resource=orders.read", k.bearer()).want(204)
	f.lendAnew(f.acme, k, 2)
	d.ask("/v1/verify?account=acme&resource=orders.read", k.bearer()).wantProblem(scopeProblem("orders.read"))
	if roles, told := d.ask("/v1/verify?account=acme", k.bearer()).want(204).header["X-Latchkey-Roles"]; !told || roles[0] != "" {
		t.Errorf("without a role: %q", roles)
	}
	f.takeBack(f.acme, k)
	if got := d.ask("/v1/verify?account=acme", k.bearer()).withoutID(); got != unknown {
		t.Errorf("after it was removed: %s", got)
	}
	d.ask("/v1/verify?account=globex", k.bearer()).want(204)
}

// What becomes of an external key is told by its own account's words, wherever it was added, and not at all
// where it was not.
func TestWhatBecomesOfAKeyHoldsWhereItIsExternal(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(f *front, k held) held
		want problem
	}{
		{"active", func(_ *front, k held) held { return k }, problem{status: 204}},
		{"inactive", func(f *front, k held) held { f.activate(f.globex, k, false); return k }, wantInactive},
		{"active again", func(f *front, k held) held { f.activate(f.globex, k, false); f.activate(f.globex, k, true); return k }, problem{status: 204}},
		{"renewed", func(f *front, k held) held { return f.renew(f.globex, k) }, problem{status: 204}},
		{"rotated", func(f *front, k held) held { f.complete(f.globex, f.renew(f.globex, k), false); return k }, wantRotated},
		{"expired", func(f *front, k held) held { f.settle(f.globex, 7, true); f.advance(9 * 24 * time.Hour); return k }, wantExpired},
		{"outdated", func(f *front, k held) held { f.settle(f.globex, 7, false); f.advance(9 * 24 * time.Hour); return k }, problem{status: 204}},
		{"older than the guarded account allows its own", func(f *front, k held) held {
			f.settle(f.acme, 7, true)
			f.advance(9 * 24 * time.Hour)
			return k
		}, problem{status: 204}},
		{"deleted", func(f *front, k held) held { f.delete(f.globex, k); return k }, wantUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFront(t)
			d := f.guard(HandlerOptions{})
			lent, kept := f.key(f.globex, "orders-viewer"), f.key(f.globex, "orders-viewer")
			f.lend(f.acme, lent, "globex", "catalog-viewer")
			lent = c.do(f, lent)
			if c.want.status == 204 {
				d.ask("/v1/verify?account=acme&resource=catalog.read", lent.bearer()).want(204)
				d.ask("/v1/verify?account=acme&resource=orders.read", lent.bearer()).wantProblem(scopeProblem("orders.read"))
			} else {
				d.ask("/v1/verify?account=acme&resource=catalog.read", lent.bearer()).wantProblem(c.want)
				d.ask("/v1/verify?account=acme&resource=orders.read", lent.bearer()).wantProblem(c.want)
			}
			d.ask("/v1/verify?account=acme", kept.bearer()).wantProblem(wantUnknown)
		})
	}
}

// underReview does to an account what a restore without an audit log does, and has the verifier load it.
func (f *front) underReview(by keys.Actor) {
	f.Helper()
	f.raw.Do(`UPDATE account SET review_since = 1 WHERE id = $1`, by.AccountID)
	f.must(f.verifier.Load(f.Context()))
}

func TestTheReviewOfEitherAccountStopsAnExternalKey(t *testing.T) {
	for _, reviewed := range []string{"acme", "globex"} {
		f := newFront(t)
		d := f.guard(HandlerOptions{})
		k, mine := f.key(f.globex, "orders-viewer"), f.key(f.acme)
		f.lend(f.acme, k, "globex", "catalog-viewer")
		by := f.acme
		if reviewed == "globex" {
			by = f.globex
		}
		f.underReview(by)
		d.ask("/v1/verify?account=acme", k.bearer()).wantProblem(wantUnavailable)
		if reviewed == "acme" {
			d.ask("/v1/verify?account=globex", k.bearer()).want(204)
			d.ask("/v1/verify?account=acme", mine.bearer()).wantProblem(wantUnavailable)
		} else {
			d.ask("/v1/verify?account=acme", mine.bearer()).want(204)
		}
	}
}

// A change of a role of the granting account reaches external keys at once.
func TestARoleOfTheGuardedAccountChangesWhatAnExternalKeyMayDo(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{})
	k := f.key(f.globex)
	f.lend(f.acme, k, "globex", "catalog-viewer")
	_, _, err := f.store.EditRole(f.Context(), f.globex, store.EditRole{Slug: "catalog-viewer", Version: 1, Name: "x", Resources: []string{"orders.write"}})
	f.must(err)
	d.ask("/v1/verify?account=acme&resource=catalog.read", k.bearer()).want(204)
	_, _, err = f.store.EditRole(f.Context(), f.acme, store.EditRole{Slug: "catalog-viewer", Version: 1, Name: "x", Resources: []string{"orders.read"}})
	f.must(err)
	d.ask("/v1/verify?account=acme&resource=catalog.read", k.bearer()).wantProblem(scopeProblem("catalog.read"))
	d.ask("/v1/verify?account=acme&resource=orders.read", k.bearer()).want(204)
}

// The owner sees every use of its tokens. What the guarded account's roles do not allow is told to that
// account.
func TestUsesOfAnExternalKeyAreCountedForItsOwner(t *testing.T) {
	f := newFront(t)
	d := f.guard(HandlerOptions{})
	k := f.key(f.globex)
	f.lend(f.acme, k, "globex", "catalog-viewer")
	d.ask("/v1/verify?account=acme&resource=catalog.read", k.bearer()).want(204)
	d.ask("/v1/verify?account=acme&resource=orders.write", k.bearer()).want(403)
	if use := f.used(k.renewal); use.Accepted != 1 || use.Refused != 1 {
		t.Fatalf("counted is %+v", use)
	}
	usage, err := f.store.KeyUsage(f.Context(), f.globex, keys.KeyID(k.id))
	f.must(err)
	if usage.Last.Never() {
		t.Fatal("the owner does not see the use")
	}
	f.activate(f.globex, k, false)
	d.ask("/v1/verify?account=acme", k.bearer()).want(401)
	told := map[string]string{}
	for refusal := range f.refused(keys.ActionVerifyRefused) {
		told[refusal.Reason] = refusal.AccountID + " " + string(refusal.Key) + " " + refusal.Detail
	}
	if told["forbidden"] != f.acme.AccountID+" "+k.id+" resource orders.write" || told["inactive"] != f.globex.AccountID+" "+k.id+" " || len(told) != 2 {
		t.Fatalf("told is %q", told)
	}
}

// A caller asks about its own account: there a token of an external key is as good as one of its own.
func TestIntrospectionOfAnExternalKey(t *testing.T) {
	f := newFront(t)
	f.settle(f.globex, 30, true)
	a := newAsker(f, f.acme)
	k := f.key(f.globex, "orders-viewer")
	if got := a.about(map[string]string{"token": k.token}); got["code"] != "UNKNOWN" || len(got) != 2 {
		t.Fatalf("before it was added it is %v", got)
	}
	f.lend(f.acme, k, "globex", "catalog-viewer")
	got := a.about(map[string]string{"token": k.token, "key": k.id, "resource": "catalog.read"})
	for name, want := range map[string]any{
		"active": true, "code": "VALID", "key": k.id, "account": "acme", "roles": []any{"catalog-viewer"}, "resources": []any{"catalog.read"},
		"expires_at": "2026-04-02T00:00:00Z", "token_state": "current",
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if got := a.about(map[string]string{"token": k.token, "resource": "orders.read"}); got["code"] != "FORBIDDEN" {
		t.Errorf("for what only its owner lets it do it is %v", got)
	}
	f.activate(f.globex, k, false)
	if got := a.about(map[string]string{"token": k.token}); got["code"] != "INACTIVE" {
		t.Errorf("inactive it is %v", got)
	}
	// An external key that may introspect asks about its own account all the same.
	asks, mine := asker{a.door, f.key(f.globex)}, f.key(f.acme)
	f.lend(f.acme, asks.key, "globex", keys.RoleOwner)
	asks.post(formType, "token="+mine.token).want(403)
}
