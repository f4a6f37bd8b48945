package verifier

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"latchkey/keys/secret"
)

// slots finds a token's place by its digest. It is an open-addressing table: a slot holds 32 bits of
// the digest and the token's place plus one, in one atomic word, or zero. Digests are as good as random
// and nobody can choose one that is in the table, so their own bits are the hash. Nothing is ever
// removed; a fuller table is replaced by a larger one.
type slots []atomic.Uint64

// newSlots returns a table that has room for n places and is at most three quarters full with them.
func newSlots(n int) slots {
	return make(slots, 1<<bits.Len(uint(max(n, 768)*4/3)))
}

// holds says whether the table has room for n places.
func (s slots) holds(n int) bool { return n*4 <= len(s)*3 }

func slotOf(d *secret.Digest) (at, fingerprint uint64) {
	return binary.LittleEndian.Uint64(d[0:8]), uint64(binary.LittleEndian.Uint32(d[8:12])) << 32
}

// put adds a place. Several goroutines may put at once, and others find.
func (s slots) put(d *secret.Digest, place uint32) {
	mask := uint64(len(s) - 1)
	for at, fingerprint := slotOf(d); ; at++ {
		if s[at&mask].CompareAndSwap(0, fingerprint|uint64(place+1)) {
			return
		}
	}
}

// numberTable finds a key's place by its number, for the one goroutine that changes the index.
type numberTable struct {
	places []uint32
	used   int
}

func newNumberTable(n int) numberTable {
	return numberTable{places: make([]uint32, 1<<bits.Len(uint(max(n, 768)*4/3)))}
}

// spread makes of numbers that follow each other hashes that do not.
func spread(number int64) uint64 {
	h := uint64(number) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// find returns the place of a number, given the numbers of all places.
func (t *numberTable) find(number int64, numberAt func(place uint32) int64) (uint32, bool) {
	mask := uint64(len(t.places) - 1)
	for at := spread(number); ; at++ {
		place := t.places[at&mask]
		if place == 0 {
			return 0, false
		}
		if numberAt(place-1) == number {
			return place - 1, true
		}
	}
}

// put adds a place whose number is not in the table yet.
func (t *numberTable) put(number int64, place uint32, numberAt func(place uint32) int64) {
	if (t.used+1)*4 > len(t.places)*3 {
		larger := numberTable{places: make([]uint32, 2*len(t.places))}
		for _, p := range t.places {
			if p != 0 {
				larger.insert(numberAt(p-1), p-1)
			}
		}
		*t = larger
	}
	t.insert(number, place)
}

func (t *numberTable) insert(number int64, place uint32) {
	mask := uint64(len(t.places) - 1)
	at := spread(number)
	for t.places[at&mask] != 0 {
		at++
	}
	t.places[at&mask] = place + 1
	t.used++
}
