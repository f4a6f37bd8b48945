package verifier

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
)

// addressBook gives client addresses numbers, so that a token's last use fits into one word. A number
// is good until the flush after next: what is older was written down by then.
type addressBook struct {
	current, previous atomic.Pointer[addressTable]
}

// addressRoom is how many addresses a table holds; the first number is that of the unknown address.
const addressRoom = 1 << 16

// addressTable is an open-addressing table that only grows. A slot holds 32 bits of the hash and the
// number of the address, or zero.
type addressTable struct {
	era     uint32
	slots   [2 * addressRoom]atomic.Uint64
	entries [addressRoom][16]byte
	// adding guards count, and with it the entries that no slot names yet.
	adding sync.Mutex
	count  uint32
}

func newAddressTable(era uint32) *addressTable { return &addressTable{era: era, count: 1} }

func newAddressBook() *addressBook {
	b := &addressBook{}
	b.current.Store(newAddressTable(1))
	return b
}

// number returns the number of an address, or 0 when it is unknown or there is no room.
func (b *addressBook) number(addr netip.Addr) uint32 {
	if !addr.IsValid() {
		return 0
	}
	t := b.current.Load()
	text := addr.As16()
	hash := hashOf(&text)
	if n := t.find(&text, hash); n != 0 {
		return t.era<<16 | n
	}
	if n := t.add(&text, hash); n != 0 {
		return t.era<<16 | n
	}
	return 0
}

// seed keeps who chooses addresses from choosing ones that share a slot.
var seed = maphash.MakeSeed()

func hashOf(text *[16]byte) uint64 { return maphash.Bytes(seed, text[:]) }

func (t *addressTable) find(text *[16]byte, hash uint64) uint32 {
	for at := hash; ; at++ {
		slot := t.slots[at%uint64(len(t.slots))].Load()
		if slot == 0 {
			return 0
		}
		if n := uint32(slot); uint32(slot>>32) == uint32(hash>>32) && t.entries[n] == *text {
			return n
		}
	}
}

// add returns the number of an address that was not there, or 0 when the table is full.
func (t *addressTable) add(text *[16]byte, hash uint64) uint32 {
	t.adding.Lock()
	defer t.adding.Unlock()
	if n := t.find(text, hash); n != 0 {
		return n
	}
	if t.count == addressRoom {
		return 0
	}
	n := t.count
	t.count++
	t.entries[n] = *text
	for at := hash; ; at++ {
		if t.slots[at%uint64(len(t.slots))].CompareAndSwap(0, hash>>32<<32|uint64(n)) {
			return n
		}
	}
}

// address returns the address of a number, or "" when it is not known any more.
func (b *addressBook) address(number uint32) string {
	n := number & (addressRoom - 1)
	for _, t := range []*addressTable{b.current.Load(), b.previous.Load()} {
		if t == nil || t.era != number>>16 || n == 0 {
			continue
		}
		return netip.AddrFrom16(t.entries[n]).Unmap().String()
	}
	return ""
}

// renew begins a new table when the current one is nearly full. Call it after a flush.
func (b *addressBook) renew() {
	t := b.current.Load()
	t.adding.Lock()
	full := t.count > addressRoom*3/4
	t.adding.Unlock()
	if !full {
		return
	}
	b.previous.Store(t)
	b.current.Store(newAddressTable((t.era + 1) & 0xffff))
}
