package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// Renewed is a key whose token was just renewed. The new token is nowhere else but here, and its
// digest in the database.
type Renewed struct {
	// Key is the key, with the new token before the old one.
	Key keys.Key
	// Renewal is the number of the new token, by which the renewal is completed.
	Renewal int64
	// Token is the new token, or zero when Repeated.
	Token secret.Value
	// Repeated says that the form had renewed the key before. Key is as it is now.
	Repeated bool
}

// RenewKey gives a key a second live token. It returns NotFound when there is no such key, Conflict
// when a renewal is open already, Malformed when the nonce is not one of ours or was another form's,
// and Forbidden when the actor may not renew tokens or does not hold what the key's roles give. The
// account is locked for the sake of its roles.
func (s *Store) RenewKey(ctx context.Context, by keys.Actor, id keys.KeyID, nonce string) (made Renewed, err error) {
	if err := by.Require(keys.RenewAPIToken); err != nil {
		return Renewed{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		made = Renewed{Token: secret.New(secret.KindToken)}
		if _, err := t.lockAccount(ctx); err != nil {
			return err
		}
		k, err := t.lockKey(ctx, id)
		if err != nil {
			return err
		}
		if err := by.MayGrant(k.Roles); err != nil {
			return err
		}
		// Only now: whose key it is not learns nothing but that there is none.
		if !secret.ValidNonce(nonce) {
			return keys.Malformed(keys.ReasonNonce)
		}
		made.Renewal, made.Repeated, err = t.renewalOfNonce(ctx, k, nonce)
		if err != nil {
			return err
		}
		if made.Repeated {
			k.Version--
			made.Key, made.Token = k.Key, secret.Value{}
			return errUnchanged
		}
		return t.renew(ctx, &k, nonce, &made)
	})
	if err != nil {
		return Renewed{}, err
	}
	return made, nil
}

// renewalOfNonce is the number of the token that a form made for this key. A form that made something
// else is Malformed: it was none to renew this key.
func (t *tx) renewalOfNonce(ctx context.Context, k keyRow, nonce string) (token int64, used bool, err error) {
	var keyID string
	err = t.row(ctx, `SELECT key_id, token FROM form_nonce WHERE account_id = $1 AND nonce = $2`, t.by.AccountID, nonce).
		Scan(&keyID, &token)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case keyID != k.id, token <= k.Number+1: // another key, or this one's first token, which GenerateKey made
		return 0, false, keys.Malformed(keys.ReasonNonce)
	}
	return token, true, nil
}

// renew applies the event and writes the token that it makes.
func (t *tx) renew(ctx context.Context, k *keyRow, nonce string, made *Renewed) error {
	next, err := k.Renewal().After(keys.EventRenew, t.at)
	if err != nil {
		return err
	}
	token := next.Tokens[0]
	if token.Number, err = t.numbers(ctx, 1); err != nil {
		return err
	}
	token.Hint = made.Token.Hint()
	old := k.Tokens[0]
	t.record(keyEvent(keys.ActionRenewStarted, k.Key, map[string]any{"new": token.Hint, "old": old.Hint}))
	if err := t.insertToken(ctx, *k, token, made.Token); err != nil {
		return err
	}
	k.Tokens = []keys.Token{token, old}
	made.Key, made.Renewal = k.Key, token.Number
	return t.useNonce(ctx, nonce, *k, token)
}
