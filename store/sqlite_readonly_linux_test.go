package store_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Root may write whatever the modes say, so for root the folder is mounted read-only.
func TestFolderThatCannotBeWrittenIsRefused(t *testing.T) {
	path := healthy(t)
	dir := filepath.Dir(path)
	if os.Geteuid() == 0 {
		mountReadOnly(t, dir)
	} else {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	}
	wantRefused(t, path)
	wantRefused(t, filepath.Join(dir, "new.db"))
}

func mountReadOnly(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("a bind mount is not permitted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
