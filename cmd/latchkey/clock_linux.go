package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot returns a clock that goes on while the machine sleeps, which that of Go does not.
func sinceBoot() func() time.Duration {
	return func() time.Duration {
		var passed unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &passed) // every Linux that Go runs on has this clock
		return time.Duration(passed.Nano())
	}
}
