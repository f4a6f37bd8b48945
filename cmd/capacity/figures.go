package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

//go:embed figures.json
var figuresFile []byte

// figures are what was measured on one machine.
type figures struct {
	// Machine is where, in words.
	Machine  string
	Measured []*figure
}

// figure is one measured number.
type figure struct {
	// Name names it on the command line.
	Name  string
	Value float64
	Unit  string
	// What says what it is, and Command how it was measured; Metric is its name in what that prints.
	What, Command, Metric string
}

// needed are the names of the figures that the model computes with.
var needed = []string{
	keyMemory, loadingMemory, processMemory, verifyCPU, loadSQLite, loadPostgres, keySQLite, keyPostgres, eventSQLite, eventPostgres,
	useSQLite, usePostgres, usesPerSecond, changesSQLite, changesPostgres, beatLog, changeLog, connections,
}

// measured reads the figures of the program.
func measured() (*figures, error) {
	var f figures
	decoder := json.NewDecoder(bytes.NewReader(figuresFile))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("figures.json: %w", err)
	}
	if len(f.Measured) != len(needed) {
		return nil, fmt.Errorf("figures.json has %d figures; %d are needed", len(f.Measured), len(needed))
	}
	for _, name := range needed {
		switch g := f.find(name); {
		case g == nil:
			return nil, fmt.Errorf("figures.json has no %s", name)
		case !(g.Value > 0) || g.What == "" || g.Command == "":
			return nil, fmt.Errorf("figures.json: %s has no value above 0, no meaning or no command", name)
		}
	}
	return &f, nil
}

func (f *figures) find(name string) *figure {
	for _, g := range f.Measured {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// value is that of a figure, which measured has seen.
func (f *figures) value(name string) float64 { return f.find(name).Value }

// set replaces a figure by one that is given as NAME=VALUE.
func (f *figures) set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	g := f.find(name)
	if g == nil {
		return fmt.Errorf("there is no figure %s", name)
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n > 0) || n > 1e18 {
		return errors.New("it must be a number above 0")
	}
	g.Value, g.Command, g.Metric = n, "given with -set", ""
	return nil
}
