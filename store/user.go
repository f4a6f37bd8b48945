package store

import (
	"context"

	"latchkey/keys"
)

// insertUser writes a user with their roles.
func (t *tx) insertUser(ctx context.Context, account keys.Account, email, phc string, roles []keys.Role) (keys.User, error) {
	number, err := t.numbers(ctx, 1)
	if err != nil {
		return keys.User{}, err
	}
	u := keys.User{ID: newID(), AccountID: account.ID, Account: account.Slug, Email: email, Roles: roles, CreatedAt: t.at}
	inserted, err := t.exec(ctx, `
		INSERT INTO app_user (id, number, account_id, email, password_phc, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, 1)
		ON CONFLICT (email) DO NOTHING`,
		u.ID, number, u.AccountID, u.Email, phc, t.at.UnixMicro())
	if err != nil {
		return keys.User{}, err
	}
	if inserted == 0 {
		return keys.User{}, keys.Problem("email", keys.ReasonEmailTaken)
	}
	for _, role := range roles {
		if _, err := t.exec(ctx, `INSERT INTO user_role (user_id, role_id) VALUES ($1, $2)`, u.ID, role.ID); err != nil {
			return keys.User{}, err
		}
	}
	t.record(keys.AuditEvent{
		Action: keys.ActionUserCreated, ObjectKind: objectUser, ObjectID: u.ID, Object: u.Email,
		Details: map[string]any{"roles": roleSlugs(roles)},
	})
	return u, nil
}

// Users returns every user of the installation in the order of their making. Their roles come
// without the roles' resources.
func (s *Store) Users(ctx context.Context) (all []keys.User, err error) {
	err = s.read(ctx, func(t *tx) error {
		all, err = list(ctx, t, scanUser, `
			SELECT app_user.id, app_user.account_id, account.slug, app_user.email, app_user.created_at,
				COALESCE(app_user.last_sign_in_at, 0)
			FROM app_user JOIN account ON account.id = app_user.account_id
			ORDER BY app_user.number`)
		if err != nil {
			return err
		}
		return t.completeUsers(ctx, all)
	})
	return all, err
}

// completeUsers adds to users their roles and whether they are locked.
func (t *tx) completeUsers(ctx context.Context, users []keys.User) error {
	type held struct {
		userID string
		role   keys.Role
	}
	roles, err := list(ctx, t, func(row scanner) (h held, err error) {
		err = row.Scan(&h.userID, &h.role.ID, &h.role.Number, &h.role.Slug, &h.role.Name, &h.role.Description, &h.role.BuiltIn, &h.role.Everything,
			&h.role.Version)
		return h, err
	}, `
		SELECT user_role.user_id, role.id, role.number, role.slug, role.name, role.description, role.built_in, role.everything, role.version
		FROM user_role JOIN role ON role.id = user_role.role_id
		ORDER BY role.number`)
	if err != nil {
		return err
	}
	locked, err := list(ctx, t, scanText, `
		SELECT scope FROM login_limit WHERE kind = $1 AND failures >= $2`, scopeEmail, keys.FailuresUntilLocked)
	if err != nil {
		return err
	}
	lockedScopes := make(map[string]bool, len(locked))
	for _, scope := range locked {
		lockedScopes[scope] = true
	}
	for i, u := range users {
		users[i].Locked = lockedScopes[string(emailScope(u.Email).digest.Bytes())]
		for _, h := range roles {
			if h.userID == u.ID {
				users[i].Roles = append(users[i].Roles, h.role)
			}
		}
	}
	return nil
}

func scanUser(row scanner) (u keys.User, err error) {
	var created, signedIn int64
	err = row.Scan(&u.ID, &u.AccountID, &u.Account, &u.Email, &created, &signedIn)
	u.CreatedAt = fromMicros(created)
	if signedIn != 0 {
		u.LastSignInAt = fromMicros(signedIn)
	}
	return u, err
}

// ResetUser gives a user a new password, ends all of their sessions, forgets all of their browsers and
// unlocks them. It returns NotFound when there is no user of that email.
func (s *Store) ResetUser(ctx context.Context, by keys.Actor, email, phc string) error {
	email, err := normalEmail(email)
	if err != nil {
		return err
	}
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUserByEmail(ctx, email)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE app_user SET password_phc = $2 WHERE id = $1`, user.id, phc); err != nil {
			return err
		}
		ended, err := t.exec(ctx, `DELETE FROM session WHERE user_id = $1`, user.id)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM device WHERE user_id = $1`, user.id); err != nil {
			return err
		}
		t.record(keys.AuditEvent{
			AccountID: user.accountID, Action: keys.ActionUserReset, ObjectKind: objectUser, ObjectID: user.id, Object: email,
			Details: map[string]any{"sessions_ended": ended},
		})
		return t.clearFailures(ctx, email)
	})
}

// UnlockUser forgets every failed sign-in of a user, from wherever it came. It returns NotFound when
// there is no user of that email.
func (s *Store) UnlockUser(ctx context.Context, by keys.Actor, email string) error {
	email, err := normalEmail(email)
	if err != nil {
		return err
	}
	return s.change(ctx, by, func(ctx context.Context, t *tx) error {
		user, err := t.lockUserByEmail(ctx, email)
		if err != nil {
			return err
		}
		t.record(keys.AuditEvent{
			AccountID: user.accountID, Action: keys.ActionUserUnlocked, ObjectKind: objectUser, ObjectID: user.id, Object: email,
		})
		return t.clearFailures(ctx, email)
	})
}

type lockedUser struct{ id, accountID, email, phc string }

func (t *tx) lockUserByEmail(ctx context.Context, email string) (u lockedUser, err error) {
	err = t.row(ctx, `
		UPDATE app_user SET version = version + 1 WHERE email = $1 RETURNING id, account_id, email, password_phc`,
		email).Scan(&u.id, &u.accountID, &u.email, &u.phc)
	return u, orNotFound(err, keys.ReasonUserNotFound)
}

// lockUser makes every other change of a user wait until this one has ended.
func (t *tx) lockUser(ctx context.Context, accountID, id string) (u lockedUser, err error) {
	err = t.row(ctx, `
		UPDATE app_user SET version = version + 1 WHERE account_id = $1 AND id = $2 RETURNING id, account_id, email, password_phc`,
		accountID, id).Scan(&u.id, &u.accountID, &u.email, &u.phc)
	return u, orNotFound(err, keys.ReasonUserNotFound)
}
