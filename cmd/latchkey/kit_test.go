package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deadline is how long a test waits for something that must happen; it is a bound against hanging
// and no measure of anything.
const deadline = 30 * time.Second

const goodPassword = "seventeen quiet otters hum"

// builtIn is the folder of the real binary, which is built once for all tests.
var builtIn string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "latchkey-binary-")
	if err != nil {
		panic(err)
	}
	builtIn = folder
	code := m.Run()
	closeChromium()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builtIn, "latchkey")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-ldflags", "-X main.buildVersion=v0.0.0-test", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// binary returns the path of the real program.
func binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatalf("the program does not build: %v", err)
	}
	return path
}

// result is how a finished program ended.
type result struct {
	stdout, stderr string
	code           int
}

// cli runs a command inside the test process, without environment variables.
func cli(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return cliWith(t, nil, stdin, args...)
}

func cliWith(t *testing.T, env []string, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, env, strings.NewReader(stdin), &stdout, &stderr)
	if ctx.Err() != nil {
		t.Fatalf("latchkey %s did not end", strings.Join(args, " "))
	}
	return result{stdout.String(), stderr.String(), code}
}

// ok fails the test unless the command succeeded without a word on standard error.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit code %d, standard error %q, standard output %q; want 0 and no error", r.code, r.stderr, r.stdout)
	}
	return r
}

// refused fails the test unless the command said in one line on standard error why it did nothing.
// The line must hold all of the words.
func (r result) refused(t *testing.T, words ...string) {
	t.Helper()
	if r.code == 0 {
		t.Errorf("exit code 0; want a failure")
	}
	if r.stdout != "" {
		t.Errorf("standard output %q; want none", r.stdout)
	}
	if !strings.HasPrefix(r.stderr, "latchkey: ") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("standard error %q; want one line that starts with \"latchkey: \"", r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			t.Errorf("standard error %q does not say %q", r.stderr, word)
		}
	}
}

// misused fails the test unless the command was refused for its command line.
func (r result) misused(t *testing.T, words ...string) {
	t.Helper()
	r.refused(t, words...)
	if r.code != exitUsage {
		t.Errorf("exit code %d after %q; want %d", r.code, r.stderr, exitUsage)
	}
}

// process is a running program of its own.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	lines  chan string
	stderr *watched
	ended  chan struct{}
	seen   strings.Builder
}

// start starts the real binary. It is killed when the test ends before it.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	return startCommand(t, cmd)
}

// startCommand starts a program with what it prints in view. It is killed when the test ends before it.
func startCommand(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, lines: make(chan string, 1000), stderr: newWatched(), ended: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	out, in := io.Pipe()
	p.cmd.Stdout = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
		close(p.lines)
	}()
	go func() {
		_ = p.cmd.Wait()
		_ = in.Close()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// line returns the first group of the next line of standard output that matches.
func (p *process) line(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(deadline)
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("the program ended before it printed %q: %s%s", pattern, p.seen.String(), p.stderr)
			}
			p.seen.WriteString(line + "\n")
			if m := re.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-limit:
			p.t.Fatalf("the program did not print %q: %s%s", pattern, p.seen.String(), p.stderr)
		}
	}
}

// signal sends a signal.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exitCode waits for the end.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(deadline):
		p.t.Fatalf("the program did not end: %s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks for a graceful stop and expects it.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		p.t.Fatalf("exit code %d after SIGTERM; want 0: %s", code, p.stderr)
	}
}

// watched keeps what is written and lets a test wait for words in it.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(b)
}

// String returns what was written so far.
func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// wait waits until words were written.
func (w *watched) wait(t *testing.T, words string) {
	t.Helper()
	limit := time.After(deadline)
	for {
		w.mu.Lock()
		found, changed := strings.Contains(w.text.String(), words), w.changed
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%q was not written: %s", words, w)
		}
	}
}

// served is the real binary, serving a data folder on a free port.
type served struct {
	*process
	url    string
	folder string
}

// serveFolder starts the server and waits until it answers verifications.
func serveFolder(t testing.TB, folder string, more ...string) *served {
	t.Helper()
	p := start(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", folder}, more...)...)
	s := &served{process: p, folder: folder}
	s.url = p.line(`is served on (http://127\.0\.0\.1:[1-9]\d*)$`)
	b := newBrowser(t, s.url)
	eventually(t, "the server is ready", func() bool { return b.get("/readyz").status == http.StatusOK })
	return s
}

// browser is a client with cookies that follows no redirects.
type browser struct {
	t    testing.TB
	base string
	http *http.Client
}

// page is an answer.
type page struct {
	status   int
	location string
	body     string
}

func newBrowser(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: base, http: &http.Client{
		Jar: jar, Timeout: deadline,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.send(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) page {
	b.t.Helper()
	return b.send(http.MethodPost, path, form)
}

func (b *browser) send(method, path string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer.StatusCode, answer.Header.Get("Location"), string(body)}
}

// signIn signs in and fails the test when that is refused.
func (b *browser) signIn(email, password string) {
	b.t.Helper()
	got := b.post("/login", url.Values{"email": {email}, "password": {password}})
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/account/api-keys") {
		b.t.Fatalf("sign-in of %s answered %d to %q; want 303 to the keys", email, got.status, got.location)
	}
}

// eventually polls until done, or fails the test with what is missing.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(deadline)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// passwordFile writes a password to a file.
func passwordFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// initialised returns a data folder with account acme and owner ana@acme.example.
func initialised(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "data")
	cli(t, goodPassword+"\n", "init", "--data", folder, "--account", "acme", "--email", "ana@acme.example", "--password-file", "-").ok(t)
	return folder
}

// contents are the files below a folder with their bytes; folders count too.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			files[name+"/"] = ""
			return nil
		}
		content, err := os.ReadFile(path)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
