package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector lets memory double before it works, which is right for a small program and wrong for one that
// holds a gigabyte in which there is nothing to collect.
const (
	// mostGarbage is how much may wait to be collected, in bytes.
	mostGarbage = 128 << 20
	// leastGarbage is how much may wait in any case, in percent of what lives.
	leastGarbage = 10
	usualGarbage = 100
)

// boundGarbage keeps the bound from now on, after each collection anew. Who sets GOGC has decided otherwise.
func boundGarbage() {
	if os.Getenv("GOGC") == "" {
		collected := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		setGarbage(collected, usualGarbage)
	}
}

// setGarbage sets how much may wait to be collected, and is called again after the next collection.
func setGarbage(collected []metrics.Sample, before int) {
	metrics.Read(collected)
	percent := garbagePercent(collected[0].Value.Uint64())
	if percent != before {
		debug.SetGCPercent(percent)
	}
	// What nothing refers to is found by the next collection.
	runtime.AddCleanup(new([16]byte), func(before int) { setGarbage(collected, before) }, percent)
}

// garbagePercent is how much may wait to be collected while so many bytes live.
func garbagePercent(live uint64) int {
	return int(min(max(100*mostGarbage/max(live, 1), leastGarbage), usualGarbage))
}
