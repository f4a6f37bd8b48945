package verifier

import (
	"context"
	"sync"
	"time"

	"latchkey/keys"
)

// loader builds an index that nobody reads yet. It is the keys.FeedLoad of Load.
type loader struct {
	x *index
	b *book
	// sets and grants are what rows say of keys that may come later, in the order of the rows. sets has one
	// for nearly every key, so they lie in chunks, which need not be copied to grow.
	sets   [][]setOfKey
	grants []grantOfKey
	// owners finds the account of a role, and lastSets the set of one role alone, which most keys have.
	owners   map[int64]uint32
	lastSets map[int64]uint32
}

type setOfKey struct {
	key int64
	set uint32
}

// grantOfKey is what an account gave to a key of another one.
type grantOfKey struct {
	setOfKey
	account uint32
}

// load builds an index of everything that the source has. What lacks the last heartbeat is an error: the index
// would be older than what is known already.
func load(ctx context.Context, source Source, now time.Time, last *heartbeat) (*index, error) {
	l := &loader{x: newIndex(), b: newBook(), owners: map[int64]uint32{}, lastSets: map[int64]uint32{}}
	place, err := source.LoadFeed(ctx, l)
	if err == nil {
		err = last.mustShow(place.Beat)
	}
	if err != nil {
		return nil, err
	}
	l.finish()
	l.x.mark.Store(&place.Mark)
	l.x.branch = place.Branch
	l.x.built = now
	return l.x, nil
}

// Account takes an account.
func (l *loader) Account(a keys.FeedAccount) {
	l.b.set(a)
	for _, role := range a.Roles {
		l.owners[role.Number] = l.b.byNumber[a.Number]
	}
}

// Key takes a key.
func (l *loader) Key(k keys.FeedKeyRow) {
	owner, ok := l.b.ownerOf(k.ID)
	if !ok {
		return // a key without its account cannot come in
	}
	l.x.roomForKeys(1)
	l.x.addKey(k, owner, packKey(k, owner.bare))
}

// KeyRoles takes the roles of a key.
func (l *loader) KeyRoles(key int64, roles []int64) {
	if len(roles) == 0 {
		return
	}
	set, known := l.lastSets[roles[0]]
	if len(roles) > 1 || !known {
		owner, ok := l.owners[roles[0]]
		if !ok {
			return
		}
		set = l.b.placeOf(owner, roles)
	}
	if len(roles) == 1 {
		l.lastSets[roles[0]] = set
	}
	last := len(l.sets) - 1
	if last < 0 || len(l.sets[last]) == chunkSize {
		l.sets, last = append(l.sets, make([]setOfKey, 0, chunkSize)), last+1
	}
	l.sets[last] = append(l.sets[last], setOfKey{key, set})
}

// KeyGrant takes what an account lets a key of another one do.
func (l *loader) KeyGrant(key int64, grant keys.FeedGrant) {
	if account, ok := l.b.byNumber[grant.Account]; ok {
		l.grants = append(l.grants, grantOfKey{setOfKey{key, l.b.placeOf(account, grant.Roles)}, account})
	}
}

// Token takes a token. Where it was used last is not known yet; until finish the number of its key stands there.
func (l *loader) Token(t keys.FeedTokenRow) {
	count := int(l.x.tokenCount.Load())
	if chunks := *l.x.tokens.Load(); count == len(chunks)*chunkSize {
		chunks = append(chunks, new(tokenChunk))
		l.x.tokens.Store(&chunks)
	}
	l.x.writeToken(t, stateOf(t, false, 0))
	l.x.token(uint32(count)).used.Store(uint64(t.Key))
}

// finish ties together what the rows referred to by number.
func (l *loader) finish() {
	x := l.x
	keyCount := uint32(x.keyCount.Load())
	x.byNumber = newNumberTable(int(keyCount))
	for place := range keyCount {
		x.byNumber.put(x.keyNumber(place), place, x.keyNumber)
	}
	l.tieSets()
	l.tieGrants()
	newest := make([]int64, keyCount)
	l.tieTokens(newest)
	l.findTokens(newest)
	x.book.Store(l.b)
}

// tieSets tells every key its roles.
func (l *loader) tieSets() {
	at := nowhere
	for i, chunk := range l.sets {
		for _, s := range chunk {
			if place, ok := l.find(s.key, at); ok {
				key := l.x.key(place)
				key.word, at = key.word&(1<<keyBits-1)|s.set<<keyBits, place
			}
		}
		l.sets[i] = nil
	}
}

// tieGrants tells the index of the grants, those of one key at once: they came so.
func (l *loader) tieGrants() {
	x := l.x
	x.roomForGrants(len(l.grants))
	for some := l.grants; len(some) > 0; {
		var accounts, sets []uint32
		number := some[0].key
		for len(some) > 0 && some[0].key == number {
			accounts, sets, some = append(accounts, some[0].account), append(sets, some[0].set), some[1:]
		}
		if key, ok := x.byNumber.find(number, x.keyNumber); ok {
			x.setGrants(key, accounts, sets)
		}
	}
}

// nowhere is no place: the key of a token that has none, which cannot be found.
const nowhere = ^uint32(0)

// find returns the place of the key with a number. Rows mostly come in the order of their keys, so the places that
// follow a known one are tried first: nothing has to be fetched for them.
func (l *loader) find(number int64, known uint32) (uint32, bool) {
	for _, place := range [...]uint32{known + 1, known} {
		if int64(place) < l.x.keyCount.Load() && l.x.keyNumber(place) == number {
			return place, true
		}
	}
	return l.x.byNumber.find(number, l.x.keyNumber)
}

// tieTokens tells every token its key, and every key its newest live token.
func (l *loader) tieTokens(newest []int64) {
	at := nowhere
	for place := range uint32(l.x.tokenCount.Load()) {
		token := l.x.token(place)
		key, ok := l.find(int64(token.used.Swap(0)), at)
		if !ok {
			token.key = nowhere
			continue
		}
		token.key, at = key, key
		if state, _ := unpackState(token.state.Load()); state == tokenCurrent {
			newest[key] = max(newest[key], *l.x.tokenNumber(place))
		}
	}
}

// findTokens gives every token its state and its slot, on two processors.
func (l *loader) findTokens(newest []int64) {
	x, count := l.x, int(l.x.tokenCount.Load())
	table := newSlots(count + count/8)
	var work sync.WaitGroup
	for _, part := range [][2]int{{0, count / 2}, {count / 2, count}} {
		work.Go(func() {
			for at := part[0]; at < part[1]; at++ {
				place := uint32(at)
				token := x.token(place)
				if token.key == nowhere {
					continue
				}
				x.settle(place, token, newest[token.key])
				table.put(&token.digest, place)
			}
		})
	}
	work.Wait()
	x.slots.Store(&table)
}

// settle gives a token the state that follows from its key.
func (x *index) settle(place uint32, token *tokenRecord, newest int64) {
	state, ended := unpackState(token.state.Load())
	word := x.key(token.key).word
	token.word.Store(word)
	switch {
	case word&keyDeleted != 0:
		state = tokenDeleted
	case state == tokenCurrent && *x.tokenNumber(place) < newest:
		state = tokenRetiring
	}
	token.state.Store(uint32(ended)<<2 | uint32(state))
}
