//go:build !linux

package store

import "syscall"

// setSocketTimeout does nothing where there is no such option.
func setSocketTimeout(string, string, syscall.RawConn) error { return nil }
