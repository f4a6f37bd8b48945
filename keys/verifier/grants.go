package verifier

import (
	"math/bits"
	"slices"
	"sync/atomic"
)

// grants finds what an account lets a key of another account do. It is an open-addressing table, as slots
// is: a row holds the places of the account and of the key in one atomic word, and in another the place of
// the role set plus one, or zero where there is no grant any more. A row is written by the writer alone and
// never moved; a fuller table is replaced by a larger one.
type grants []grantRow

type grantRow struct {
	// who is the place of the account in its upper half and that of the key plus one in its lower.
	who atomic.Uint64
	set atomic.Uint32
}

func newGrants(n int) grants { return make(grants, 1<<bits.Len(uint(max(n, 6)*4/3))) }

func (g grants) holds(n int) bool { return n*4 <= len(g)*3 }

func whoOf(account, key uint32) uint64 { return uint64(account)<<32 | uint64(key+1) }

// row is the row of a grant, and whether there is one; else it is the empty row where it would stand.
func (g grants) row(account, key uint32) (*grantRow, bool) {
	who, mask := whoOf(account, key), uint64(len(g)-1)
	for at := spread(int64(who)); ; at++ {
		switch row := &g[at&mask]; row.who.Load() {
		case who:
			return row, true
		case 0:
			return row, false
		}
	}
}

// find returns the place of the role set that an account gave to a key.
func (g grants) find(account, key uint32) (place uint32, found bool) {
	row, known := g.row(account, key)
	if !known {
		return 0, false
	}
	set := row.set.Load()
	return set - 1, set != 0
}

// put writes the grant of an account to a key, whose room is there, and says whether it took a new row.
func (g grants) put(account, key, set uint32) (added bool) {
	row, known := g.row(account, key)
	row.who.Store(whoOf(account, key))
	row.set.Store(set + 1)
	return !known
}

// end takes back the grant of an account to a key.
func (g grants) end(account, key uint32) {
	if row, known := g.row(account, key); known {
		row.set.Store(0)
	}
}

// grantsOf are the places of the accounts that gave roles to a key. Only the writer asks.
type grantsOf map[uint32][]uint32

// endGrants takes from a key the grants of all accounts but some.
func (x *index) endGrants(key uint32, but []uint32) {
	table := *x.grants.Load()
	for _, account := range x.grantsOf[key] {
		if !slices.Contains(but, account) {
			table.end(account, key)
		}
	}
}

// setGrants makes the grants of a key what they are now: a role set for each of some accounts.
func (x *index) setGrants(key uint32, accounts, sets []uint32) {
	x.endGrants(key, accounts)
	table := *x.grants.Load()
	for i, account := range accounts {
		if table.put(account, key, sets[i]) {
			x.grantRows++
		}
	}
	if len(accounts) == 0 {
		delete(x.grantsOf, key)
		return
	}
	x.grantsOf[key] = accounts
}

// roomForGrants makes the table large enough for n more. What has ended is left out of a larger one.
func (x *index) roomForGrants(n int) {
	table := *x.grants.Load()
	if table.holds(x.grantRows + n) {
		return
	}
	live := 0
	for _, accounts := range x.grantsOf {
		live += len(accounts)
	}
	larger := newGrants(2 * (live + n))
	for i := range table {
		if set := table[i].set.Load(); set != 0 {
			who := table[i].who.Load()
			larger.put(uint32(who>>32), uint32(who)-1, set-1)
		}
	}
	x.grantRows = live
	x.grants.Store(&larger)
}
