package store

import (
	"context"
	"strconv"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// NewKey is what a key is made of.
type NewKey struct {
	// Name says which integration will use the key.
	Name string
	// Roles are the slugs of its roles.
	Roles []string
	// Nonce is the one of the form: a form makes one key, however often it is sent.
	Nonce string
	// ByLink says that the first token is handed over by a link, and made when that is opened.
	ByLink bool
}

// Generated is a key that was just made. The secret that hands it over is nowhere else but here, and its
// digest in the database.
type Generated struct {
	// Key is the key. It has its first token, or the link that will make it.
	Key keys.Key
	// Token is the first token, or zero when the key was made with a link.
	Token secret.Value
	// LinkSecret is the secret of the key's link, or zero when the key was made with a token.
	LinkSecret secret.Value
	// Repeated says that the form had made its key before: Key is that one, if it still exists, and both
	// secrets are zero.
	Repeated bool
	// NameTwin says that another key of the account has this name.
	NameTwin bool
}

// GenerateKey makes an active key with its first token, or with a link for it. It returns Invalid when the name breaks a
// rule or a role is unknown, Forbidden when the actor may not edit keys or does not hold what a role
// gives, and Malformed when the name is not text or the nonce is not one of ours.
func (s *Store) GenerateKey(ctx context.Context, by keys.Actor, in NewKey) (made Generated, err error) {
	in.Name = keys.NormalName(in.Name)
	if err := in.check(by); err != nil {
		return Generated{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		made = Generated{}
		account, err := t.lockAccount(ctx)
		if err != nil {
			return err
		}
		if made.Repeated, err = t.nonceUsed(ctx, in.Nonce); err != nil || made.Repeated {
			return orUnchanged(err)
		}
		roles, err := t.grantable(ctx, in.Roles)
		if err != nil {
			return err
		}
		if made.NameTwin, err = t.nameTaken(ctx, account.ID, in.Name); err != nil {
			return err
		}
		return t.insertKey(ctx, account, in, roles, &made)
	})
	switch {
	case err != nil:
		return Generated{}, err
	case made.Repeated:
		made.Key, err = s.keyOfNonce(ctx, by, in.Nonce)
	}
	return made, err
}

func (in NewKey) check(by keys.Actor) error {
	if err := by.Require(keys.EditAPIKeys); err != nil {
		return err
	}
	if err := checkText(append([]string{in.Name}, in.Roles...)...); err != nil {
		return err
	}
	if !secret.ValidNonce(in.Nonce) {
		return keys.Malformed(keys.ReasonNonce)
	}
	return keys.CheckName(in.Name)
}

// orUnchanged is the error, or errUnchanged when there is none.
func orUnchanged(err error) error {
	if err == nil {
		return errUnchanged
	}
	return err
}

// grantable are the roles of these slugs, if the actor may give them.
func (t *tx) grantable(ctx context.Context, slugs []string) ([]keys.Role, error) {
	roles, err := t.chosenRoles(ctx, slugs)
	if err != nil {
		return nil, err
	}
	return roles, t.by.MayGrant(roles)
}

// insertKey writes a key with its roles, and with its first token or the link for it.
func (t *tx) insertKey(ctx context.Context, account keys.Account, in NewKey, roles []keys.Role, made *Generated) error {
	number, err := t.numbers(ctx, 2)
	if err != nil {
		return err
	}
	k := keyRow{id: newID(), Key: keys.Key{
		Number: number, Name: in.Name, Status: keys.StatusActive, Roles: roles, CreatedAt: t.at, CreatedBy: t.by.Email, Version: 1,
	}}
	if err := t.insertKeyRow(ctx, account, &k); err != nil {
		return err
	}
	t.record(keyEvent(keys.ActionKeyGenerated, k.Key, map[string]any{"name": k.Name, "roles": roleSlugs(roles)}))
	if err := t.insertRoles(ctx, k, roles); err != nil {
		return err
	}
	event := keys.EventRenew // of a key without a token, which it is so far
	if in.ByLink {
		event = keys.EventRenewByLink
	}
	made.Token, made.LinkSecret, err = t.handOver(ctx, &k, event, number+1, in.Nonce)
	if err != nil {
		return err
	}
	made.Key = k.Key
	_, err = t.exec(ctx, `UPDATE account SET key_count = key_count + 1 WHERE id = $1`, account.ID)
	return err
}

// insertKeyRow writes the row of a key under an id that no key, deleted or not, has had.
func (t *tx) insertKeyRow(ctx context.Context, account keys.Account, k *keyRow) error {
	for {
		k.ID = keys.NewKeyID(account.Slug, t.store.newSuffix())
		inserted, err := t.exec(ctx, `
			INSERT INTO api_key (id, number, account_id, app_key, name, status, created_at, created_by, version, find_text, name_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (app_key) DO NOTHING`,
			k.id, k.Number, account.ID, string(k.ID), k.Name, string(k.Status), k.CreatedAt.UnixMicro(), k.CreatedBy, k.Version,
			findText(k.ID, k.Name), nameKey(k.Name))
		if err != nil || inserted == 1 {
			return err
		}
	}
}

// insertToken writes a live token of a key.
func (t *tx) insertToken(ctx context.Context, k keyRow, token keys.Token, value secret.Value) error {
	t.record(tokenEvent(keys.ActionTokenMinted, k.Key, token, nil))
	_, err := t.exec(ctx, `
		INSERT INTO api_token (id, number, key_id, key_number, digest, alg, kid, hint, state, created_at, reason)
		VALUES ($1, $2, $3, $4, $5, 1, '', $6, 'live', $7, '')`,
		newID(), token.Number, k.id, k.Number, value.Digest().Bytes(), token.Hint, token.CreatedAt.UnixMicro())
	if err != nil {
		return err
	}
	return t.noteTokens(ctx, k.id)
}

func tokenEvent(action keys.Action, k keys.Key, token keys.Token, details map[string]any) keys.AuditEvent {
	all := map[string]any{"key": string(k.ID), "hint": token.Hint}
	for name, value := range details {
		all[name] = value
	}
	return keys.AuditEvent{
		Action: action, ObjectKind: objectToken, ObjectID: strconv.FormatInt(token.Number, 10), Object: k.Name, Details: all,
	}
}

// nonceUsed says whether the form has made its key. The account is locked, so the answer stays true.
func (t *tx) nonceUsed(ctx context.Context, nonce string) (used bool, err error) {
	err = t.row(ctx, `
		SELECT EXISTS (SELECT 1 FROM form_nonce WHERE account_id = $1 AND nonce = $2)`, t.by.AccountID, nonce).Scan(&used)
	return used, err
}

// useNonce notes what the form with this nonce made: the token of a number, or the link for it.
func (t *tx) useNonce(ctx context.Context, nonce string, k keyRow, token int64) error {
	_, err := t.exec(ctx, `
		INSERT INTO form_nonce (account_id, nonce, key_id, token, created_at) VALUES ($1, $2, $3, $4, $5)`,
		t.by.AccountID, nonce, k.id, token, t.at.UnixMicro())
	return err
}

// keyOfNonce is the key that a form made, or the zero key when it was deleted since.
func (s *Store) keyOfNonce(ctx context.Context, by keys.Actor, nonce string) (keys.Key, error) {
	var id keys.KeyID
	err := s.read(ctx, func(ctx context.Context, t *tx) error {
		return t.row(ctx, `
			SELECT api_key.app_key FROM form_nonce JOIN api_key ON api_key.id = form_nonce.key_id
			WHERE form_nonce.account_id = $1 AND form_nonce.nonce = $2`, by.AccountID, nonce).Scan(&id)
	})
	if err != nil {
		return keys.Key{}, err
	}
	k, err := s.Key(ctx, by, id)
	if keys.KindOf(err) == keys.KindNotFound {
		return keys.Key{}, nil
	}
	return k, err
}
