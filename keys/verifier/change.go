package verifier

import (
	"slices"
	"time"

	"latchkey/keys"
)

// This file changes an index that readers are using. What takes time, such as larger tables and sets of
// roles, is made before the generation becomes odd, since readers wait from then on.

// apply takes in what changed.
func (x *index) apply(c keys.FeedChanges, now time.Time) {
	next := x.bookFor(c)
	x.makeRoom(c)
	x.generation.Add(1)
	x.book.Store(next)
	for _, k := range c.Keys {
		x.applyKey(next, k, now)
	}
	x.generation.Add(1)
	mark := c.Mark
	x.mark.Store(&mark)
	x.follows(c.Branch)
}

// follows adds changes to the branch, of which it forgets the beginning in time.
func (x *index) follows(changes keys.FeedBranch) {
	x.branch = append(x.branch, changes...)
	if len(x.branch) > 2*keys.BranchMemory {
		x.branch = slices.Clone(x.branch[len(x.branch)-keys.BranchMemory:])
	}
}

// bookFor returns the book with the changed accounts, and with every set of roles that the changed keys
// have.
func (x *index) bookFor(c keys.FeedChanges) *book {
	next := x.book.Load()
	if len(c.Accounts) > 0 {
		next = next.clone()
		for _, a := range c.Accounts {
			next.set(a)
		}
	}
	for _, k := range c.Keys {
		if owner, ok := next.ownerOf(k.ID); ok {
			next = x.bookWith(next, owner.place, k.Roles)
		}
		for _, g := range k.Grants {
			if account, ok := next.byNumber[g.Account]; ok {
				next = x.bookWith(next, account, g.Roles)
			}
		}
	}
	return next
}

// bookWith returns a book that has the set of an account's roles: next, or a copy where next is the one that
// readers use.
func (x *index) bookWith(next *book, owner uint32, roles []int64) *book {
	if next.knows(owner, roles) {
		return next
	}
	if next == x.book.Load() {
		next = next.clone()
	}
	next.placeOf(owner, roles)
	return next
}

// ownerOf is the account of a key, by its id.
func (b *book) ownerOf(id keys.KeyID) (*account, bool) {
	slug, _ := splitID(id)
	owner, ok := b.bySlug[slug]
	return owner, ok
}

// makeRoom makes tables and chunks large enough for all that may be new.
func (x *index) makeRoom(c keys.FeedChanges) {
	tokens, granted := 0, 0
	for _, k := range c.Keys {
		tokens += len(k.Tokens)
		granted += len(k.Grants)
	}
	x.roomForKeys(len(c.Keys))
	x.roomForTokens(tokens)
	x.roomForGrants(granted)
}

func (x *index) roomForKeys(n int) {
	chunks := *x.keys.Load()
	if want := (int(x.keyCount.Load()) + n + chunkSize - 1) / chunkSize; want > len(chunks) {
		chunks = slices.Clone(chunks)
		for len(chunks) < want {
			chunks = append(chunks, new(keyChunk))
		}
		x.keys.Store(&chunks)
	}
}

func (x *index) roomForTokens(n int) {
	count := int(x.tokenCount.Load())
	chunks := *x.tokens.Load()
	if want := (count + n + chunkSize - 1) / chunkSize; want > len(chunks) {
		chunks = slices.Clone(chunks)
		for len(chunks) < want {
			chunks = append(chunks, new(tokenChunk))
		}
		x.tokens.Store(&chunks)
	}
	if table := *x.slots.Load(); !table.holds(count + n) {
		larger := newSlots(2 * (count + n))
		for place := range uint32(count) {
			if token := x.token(place); token.key != nowhere {
				larger.put(&token.digest, place)
			}
		}
		x.slots.Store(&larger)
	}
}

// applyKey makes a key what it is now. The room for it is there. A token that is known is changed whatever the
// clocks say; only one that would be new is left out when it ended too long ago.
func (x *index) applyKey(b *book, k keys.FeedKey, now time.Time) {
	owner, ok := b.ownerOf(k.ID)
	if !ok {
		return // a key without its account cannot come in
	}
	word := packKey(k.FeedKeyRow, b.placeOf(owner.place, k.Roles))
	place, known := x.byNumber.find(k.Number, x.keyNumber)
	if known {
		x.key(place).word = word
	} else {
		place = x.addKey(k.FeedKeyRow, owner, word)
		x.byNumber.put(k.Number, place, x.keyNumber)
	}
	x.applyGrants(b, place, k.Grants)
	newest := newestLive(k.Tokens)
	for _, t := range k.Tokens {
		state := stateOf(t, k.Deleted, newest)
		if at, known := x.find(&t.Digest); known {
			x.token(at).word.Store(word)
			x.setState(at, state)
		} else if t.EndedAt == 0 || !forgotten(minuteOf(t.EndedAt), now) {
			x.addToken(t, place, word, state)
		}
	}
}

// applyGrants makes the grants of a key what they are now. Their sets are in the book.
func (x *index) applyGrants(b *book, key uint32, granted []keys.FeedGrant) {
	var accounts, sets []uint32
	for _, g := range granted {
		if account, ok := b.byNumber[g.Account]; ok {
			accounts, sets = append(accounts, account), append(sets, b.placeOf(account, g.Roles))
		}
	}
	x.setGrants(key, accounts, sets)
}

// setState gives a token another state.
func (x *index) setState(place, state uint32) {
	token := x.token(place)
	before, _ := unpackState(token.state.Load())
	if after, _ := unpackState(state); before < tokenRotated && after >= tokenRotated {
		x.ended++
	}
	token.state.Store(state)
}

// addKey writes the record of a new key.
func (x *index) addKey(k keys.FeedKeyRow, owner *account, word uint32) uint32 {
	place := uint32(x.keyCount.Load())
	record := x.key(place)
	record.number, record.account = k.Number, owner.place
	_, record.suffix = splitID(k.ID)
	record.word = word
	x.keyCount.Add(1)
	return place
}

// addToken writes the record of a new token and then lets it be found.
func (x *index) addToken(t keys.FeedTokenRow, key, word, state uint32) {
	place := x.writeToken(t, state)
	x.token(place).key = key
	x.token(place).word.Store(word)
	(*x.slots.Load()).put(&t.Digest, place)
}

// writeToken writes the record of a new token but for its key.
func (x *index) writeToken(t keys.FeedTokenRow, state uint32) uint32 {
	place := uint32(x.tokenCount.Load())
	record := x.token(place)
	record.digest, record.created = t.Digest, secondOf(t.CreatedAt)
	record.state.Store(state)
	*x.tokenNumber(place) = t.Number
	if t.EndedAt != 0 {
		x.ended++
	}
	x.tokenCount.Add(1)
	return place
}

// newestLive is the number of the token that stays when the renewal is completed.
func newestLive(tokens []keys.FeedTokenRow) (newest int64) {
	for _, t := range tokens {
		if t.EndedAt == 0 {
			newest = max(newest, t.Number)
		}
	}
	return newest
}

// stateOf is the state word of a token of a key whose newest live token is known.
func stateOf(t keys.FeedTokenRow, deleted bool, newest int64) uint32 {
	switch {
	case deleted:
		return packState(tokenDeleted, t.EndedAt)
	case t.EndedAt != 0:
		return packState(tokenRotated, t.EndedAt)
	case t.Number < newest:
		return packState(tokenRetiring, 0)
	}
	return packState(tokenCurrent, 0)
}
