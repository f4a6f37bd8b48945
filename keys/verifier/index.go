package verifier

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// index is everything that is known of every token at one place of the feed. One goroutine at a time
// changes it, any number read it without a lock.
//
// Every changing field is one atomic word, but a change can touch several of them. So the writer makes
// generation odd while it writes, and a reader that saw it change begins again: what it returns was
// true at one moment, never a mix of two.
type index struct {
	generation atomic.Uint64
	slots      atomic.Pointer[slots]
	tokens     atomic.Pointer[[]*tokenChunk]
	keys       atomic.Pointer[[]*keyChunk]
	grants     atomic.Pointer[grants]
	book       atomic.Pointer[book]
	mark       atomic.Pointer[keys.FeedMark]

	// What follows is the writer's, but for the two counts, which Stats reads.
	tokenCount, keyCount atomic.Int64
	ended                int
	branch               keys.FeedBranch
	byNumber             numberTable
	grantsOf             grantsOf
	grantRows            int
	built                time.Time
}

// newIndex returns an empty index.
func newIndex() *index {
	x := &index{byNumber: newNumberTable(0), grantsOf: grantsOf{}}
	empty, none := newSlots(0), newGrants(0)
	x.slots.Store(&empty)
	x.grants.Store(&none)
	x.tokens.Store(&[]*tokenChunk{})
	x.keys.Store(&[]*keyChunk{})
	x.book.Store(newBook())
	x.mark.Store(&keys.FeedMark{})
	return x
}

// token returns the record at a place.
func (x *index) token(place uint32) *tokenRecord {
	return &(*x.tokens.Load())[place/chunkSize].records[place%chunkSize]
}

func (x *index) tokenNumber(place uint32) *int64 {
	return &(*x.tokens.Load())[place/chunkSize].numbers[place%chunkSize]
}

// alarm returns the minute of the last alarm about a token.
func (x *index) alarm(place uint32) *atomic.Uint32 {
	return &(*x.tokens.Load())[place/chunkSize].alarms[place%chunkSize]
}

// key returns the record at a place.
func (x *index) key(place uint32) *keyRecord {
	return &(*x.keys.Load())[place/chunkSize][place%chunkSize]
}

func (x *index) keyNumber(place uint32) int64 { return x.key(place).number }

// find returns the place of the token with a digest.
func (x *index) find(d *secret.Digest) (uint32, bool) {
	table := *x.slots.Load()
	mask := uint64(len(table) - 1)
	for at, fingerprint := slotOf(d); ; at++ {
		slot := table[at&mask].Load()
		if slot == 0 {
			return 0, false
		}
		if slot&^0xffffffff != fingerprint {
			continue
		}
		if place := uint32(slot) - 1; x.token(place).digest.Equal(*d) {
			return place, true
		}
	}
}

// question is a request whose token was understood.
type question struct {
	Request
	digest secret.Digest
	now    time.Time
	// account is the slug of the account that is guarded when the request names none.
	account string
}

// answer is a verdict and where the token was found.
type answer struct {
	Verdict
	place uint32
	found bool
}

// judge answers a question as of one moment. The question and the answer are the caller's: to pass them
// by value would cost a tenth of a verification.
func (x *index) judge(q *question, a *answer) {
	for {
		before := x.generation.Load()
		if before%2 == 0 {
			x.look(q, a)
			if x.generation.Load() == before {
				return
			}
		}
		runtime.Gosched() // the writer may need this processor
	}
}

// look answers a question, perhaps in the middle of a change. It reads the book last: then there is
// everything in it that the records refer to.
func (x *index) look(q *question, a *answer) {
	a.place, a.found = x.find(&q.digest)
	if !a.found {
		a.Verdict = Verdict{Code: CodeUnknown, guarded: x.book.Load().guarded(q)}
		return
	}
	token := x.token(a.place)
	word := token.word.Load()
	book := x.book.Load()
	set := book.sets[word>>keyBits]
	owner, guarded := book.accounts[set.account], book.guarded(q)
	if q.Account == OwnAccount {
		guarded = owner
	}
	if owner != guarded {
		set = x.granted(guarded, token.key)
	}
	a.guarded, a.key, a.token, a.owner, a.roles = guarded, x.key(token.key), token, owner, set
	a.Code = a.code(q, word)
}

// granted is what an account lets a key of another one do, or nil when that is not even to come in. The set
// may be newer than the book that was read before.
func (x *index) granted(guarded *account, key uint32) *roleSet {
	if guarded == nil {
		return nil
	}
	place, found := x.grants.Load().find(guarded.place, key)
	if !found {
		return nil
	}
	return x.book.Load().sets[place]
}

// guarded is the account that a question is about, or nil. OwnAccount is not known here.
func (b *book) guarded(q *question) *account {
	switch {
	case q.Account != "":
		return b.bySlug[q.Account]
	case q.account != "":
		return b.bySlug[q.account]
	}
	return b.first
}

// code is the order of a verification once its token was found, as the product defines it.
func (v *Verdict) code(q *question, word uint32) Code {
	state, ended := unpackState(v.token.state.Load())
	v.Retiring = state == tokenRetiring
	switch {
	case q.Key != "" && !v.key.is(v.owner, q.Key), v.roles == nil:
		return CodeUnknown
	case state >= tokenRotated && forgotten(ended, q.now):
		return CodeUnknown
	case state == tokenDeleted:
		return CodeDeleted
	case state == tokenRotated:
		return CodeRotated
	case v.owner.past(v.token.created, q.now):
		return CodeExpired
	case word&keyActive == 0:
		return CodeInactive
	case v.owner.review, v.guarded.review:
		return CodeUnavailable
	case q.Resource != "" && !v.roles.grants(q.Resource):
		return CodeForbidden
	}
	return CodeValid
}

// forgotten says whether a token ended so long ago that it is not known any more.
func forgotten(endedMinute int64, now time.Time) bool {
	return minuteOf(now.UnixMicro())-endedMinute > int64(keys.RotatedMemory/time.Minute)
}

// bytes is the memory that the index takes, but for the book.
func (x *index) bytes() int {
	return len(*x.slots.Load())*8 + len(*x.grants.Load())*int(unsafe.Sizeof(grantRow{})) + len(*x.tokens.Load())*int(unsafe.Sizeof(tokenChunk{})) +
		len(*x.keys.Load())*int(unsafe.Sizeof(keyChunk{}))
}
