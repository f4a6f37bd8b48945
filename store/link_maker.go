package store

import (
	"context"

	"latchkey/keys"
)

// This file takes links back whose makers could not make them any more. A link acts for its maker: whoever
// has seen it may open it, so that it must not outlive what the maker was allowed.

// Why a link was voided whose maker changed.
const (
	voidMakerDeactivated = "maker deactivated"
	voidMakerLacks       = "maker lacks"
)

// voidLinksBeyondMakers takes back the open links of users of the actor's account whose makers could not make
// them now: they are inactive, do not manage users any more, or do not hold what the link's user holds. With
// any other such link its maker would sign in as somebody who holds more. The account is locked, and every
// change of what a user holds ends with this.
func (t *tx) voidLinksBeyondMakers(ctx context.Context) error {
	links, err := t.waitingLinks(ctx, `link.account_id = $2 AND link.user_id IS NOT NULL`, t.by.AccountID)
	if err != nil {
		return err
	}
	for _, l := range links {
		maker, known, err := t.makerOf(ctx, l)
		if err != nil {
			return err
		}
		if !known {
			continue // a command made it, and whoever runs one may do everything
		}
		roles, err := t.rolesWhere(ctx, `role.id IN (SELECT role_id FROM user_role WHERE user_id = $1)`, l.userID)
		if err != nil {
			return err
		}
		if maker.May(keys.ManageUsers) && maker.MayGrant(roles) == nil {
			continue
		}
		user, err := t.lockUser(ctx, l.accountID, l.userID)
		if err != nil {
			return err
		}
		if err := t.voidUserLinks(ctx, user, voidMakerLacks); err != nil {
			return err
		}
	}
	return nil
}

// voidKeyLinksOf takes back the open links of keys that a user made, who is kept out from now on.
func (t *tx) voidKeyLinksOf(ctx context.Context, user keys.User) error {
	links, err := t.waitingLinks(ctx, `link.account_id = $2 AND link.created_by = $3 AND link.key_id IS NOT NULL`, user.AccountID, user.Email)
	if err != nil {
		return err
	}
	for _, l := range links {
		k, _, err := t.lockKeyOfLink(ctx, l)
		if keys.KindOf(err) == keys.KindGone {
			continue // the key was deleted meanwhile, and its link with it
		}
		if err != nil {
			return err
		}
		// Until the lock another one may have opened the link, or taken it back.
		if k.Link.ID != l.ID || !k.Link.Waits(t.at) {
			continue
		}
		if err := t.voidLinkOfKey(ctx, &k, voidMakerDeactivated); err != nil {
			return err
		}
		if err := t.noteTokens(ctx, k.id); err != nil {
			return err
		}
	}
	return nil
}

// waitingLinks are the links that can be opened and for which a condition on $2 and what follows it holds, in
// the order in which their keys are locked.
func (t *tx) waitingLinks(ctx context.Context, condition string, args ...any) ([]linkRow, error) {
	return list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM link
		WHERE link.expires_at > $1 AND link.opened_at IS NULL AND link.voided_at IS NULL AND `+condition+`
		ORDER BY link.key_id, link.id`, append([]any{t.at.UnixMicro()}, args...)...)
}

// makerOf is the user who made a link, with what they hold now, which is nothing when they are inactive, and
// whether there is such a user.
func (t *tx) makerOf(ctx context.Context, l linkRow) (maker keys.Actor, known bool, err error) {
	makers, err := list(ctx, t, scanUser, `SELECT `+userColumns+` FROM app_user WHERE app_user.account_id = $1 AND app_user.email = $2`, l.accountID, l.CreatedBy)
	if err != nil || len(makers) == 0 {
		return keys.Actor{}, false, err
	}
	maker = keys.Actor{Kind: keys.ActorUser, AccountID: l.accountID, UserID: makers[0].ID, Email: makers[0].Email}
	maker.Holds, err = t.holds(ctx, maker)
	return maker, true, err
}
