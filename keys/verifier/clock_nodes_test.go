package verifier

import (
	"log/slog"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// What one node ends is over on another one, however far their clocks are apart.
func TestATokenThatANodeWithAWrongClockEndsIsOver(t *testing.T) {
	ends := map[string]func(a *store.Store, by keys.Actor, id keys.KeyID) error{
		"the end of the old token": func(a *store.Store, by keys.Actor, id keys.KeyID) error {
			_, err := a.DeleteOldToken(t.Context(), by, id)
			return err
		},
		"an undo": func(a *store.Store, by keys.Actor, id keys.KeyID) error {
			_, err := a.UndoRenewal(t.Context(), by, id)
			return err
		},
		"the end of the key": func(a *store.Store, by keys.Actor, id keys.KeyID) error {
			_, err := a.DeleteKey(t.Context(), by, id)
			return err
		},
	}
	live := map[string][2]bool{"the end of the old token": {false, true}, "an undo": {true, false}, "the end of the key": {}}
	for what, end := range ends {
		for _, ahead := range []time.Duration{-91 * 24 * time.Hour, 91 * 24 * time.Hour} {
			url, clock := storetest.Database(t), storetest.NewClock()
			later := func() time.Time { return clock.Now().Add(ahead) }
			a, b := openAt(t, url, clock.Now), openAt(t, url, later)
			by := newOwner(t, a)
			made, err := a.GenerateKey(t.Context(), by, store.NewKey{Name: "Orders", Nonce: secret.NewNonce()})
			must(t, err)
			renewed, err := a.RenewKey(t.Context(), by, made.Key.ID, secret.NewNonce())
			must(t, err)
			v := New(b, b, Options{Now: later, Log: slog.New(slog.DiscardHandler)})
			must(t, v.Load(t.Context()))
			valid := func() (got [2]bool) {
				for i, token := range []string{made.Token.Reveal(), renewed.Token.Reveal()} {
					got[i] = v.Ask(Request{Token: token}).Code == CodeValid
				}
				return got
			}
			if got := valid(); got != [2]bool{true, true} {
				t.Fatalf("before, the tokens are valid: %v", got)
			}
			must(t, end(a, by, made.Key.ID))
			must(t, v.CatchUp(t.Context()))
			if got := valid(); got != live[what] {
				t.Errorf("after %s on one node, on another whose clock is %s ahead the old and the new token are valid: %v; want %v", what, ahead, got, live[what])
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openAt(t *testing.T, url string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Now: now})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// newOwner makes an account and returns its owner.
func newOwner(t *testing.T, s *store.Store) keys.Actor {
	t.Helper()
	account, user, err := s.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{
		Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test",
	})
	must(t, err)
	owner := keys.Actor{Kind: keys.ActorUser, UserID: user.ID, Email: user.Email}.In(account)
	for _, r := range keys.ConsoleResources() {
		owner.Holds = append(owner.Holds, r.Slug)
	}
	return owner
}
