package store

import (
	"context"
	"strconv"

	"latchkey/keys"
)

// This file is about the makers of links. A link acts for its maker: whoever has seen it may open it, so that it
// must not outlive what the maker may do. Opening asks that, and whatever takes a maker's permissions away voids
// what they made, so that nobody takes it for open.

// Why a link was voided whose maker may not make it any more.
const voidMakerLacks = "maker lacks"

// lookedAtOnce is how many links one change looks at because of their makers: a change has little time, and nobody
// may keep others from making it by making links. Those beyond are void once somebody wants to open them.
const lookedAtOnce = 50

// makerMay says whether the maker of a link could make it now: they are active, may make such links, and hold what
// the link's user or key holds. A link that a command made is always good, as whoever runs one may do everything.
func (t *tx) makerMay(ctx context.Context, l linkRow) (bool, error) {
	makers, err := list(ctx, t, scanUser, `
		SELECT `+userColumns+` FROM app_user WHERE app_user.account_id = $1 AND app_user.email = $2`, l.accountID, l.CreatedBy)
	if err != nil || len(makers) == 0 {
		return err == nil, err
	}
	maker := keys.Actor{Kind: keys.ActorUser, AccountID: l.accountID, UserID: makers[0].ID}
	if maker.Holds, err = t.holds(ctx, maker); err != nil {
		return false, err
	}
	roles, err := t.rolesOfLink(ctx, l)
	return maker.MayMake(l.Kind) && maker.MayGrant(roles) == nil, err
}

// checkMaker returns Gone when the maker of a link could not make it now. An error is the database's.
func (t *tx) checkMaker(ctx context.Context, l linkRow) (gone, err error) {
	may, err := t.makerMay(ctx, l)
	if err != nil || may {
		return nil, err
	}
	return keys.Gone(keys.ReasonLinkVoided, t.at), nil
}

// rolesOfLink are the roles of the user or the key that a link is for.
func (t *tx) rolesOfLink(ctx context.Context, l linkRow) ([]keys.Role, error) {
	if l.keyID != "" {
		return t.rolesOfKey(ctx, l.keyID)
	}
	return t.rolesOfUser(ctx, l.userID)
}

// voidLinksAround takes back the open links that a user made, or that are for them, if their makers could not make
// them now.
func (t *tx) voidLinksAround(ctx context.Context, user keys.User) error {
	return t.voidLinksBeyondMakers(ctx, `link.created_by = $3 OR link.user_id = $4`, user.Email, user.ID)
}

// voidLinksOfRole takes back the open links whose makers could not make them now that a role is another one.
func (t *tx) voidLinksOfRole(ctx context.Context, role keys.Role) error {
	return t.voidLinksBeyondMakers(ctx, `
		link.user_id IN (SELECT user_id FROM user_role WHERE role_id = $3)
		OR link.key_id IN (SELECT key_id FROM api_key_role WHERE role_id = $3)
		OR link.created_by IN (SELECT email FROM app_user JOIN user_role ON user_role.user_id = app_user.id WHERE role_id = $3)`, role.ID)
}

// voidLinksBeyondMakers looks at the open links of the actor's account that a condition on $3 and what follows it
// chooses, and takes back those whose makers could not make them now. The account is locked.
func (t *tx) voidLinksBeyondMakers(ctx context.Context, chosen string, args ...any) error {
	links, err := list(ctx, t, scanLink, `
		SELECT `+linkColumns+` FROM link
		WHERE link.account_id = $1 AND link.expires_at > $2 AND link.opened_at IS NULL AND link.voided_at IS NULL AND (`+chosen+`)
		ORDER BY link.id LIMIT `+strconv.Itoa(lookedAtOnce), append([]any{t.by.AccountID, t.at.UnixMicro()}, args...)...)
	if err != nil {
		return err
	}
	for _, l := range links {
		may, err := t.makerMay(ctx, l)
		if err == nil && !may {
			err = t.voidBeyondMaker(ctx, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// voidBeyondMaker takes back a link whose maker may not make it any more. Until the lock of what it is for,
// somebody may have opened it, or taken it back.
func (t *tx) voidBeyondMaker(ctx context.Context, l linkRow) error {
	if l.keyID == "" {
		user, err := t.lockUser(ctx, l.accountID, l.userID)
		if err != nil {
			return err
		}
		return t.voidUserLinks(ctx, user, voidMakerLacks)
	}
	k, _, err := t.lockKeyOfLink(ctx, l)
	if keys.KindOf(err) == keys.KindGone || err == nil && (k.Link.ID != l.ID || !k.Link.Waits(t.at)) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.voidKeyLinkBeyondMaker(ctx, &k)
}

// voidIfBeyondMaker takes back the waiting link of a locked key, whose roles may be others now, if its maker could
// not make it now.
func (t *tx) voidIfBeyondMaker(ctx context.Context, k *keyRow) error {
	if !k.Link.Waits(t.at) {
		return nil
	}
	may, err := t.makerMay(ctx, linkRow{Link: k.Link, accountID: t.by.AccountID, keyID: k.id})
	if err != nil || may {
		return err
	}
	return t.voidKeyLinkBeyondMaker(ctx, k)
}

// voidKeyLinkBeyondMaker is voidBeyondMaker for the waiting link of a locked key.
func (t *tx) voidKeyLinkBeyondMaker(ctx context.Context, k *keyRow) error {
	if err := t.voidLinkOfKey(ctx, k, voidMakerLacks); err != nil {
		return err
	}
	return t.noteTokens(ctx, k.id)
}
