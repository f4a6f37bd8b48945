package store

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The index of a log is removed, unless another program has it open.
func TestIndexOfALogIsRemovedOnlyWhenUnused(t *testing.T) {
	shm := filepath.Join(t.TempDir(), "latchkey.db-shm")
	if err := os.WriteFile(shm, make([]byte, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	other := openFile(t, shm)
	if err := lockAsOther(other, syscall.F_RDLCK); err != nil {
		t.Fatal(err)
	}
	removeUnused(shm)
	if _, err := os.Stat(shm); err != nil {
		t.Fatal(err)
	}
	if err := lockAsOther(other, syscall.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	removeUnused(shm)
	if _, err := os.Stat(shm); !os.IsNotExist(err) {
		t.Fatalf("it is still there: %v", err)
	}
	removeUnused(shm)
}

// The lock that removeUnused asks for is the one that SQLite holds while a database is open.
func TestSQLiteHoldsTheLockOfItsIndex(t *testing.T) {
	s, _ := insideStore(t)
	file := openFile(t, pathOf(t, s)+"-shm")
	if err := lockAsOther(file, syscall.F_WRLCK); err == nil {
		t.Fatal("nobody holds it")
	}
}

// lockAsOther locks as another process would: these locks belong to the open file.
func lockAsOther(file *os.File, kind int16) error {
	const setOpenFileLock = 37 // F_OFD_SETLK, which package syscall leaves out
	lock := syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: 128, Len: 1}
	return syscall.FcntlFlock(file.Fd(), setOpenFileLock, &lock)
}

func openFile(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}
