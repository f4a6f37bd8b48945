package verifier

import (
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// tokenRecord is one token: 64 bytes, a line of the cache, without a pointer for the garbage collector
// to follow. What changes is one atomic word; the rest is written before the record can be found.
type tokenRecord struct {
	digest secret.Digest
	// key is the place of the token's key, and created the second in which the token was made.
	key, created uint32
	// state is a tokenState in its two lowest bits and, of a token that ended, the minute in the rest.
	state atomic.Uint32
	// word is that of the key. It stands here, too, so that a verification needs no line of the cache but
	// this one.
	word atomic.Uint32
	// counted holds accepted verifications in its upper half and refused ones in its lower.
	counted atomic.Uint64
	// used holds the minute of the last acceptance in its upper half, and the number of the client's
	// address in its lower.
	used atomic.Uint64
}

// tokenState is what became of a token.
type tokenState uint32

const (
	tokenCurrent tokenState = iota
	// tokenRetiring is the older one of two that live.
	tokenRetiring
	// tokenRotated was replaced, or taken back with its renewal.
	tokenRotated
	// tokenDeleted went with its key.
	tokenDeleted
)

func packState(s tokenState, ended int64) uint32 { return uint32(minuteOf(ended))<<2 | uint32(s) }

func unpackState(word uint32) (s tokenState, endedMinute int64) {
	return tokenState(word & 3), int64(word >> 2)
}

// minuteOf is the minute of a time in microseconds.
func minuteOf(micros int64) int64 { return micros / time.Minute.Microseconds() }

// secondOf is the second of a time in microseconds, as far as a record holds it: until 2106.
func secondOf(micros int64) uint32 { return uint32(max(micros, 0) / time.Second.Microseconds()) }

// keyRecord is one key: 24 bytes.
type keyRecord struct {
	number int64
	// suffix is the last part of the id; the rest follows from the account.
	suffix  [8]byte
	account uint32
	// word holds the place of the key's role set in its upper bits, and keyActive and keyDeleted.
	word uint32
}

const (
	keyActive  = 1
	keyDeleted = 2
	keyBits    = 2
)

func packKey(k keys.FeedKeyRow, roles uint32) uint32 {
	word := roles << keyBits
	if k.Active {
		word |= keyActive
	}
	if k.Deleted {
		word |= keyDeleted
	}
	return word
}

// keyPrefix begins every key's id.
const keyPrefix = "appkey-"

// maxKeyID is the length of the longest id: an account of 20 characters.
const maxKeyID = len(keyPrefix) + 20 + 1 + 8

// appendID appends the key's id.
func (k *keyRecord) appendID(to []byte, owner *account) []byte {
	to = append(to, keyPrefix...)
	to = append(to, owner.slug...)
	to = append(to, '-')
	return append(to, k.suffix[:]...)
}

func (k *keyRecord) id(owner *account) keys.KeyID {
	var text [maxKeyID]byte
	return keys.KeyID(k.appendID(text[:0], owner))
}

// is says whether text is the key's id.
func (k *keyRecord) is(owner *account, text string) bool {
	var id, given [maxKeyID]byte
	mine := k.appendID(id[:0], owner)
	return len(text) == len(mine) && secret.EqualText(mine, append(given[:0], text...))
}

// splitID returns the account's slug and the suffix of a key's id.
func splitID(id keys.KeyID) (slug string, suffix [8]byte) {
	if len(id) < len(keyPrefix)+1+len(suffix) {
		return "", suffix
	}
	copy(suffix[:], id[len(id)-len(suffix):])
	return string(id[len(keyPrefix) : len(id)-len(suffix)-1]), suffix
}

// chunkSize is how many records one chunk holds. Chunks never move, so that a reader can hold on to a
// record while more are added.
const chunkSize = 1 << 14

// tokenChunk holds tokens, and beside them what a verification does not read.
type tokenChunk struct {
	records [chunkSize]tokenRecord
	numbers [chunkSize]int64
	// alarms are the minutes of the last alarms about tokens that were rotated.
	alarms [chunkSize]atomic.Uint32
	// dirty has a bit for each token that was counted since the last flush.
	dirty [chunkSize / 64]atomic.Uint64
}

type keyChunk [chunkSize]keyRecord
