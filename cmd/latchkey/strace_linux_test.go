package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// tracer is strace, attached to a process.
type tracer struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string
	said *watched
}

// trace attaches strace to a process, with expressions such as trace=fsync, and returns when it is.
func trace(t *testing.T, pid int, args ...string) *tracer {
	t.Helper()
	needs(t, "strace")
	tr := &tracer{t: t, log: filepath.Join(t.TempDir(), "strace"), said: newWatched()}
	args = append([]string{"-f", "-p", strconv.Itoa(pid), "-o", tr.log}, args...)
	tr.cmd = exec.CommandContext(t.Context(), "strace", args...)
	tr.cmd.Stderr = tr.said
	if err := tr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tr.said.wait(t, "attached")
	return tr
}

// detach lets go of the process, which goes on, and returns what was traced.
func (tr *tracer) detach() string {
	tr.t.Helper()
	_ = tr.cmd.Process.Signal(syscall.SIGINT)
	_ = tr.cmd.Wait()
	text, err := os.ReadFile(tr.log)
	if err != nil {
		tr.t.Fatal(err)
	}
	return string(text)
}

// admin is a signed-in browser that expects answers to forms.
type admin struct {
	*browser
	made []issued
}

func newAdmin(t *testing.T, s *served) *admin {
	t.Helper()
	a := &admin{browser: newBrowser(t, s.url)}
	a.signIn("ana@acme.example", goodPassword)
	return a
}

// generates generates a key that must be acknowledged.
func (a *admin) generates() {
	a.t.Helper()
	got := a.post(pathNew, url.Values{"name": {"Order sync"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}})
	id, token := shownKey.FindStringSubmatch(got.body), shownToken.FindStringSubmatch(got.body)
	if got.status != http.StatusOK || id == nil || token == nil {
		a.t.Fatalf("a key is generated with %d: %s", got.status, got.body)
	}
	a.made = append(a.made, issued{id: keys.KeyID(id[1]), token: token[1]})
}

// inWords says whether a refused page tells what became of the change: nothing, or nobody knows.
func (p page) inWords() bool {
	return !secretShape.MatchString(p.body) && (strings.Contains(p.body, "Nothing was changed") || strings.Contains(p.body, "could not confirm"))
}

func TestEveryAcknowledgedCommitIsSynced(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: a traced process")
	}
	folder, _ := guarded(t, 0)
	s := serveFolder(t, folder)
	a := newAdmin(t, s)
	tr := trace(t, s.cmd.Process.Pid, "-e", "trace=fsync,fdatasync")
	const commits = 250
	for range commits {
		a.generates()
	}
	log := tr.detach()
	syncs := len(regexp.MustCompile(`f(data)?sync\(\d+\)\s+= 0|<\.\.\. f(data)?sync resumed>\)\s+= 0`).FindAllString(log, -1))
	t.Logf("note: %d fsyncs for %d acknowledged commits", syncs, commits)
	if syncs < commits {
		t.Errorf("%d fsyncs for %d acknowledged commits", syncs, commits)
	}
	s.stop()
}

// TestADiskThatFailsStopsChangesAndNothingElse makes the system calls fail with which a database is written,
// each in each way, in a server that runs, and lets them succeed again.
func TestADiskThatFailsStopsChangesAndNothingElse(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: six traced processes")
	}
	for _, call := range []string{"pwrite64", "fsync"} {
		for _, failure := range []string{"EIO", "ENOSPC", "EROFS"} {
			t.Run(call+" "+failure, func(t *testing.T) { failsAndRecovers(t, call, failure) })
		}
	}
}

func failsAndRecovers(t *testing.T, call, failure string) {
	t.Helper()
	folder, _ := guarded(t, 0)
	s := serveFolder(t, folder)
	a := newAdmin(t, s)
	for range 10 {
		a.generates()
	}
	c := newCaller(t, s.url)
	unknown := issued{id: a.made[0].id, token: secret.New(secret.KindToken).Reveal()}
	verifies := func(when string) {
		t.Helper()
		for _, k := range a.made {
			if got := c.get("/v1/verify", k.pair()); got.status != http.StatusNoContent {
				t.Errorf("%s a known key answers %d", when, got.status)
			}
		}
		if got := c.get("/v1/verify", unknown.pair()); got.status != http.StatusUnauthorized {
			t.Errorf("%s an unknown token answers %d", when, got.status)
		}
	}
	verifies("before the fault")

	paths := []string{"-P", filepath.Join(folder, databaseFile), "-P", filepath.Join(folder, databaseFile+"-wal")}
	expression := fmt.Sprintf("inject=%s:error=%s", call, failure)
	tr := trace(t, s.cmd.Process.Pid, append(paths, "-e", "trace="+call, "-e", expression)...)
	refused := 0
	for range 5 {
		got := a.post(pathNew, url.Values{"name": {"In the fault"}, "nonce": {secret.NewNonce()}})
		if got.status == http.StatusServiceUnavailable {
			refused++
			if !got.inWords() {
				t.Errorf("it is refused without words: %s", got.body)
			}
		} else {
			t.Errorf("a change answers %d", got.status)
		}
		verifies("during the fault")
	}
	if health := c.get("/healthz", nil); health.status != http.StatusOK || !strings.Contains(health.body, "the last change could not be saved") {
		t.Errorf("/healthz says %d %s", health.status, health.body)
	}
	injected := strings.Count(tr.detach(), "(INJECTED)")
	t.Logf("note: %s %s: %d faults, %d of 5 changes refused", call, failure, injected, refused)
	if injected == 0 || refused != 5 {
		t.Errorf("%d faults were injected, and %d of 5 changes refused", injected, refused)
	}

	for range 5 {
		a.generates()
	}
	verifies("after the fault")
	eventually(t, "it is healthy again", func() bool { return strings.Contains(c.get("/healthz", nil).body, `"ok"`) })
	if strings.Contains(s.stderr.String(), "panic") {
		t.Errorf("it panicked: %s", s.stderr)
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s = serveFolder(t, folder)
	c = newCaller(t, s.url)
	verifies("after the restart")
	s.stop()
	cli(t, "", "audit", "verify", "--data", folder).ok(t)
	db := rawDB(t, folder)
	for _, finding := range halfDone(t, db, keysOfRows(t, db)) {
		t.Error(finding)
	}
}

// TestALogThatCannotBeWrittenStopsNothing makes the writes of the log fail, which goes to a file.
func TestALogThatCannotBeWrittenStopsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: three traced processes")
	}
	for _, failure := range []string{"EIO", "ENOSPC", "EROFS"} {
		t.Run("write "+failure, func(t *testing.T) {
			folder, all := guarded(t, 1)
			s, log := serveWithLog(t, folder)
			a := newAdmin(t, s)
			c := newCaller(t, s.url)
			tr := trace(t, s.cmd.Process.Pid, "-P", log, "-e", "trace=write", "-e", "inject=write:error="+failure)
			for range 5 {
				a.generates()
				c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
				c.get("/v1/verify", a.made[len(a.made)-1].pair()).is(t, http.StatusNoContent)
				c.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
			}
			injected := strings.Count(tr.detach(), "(INJECTED)")
			t.Logf("note: write %s: %d faults, 5 of 5 changes acknowledged", failure, injected)
			if injected == 0 {
				t.Error("no fault was injected")
			}
			a.generates()
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			<-s.ended
			db := rawDB(t, folder)
			if n := number(t, db, `SELECT COUNT(*) FROM api_key`); n != 7 {
				t.Errorf("%d of 7 keys are there", n)
			}
		})
	}
}

