package verifier

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// admins change keys, roles and settings of two accounts of a real store at random.
type admins struct {
	*testing.T
	store    *store.Store
	random   *rand.Rand
	now      time.Time
	by       [2]keys.Actor
	keys     [2][]keys.KeyID
	renewals map[keys.KeyID]int64
	done     map[string]int
}

func newAdmins(t *testing.T, afterCommit func(context.Context) error) *admins {
	a := &admins{T: t, random: rand.New(rand.NewPCG(7, 8)), now: noon, renewals: map[keys.KeyID]int64{}, done: map[string]int{}}
	opened, err := store.Open(t.Context(), storetest.Database(t), store.Options{
		Now: func() time.Time { return a.now }, AfterCommit: afterCommit,
	})
	a.must(err)
	a.store = opened
	t.Cleanup(func() { a.must(opened.Close()) })
	for i := range a.by {
		a.by[i] = a.newAccount(fmt.Sprintf("account%d", i))
	}
	return a
}

func (a *admins) newAccount(slug string) keys.Actor {
	account, user, err := a.store.CreateAccount(a.Context(), keys.Command("test"), store.NewAccount{
		Slug: slug, Zone: "America/Sao_Paulo", Email: "ana@" + slug + ".example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test",
	})
	a.must(err)
	by := keys.Command("").In(account)
	by.Kind, by.UserID, by.Email = keys.ActorUser, user.ID, user.Email
	return by
}

func (a *admins) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// change does one thing. A refusal is as good as a change: it must change nothing.
func (a *admins) change() {
	a.now = a.now.Add(time.Duration(a.random.IntN(8)) * time.Second)
	which := a.random.IntN(2)
	by, held := a.by[which], a.keys[which]
	if len(held) < 30 && a.random.IntN(4) == 0 || len(held) == 0 {
		a.generate(which)
		return
	}
	id := held[a.random.IntN(len(held))]
	what, do := a.pick(by, id)
	err := do()
	kind := keys.KindOf(err)
	if err != nil && kind != keys.KindConflict && kind != keys.KindNotFound {
		a.Fatalf("%s: %v", what, err)
	}
	if err == nil {
		a.done[what]++
	}
	if what == "delete" && a.random.IntN(2) == 0 {
		a.keys[which] = nil // some are left behind
	}
}

func (a *admins) generate(which int) {
	made, err := a.store.GenerateKey(a.Context(), a.by[which], store.NewKey{
		Name: "x", Roles: []string{"orders-viewer", "pricing-admin", "catalog-editor"}[:a.random.IntN(4)], Nonce: secret.NewNonce(),
	})
	a.must(err)
	a.keys[which] = append(a.keys[which], made.Key.ID)
	a.done["generate"]++
}

func (a *admins) pick(by keys.Actor, id keys.KeyID) (string, func() error) {
	ctx := a.Context()
	switch a.random.IntN(11) {
	case 0:
		return "deactivate", func() error { _, _, err := a.store.DeactivateKey(ctx, by, id); return err }
	case 1:
		return "activate", func() error { _, _, err := a.store.ActivateKey(ctx, by, id); return err }
	case 2, 3:
		return "renew", func() error {
			made, err := a.store.RenewKey(ctx, by, id, secret.NewNonce())
			a.renewals[id] = made.Renewal
			return err
		}
	case 4:
		return "complete", func() error {
			_, err := a.store.CompleteRenewal(ctx, by, id, a.renewals[id], a.random.IntN(2) == 0)
			return err
		}
	case 5:
		return "undo", func() error { _, err := a.store.UndoRenewal(ctx, by, id); return err }
	case 6:
		return "edit", func() error { return a.editKey(by, id) }
	case 7:
		if a.random.IntN(3) > 0 {
			return "role edit", func() error { return a.editRole(by) }
		}
		return "settings", func() error { return a.changeSettings(by) }
	case 9, 10:
		return a.pickGrant()
	}
	if a.random.IntN(8) > 0 {
		return "delete old", func() error { _, err := a.store.DeleteOldToken(ctx, by, id); return err }
	}
	return "delete", func() error { _, err := a.store.DeleteKey(ctx, by, id); return err }
}

