package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"latchkey/store"
)

// placeFlags say where the installation is kept.
type placeFlags struct {
	Data            string `name:"data" default:"./data" placeholder:"FOLDER" help:"The data folder."`
	DatabaseURL     string `name:"database-url" placeholder:"URL" help:"The PostgreSQL database to keep everything in, such as postgres://latchkey@db.example.com/latchkey. Left out, it is an SQLite file in the data folder."`
	DatabaseURLFile string `name:"database-url-file" placeholder:"FILE" help:"A file that holds that URL alone, as it may hold a password."`
}

// place is where an installation is kept: its data folder and, when that is not an SQLite file in it, the URL
// of its PostgreSQL database.
type place struct {
	folder, url string
	// database is the name of the PostgreSQL database, without user and password.
	database string
}

// maxURLFile is more than any URL takes, and little enough to read at once.
const maxURLFile = 16 << 10

// place reads the flags.
func (f placeFlags) place() (p place, err error) {
	if f.Data == "" {
		return p, errors.New("--data is empty; name a folder, or leave it out for ./data")
	}
	if p.folder, err = filepath.Abs(f.Data); err != nil {
		return p, fmt.Errorf("cannot find out where the data folder %s is: %w", f.Data, err)
	}
	if p.url, err = valueOrFile("--database-url", f.DatabaseURL, f.DatabaseURLFile); err != nil || p.url == "" {
		return p, err
	}
	if !store.IsPostgres(p.url) {
		return p, errors.New("--database-url must begin with postgres://; for an SQLite file leave it out and name its folder with --data")
	}
	p.database, err = store.PostgresName(p.url)
	return p, err
}

// valueOrFile is the URL that a flag gives, or the file of the flag of that name that ends in -file.
func valueOrFile(flag, value, file string) (string, error) {
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", misused(fmt.Errorf("%s and %s-file are both set; set one of them", flag, flag))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("cannot read %s-file: %w", flag, err)
	}
	url := strings.TrimSpace(string(content))
	if url == "" || len(content) > maxURLFile {
		return "", fmt.Errorf("%s-file %s must hold the URL of a database and nothing else", flag, file)
	}
	return url, nil
}

// postgres says whether the installation is kept in a PostgreSQL database.
func (p place) postgres() bool { return p.url != "" }

// kept says where everything is, and what this server is called where there may be others.
func (p place) kept(node string) string {
	if p.postgres() {
		return fmt.Sprintf("Kept in %s; this is node %s\nData folder of this node: %s", p.database, node, p.folder)
	}
	return "Data folder: " + p.folder
}

// String is the place as people read it.
func (p place) String() string {
	if p.postgres() {
		return p.database
	}
	return p.folder
}
