package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// secondProcess is the variable that makes the test program a second process on a database: it opens
// the file that the variable names, and does what the lines of its standard input say.
const secondProcess = "LATCHKEY_TEST_SECOND_PROCESS"

// acknowledged is what the second process says at its end.
type acknowledged struct {
	// Keys are the keys that it was told were made.
	Keys []keys.KeyID
	// Gone are the files that it has mapped, and that have no name any more.
	Gone []string
}

// A program serves a database while a command opens and closes it, as `serve` and `user unlock` do.
// Both begin at the same time, after a clean stop. What either was told is saved, is saved.
func TestNothingIsLostBetweenTwoProcesses(t *testing.T) {
	wantNothingLost(t, cleanStop, "one more\none more\none more\n")
}

// After a crash, one of the two makes the index of the log, and the other must leave it alone.
func TestNothingIsLostBetweenTwoProcessesAfterACrash(t *testing.T) {
	wantNothingLost(t, crash, "one more\none more\none more\n")
}

// Two commands open and close a database at the same time. Neither takes what the other is writing for
// damage.
func TestNothingIsLostBetweenTwoCommands(t *testing.T) {
	wantNothingLost(t, cleanStop, "one more\nopen anew\none more\nopen anew\none more\nopen anew\n")
}

func cleanStop(*testing.T, string) {}

// wantNothingLost works on a database in two processes, of which the second does three times what it is
// told, among it to make three keys.
func wantNothingLost(t *testing.T, stop func(t *testing.T, path string), told string) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: other processes, which no race detector sees into")
	}
	for range 4 {
		path := healthy(t)
		run(t, path, `CREATE TABLE ballast (bytes BLOB)`)
		run(t, path, `INSERT INTO ballast VALUES (zeroblob(4 << 20))`) // so that the check takes a while
		stop(t, path)
		if left := names(t, filepath.Dir(path)); slices.Contains(left, "latchkey.db-shm") {
			t.Fatalf("before it begins there is %q", left)
		}
		second := startSecondProcess(t, path)
		var made []keys.KeyID
		for range 3 {
			second.tell(told)
			some, err := makeKeys(t.Context(), path, 5)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, some...)
		}
		said := second.stop()
		if len(said.Gone) > 0 {
			t.Errorf("the second process works on files without a name: %q", said.Gone)
		}
		if len(said.Keys) != 9 {
			t.Errorf("the second process made %d keys, want 9", len(said.Keys))
		}
		wantKeys(t, path, append(made, said.Keys...))
	}
}

// makeKeys opens a store, makes keys, and closes it. It returns the keys that it was told were made.
func makeKeys(ctx context.Context, path string, count int) (made []keys.KeyID, err error) {
	s, err := store.Open(ctx, path, options())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for range count {
		if err == nil {
			err = makeKey(ctx, s, &made)
		}
	}
	return made, err
}

// makeKey makes a key in the store's first account.
func makeKey(ctx context.Context, s *store.Store, made *[]keys.KeyID) error {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	one, err := s.GenerateKey(ctx, keys.Command("test").In(accounts[0]), store.NewKey{Name: "Orders sync", Nonce: secret.NewNonce()})
	if err == nil {
		*made = append(*made, one.Key.ID)
	}
	return err
}

func wantKeys(t *testing.T, path string, want []keys.KeyID) {
	t.Helper()
	s, err := store.Open(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := s.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, id := range want {
		if _, err := s.Key(t.Context(), keys.Command("test").In(accounts[0]), id); err != nil {
			lost++
		}
	}
	report, err := s.VerifyAudit(t.Context())
	if err := errors.Join(err, s.Close()); err != nil || lost > 0 || len(report.Damage) > 0 {
		t.Fatalf("%d of %d keys are lost, the audit log has %v, %v", lost, len(want), report.Damage, err)
	}
}

type second struct {
	t       *testing.T
	command *exec.Cmd
	input   io.WriteCloser
	output  io.Reader
}

func startSecondProcess(t *testing.T, path string) second {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), secondProcess+"="+path)
	command.Stderr = os.Stderr
	input, err1 := command.StdinPipe()
	output, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2, command.Start()); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(output)
	if line, err := out.ReadString('\n'); err != nil {
		t.Fatalf("the second process said %q, %v", line, err)
	}
	return second{t, command, input, out}
}

// tell has the second process do something. It does not wait for that.
func (s second) tell(what string) {
	s.t.Helper()
	if _, err := io.WriteString(s.input, what); err != nil {
		s.t.Fatal(err)
	}
}

// stop ends the second process and returns what it says.
func (s second) stop() (said acknowledged) {
	s.t.Helper()
	err := s.input.Close()
	if err := errors.Join(err, json.NewDecoder(s.output).Decode(&said), s.command.Wait()); err != nil {
		s.t.Fatal(err)
	}
	return said
}

// runSecondProcess is all that the second process does.
func runSecondProcess(path string) (code int) {
	said, err := serveAndWrite(path)
	if err := errors.Join(err, json.NewEncoder(os.Stdout).Encode(said)); err != nil {
		fmt.Fprintln(os.Stderr, "second process:", err)
		return 1
	}
	return 0
}

func serveAndWrite(path string) (said acknowledged, err error) {
	ctx := context.Background()
	fmt.Fprintln(os.Stdout, "begins") // now the first process begins, too
	s, err := store.Open(ctx, path, options())
	if err != nil {
		return said, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for told := bufio.NewScanner(os.Stdin); told.Scan() && err == nil; {
		if told.Text() == "one more" {
			err = makeKey(ctx, s, &said.Keys)
		} else {
			err = reopen(ctx, &s, path)
		}
	}
	if err != nil {
		return said, err
	}
	said.Gone, err = goneMaps()
	return said, err
}

func reopen(ctx context.Context, s **store.Store, path string) error {
	err := (*s).Close()
	next, failed := store.Open(ctx, path, options())
	if failed == nil {
		*s = next
	}
	return errors.Join(err, failed)
}

// goneMaps are the files without a name that this process has mapped.
func goneMaps() ([]string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(string(maps), "\n"), func(line string) bool {
		return !strings.HasSuffix(line, "-shm (deleted)")
	}), nil
}