// pickGrant does something to what one account lets a key of the other do.
func (a *admins) pickGrant() (string, func() error) {
	which, ctx := a.random.IntN(2), a.Context()
	by, owned := a.by[which], a.keys[1-which]
	if len(owned) == 0 {
		return "add external", func() error { return nil }
	}
	id := owned[a.random.IntN(len(owned))]
	roles := []string{"pricing-admin", "catalog-editor", "orders-viewer"}[:a.random.IntN(4)]
	switch a.random.IntN(5) {
	case 0:
		return "remove external", func() error { _, err := a.store.RemoveExternalKey(ctx, by, id); return err }
	case 1, 2:
		return "edit external", func() error {
			x, err := a.store.ExternalKey(ctx, by, id)
			if err != nil {
				return err
			}
			_, _, err = a.store.EditExternalKey(ctx, by, store.EditExternalKey{ID: id, Version: x.Version, Roles: roles})
			return err
		}
	}
	return "add external", func() error {
		_, err := a.store.AddExternalKey(ctx, by, store.NewExternalKey{ID: id, Owner: a.by[1-which].Account, Roles: roles})
		if keys.ReasonOf(err) == keys.ReasonExternalAdded || keys.ReasonOf(err) == keys.ReasonExternalUnknown {
			return keys.Conflict(keys.ReasonExternalAdded) // refused, as the others are
		}
		return err
	}
}

func (a *admins) editKey(by keys.Actor, id keys.KeyID) error {
	key, err := a.store.Key(a.Context(), by, id)
	if err != nil {
		return err
	}
	_, _, err = a.store.EditKey(a.Context(), by, store.EditKey{
		ID: id, Version: key.Version, Name: key.Name, Active: a.random.IntN(2) == 0,
		Roles: []string{"inventory-sync", "orders-manager", "pricing-admin"}[:a.random.IntN(4)],
	})
	return err
}

func (a *admins) editRole(by keys.Actor) error {
	roles, err := a.store.Roles(a.Context(), by)
	if err != nil {
		return err
	}
	role, _ := keys.RoleBySlug(roles, "pricing-admin")
	_, _, err = a.store.EditRole(a.Context(), by, store.EditRole{
		Slug: role.Slug, Version: role.Version, Name: role.Name, Resources: []string{"orders.read", "catalog.write", "pricing.read"}[:a.random.IntN(4)],
	})
	return err
}

func (a *admins) changeSettings(by keys.Actor) error {
	all, err := a.store.Accounts(a.Context())
	if err != nil {
		return err
	}
	for _, account := range all {
		if account.ID != by.AccountID {
			continue
		}
		settings := account.Settings()
		settings.Duration = keys.Duration{Unit: keys.Days, Amount: 7 + a.random.IntN(30)}
		settings.EnforceExpiry = a.random.IntN(2) == 0
		preview, err := a.store.PreviewSettings(a.Context(), by, settings, 0)
		if err != nil {
			return err
		}
		_, _, err = a.store.ChangeSettings(a.Context(), by, store.ChangeSettings{
			Version: account.SettingsVersion, Settings: settings, Accepted: preview.Mark,
		})
		return err
	}
	return nil
}

// What a verifier has followed through changes of every kind, that came one by one and many at once, is
// what another one loads.
func TestAnIndexThatFollowedEqualsOneThatWasLoaded(t *testing.T) {
	changes, every := 10_000, 1000
	switch {
	case testing.Short():
		changes, every = 600, 100
	case storetest.OnPostgres(t): // whose answers take longer
		changes, every = 2000, 200
	}
	a := newAdmins(t, nil)
	options := Options{Now: func() time.Time { return a.now }, Log: slog.New(slog.DiscardHandler)}
	kept := New(a.store, a.store, options)
	a.generate(0)
	a.must(kept.Load(t.Context()))
	for i := range changes {
		a.change()
		if a.random.IntN(5) == 0 {
			a.must(kept.CatchUp(t.Context()))
		}
		if i%every == every-1 {
			a.must(kept.CatchUp(t.Context()))
			fresh := New(a.store, a.store, options)
			a.must(fresh.Load(t.Context()))
			sameIndex(t, kept, fresh)
		}
	}
	for _, what := range []string{"generate", "deactivate", "activate", "renew", "complete", "undo", "edit", "role edit", "settings", "delete old", "delete", "add external", "edit external", "remove external"} {
		if a.done[what] == 0 {
			t.Errorf("no %s was made", what)
		}
	}
	if kept.Stats().Reloads != 0 {
		t.Error("it did not follow, it loaded")
	}
	t.Logf("note: %d changes, %d tokens: %v", changes, kept.Stats().Tokens, a.done)
}
