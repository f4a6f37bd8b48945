package verifier

import (
	"net/netip"
	"sync"
	"time"
)

// DefaultRefusalsPerMinute is how many verifications of one client address are refused in a minute
// before the answer to more of them is 429.
const DefaultRefusalsPerMinute = 600

// maxFlooders is how many client addresses are remembered. Those that come later in the same minute
// are not limited: whoever has that many would not be stopped by a limit for each.
const maxFlooders = 1 << 16

// flood counts the refusals of each client address in the current minute.
type flood struct {
	limit int

	mu     sync.Mutex
	minute int64
	counts map[netip.Addr]int
}

// refused counts a refusal and returns how many it are in this minute, or 0 when the address is not
// known or not limited.
func (f *flood) refused(from netip.Addr, now time.Time) int {
	if f.limit <= 0 || !from.IsValid() {
		return 0
	}
	from = floodUnit(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	if minute := now.Unix() / 60; f.counts == nil || minute != f.minute {
		f.minute, f.counts = minute, map[netip.Addr]int{}
	}
	count := f.counts[from]
	if count == 0 && len(f.counts) >= maxFlooders {
		return 0
	}
	f.counts[from] = count + 1
	return count + 1
}

// floodUnit is what is limited together: an IPv4 address, or the /64 network that is one customer's.
func floodUnit(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	return netip.PrefixFrom(addr, 64).Masked().Addr()
}

// minuteRest is how long the current minute still takes, in seconds.
func minuteRest(now time.Time) int { return 60 - now.UTC().Second() }
