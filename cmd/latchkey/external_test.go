package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/store"
)

// What either account's admin does holds from the answer on, over the real server.
func TestAnExternalKeyComesInUntilEitherAccountStopsIt(t *testing.T) {
	folder, _ := guarded(t, 0)
	s := serveFolder(t, folder)
	owner, granting, c := s.globex(t), newBrowser(t, s.url), newCaller(t, s.url)
	granting.signIn(email, goodPassword)
	made := generate(t, owner, "Price feed", "orders-viewer")
	k := issued{id: keys.KeyID(made.id), token: made.token}
	does := func(b *browser, path string, form url.Values) {
		t.Helper()
		if got := b.post(path, form); got.status != http.StatusSeeOther {
			t.Fatalf("POST %s answered %d", path, got.status)
		}
	}
	asks := func(query string, status int) verdict {
		t.Helper()
		got := c.get("/v1/verify"+query, k.pair())
		got.is(t, status)
		return got
	}
	add := url.Values{"key": {made.id}, "owner": {"globex"}, "roles": {"pricing-viewer"}}
	asks("?account=acme", http.StatusUnauthorized)
	for range 5 {
		does(granting, pathExternal+"/new", add)
		came := asks("?account=acme&resource=pricing.read", http.StatusNoContent)
		if came.header.Get("X-Latchkey-Key-Id") != made.id || came.header.Get("X-Latchkey-Account") != "acme" || came.header.Get("X-Latchkey-Roles") != "pricing-viewer" {
			t.Errorf("it comes in as %v", came.header)
		}
		asks("?account=acme&resource=orders.read", http.StatusForbidden)
		asks("?account=globex&resource=orders.read", http.StatusNoContent)

		does(owner, pathKey(made.id, "deactivate"), nil)
		refused := asks("?account=acme&resource=pricing.read", http.StatusUnauthorized)
		if !strings.Contains(refused.header.Get("WWW-Authenticate"), `error_description="inactive"`) {
			t.Errorf("deactivated it is refused with %q", refused.header.Get("WWW-Authenticate"))
		}
		does(owner, pathKey(made.id, "activate"), nil)
		asks("?account=acme&resource=pricing.read", http.StatusNoContent)

		does(granting, pathExternal+"/"+made.id+"/edit", url.Values{"version": {"1"}, "roles": {"orders-viewer"}})
		asks("?account=acme&resource=pricing.read", http.StatusForbidden)
		asks("?account=acme&resource=orders.read", http.StatusNoContent)
		does(granting, pathExternal+"/"+made.id+"/remove", nil)
		asks("?account=acme&resource=orders.read", http.StatusUnauthorized)
		asks("?account=globex&resource=orders.read", http.StatusNoContent)
	}
	does(granting, pathExternal+"/new", add)
	s.stop()
	s = serveFolder(t, folder) // it loads what it had followed
	c = newCaller(t, s.url)
	asks("?account=acme&resource=pricing.read", http.StatusNoContent)
	owner.base = s.url
	owner.signIn(otherEmail, goodPassword)
	does(owner, pathKey(made.id, "delete"), url.Values{"understood": {"on"}})
	asks("?account=acme", http.StatusUnauthorized)
	asks("?account=globex", http.StatusUnauthorized)
}

// lent makes two keys of globex, each with two roles of acme, in a folder that is not served.
func lent(t *testing.T, folder string) (all []keys.KeyID) {
	t.Helper()
	cli(t, goodPassword+"\n", "account", "create", "--data", folder, "--account", "globex", "--email", otherEmail, "--password-file", "-").ok(t)
	inStoreOf(t, folder, "globex", func(s *store.Store, by keys.Actor) {
		for _, k := range issue(t, s, by, 4) {
			all = append(all, k.id)
		}
	})
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		for _, id := range all[:3] {
			addExternal(t, s, by, id)
		}
	})
	return all
}

func addExternal(t *testing.T, s *store.Store, by keys.Actor, id keys.KeyID) {
	t.Helper()
	if _, err := s.AddExternalKey(t.Context(), by, store.NewExternalKey{ID: id, Owner: "globex", Roles: []string{"orders-viewer", "pricing-viewer"}}); err != nil {
		t.Fatal(err)
	}
}

func TestARestoreTakesFromExternalKeysWhatWasTakenAfterTheBackup(t *testing.T) {
	folder, _ := guarded(t, 1)
	ids := lent(t, folder)
	backup := backedUp(t, folder)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		_, _, err := s.EditExternalKey(t.Context(), by, store.EditExternalKey{ID: ids[0], Version: 1, Roles: []string{"orders-viewer", "catalog-viewer"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RemoveExternalKey(t.Context(), by, ids[1]); err != nil {
			t.Fatal(err)
		}
		addExternal(t, s, by, ids[3]) // gives access, so it is not repeated
	})
	inStoreOf(t, folder, "globex", func(s *store.Store, by keys.Actor) {
		if _, err := s.DeleteKey(t.Context(), by, ids[2]); err != nil {
			t.Fatal(err)
		}
	})
	again, said := restored(t, backup, exported(t, folder))
	for _, want := range []string{"external.edited " + string(ids[0]), "external.removed " + string(ids[1]), "key.deleted " + string(ids[2])} {
		if strings.Count(said, "applied again: "+want) != 1 {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "external.added") || strings.Contains(said, "external.removed "+string(ids[2])) {
		t.Errorf("it says %s", said)
	}
	inStore(t, again, func(s *store.Store, by keys.Actor) {
		page, err := s.ExternalKeys(t.Context(), by, store.KeyAsk{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 1 || page.Keys[0].ID != ids[0] || len(page.Keys[0].Roles) != 1 || page.Keys[0].Roles[0].Slug != "orders-viewer" {
			t.Errorf("there are %+v", page.Keys)
		}
	})
}

func TestARestoreWithoutTheAuditLogReviewsExternalKeysToo(t *testing.T) {
	folder, _ := guarded(t, 0)
	ids := lent(t, folder)
	_, r := restoredForReview(t, backedUp(t, folder))
	for _, id := range ids[:3] {
		lines := strings.Split(r.stdout, "\n")
		at := slices.IndexFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, string(id)) && strings.Contains(l, "(external key of globex)  acme")
		})
		if at < 0 || !strings.Contains(lines[at], "(its owner knows)") {
			t.Errorf("%s is not listed for acme: %s", id, r.stdout)
		}
	}
	if r.code != exitReview || !strings.Contains(r.stderr, "acme, globex") {
		t.Errorf("it ended with %d and %q", r.code, r.stderr)
	}
}
