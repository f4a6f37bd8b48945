package main

import (
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

// markMoved leaves word in a data folder that it was copied.
func markMoved(folder string, to place, at time.Time) error {
	return writeFile(filepath.Join(folder, movedFile), fmt.Sprintf("copied to %s at %s\n", to, stamp(at)))
}

// checkMoved refuses a data folder that was copied to another place: it knows nothing of what was revoked there since.
func checkMoved(folder string) error {
	path := filepath.Join(folder, movedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot find out whether %s was moved: %w. Nothing is served", folder, err)
	}
	what := strings.Join(strings.Fields(string(text[:min(len(text), maxMoved)])), " ")
	if what == "" {
		what = "copied to another place"
	}
	return fmt.Errorf("%s was %s; nothing is served. Serve from there: what was revoked there since would be valid again here. "+
		"To serve this folder all the same, remove the file %s", folder, what, path)
}
