package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/keys"
)

// AccountUser is a user as those who manage users see them.
type AccountUser struct {
	keys.User
	// Link is the user's newest link that was opened or is still open, or the zero link.
	Link keys.Link
}

// AccountUsers returns the users of the actor's account in the order of their emails, with their roles and
// these with their resources. It returns Forbidden when the actor may not manage users.
func (s *Store) AccountUsers(ctx context.Context, by keys.Actor) (users []AccountUser, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		users, err = t.accountUsers(ctx, by.AccountID, "")
		return err
	})
	slices.SortFunc(users, func(a, b AccountUser) int { return strings.Compare(a.Email, b.Email) })
	return users, err
}

// AccountUser returns the user of the actor's account with a number. It returns NotFound when there is no
// such user, and Forbidden when the actor may not manage users.
func (s *Store) AccountUser(ctx context.Context, by keys.Actor, number int64) (user AccountUser, err error) {
	if err := by.Require(keys.ManageUsers); err != nil {
		return AccountUser{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		found, err := t.accountUsers(ctx, by.AccountID, ` AND app_user.number = $2`, number)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return keys.NotFound(keys.ReasonUserNotFound)
		}
		user = found[0]
		return nil
	})
	return user, err
}

// accountUsers are the users of an account for whom a further condition holds, if there is one.
func (t *tx) accountUsers(ctx context.Context, accountID, condition string, args ...any) ([]AccountUser, error) {
	where, args := `app_user.account_id = $1`+condition, append([]any{accountID}, args...)
	users, err := list(ctx, t, func(row scanner) (u AccountUser, err error) {
		u.User, err = scanUser(row)
		return u, err
	}, `SELECT `+userColumns+` FROM app_user WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	locked, err := t.lockedEmails(ctx)
	if err != nil {
		return nil, err
	}
	rolesOf, err := t.rolesOfUsers(ctx, accountID, where, args)
	if err != nil {
		return nil, err
	}
	linkOf, err := t.linksOfUsers(ctx, where, args)
	if err != nil {
		return nil, err
	}
	for i, u := range users {
		users[i].Locked, users[i].Roles, users[i].Link = locked(u.Email), rolesOf[u.ID], linkOf[u.ID]
	}
	return users, nil
}

// waits is 1 for a link that can be opened, and 0 for one that cannot.
func (t *tx) waits(l linkRow) int {
	if l.Waits(t.at) {
		return 1
	}
	return 0
}

// rolesOfUsers are the roles of users in the order of the roles' names, by the users' ids.
func (t *tx) rolesOfUsers(ctx context.Context, accountID, where string, args []any) (map[string][]keys.Role, error) {
	roles, err := t.accountRoles(ctx, accountID)
	if err != nil {
		return nil, err
	}
	type held struct{ userID, roleID string }
	all, err := list(ctx, t, func(row scanner) (h held, err error) {
		err = row.Scan(&h.userID, &h.roleID)
		return h, err
	}, `
		SELECT user_role.user_id, user_role.role_id
		FROM user_role JOIN app_user ON app_user.id = user_role.user_id
		WHERE `+where, args...)
	holders := make(map[string][]string, len(roles))
	for _, h := range all {
		holders[h.roleID] = append(holders[h.roleID], h.userID)
	}
	rolesOf := map[string][]keys.Role{}
	for _, role := range roles {
		for _, userID := range holders[role.ID] {
			rolesOf[userID] = append(rolesOf[userID], role)
		}
	}
	return rolesOf, err
}

// linksOfUsers are the newest links of users that were not voided, by the users' ids.
func (t *tx) linksOfUsers(ctx context.Context, where string, args []any) (map[string]keys.Link, error) {
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM link JOIN app_user ON app_user.id = link.user_id
		WHERE link.voided_at IS NULL AND `+where, args...)
	slices.SortFunc(links, func(a, b linkRow) int {
		// The one that waits is the newest, whatever clocks say: a new one voids the one before.
		return cmp.Or(cmp.Compare(t.waits(a), t.waits(b)), a.CreatedAt.Compare(b.CreatedAt))
	})
	newest := make(map[string]keys.Link, len(links))
	for _, l := range links {
		newest[l.userID] = l.Link
	}
	return newest, err
}
