package verifier

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"
	"time"
)

var floodStart = time.Date(2026, time.March, 2, 12, 0, 40, 0, time.UTC)

func TestFloodCountsAnAddressByTheMinute(t *testing.T) {
	f := flood{limit: 2}
	a, b := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.113.10")
	for _, c := range []struct {
		from  netip.Addr
		after time.Duration
		want  int
	}{
		{a, 0, 1},
		{a, 0, 2},
		{a, 0, 3},
		{b, 0, 1},
		{a, 19 * time.Second, 4},
		{a, 20 * time.Second, 1},
		{a, 79 * time.Second, 2},
		{a, 80 * time.Second, 1},
		{a, 20 * time.Second, 1},
	} {
		if got := f.refused(c.from, floodStart.Add(c.after)); got != c.want {
			t.Errorf("%v after %v: %d, want %d", c.from, c.after, got, c.want)
		}
	}
}

func TestFloodTakesANetworkOfIPv6TogetherAndNoOther(t *testing.T) {
	f := flood{limit: 1}
	for _, c := range []struct {
		from string
		want int
	}{
		{"2001:db8:0:1::1", 1},
		{"2001:db8:0:1:ffff:ffff:ffff:ffff", 2},
		{"2001:db8:0:2::1", 1},
		{"203.0.113.9", 1},
		{"203.0.113.10", 1},
		{"::ffff:0:0", 1},
		{"0.0.0.0", 1},
	} {
		if got := f.refused(netip.MustParseAddr(c.from), floodStart); got != c.want {
			t.Errorf("%s: %d, want %d", c.from, got, c.want)
		}
	}
}

func TestFloodIsOffWithoutAnAddressOrALimit(t *testing.T) {
	f := flood{limit: 1}
	for range 3 {
		if got := f.refused(netip.Addr{}, floodStart); got != 0 {
			t.Errorf("an unknown address was counted: %d", got)
		}
		if got := (&flood{}).refused(netip.MustParseAddr("203.0.113.9"), floodStart); got != 0 {
			t.Errorf("without a limit %d were counted", got)
		}
	}
}

func TestFloodRemembersAtMostSoManyAddresses(t *testing.T) {
	f := flood{limit: 1}
	for n := range uint32(maxFlooders) {
		if got := f.refused(numbered(n), floodStart); got != 1 {
			t.Fatalf("address %d was counted as %d", n, got)
		}
	}
	if got := f.refused(numbered(maxFlooders), floodStart); got != 0 || len(f.counts) != maxFlooders {
		t.Errorf("one more was counted: %d of %d", got, len(f.counts))
	}
	if got := f.refused(numbered(7), floodStart); got != 2 {
		t.Errorf("a remembered address was forgotten: %d", got)
	}
	if got := f.refused(numbered(maxFlooders), floodStart.Add(time.Minute)); got != 1 || len(f.counts) != 1 {
		t.Errorf("in the next minute: %d of %d", got, len(f.counts))
	}
}

func numbered(n uint32) netip.Addr {
	var bytes [4]byte
	binary.BigEndian.PutUint32(bytes[:], n)
	return netip.AddrFrom4(bytes)
}

func TestFloodLosesNoCount(t *testing.T) {
	f := flood{limit: 1}
	from := netip.MustParseAddr("203.0.113.9")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				f.refused(from, floodStart)
			}
		})
	}
	all.Wait()
	if got := f.refused(from, floodStart); got != 8001 {
		t.Errorf("%d refusals were counted, want 8001", got)
	}
}

func TestMinuteRestIsNeverZero(t *testing.T) {
	for second, want := range map[int]int{0: 60, 1: 59, 40: 20, 59: 1} {
		if got := minuteRest(time.Date(2026, time.March, 2, 12, 0, second, 999_999_999, time.UTC)); got != want {
			t.Errorf("at second %d: %d, want %d", second, got, want)
		}
	}
}
