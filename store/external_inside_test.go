package store

import (
	"path/filepath"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

func TestAnExternalKeyCountsForItsRole(t *testing.T) {
	now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "latchkey.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var by [2]keys.Actor
	for i, slug := range []string{"acme", "globex"} {
		account, _, err := s.CreateAccount(t.Context(), keys.Command("test"), NewAccount{
			Slug: slug, Zone: "UTC", Email: "ana@" + slug + ".example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test",
		})
		if err != nil {
			t.Fatal(err)
		}
		by[i] = keys.Command("test").In(account)
	}
	made, err := s.GenerateKey(t.Context(), by[1], NewKey{Name: "Price feed", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddExternalKey(t.Context(), by[0], NewExternalKey{ID: made.Key.ID, Owner: "globex", Roles: []string{"orders-viewer"}}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} {
		used, err := s.UsedRole(t.Context(), by[i], "orders-viewer", 5)
		if err != nil || used.Use.External != want {
			t.Errorf("%s has %d external keys, not %d: %v", by[i].Account, used.Use.External, want, err)
		}
	}
	if _, err := s.DeleteRole(t.Context(), by[0], "orders-viewer"); keys.KindOf(err) != keys.KindConflict {
		t.Errorf("the role of an external key is deleted: %v", err)
	}
}
