package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheClockOfTheBootIsTheKernels(t *testing.T) {
	var before, after unix.Timespec
	clock := sinceBoot()
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &before); err != nil {
		t.Fatal(err)
	}
	got := clock()
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &after); err != nil {
		t.Fatal(err)
	}
	if got <= 0 || got < time.Duration(before.Nano()) || got > time.Duration(after.Nano()) {
		t.Errorf("the machine was started %s ago; want %s to %s", got, time.Duration(before.Nano()), time.Duration(after.Nano()))
	}
}
