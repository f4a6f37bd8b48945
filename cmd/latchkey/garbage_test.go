package main

import "testing"

func TestLittleGarbageWaitsBesideALargeIndex(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 100, 20 << 20: 100, 128 << 20: 100, 256 << 20: 50, 1 << 30: 12, 2 << 30: 10, 64 << 30: 10,
	} {
		if got := garbagePercent(live); got != want {
			t.Errorf("beside %d MiB that live, %d %% of garbage; want %d", live>>20, got, want)
		}
	}
}
