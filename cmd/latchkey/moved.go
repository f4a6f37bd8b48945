package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// movedFile says in a data folder that everything in it was copied to another place, and is served from there now.
const movedFile = "moved"

// maxMoved is more than what markMoved writes.
const maxMoved = 1 << 10

// markMoved leaves word in a data folder that it was copied, after the word of where it was copied before.
func markMoved(folder, before string, to place, at time.Time) error {
	if before != "" {
		before += ", "
	}
	return writeFile(filepath.Join(folder, movedFile), fmt.Sprintf("%scopied to %s at %s\n", before, to, stamp(at)))
}

// checkMoved refuses a data folder that was copied to another place: it knows nothing of what was revoked there since.
func checkMoved(folder string) error {
	what, err := readMoved(folder)
	if err != nil {
		return fmt.Errorf("%w. Nothing is served", err)
	}
	if what == "" {
		return nil
	}
	return fmt.Errorf("%s was %s; nothing is served. Serve from there: what was revoked there since would be valid again here. "+
		"To serve this folder all the same, remove the file %s", folder, what, filepath.Join(folder, movedFile))
}

// readMoved says what became of a data folder that was copied, and is empty for any other.
func readMoved(folder string) (what string, err error) {
	text, err := os.ReadFile(filepath.Join(folder, movedFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot find out whether %s was moved: %w", folder, err)
	}
	what = strings.Join(strings.Fields(string(text[:min(len(text), maxMoved)])), " ")
	return cmp.Or(what, "copied to another place"), nil
}
