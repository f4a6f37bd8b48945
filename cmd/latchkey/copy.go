package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"latchkey/store"
)

// copyCmd moves an installation to another database.
type copyCmd struct {
	From     string `name:"from" flagonly:"" placeholder:"PLACE" help:"What is copied: sqlite:FOLDER, a data folder, or postgres://…, the URL of a database."`
	FromFile string `name:"from-file" flagonly:"" placeholder:"FILE" help:"A file that holds what --from would, as a URL may have a password in it."`
	To       string `name:"to" flagonly:"" placeholder:"PLACE" help:"Where it goes, in the same form. It must be empty."`
	ToFile   string `name:"to-file" flagonly:"" placeholder:"FILE" help:"A file that holds what --to would."`
}

// Run copies everything and compares what arrived with what was sent.
func (c *copyCmd) Run(p *program) error {
	from, err := copyPlace("--from", c.From, c.FromFile)
	if err != nil {
		return err
	}
	to, err := copyPlace("--to", c.To, c.ToFile)
	if err != nil {
		return err
	}
	if from == to {
		return misused(errors.New("--from and --to are the same place; nothing was copied"))
	}
	source, err := holdSource(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := holdTarget(to)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	before := movedBefore(from)
	report, err := store.Copy(p.ctx, from.databaseURL(), to.databaseURL(), storeOptions(p.now, p.log(slog.LevelWarn)))
	if err != nil {
		return err
	}
	if !to.postgres() {
		if err := mark(to.folder); err != nil {
			return fmt.Errorf("everything is copied, but %s cannot be written to: %w", to, err)
		}
	}
	var unmarked error
	if !from.postgres() {
		unmarked = markMoved(from.folder, before, to, p.now())
	}
	if err := c.tell(p, from, to, report); err != nil {
		return err
	}
	if before != "" {
		p.say("%s was %s. What changed there since, also what was revoked, is not in this copy.", from, before)
	}
	if unmarked != nil {
		p.say("That it was moved could not be written into %s (%v), so latchkey serve does not refuse that folder.", from, unmarked)
	}
	return nil
}

// movedBefore says where a data folder was copied to before. Where that cannot be read, it cannot be written either,
// which is told when it is tried.
func movedBefore(from place) (what string) {
	if !from.postgres() {
		what, _ = readMoved(from.folder)
	}
	return what
}

// tell says what was copied, and what is to be done now.
func (c *copyCmd) tell(p *program, from, to place, r store.CopyReport) error {
	rows := [][]string{{"TABLE", "ROWS", "SHA-256 (ADDED UP)"}}
	for _, t := range r.Tables {
		rows = append(rows, []string{t.Name, fmt.Sprint(t.Rows), t.Digest[:16]})
	}
	if err := p.table(rows); err != nil {
		return err
	}
	p.say("\nEverything in %s is in %s now. It was read back, and every table is the same.", from, to)
	p.say("The head of the audit log, which latchkey audit verify --head takes:\n%d:%s", r.Head.Seq, r.Head.Hash)
	p.say("Serve from the new place, and keep the old one until you have seen that it works. Never serve both.")
	return nil
}

// databaseURL is where the store finds the database of a place.
func (p place) databaseURL() string {
	if p.postgres() {
		return p.url
	}
	return filepath.Join(p.folder, databaseFile)
}

// copyPlace reads one of the two places.
func copyPlace(flag, text, file string) (place, error) {
	text, err := valueOrFile(flag, text, file)
	if err != nil {
		return place{}, err
	}
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return place{}, misused(fmt.Errorf("%s is missing: give sqlite:FOLDER or postgres://…", flag))
	case scheme == "postgres", scheme == "postgresql":
		p, err := placeFlags{Data: ".", DatabaseURL: text}.place()
		return p, misused(err)
	case scheme == "sqlite" && strings.TrimPrefix(rest, "//") != "":
		return placeFlags{Data: strings.TrimPrefix(rest, "//")}.place()
	}
	return place{}, misused(fmt.Errorf("%s is no place that can be copied; give sqlite:FOLDER, such as sqlite:./data, or postgres://…", flag))
}

// nothing is what needs no closing.
var nothing = io.NopCloser(nil)

// holdSource keeps others from serving a data folder while it is copied.
func holdSource(from place) (io.Closer, error) {
	if from.postgres() {
		return nothing, nil // the store looks for nodes
	}
	fresh, err := inspect(from.folder)
	if err != nil {
		return nil, err
	}
	if fresh {
		return nil, fmt.Errorf("there is no Latchkey in %s; nothing was copied", from.folder)
	}
	return claimFolder(from.folder)
}

// holdTarget makes an empty data folder ready, and keeps others from it.
func holdTarget(to place) (io.Closer, error) {
	if to.postgres() {
		return nothing, nil
	}
	if err := checkTarget(to.folder); err != nil {
		return nil, err
	}
	held, err := claimFolder(to.folder)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkTarget(to.folder), prepareFolder(to.folder)); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, nil
}
