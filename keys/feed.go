package keys

import (
	"cmp"
	"slices"
	"time"

	"latchkey/keys/secret"
)

// RotatedMemory is how long an ended token is still recognised, so that its use raises an alarm.
const RotatedMemory = 90 * 24 * time.Hour

// FeedMark is a place in the change feed: the newest change that a reader has taken in. The zero mark
// is the place before the first change.
type FeedMark struct {
	Seq int64
	// EventID is the id of the change at Seq. When that change is another one or gone, the database is
	// not the one that the reader knew, and the reader must load anew.
	EventID string
}

// FeedBranch is the newest part of the change feed as a reader knows it: the marks of all changes from one on, in
// their order. When a failover loses changes, others come to bear their numbers, which are of another branch.
type FeedBranch []FeedMark

// BranchMemory is how many changes a FeedBranch holds, or more: far more than a failover loses.
const BranchMemory = 4096

// Has says whether a change is of the branch. One that is older than its beginning is taken to be: nobody can tell
// any more.
func (b FeedBranch) Has(change FeedMark) bool {
	if len(b) == 0 || change.Seq < b[0].Seq {
		return true
	}
	at, found := slices.BinarySearchFunc(b, change.Seq, func(m FeedMark, seq int64) int { return cmp.Compare(m.Seq, seq) })
	return found && b[at] == change
}

// FeedAccount is an account as a verifier knows it, with all of its roles.
type FeedAccount struct {
	Number   int64
	ID, Slug string
	Settings Settings
	// Review says that nobody can know which of the account's keys may come in, see Account.ReviewSince.
	Review bool
	Roles  []FeedRole
}

// FeedRole is a role as a verifier knows it.
type FeedRole struct {
	Number int64
	Slug   string
	// Resources are the slugs of what the role allows, sorted: of a role that allows everything, the
	// whole catalogue.
	Resources []string
}

// FeedKey is a key as a verifier knows it, whole: with its roles and with its tokens.
type FeedKey struct {
	FeedKeyRow
	// Roles are the numbers of the key's roles, ascending.
	Roles []int64
	// Grants are what other accounts let the key do, in the order of their numbers.
	Grants []FeedGrant
	// Tokens are all of its tokens, those that ended long ago too.
	Tokens []FeedTokenRow
}

// FeedGrant says that a key of another account is an external key of the account with this number.
type FeedGrant struct {
	Account int64
	// Roles are the numbers of that account's roles which the key has, ascending.
	Roles []int64
}

// FeedKeyRow is a key without what belongs to it.
type FeedKeyRow struct {
	Number int64
	// ID names the account by its slug.
	ID      KeyID
	Active  bool
	Deleted bool
}

// FeedTokenRow is a token of the key whose number is Key.
type FeedTokenRow struct {
	Key, Number int64
	Digest      secret.Digest
	// CreatedAt and EndedAt are microseconds since 1970 in UTC. EndedAt is 0 while the token lives.
	CreatedAt, EndedAt int64
}

// FeedLoad takes in one snapshot of everything that a verifier knows. Account is called for every
// account before anything else. Then Key, KeyRoles, KeyGrant and Token are called, in no order among each
// other and at the same time, but each of them by one goroutine only, which is the same for KeyRoles and
// KeyGrant.
type FeedLoad interface {
	Account(a FeedAccount)
	// Key takes a key that exists, or a deleted one that has tokens which ended in the last
	// RotatedMemory.
	Key(k FeedKeyRow)
	// KeyRoles takes all roles of a key at once, ascending. The slice is valid during the call only.
	KeyRoles(key int64, roles []int64)
	// KeyGrant takes what one account lets a key of another one do. The grants of one key follow each other.
	// Their roles are valid during the call only.
	KeyGrant(key int64, grant FeedGrant)
	Token(t FeedTokenRow)
}

// FeedPlace says which snapshot of the database a load has shown.
type FeedPlace struct {
	// Mark is where the reader stands.
	Mark FeedMark
	// Branch ends with Mark.
	Branch FeedBranch
	// Beat is as in FeedChanges.
	Beat int64
}

// FeedChanges is what changed after a mark, as it was in one snapshot of the database.
type FeedChanges struct {
	// Mark is where the reader stands when it has taken these changes in.
	Mark FeedMark
	// Branch is every change after the reader's mark, to Mark.
	Branch FeedBranch
	// Lost says that the feed does not lead on from the reader's mark, or that there is too much of it:
	// the reader must load anew. But for Forked and Beat, everything else is empty then.
	Lost bool
	// Forked says, of a feed that is Lost, that the database does not know the change at the reader's mark: a
	// failover or a restore has lost what was acknowledged.
	Forked bool
	// Beat is the newest heartbeat of the reader's node that the snapshot shows, see Beat.Number.
	Beat int64
	// Accounts are those that changed or whose roles or resources did.
	Accounts []FeedAccount
	// Keys are those that changed, deleted ones too.
	Keys []FeedKey
}
