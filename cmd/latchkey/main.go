// Command latchkey is the API-key console: one program that serves the pages and looks after its
// data folder. This package is wiring only; what the product is stands in the other packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // accounts have time zones, and small machines have no zone files

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// The first signal asks for a graceful stop; after it a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line: one field, one command, one file.
type commands struct {
	Serve   serveCmd       `cmd:"" help:"Serve the console. Creates the data folder when it is missing or empty."`
	Health  healthcheckCmd `cmd:"" name:"healthcheck" help:"Ask a running server how it is, and fail unless it answers."`
	Init    initCmd        `cmd:"" help:"Set up a new installation without a browser: its first account and its owner."`
	Account accountCmd     `cmd:"" help:"Create and list accounts."`
	User    userCmd        `cmd:"" help:"List users, reset a password, unlock a user."`
	Audit   auditCmd       `cmd:"" help:"Check and export the audit log."`
	Backup  backupCmd      `cmd:"" help:"Write the database into a file, also while it is served."`
	Restore restoreCmd     `cmd:"" help:"Make a new data folder out of a backup."`
	Copy    copyCmd        `cmd:"" help:"Move everything to another database: from SQLite to PostgreSQL, or back. Nobody may serve it meanwhile."`
	Demo    demoCmd        `cmd:"" help:"Serve a throw-away installation full of keys, to look at."`
	Version versionCmd     `cmd:"" help:"Print the version."`
}

// program is what every command gets from outside.
type program struct {
	ctx    context.Context // kong calls Run without a context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time
}

// log returns the logger of the program. Everything that it writes is redacted.
func (p *program) log(level slog.Level) *slog.Logger { return newLogger(p.stderr, level) }

// say prints a line for people to standard output.
func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stdout, format+"\n", args...)
}

// run is the whole program: it parses the command line and the environment, runs the command until
// it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fail := func(code int, text string) int {
		// One line, also where a database's own error has several: it is read in logs and lists.
		_, _ = fmt.Fprintln(stderr, "latchkey: "+strings.Join(strings.Fields(text), " "))
		return code
	}
	var cli commands
	environment := newEnvironment(env)
	helped := false
	parser, err := kong.New(&cli,
		kong.Name("latchkey"),
		kong.Description("Latchkey: a console for API keys. Every flag below that names a LATCHKEY_ variable can also be set by it."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.Resolvers(environment),
		kong.ValueFormatter(helpWithVariable),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fail(exitFailed, err.Error())
	}
	command, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		return fail(exitUsage, err.Error()+". Nothing was done. See latchkey --help.")
	}
	p := &program{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now}
	err = command.Run(p)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(reviewRequired)):
		return fail(exitReview, err.Error())
	case errors.As(err, new(usageError)):
		return fail(exitUsage, inWords(err))
	}
	return fail(exitFailed, inWords(err))
}
