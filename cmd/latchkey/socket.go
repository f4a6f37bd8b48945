package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// listenSocket opens a Unix socket that whoever has mode may use, or says in one line why it cannot.
// Closing it removes its file.
func listenSocket(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeDeadSocket(ctx, path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	// Nobody else may come in before the socket has its mode. Other files that are made meanwhile are
	// the owner's alone, as always.
	usual := syscall.Umask(0o177)
	l, err := lc.Listen(ctx, "unix", path)
	syscall.Umask(usual)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the socket %s: %w. See that its folder is there and can be written to, or choose another with --verify-listen", path, err)
	}
	if err := os.Chmod(path, mode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("cannot give the socket %s its mode: %w. Choose another path with --verify-listen", path, err)
	}
	return l, nil
}

// removeDeadSocket removes what a program that was killed left behind. A socket that somebody answers
// on is refused, and so is a file that is none.
func removeDeadSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot look for the socket of --verify-listen: %w. Choose another path", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is no socket; it was left as it is and nothing is served. Choose another path with --verify-listen", path)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("another program listens on the socket %s; nothing is served. Stop it, or choose another path with --verify-listen", path)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot tell whether another program listens on the socket %s: %w. Remove it, or choose another path with --verify-listen", path, err)
	}
	return os.Remove(path)
}