// serveWithLog serves a folder with its log in a file.
func serveWithLog(t *testing.T, folder string) (s *served, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	listen := freeAddress(t)
	p := &process{t: t, ended: make(chan struct{}), stderr: newWatched()}
	p.cmd = exec.CommandContext(t.Context(), binary(t), "serve", "--listen", listen, "--data", folder, "--log-level", "debug")
	p.cmd.Env, p.cmd.Stderr = []string{"PATH=" + os.Getenv("PATH")}, file
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); _ = file.Close(); close(p.ended) }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	s = &served{process: p, folder: folder, url: "http://" + listen}
	c := newCaller(t, s.url)
	eventually(t, "the server is ready", func() bool {
		got, err := c.try(http.MethodGet, "/readyz", nil, "")
		return err == nil && got.status == http.StatusOK
	})
	return s, log
}

// TestAFullDiskStopsChangesUntilThereIsRoomAgain serves from a small file system that is filled up.
func TestAFullDiskStopsChangesUntilThereIsRoomAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it fills a disk")
	}
	disk := t.TempDir()
	if err := syscall.Mount("latchkey", disk, "tmpfs", 0, "size=6m,mode=0700"); err != nil {
		t.Skipf("a small disk needs privileges: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	folder := filepath.Join(disk, "data")
	cli(t, goodPassword+"\n", "init", "--data", folder, "--account", "acme", "--email", "ana@acme.example", "--password-file", "-").ok(t)
	s := serveFolder(t, folder)
	a, c := newAdmin(t, s), newCaller(t, s.url)
	for range 10 {
		a.generates()
	}
	ballast := filepath.Join(disk, "ballast")
	refused := 0
	for round := range 3 {
		fill(t, ballast)
		for range 200 { // what is left in the log's file can take some changes
			got := a.post(pathNew, url.Values{"name": {"Full"}, "nonce": {secret.NewNonce()}})
			if id, token := shownKey.FindStringSubmatch(got.body), shownToken.FindStringSubmatch(got.body); got.status == http.StatusOK && token != nil {
				a.made = append(a.made, issued{id: keys.KeyID(id[1]), token: token[1]})
				continue
			}
			refused++
			if got.status != http.StatusServiceUnavailable || !got.inWords() {
				t.Fatalf("on a full disk a change answers %d: %s", got.status, got.body)
			}
			break
		}
		for _, k := range a.made {
			c.get("/v1/verify", k.pair()).is(t, http.StatusNoContent)
		}
		c.get("/v1/verify", nil).is(t, http.StatusUnauthorized)
		if health := c.get("/healthz", nil); health.status != http.StatusOK || !strings.Contains(health.body, "degraded") {
			t.Errorf("/healthz says %d %s", health.status, health.body)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		a.generates() // without a restart
		eventually(t, "it is healthy again", func() bool { return strings.Contains(c.get("/healthz", nil).body, `"ok"`) })
		if refused != round+1 {
			t.Errorf("%d changes were refused on a disk that was full %d times", refused, round+1)
		}
	}
	t.Logf("note: full disk: %d changes refused, %d acknowledged", refused, len(a.made))
	_ = s.cmd.Process.Kill()
	<-s.ended
	s = serveFolder(t, folder)
	c = newCaller(t, s.url)
	for _, k := range a.made {
		c.get("/v1/verify", k.pair()).is(t, http.StatusNoContent)
	}
	s.stop()
	cli(t, "", "audit", "verify", "--data", folder).ok(t)
	db := rawDB(t, folder)
	for _, finding := range halfDone(t, db, keysOfRows(t, db)) {
		t.Error(finding)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for size := 64 << 10; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
