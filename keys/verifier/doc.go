// Package verifier is the hot path: it says whether a presented API token may come in.
//
// # How it knows
//
// A Verifier holds every live token of the installation in memory, with its key, the resources of the
// key's roles and the account's rule of expiry. It loads them from one consistent snapshot of its
// Source and then follows the Source's change feed. Tokens that were replaced, or whose renewal was
// undone, are remembered for 90 days, so that their use raises an alarm; so are those of deleted keys.
//
// # External keys
//
// A key may have been given roles by accounts that it does not belong to. Where one of these is guarded, the
// roles that it gave count, and they alone; everywhere else but at its owner's the key is unknown. Whether
// the token lives, how long it lasts and whether the key is active is the owner's say, and while either of
// the two accounts is under review after a restore, nobody can know. Introspection answers a caller about
// every token that has a say in the caller's account, with its roles there; a caller that is an external key
// elsewhere asks for its own account all the same. Uses are counted per token, for its owner; what the
// guarded account's roles did not allow goes to that account's audit log, and every other refusal to the
// owner's.
//
// # What it promises
//
// On one node a change holds from the moment at which the admin is answered: the store calls CatchUp
// between the commit and the answer, so every verification that starts later sees the change. The
// answers of all verifications and changes are linearizable: each is true at one moment between its
// call and its return, and no verification sees a mix of two states. A change that another process made
// holds within a second, the rhythm of the poll and the time that it takes. A Verifier that could not
// prove for Options.MaxStaleness that it is current answers CodeUnavailable: it never lets in what it
// cannot know, and never refuses it as unknown either. Freshness and expiry are judged in each
// verification, freshness by the clock's monotonic reading where it has one, and with the time that the machine slept
// where Options.SinceBoot tells it.
//
// An answer of the Source that lacks this node's last heartbeat may be an old one, of a server that is not the primary
// any more. Nothing that it says is taken in, not even that changes are gone.
//
// # What it costs
//
// A verification is one SHA-256, one look into an open-addressing table and one record, two for a pair,
// whatever the number of keys: O(1), without a lock that a change holds, without input or output and without an
// allocation. A key of another account than the guarded one costs one look more, into the table of grants. A
// text that is no token costs its checksum. A change costs the size of what changed, but
// for the table, which is made anew, and twice as large, when it is three quarters full. Loading is
// linear. A key with one token takes about 130 bytes: a token record of 64, with 12 more beside it, a key
// record of 24, and their slots. None of it has pointers, so the garbage collector does not walk it.
//
// # What it counts
//
// Per token, what was accepted and refused and the last acceptance, in atomic words beside the token.
// Every second, and at the end of Run, what was counted goes to the Sink as one batch in the order of
// the tokens. A process that is killed loses at most what it counted since the last flush. What the audit
// log must know of refusals goes through a bounded queue that drops and counts when it is full.
package verifier
