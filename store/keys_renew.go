package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// Renewed is a key whose token was just renewed. The secret that hands the new token over is nowhere else
// but here, and its digest in the database.
type Renewed struct {
	// Key is the key, with the new token before the old one, or with the link that will make it.
	Key keys.Key
	// Renewal is the number of the new token, by which the renewal is completed. A link has drawn it, too.
	Renewal int64
	// Token is the new token, or zero when it is handed over by a link and when Repeated.
	Token secret.Value
	// LinkSecret is the secret of the key's link, or zero when the token was made at once and when Repeated.
	LinkSecret secret.Value
	// Repeated says that the form had renewed the key before. Key is as it is now.
	Repeated bool
}

// RenewKey gives a key a further live token: the second one, or the only one of a key without a token. It
// returns NotFound when there is no such key, Conflict when a renewal is open already or a link waits,
// Malformed when the nonce is not one of ours or was another form's,
// and Forbidden when the actor may not renew tokens or does not hold what the key's roles give. The
// account is locked for the sake of its roles.
func (s *Store) RenewKey(ctx context.Context, by keys.Actor, id keys.KeyID, nonce string) (Renewed, error) {
	return s.renewKey(ctx, by, id, keys.EventRenew, nonce)
}

// RenewKeyByLink is RenewKey with a link: the token is made when the link is opened.
func (s *Store) RenewKeyByLink(ctx context.Context, by keys.Actor, id keys.KeyID, nonce string) (Renewed, error) {
	return s.renewKey(ctx, by, id, keys.EventRenewByLink, nonce)
}

func (s *Store) renewKey(ctx context.Context, by keys.Actor, id keys.KeyID, event keys.RenewalEvent, nonce string) (made Renewed, err error) {
	if err := by.Require(keys.RenewAPIToken); err != nil {
		return Renewed{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		made = Renewed{}
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
			made.Key = k.Key
			return errUnchanged
		}
		return t.renew(ctx, &k, event, nonce, &made)
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

// renew applies the event and writes what it makes.
func (t *tx) renew(ctx context.Context, k *keyRow, event keys.RenewalEvent, nonce string, made *Renewed) error {
	if _, err := k.Renewal().After(event, t.at); err != nil {
		return err
	}
	number, err := t.numbers(ctx, 1)
	if err != nil {
		return err
	}
	old := ""
	if len(k.Tokens) > 0 {
		old = k.Tokens[0].Hint
	}
	at := len(t.events)
	t.record(keyEvent(keys.ActionRenewStarted, k.Key, map[string]any{"old": old}))
	made.Renewal = number
	made.Token, made.LinkSecret, err = t.handOver(ctx, k, event, number, nonce)
	t.events[at].Details["new"] = made.Token.Hint()
	made.Key = k.Key
	return err
}

// handOver makes what hands a locked key's next token over, under the token's number: the token itself, or
// a link that will make it. It notes that the form with the nonce did.
func (t *tx) handOver(ctx context.Context, k *keyRow, event keys.RenewalEvent, number int64, nonce string) (token, link secret.Value, err error) {
	next, err := k.Renewal().After(event, t.at)
	if err != nil {
		return secret.Value{}, secret.Value{}, err
	}
	if event == keys.EventRenewByLink {
		link = secret.New(secret.KindLink)
		err = t.insertLinkOfKey(ctx, k, next.Link, number, link)
	} else {
		token = secret.New(secret.KindToken)
		next.Tokens[0].Number, next.Tokens[0].Hint = number, token.Hint()
		err = t.insertToken(ctx, *k, next.Tokens[0], token)
		k.Tokens = next.Tokens
	}
	if err != nil {
		return secret.Value{}, secret.Value{}, err
	}
	return token, link, t.useNonce(ctx, nonce, *k, number)
}
