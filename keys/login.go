package keys

import (
	"net/netip"
	"time"
)

// The limits of signing in. They are counted in the database, so that a restart forgets nothing.
const (
	// FreeFailures is how many failures for one user from one network cost no waiting.
	FreeFailures = 5
	// MaxLoginWait is the longest wait between two attempts.
	MaxLoginWait = 15 * time.Minute
	// LoginsPerAddress is how many attempts one address has a minute.
	LoginsPerAddress = 20
	// FailuresUntilLocked is how many failures in a row from unknown browsers lock a user for
	// unknown browsers.
	FailuresUntilLocked = 100
)

// LoginWait returns how long after a failure the next attempt must wait, when that failure was the
// n-th in a row: nothing for the first four, then 1, 2, 4 … seconds up to MaxLoginWait.
func LoginWait(n int) time.Duration {
	if n < FreeFailures {
		return 0
	}
	shift := min(n-FreeFailures, 20)
	return min(time.Second<<shift, MaxLoginWait)
}

// LoginNetwork returns the network that an address belongs to for counting failures: /24 of an IPv4
// address, /56 of an IPv6 address, "unknown" of what is not an address.
func LoginNetwork(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	bits := 56
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}

// The lives of sessions.
const (
	// SessionIdle ends a session that was not used for so long.
	SessionIdle = 30 * time.Minute
	// SessionAbsolute ends every session so long after its sign-in.
	SessionAbsolute = 12 * time.Hour
	// SessionsPerUser is how many sessions a user has at once; a further one ends the oldest.
	SessionsPerUser = 10
	// SessionSeenEvery is how often the time of the last use is written.
	SessionSeenEvery = time.Minute
)

// SetupCodeLife is how long a setup code is good for.
const SetupCodeLife = time.Hour
