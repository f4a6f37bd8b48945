// Command capacity computes how much of everything an installation of Latchkey takes, from what the benchmarks
// measured, and prints the page deploy/capacity.md:
//
//	go run ./cmd/capacity > deploy/capacity.md
//
// The measured figures stand in figures.json, each with the command that measured it. With other flags, or with
// figures of another machine (-set verify-cpu-us=4.5), it prints the page for that.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			_, _ = fmt.Fprintln(os.Stderr, "capacity:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	f, err := measured()
	if err != nil {
		return err
	}
	a := assumptions{}
	flags := flag.NewFlagSet("capacity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&a.Cores, "cores", 8, "how many processor cores a node has")
	flags.Float64Var(&a.Active, "active", 1, "how many percent of the keys are used in an hour")
	flags.Float64Var(&a.Events, "events", 2, "how many events of the audit log a key makes in a year")
	flags.Func("set", "a figure of your own, as `NAME=VALUE`; may be given again", f.set)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	return writePage(stdout, f, a)
}
