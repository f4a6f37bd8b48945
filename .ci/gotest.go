// Gotest runs "go test -json" with its own arguments and prints what a person wants to see of it: a
// line for each package, everything about a test that failed, the figures that tests report in log
// lines starting with "note: ", and at the end which tests were skipped and why. It fails when the
// tests fail, and when nothing ran at all.
//
// Run it from the root of the repository: go run .ci/gotest.go ./...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is one line of "go test -json".
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// report is what was seen so far.
type report struct {
	out                      io.Writer
	output                   map[string][]string // of each test that is not finished
	notes, skipped, slow     []string
	passed, failed, skippedN int
	failures                 []string
}

func main() {
	start := time.Now()
	r := &report{out: os.Stdout, output: map[string][]string{}}
	err := r.run(os.Args[1:])
	r.close(time.Since(start))
	if err == nil && r.passed+r.failed == 0 {
		err = errors.New("no test ran")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

func (r *report) run(args []string) error {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			r.take(line)
		}
		if err != nil {
			break
		}
	}
	return cmd.Wait()
}

func (r *report) take(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		r.print(string(line)) // what go prints outside of JSON is worth reading
		return
	}
	name := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		r.takeOutput(name, e)
	case "pass", "fail", "skip":
		switch {
		case e.Test != "":
			r.finish(name, e)
		case e.Action == "fail" && !slices.ContainsFunc(r.failures, func(f string) bool { return strings.HasPrefix(f, name) }):
			r.failed++
			r.failures = append(r.failures, e.Package+": the package did not build or its tests did not finish")
		}
		delete(r.output, name)
	}
}

func (r *report) takeOutput(name string, e event) {
	switch {
	case e.Test == "" && strings.HasSuffix(e.Output, "[no test files]\n"):
	case e.Test == "":
		if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "coverage:") {
			r.print(e.Output)
		}
	default:
		r.output[name] = append(r.output[name], e.Output)
		if _, note, ok := strings.Cut(e.Output, "note: "); ok {
			r.notes = append(r.notes, e.Test+": "+strings.TrimSpace(note))
		}
	}
}

func (r *report) finish(name string, e event) {
	switch e.Action {
	case "pass":
		r.passed++
		if e.Elapsed >= 20 && !strings.Contains(e.Test, "/") {
			r.slow = append(r.slow, fmt.Sprintf("%s (%.0f s)", name, e.Elapsed))
		}
	case "fail":
		r.failed++
		r.failures = append(r.failures, name)
		r.print(strings.Join(r.output[name], ""))
	case "skip":
		r.skippedN++
		r.skipped = append(r.skipped, name+": "+reason(r.output[name]))
	}
}

var logLine = regexp.MustCompile(`^\s*\S+\.go:\d+: (.*)$`)

// reason is what a skipped test said.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if m := logLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			return m[1]
		}
	}
	return "no reason given"
}

func (r *report) print(text string) { _, _ = io.WriteString(r.out, text) }

func (r *report) close(took time.Duration) {
	for name, lines := range r.output {
		// A test without an end was running when its program died.
		if strings.HasSuffix(name, " ") {
			continue
		}
		r.print(fmt.Sprintf("\nnot finished: %s\n%s", name, strings.Join(lines, "")))
	}
	r.list("Figures", r.notes)
	r.list("Slowest", r.slow)
	r.list("Skipped", r.skipped)
	r.list("Failed", r.failures)
	r.print(fmt.Sprintf("\nin %s:\n%d passed, %d failed, %d skipped\n", took.Round(time.Second), r.passed, r.failed, r.skippedN))
}

func (r *report) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	r.print(fmt.Sprintf("\n%s (%d):\n  %s\n", title, len(lines), strings.Join(lines, "\n  ")))
}
