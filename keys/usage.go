package keys

import "time"

// UsageDays is how many days of use a key's page shows.
const UsageDays = 30

// UsageMemory is how long hourly use is kept.
const UsageMemory = 400 * 24 * time.Hour

// LastUse says when a token was last accepted, and from which address. The zero LastUse means never,
// as far back as UsageMemory goes.
type LastUse struct {
	// At is in UTC, exact to the minute.
	At time.Time
	// IP is the client's address, or empty when it was not known.
	IP string
}

// Never says that there was no use.
func (u LastUse) Never() bool { return u.At.IsZero() }

// Within says whether the use was in the time before now that has the length of d. A use that seems to
// lie ahead of now, because clocks differ, was.
func (u LastUse) Within(d time.Duration, now time.Time) bool {
	return !u.Never() && now.Before(u.At.Add(d))
}

// TokenUsage is what was counted of one token in one hour since the last batch.
type TokenUsage struct {
	// Token is the token's number.
	Token int64
	// Hour is the beginning of the hour, in UTC.
	Hour time.Time
	// Accepted and Refused count the verifications in which the token was presented.
	Accepted, Refused int64
	// Last is the last acceptance; it may be the zero value.
	Last LastUse
}

// UsageBatch is what one verifier counted since its last batch.
type UsageBatch struct {
	// Writer names the verifier, and Number its batch, counted from 1. A batch that is written twice,
	// because the answer of the first commit was lost, counts once.
	Writer string
	Number int64
	// Uses are in the order of their tokens.
	Uses []TokenUsage
}

// HourUsage is how often a key was presented in one hour.
type HourUsage struct {
	// Hour is the beginning of the hour, in UTC.
	Hour              time.Time
	Accepted, Refused int64
}

// KeyUsage is how a key was used.
type KeyUsage struct {
	// Last is the last use of the key, by whichever token.
	Last LastUse
	// Tokens are the last uses of its live tokens, by their numbers. A token that was never used is not
	// in it.
	Tokens map[int64]LastUse
	// Hours are the hours with any use, ascending, all tokens of the key together.
	Hours []HourUsage
}
