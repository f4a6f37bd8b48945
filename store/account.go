package store

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/keys"
)

// NewAccount is what an account and its first user are made of.
type NewAccount struct {
	// Slug and Zone are the account's.
	Slug, Zone string
	// Email and PasswordPHC are the first user's, who becomes its owner.
	Email, PasswordPHC string
	// Language is the first user's preferred one, or empty.
	Language string
}

func (in NewAccount) check() error {
	return keys.Problems(keys.CheckAccountSlug(in.Slug), keys.CheckEmail(in.Email), keys.CheckZone(in.Zone),
		keys.CheckPreferences(keys.Preferences{Language: in.Language}))
}

// CreateAccount makes an account with the built-in and sample roles, and its first user. It returns
// Invalid when a rule is broken or when the slug or the email is taken. An unused setup code is void
// from then on.
func (s *Store) CreateAccount(ctx context.Context, by keys.Actor, in NewAccount) (account keys.Account, user keys.User, err error) {
	if in.Email, err = normalEmail(in.Email); err != nil {
		return keys.Account{}, keys.User{}, err
	}
	if err := in.check(); err != nil {
		return keys.Account{}, keys.User{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		if err := t.lockSetup(ctx); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM setup_code`); err != nil {
			return err
		}
		account, user, err = t.createAccount(ctx, in)
		return err
	})
	return account, user, err
}

// createAccount writes an account with everything that it starts with.
func (t *tx) createAccount(ctx context.Context, in NewAccount) (keys.Account, keys.User, error) {
	account, err := t.insertAccount(ctx, in)
	if err != nil {
		return keys.Account{}, keys.User{}, err
	}
	t.by = t.by.In(account)
	t.record(keys.AuditEvent{
		Action: keys.ActionAccountCreated, ObjectKind: objectAccount, ObjectID: account.ID, Object: account.Slug,
		Details: map[string]any{"zone": account.Zone},
	})
	roles, err := t.insertCatalogue(ctx, account)
	if err != nil {
		return keys.Account{}, keys.User{}, err
	}
	owner, _ := keys.RoleBySlug(roles, keys.RoleOwner)
	user, err := t.makeUser(ctx, account, in.Email, in.PasswordPHC, []keys.Role{owner})
	if err != nil {
		return keys.Account{}, keys.User{}, err
	}
	return account, user, t.savePreferences(ctx, user.ID, keys.Preferences{Language: in.Language})
}

func (t *tx) insertAccount(ctx context.Context, in NewAccount) (keys.Account, error) {
	number, err := t.numbers(ctx, 1)
	if err != nil {
		return keys.Account{}, err
	}
	a := keys.Account{
		ID: newID(), Number: number, Slug: in.Slug, Zone: in.Zone,
		Duration: keys.DefaultDuration, EnforceExpiry: true, SettingsVersion: 1, CreatedAt: t.at,
	}
	inserted, err := t.exec(ctx, `
		INSERT INTO account (id, number, slug, zone, duration_unit, duration_amount, enforce_expiry, key_count, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 1)
		ON CONFLICT (slug) DO NOTHING`,
		a.ID, a.Number, a.Slug, a.Zone, string(a.Duration.Unit), a.Duration.Amount, a.EnforceExpiry, t.at.UnixMicro())
	if err == nil && inserted == 0 {
		return keys.Account{}, keys.Problem("account", keys.ReasonAccountTaken)
	}
	return a, err
}

// insertCatalogue writes the resources and roles that every account starts with.
func (t *tx) insertCatalogue(ctx context.Context, account keys.Account) ([]keys.Role, error) {
	resources := append(keys.ConsoleResources(), keys.SampleResources()...)
	roles := append(keys.BuiltInRoles(), keys.SampleRoles()...)
	number, err := t.numbers(ctx, len(resources)+len(roles))
	if err != nil {
		return nil, err
	}
	numberOf := make(map[string]int64, len(resources))
	for _, r := range resources {
		r.Number, numberOf[r.Slug] = number, number
		if err := t.insertResource(ctx, account.ID, r); err != nil {
			return nil, err
		}
		number++
	}
	for i := range roles {
		roles[i].ID, roles[i].Number, roles[i].Version = newID(), number, 1
		if err := t.insertRole(ctx, account.ID, roles[i], numberOf); err != nil {
			return nil, err
		}
		number++
	}
	return roles, nil
}

func (t *tx) insertResource(ctx context.Context, accountID string, r keys.Resource) error {
	_, err := t.exec(ctx, `
		INSERT INTO resource (number, account_id, slug, product, name, description) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.Number, accountID, r.Slug, r.Product, r.Name, r.Description)
	return err
}

func (t *tx) insertRole(ctx context.Context, accountID string, r keys.Role, numberOf map[string]int64) error {
	_, err := t.exec(ctx, `
		INSERT INTO role (id, number, account_id, slug, name, description, built_in, everything, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, r.Number, accountID, r.Slug, r.Name, r.Description, r.BuiltIn, r.Everything, r.Version)
	if err != nil {
		return err
	}
	return t.grant(ctx, r, numberOf)
}

// grant writes what a role allows, which nothing was written of.
func (t *tx) grant(ctx context.Context, r keys.Role, numberOf map[string]int64) error {
	for _, slug := range r.Resources {
		if _, err := t.exec(ctx, `INSERT INTO role_resource (role_id, resource) VALUES ($1, $2)`, r.ID, numberOf[slug]); err != nil {
			return err
		}
	}
	return nil
}

// Accounts returns every account of the installation, the oldest first.
func (s *Store) Accounts(ctx context.Context) (all []keys.Account, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		all, err = list(ctx, t, scanAccount, `SELECT `+accountColumns+` FROM account ORDER BY number`)
		return err
	})
	return all, err
}

// lockAccount makes every other change of the actor's account, of its roles and of its users wait
// until this one has ended. It returns NotFound when the actor has no account, and what checkActor returns.
func (t *tx) lockAccount(ctx context.Context) (keys.Account, error) {
	t.saw = true
	a, err := scanAccount(t.row(ctx, `
		UPDATE account SET version = version + 1 WHERE id = $1 RETURNING `+accountColumns, t.by.AccountID))
	if err != nil {
		return a, orNotFound(err, keys.ReasonAccountNotFound)
	}
	return a, t.checkActor(ctx)
}

const accountColumns = `id, number, slug, zone, duration_unit, duration_amount, enforce_expiry, settings_version, key_count, created_at, review_since`

func scanAccount(row scanner) (a keys.Account, err error) {
	var created int64
	var review sql.NullInt64
	err = row.Scan(&a.ID, &a.Number, &a.Slug, &a.Zone, &a.Duration.Unit, &a.Duration.Amount, &a.EnforceExpiry, &a.SettingsVersion, &a.KeyCount, &created, &review)
	a.CreatedAt, a.ReviewSince = fromMicros(created), orNever(review)
	return a, err
}

// orNotFound turns the error of a query without a row into NotFound.
func orNotFound(err error, reason keys.Reason) error {
	if errors.Is(err, sql.ErrNoRows) {
		return keys.NotFound(reason)
	}
	return err
}
