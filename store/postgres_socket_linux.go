package store

import (
	"strings"
	"syscall"
)

// tcpUserTimeoutOption is TCP_USER_TIMEOUT, which package syscall does not name.
const tcpUserTimeoutOption = 0x12

// setSocketTimeout ends a connection whose other end does not say that it got what was sent. Keepalives do not:
// they are silent while there is something to send.
func setSocketTimeout(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return c.Control(func(fd uintptr) {
		// A kernel that refuses leaves the connection as it always was.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeoutOption, int(socketTimeout.Milliseconds()))
	})
}
