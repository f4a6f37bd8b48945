package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// makeUser writes a user with their roles, and tells of it.
func (t *tx) makeUser(ctx context.Context, account keys.Account, email, phc string, roles []keys.Role) (keys.User, error) {
	u, err := t.insertUser(ctx, account, email, phc, roles)
	if err == nil {
		t.record(userEvent(keys.ActionUserCreated, u, map[string]any{"roles": roleSlugs(roles)}))
	}
	return u, err
}

func userEvent(action keys.Action, u keys.User, details map[string]any) keys.AuditEvent {
	return keys.AuditEvent{
		AccountID: u.AccountID, Action: action, ObjectKind: objectUser, ObjectID: u.ID, Object: u.Email, Details: details,
	}
}

// insertUser writes a user with their roles.
func (t *tx) insertUser(ctx context.Context, account keys.Account, email, phc string, roles []keys.Role) (keys.User, error) {
	number, err := t.numbers(ctx, 1)
	if err != nil {
		return keys.User{}, err
	}
	u := keys.User{
		ID: newID(), Number: number, AccountID: account.ID, Account: account.Slug, Email: email, Roles: roles,
		Status: keys.UserActive, HasPassword: phc != noPassword, Version: 1, CreatedAt: t.at,
	}
	inserted, err := t.exec(ctx, `
		INSERT INTO app_user (id, number, account_id, email, password_phc, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, 1)
		ON CONFLICT (email) DO NOTHING`,
		u.ID, u.Number, u.AccountID, u.Email, phc, t.at.UnixMicro())
	if err != nil {
		return keys.User{}, err
	}
	if inserted == 0 {
		return keys.User{}, keys.Problem("email", keys.ReasonEmailTaken)
	}
	return u, t.insertUserRoles(ctx, u.ID, roles)
}

func (t *tx) insertUserRoles(ctx context.Context, userID string, roles []keys.Role) error {
	for _, role := range roles {
		if _, err := t.exec(ctx, `INSERT INTO user_role (user_id, role_id) VALUES ($1, $2)`, userID, role.ID); err != nil {
			return err
		}
	}
	return nil
}

// Users returns every user of the installation in the order of their making. Their roles come
// without the roles' resources.
func (s *Store) Users(ctx context.Context) (all []keys.User, err error) {
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		all, err = list(ctx, t, scanUser, `SELECT `+userColumns+` FROM app_user ORDER BY app_user.number`)
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
	locked, err := t.lockedEmails(ctx)
	if err != nil {
		return err
	}
	for i, u := range users {
		users[i].Locked = locked(u.Email)
		for _, h := range roles {
			if h.userID == u.ID {
				users[i].Roles = append(users[i].Roles, h.role)
			}
		}
	}
	return nil
}

// lockedEmails says of emails whether too many failures have locked them for unknown browsers.
func (t *tx) lockedEmails(ctx context.Context) (locked func(email string) bool, err error) {
	scopes, err := list(ctx, t, scanText, `
		SELECT scope FROM login_limit WHERE kind = $1 AND failures >= $2`, scopeEmail, keys.FailuresUntilLocked)
	return func(email string) bool {
		return slices.Contains(scopes, string(emailScope(email).digest.Bytes()))
	}, err
}

const userColumns = `app_user.id, app_user.number, app_user.account_id, (SELECT slug FROM account WHERE account.id = app_user.account_id),
	app_user.email, app_user.status, app_user.password_phc <> '', app_user.edit_version, app_user.created_at, COALESCE(app_user.last_sign_in_at, 0)`

func scanUser(row scanner) (u keys.User, err error) {
	var created, signedIn int64
	err = row.Scan(&u.ID, &u.Number, &u.AccountID, &u.Account, &u.Email, &u.Status, &u.HasPassword, &u.Version, &created, &signedIn)
	u.CreatedAt = fromMicros(created)
	if signedIn != 0 {
		u.LastSignInAt = fromMicros(signedIn)
	}
	return u, err
}

// ResetUser gives a user a new password, ends all of their sessions, forgets all of their browsers, voids
// their open link and unlocks them. An inactive user stays so. It returns NotFound when there is no user of that email.
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
		if err := t.voidUserLinks(ctx, user, voidPasswordChanged); err != nil {
			return err
		}
		return t.resetPassword(ctx, user, phc)
	})
}

// resetPassword gives a user another password, as somebody whom nobody is signed in as needs it.
func (t *tx) resetPassword(ctx context.Context, user lockedUser, phc string) error {
	ended, err := t.replacePassword(ctx, user, phc)
	if err != nil {
		return err
	}
	t.record(keys.AuditEvent{
		AccountID: user.accountID, Action: keys.ActionUserReset, ObjectKind: objectUser, ObjectID: user.id, Object: user.email,
		Details: map[string]any{"sessions_ended": ended},
	})
	return nil
}

// replacePassword sets a password, ends every session, and forgets every browser and failure of a user.
func (t *tx) replacePassword(ctx context.Context, user lockedUser, phc string) (ended int64, err error) {
	if _, err := t.exec(ctx, `UPDATE app_user SET password_phc = $2 WHERE id = $1`, user.id, phc); err != nil {
		return 0, err
	}
	if ended, err = t.endSessions(ctx, user.id); err != nil {
		return 0, err
	}
	if _, err := t.exec(ctx, `DELETE FROM device WHERE user_id = $1`, user.id); err != nil {
		return 0, err
	}
	return ended, t.clearFailures(ctx, user.email)
}

func (t *tx) endSessions(ctx context.Context, userID string) (ended int64, err error) {
	return t.exec(ctx, `DELETE FROM session WHERE user_id = $1`, userID)
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

// lockedUser is a user whom no other change can touch. phc is what a password is checked against: nobody's
// for a user who is inactive.
type lockedUser struct{ id, accountID, email, phc string }

const lockedColumns = `id, account_id, email, CASE WHEN status = 'active' THEN password_phc ELSE '' END`

func scanLocked(row scanner) (u lockedUser, err error) {
	err = row.Scan(&u.id, &u.accountID, &u.email, &u.phc)
	return u, orNotFound(err, keys.ReasonUserNotFound)
}

func (t *tx) lockUserByEmail(ctx context.Context, email string) (lockedUser, error) {
	return scanLocked(t.row(ctx, `UPDATE app_user SET version = version + 1 WHERE email = $1 RETURNING `+lockedColumns, email))
}

// lockUser makes every other change of a user wait until this one has ended.
func (t *tx) lockUser(ctx context.Context, accountID, id string) (lockedUser, error) {
	return scanLocked(t.row(ctx, `
		UPDATE app_user SET version = version + 1 WHERE account_id = $1 AND id = $2 RETURNING `+lockedColumns, accountID, id))
}
