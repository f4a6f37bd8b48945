package store

import (
	"context"
	"slices"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// This file is what the changes of users share. Each locks the account, then the user; a user's links are
// changed only under the user's lock.

// Why a link of a user was voided.
const (
	voidReplaced        = "replaced"
	voidDiscarded       = "discarded"
	voidDeactivated     = "deactivated"
	voidPasswordChanged = "password changed"
)

// lockAccountUser locks the actor's account and the user of it with a number, and returns the user with
// their roles.
func (t *tx) lockAccountUser(ctx context.Context, number int64) (keys.User, lockedUser, error) {
	if _, err := t.lockAccount(ctx); err != nil {
		return keys.User{}, lockedUser{}, err
	}
	locked, err := scanLocked(t.row(ctx, `
		UPDATE app_user SET version = version + 1 WHERE account_id = $1 AND number = $2 RETURNING `+lockedColumns, t.by.AccountID, number))
	if err != nil {
		return keys.User{}, lockedUser{}, err
	}
	user, err := scanUser(t.row(ctx, `SELECT `+userColumns+` FROM app_user WHERE app_user.id = $1`, locked.id))
	if err != nil {
		return keys.User{}, lockedUser{}, err
	}
	user.Roles, err = t.rolesOfUser(ctx, user.ID)
	return user, locked, err
}

// checkSelf returns Invalid when the actor, who changes themselves, would not manage users any more.
func (t *tx) checkSelf(user keys.User, active bool, roles []keys.Role) error {
	manages := func(role keys.Role) bool { return slices.Contains(role.Resources, keys.ManageUsers) }
	if user.ID != t.by.UserID || active && slices.ContainsFunc(roles, manages) {
		return nil
	}
	return keys.Problem("roles", keys.ReasonSelfLockout)
}

// setUserStatus makes a user active or inactive. It returns errUnchanged when they are so already.
func (t *tx) setUserStatus(ctx context.Context, user *keys.User, status keys.UserStatus) error {
	if user.Status == status {
		return errUnchanged
	}
	user.Status = status
	_, err := t.exec(ctx, `UPDATE app_user SET status = $2 WHERE id = $1`, user.ID, string(status))
	return err
}

// UserLink is a link that was just made for a user. Its secret is nowhere else but here, and its digest in
// the database.
type UserLink struct {
	// User is whom the link is for.
	User keys.User
	// Link is the link, and Secret opens it.
	Link   keys.Link
	Secret secret.Value
	// Repeated says that the form had made its link before: Link is that one as it is now, and Secret is zero.
	Repeated bool
}

// newUserLink makes a link that sets the user's password, and voids the one before. An invitation is for
// whoever has no password yet.
func (t *tx) newUserLink(ctx context.Context, user keys.User, locked lockedUser, nonce string) (UserLink, error) {
	if err := t.voidUserLinks(ctx, locked, voidReplaced); err != nil {
		return UserLink{}, err
	}
	l := linkRow{Link: keys.NewLink(keys.LinkReset, t.at), userID: user.ID}
	if !user.HasPassword {
		l.Kind = keys.LinkInvitation
	}
	value := secret.New(secret.KindLink)
	if err := t.insertLink(ctx, &l, value); err != nil {
		return UserLink{}, err
	}
	t.record(userLinkEvent(keys.ActionLinkCreated, locked, l, map[string]any{"expires_at": l.ExpiresAt}))
	_, err := t.exec(ctx, `
		INSERT INTO user_form (account_id, nonce, link_id, created_at) VALUES ($1, $2, $3, $4)`,
		t.by.AccountID, nonce, l.ID, t.at.UnixMicro())
	return UserLink{User: user, Link: l.Link, Secret: value}, err
}

func userLinkEvent(action keys.Action, user lockedUser, l linkRow, more map[string]any) keys.AuditEvent {
	details := map[string]any{"link": l.ID, "kind": string(l.Kind)}
	for name, value := range more {
		details[name] = value
	}
	return keys.AuditEvent{
		AccountID: user.accountID, Action: action, ObjectKind: objectUser, ObjectID: user.id, Object: user.email, Details: details,
	}
}

// userLinkOfForm is the link that a form made, and whether it did. The account is locked, so it stays so.
func (t *tx) userLinkOfForm(ctx context.Context, nonce string) (made UserLink, used bool, err error) {
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM user_form JOIN link ON link.id = user_form.link_id
		WHERE user_form.account_id = $1 AND user_form.nonce = $2`, t.by.AccountID, nonce)
	if err != nil || len(links) == 0 {
		return UserLink{}, false, err
	}
	user, err := scanUser(t.row(ctx, `SELECT `+userColumns+` FROM app_user WHERE app_user.id = $1`, links[0].userID))
	return UserLink{User: user, Link: links[0].Link, Repeated: true}, true, err
}

// voidUserLinks takes the open links of a user back. One that has expired is left to the sweep, which tells
// that it has.
func (t *tx) voidUserLinks(ctx context.Context, user lockedUser, reason string) error {
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM link WHERE link.user_id = $1 AND link.opened_at IS NULL AND link.voided_at IS NULL`, user.id)
	if err != nil {
		return err
	}
	for _, l := range links {
		if !l.Waits(t.at) {
			continue
		}
		if err := t.voidLink(ctx, &l.Link, reason); err != nil {
			return err
		}
		t.record(userLinkEvent(keys.ActionLinkVoided, user, l, map[string]any{"reason": reason}))
	}
	return nil
}
