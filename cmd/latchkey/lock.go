package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile is the file in the data folder that a serving program holds locked.
const lockFile = "lock"

// errLocked says that another program holds the lock.
var errLocked = errors.New("locked")

// lock takes an exclusive lock on a file, which is made when it is missing, or returns errLocked at
// once. The kernel gives the lock back however the program ends, so no stale one can stay behind;
// the file itself stays, for removing it would let two programs lock two files of one name.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
