package store

import (
	"context"
	"slices"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// This file holds what the loading and the following of the change feed share.

// feedAccounts are the accounts whose ids a query gives, with all of their roles, in the order of their
// numbers.
func (t *tx) feedAccounts(ctx context.Context, ids string, args ...any) ([]keys.FeedAccount, error) {
	accounts, err := list(ctx, t, scanFeedAccount, `
		SELECT number, id, slug, zone, duration_unit, duration_amount, enforce_expiry, review_since IS NOT NULL FROM account
		WHERE id IN (`+ids+`) ORDER BY number`, args...)
	if err != nil {
		return nil, err
	}
	roles, err := t.feedRoles(ctx, ids, args...)
	if err != nil {
		return nil, err
	}
	for i := range accounts {
		accounts[i].Roles = roles[accounts[i].ID]
	}
	return accounts, nil
}

func scanFeedAccount(row scanner) (a keys.FeedAccount, err error) {
	err = row.Scan(&a.Number, &a.ID, &a.Slug, &a.Settings.Zone, &a.Settings.Duration.Unit, &a.Settings.Duration.Amount, &a.Settings.EnforceExpiry, &a.Review)
	return a, err
}

// feedRoles are the roles of these accounts in the order of their numbers, by the account's id.
func (t *tx) feedRoles(ctx context.Context, ids string, args ...any) (map[string][]keys.FeedRole, error) {
	granted, err := t.feedGrants(ctx, ids, args...)
	if err != nil {
		return nil, err
	}
	roles := map[string][]keys.FeedRole{}
	_, err = list(ctx, t, func(row scanner) (none struct{}, err error) {
		var account string
		var r keys.FeedRole
		if err := row.Scan(&account, &r.Number, &r.Slug); err != nil {
			return none, err
		}
		// In Go, as the databases do not order letters alike.
		r.Resources = slices.Sorted(slices.Values(granted[r.Number]))
		roles[account] = append(roles[account], r)
		return none, nil
	}, `SELECT account_id, number, slug FROM role WHERE account_id IN (`+ids+`) ORDER BY number`, args...)
	return roles, err
}

// feedGrants are the slugs of what the roles of these accounts allow, by the role's number.
func (t *tx) feedGrants(ctx context.Context, ids string, args ...any) (map[int64][]string, error) {
	granted := map[int64][]string{}
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var role int64
		var slug string
		err = row.Scan(&role, &slug)
		granted[role] = append(granted[role], slug)
		return none, err
	}, `
		SELECT role.number, resource.slug
		FROM role JOIN role_resource ON role_resource.role_id = role.id JOIN resource ON resource.number = role_resource.resource
		WHERE role.account_id IN (`+ids+`)
		UNION
		SELECT role.number, resource.slug
		FROM role JOIN resource ON resource.account_id = role.account_id
		WHERE role.everything AND role.account_id IN (`+ids+`)`, args...)
	return granted, err
}

// The columns of the rows of the feed: numbers, as they are read a million at a time.
const (
	feedKeyColumns = `api_key.number, api_key.app_key,
		CASE WHEN api_key.status = 'active' THEN 1 ELSE 0 END + CASE WHEN api_key.deleted_at IS NULL THEN 0 ELSE 2 END`
	// A grant has a row for each of its roles. The role is 0 where there is none.
	feedExternalColumns = `external_key.key_number, external_key.account_number, COALESCE(external_key_role.role_number, 0)`
	feedExternal        = `(external_key LEFT JOIN external_key_role ON external_key_role.external_id = external_key.id)`

	feedTokenColumns = `api_token.key_number, api_token.number, api_token.digest, api_token.created_at, COALESCE(api_token.revoked_at, 0)`
)

// feedKeyOf is the key of feedKeyColumns.
func feedKeyOf(number int64, id string, flags int64) keys.FeedKeyRow {
	return keys.FeedKeyRow{Number: number, ID: keys.KeyID(id), Active: flags&1 != 0, Deleted: flags&2 != 0}
}

// feedTokenOf is the token of feedTokenColumns.
func feedTokenOf(key, number int64, digest []byte, created, ended int64) (keys.FeedTokenRow, error) {
	d, err := secret.DigestOf(digest)
	return keys.FeedTokenRow{Key: key, Number: number, Digest: d, CreatedAt: created, EndedAt: ended}, err
}

// newestChange is the newest row of the change log, or the zero mark when it is empty. The sweep never
// removes that row.
const newestChange = `COALESCE((SELECT MAX(seq) FROM change_log), 0),
	COALESCE((SELECT event_id FROM change_log WHERE seq = (SELECT MAX(seq) FROM change_log)), '')`
