//go:build !linux

package main

import "time"

// sinceBoot returns nothing where no clock is known that goes on while the machine sleeps.
func sinceBoot() func() time.Duration { return nil }
