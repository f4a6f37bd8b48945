package keys

import "time"

// LinkLife is how long a single-access link can be opened.
const LinkLife = 24 * time.Hour

// The limits of presenting wrong secrets of links. They are counted in the database, so that a restart
// forgets nothing.
const (
	// WrongSecretsPerAddress is how many wrong secrets one address may present in a minute.
	WrongSecretsPerAddress = 20
	// WrongSecretsUntilAlarm is how many wrong secrets of one link raise an alarm.
	WrongSecretsUntilAlarm = 5
)

// LinkKind says what a single-access link hands over.
type LinkKind string

// The kinds of links.
const (
	// LinkKey hands over the first token of a key, or the only one of a key without a token.
	LinkKey LinkKind = "key"
	// LinkRenewal hands over the new token of a renewal.
	LinkRenewal LinkKind = "renewal"
	// LinkInvitation lets a new user set their first password.
	LinkInvitation LinkKind = "invitation"
	// LinkReset lets a user set another password.
	LinkReset LinkKind = "reset"
)

// MayMake says whether the actor holds what it takes to make links of a kind.
func (a Actor) MayMake(kind LinkKind) bool {
	switch kind {
	case LinkInvitation, LinkReset:
		return a.May(ManageUsers)
	case LinkKey:
		return a.May(EditAPIKeys) || a.May(RenewAPIToken)
	case LinkRenewal:
		return a.May(RenewAPIToken)
	}
	return false
}

// Link is a single-access link without its secret. It is opened once, within LinkLife. What it hands over
// is made when it is opened.
type Link struct {
	// ID stands in the link's address. It opens nothing.
	ID string
	// Kind says what the link hands over.
	Kind LinkKind
	// Token is the number that the token of a key gets when the link is opened. It is 0 in the link of a user.
	Token int64
	// CreatedAt and CreatedBy say when the link was made, and by whom.
	CreatedAt time.Time
	CreatedBy string
	// ExpiresAt is the first moment at which the link cannot be opened any more.
	ExpiresAt time.Time
	// OpenedAt and OpenedIP say when the link was opened and from which address. They are zero until then.
	OpenedAt time.Time
	OpenedIP string
	// VoidedAt is when the link was taken back or was found to be expired. It is zero until then.
	VoidedAt time.Time
}

// NewLink returns a link that is made at a moment, without an id, a token and a maker.
func NewLink(kind LinkKind, now time.Time) Link {
	return Link{Kind: kind, CreatedAt: now, ExpiresAt: now.Add(LinkLife)}
}

// Waits says whether the link can be opened at a moment.
func (l Link) Waits(now time.Time) bool {
	return l.OpenedAt.IsZero() && l.VoidedAt.IsZero() && now.Before(l.ExpiresAt)
}

// Check returns why the link, whose secret was presented, cannot be opened at a moment: Gone with
// ReasonLinkUsed, ReasonLinkVoided or ReasonLinkExpired, or nil when it can be opened.
func (l Link) Check(now time.Time) error {
	switch {
	case !l.OpenedAt.IsZero():
		return Gone(ReasonLinkUsed, l.OpenedAt)
	case !l.VoidedAt.IsZero() && l.VoidedAt.Before(l.ExpiresAt):
		return Gone(ReasonLinkVoided, l.VoidedAt)
	case !l.VoidedAt.IsZero(), !now.Before(l.ExpiresAt):
		return Gone(ReasonLinkExpired, l.ExpiresAt)
	}
	return nil
}
