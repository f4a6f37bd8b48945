package store

import (
	"net"
	"syscall"
	"testing"
)

// Our end of a connection notices a dead server, too, unless the operator wants it otherwise.
func TestSocketsNoticeADeadServer(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	for options, want := range map[string][2]int{
		"":                      {10, 20_000},
		"tcp_keepalives_idle=7": {15, 20_000}, // Go's own
		"tcp_user_timeout=0":    {10, 0},
	} {
		config, err := postgresConfig("postgres://latchkey@db/keys?" + options)
		if err != nil {
			t.Fatal(err)
		}
		setSession(config)
		conn, err := config.DialFunc(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got := [2]int{socketOption(t, conn, syscall.TCP_KEEPIDLE), socketOption(t, conn, tcpUserTimeoutOption)}
		if got != want {
			t.Errorf("with %q the socket has a keepalive after %d s and a timeout of %d ms; want %d and %d", options, got[0], got[1], want[0], want[1])
		}
		_ = conn.Close()
	}
}

func socketOption(t *testing.T, c net.Conn, option int) (value int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { value, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option) })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}
