package main

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"latchkey/keys/secret"
)

// repository is the root of the sources, as seen from this package.
const repository = "../.."

// instruction is a line of an image definition, such as COPY with what is copied.
type instruction struct{ name, rest string }

// stage is what stands between one FROM and the next.
type stage []instruction

// all are the arguments of every instruction with a name.
func (s stage) all(name string) (rest []string) {
	for _, i := range s {
		if i.name == name {
			rest = append(rest, i.rest)
		}
	}
	return rest
}

// one is the argument of the only instruction with a name.
func (s stage) one(t *testing.T, name string) string {
	t.Helper()
	all := s.all(name)
	if len(all) != 1 {
		t.Fatalf("the stage has %d instructions %s; want one", len(all), name)
	}
	return all[0]
}

// exec is an instruction that is a program with its arguments, and no text for a shell.
func (s stage) exec(t *testing.T, name string) (args []string) {
	t.Helper()
	text := s.one(t, name)
	if at := strings.Index(text, "["); at >= 0 {
		text = text[at:]
	}
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		t.Fatalf("%s %s needs a shell: %v", name, text, err)
	}
	return args
}

// variables are the environment that the stage sets.
func (s stage) variables() (env []string) {
	for _, rest := range s.all("ENV") {
		env = append(env, strings.Fields(rest)...)
	}
	return env
}

// imageStages reads the image definition: where the program is built, and what is shipped.
func imageStages(t *testing.T) (build, shipped stage) {
	t.Helper()
	text := readFile(t, filepath.Join(repository, "deploy/Dockerfile"))
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	var stages []stage
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "FROM" {
			stages = append(stages, nil)
		}
		if name != "" {
			last := len(stages) - 1
			stages[last] = append(stages[last], instruction{name, strings.TrimSpace(rest)})
		}
	}
	if len(stages) != 2 {
		t.Fatalf("the image has %d stages; want one that builds and one that is shipped", len(stages))
	}
	return stages[0], stages[1]
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// buildImage runs the image's own command to build the program, in a folder of sources, and returns where the
// program is.
func buildImage(t *testing.T, sources string) string {
	t.Helper()
	build, _ := imageStages(t)
	runs := build.all("RUN")
	at := slices.IndexFunc(runs, func(command string) bool { return strings.Contains(command, "go build") })
	if at < 0 {
		t.Fatalf("no RUN builds the program: %q", runs)
	}
	out := t.TempDir()
	command := strings.ReplaceAll(runs[at], "/out/", out+"/")
	if command == runs[at] {
		t.Fatalf("%s does not build into /out/", command)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", command)
	cmd.Dir = sources
	cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "VERSION=v0.0.0-image")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, text)
	}
	return filepath.Join(out, "latchkey")
}

// imageSources copies what the image is built of into a folder: the repository without what is ignored.
func imageSources(t *testing.T) string {
	t.Helper()
	var names, not []string
	for line := range strings.Lines(readFile(t, filepath.Join(repository, "deploy/Dockerfile.dockerignore"))) {
		line = strings.TrimSpace(line)
		if name, found := strings.CutPrefix(line, "!"); found {
			names = append(names, name)
		} else if strings.HasPrefix(line, "**/") {
			not = append(not, strings.TrimPrefix(line, "**/"))
		}
	}
	if len(names) == 0 || len(not) == 0 {
		t.Fatalf("what is ignored cannot be read: %q but %q", names, not)
	}
	folder := t.TempDir()
	for _, name := range names {
		copyMatching(t, filepath.Join(repository, name), filepath.Join(folder, name), not)
	}
	return folder
}

// copyMatching copies a file or a folder without the names that match a pattern.
func copyMatching(t *testing.T, from, to string, not []string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, pattern := range not {
			if matched, _ := filepath.Match(pattern, d.Name()); matched && d.IsDir() {
				return fs.SkipDir
			} else if matched {
				return nil
			}
		}
		rest, err := filepath.Rel(from, path)
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, rest), 0o700))
		}
		text, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(filepath.Join(to, rest), text, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheImageHasOneProgramAndNoShell(t *testing.T) {
	build, shipped := imageStages(t)
	if from := shipped.one(t, "FROM"); from != "scratch" {
		t.Errorf("the image begins with %s; want scratch", from)
	}
	if runs := shipped.all("RUN"); len(runs) != 0 {
		t.Errorf("the image runs %q, and has nothing to run it with", runs)
	}
	user := regexp.MustCompile(`^([1-9]\d*):([1-9]\d*)$`)
	if who := shipped.one(t, "USER"); !user.MatchString(who) {
		t.Errorf("the image's user is %s; want numbers that are not 0, which a platform can check", who)
	}
	program := shipped.exec(t, "ENTRYPOINT")
	copies := shipped.all("COPY")
	for _, want := range []string{
		"/out/latchkey " + program[0],
		"/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
		"--chown=" + shipped.one(t, "USER") + " /out/data " + shipped.one(t, "VOLUME"),
	} {
		if !slices.ContainsFunc(copies, func(c string) bool { return strings.HasSuffix(c, want) }) {
			t.Errorf("nothing copies %s: %q", want, copies)
		}
	}
	if len(copies) != 3 {
		t.Errorf("the image has more than the program, its folder and the certificate authorities: %q", copies)
	}
	for _, name := range []string{"ENTRYPOINT", "CMD", "HEALTHCHECK"} {
		shipped.exec(t, name)
	}
	if check := shipped.exec(t, "HEALTHCHECK"); len(check) != 2 || check[0] != program[0] || check[1] != "healthcheck" {
		t.Errorf("how it is, is asked with %q", check)
	}
	if shipped.one(t, "STOPSIGNAL") != "SIGTERM" {
		t.Error("it is not stopped by SIGTERM")
	}
	if version := regexp.MustCompile(`golang:(\d+\.\d+)`).FindStringSubmatch(build.one(t, "FROM")); version == nil ||
		!strings.Contains(readFile(t, filepath.Join(repository, "go.mod")), "\ngo "+version[1]+".") {
		t.Errorf("the image is built from %s, which is not the Go of go.mod", build.one(t, "FROM"))
	}
}

// TestTheImageListensOnItsPort parses what the image sets as the program would, with what a container must be told.
func TestTheImageListensOnItsPort(t *testing.T) {
	_, shipped := imageStages(t)
	env := shipped.variables()
	if _, err := parsed(t, env); err == nil || !strings.Contains(err.Error(), "encryption") {
		t.Errorf("with nothing but its own variables the image says %v; want that it lacks encryption", err)
	}
	s, err := parsed(t, append(env, "LATCHKEY_PUBLIC_URL=https://keys.example.com", "LATCHKEY_TRUSTED_PROXIES=10.0.0.7"))
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != ":"+shipped.one(t, "EXPOSE") || s.place.folder != shipped.one(t, "VOLUME") {
		t.Errorf("it listens on %s and keeps its data in %s; the image says %s and %s", s.listen, s.place.folder, shipped.one(t, "EXPOSE"), shipped.one(t, "VOLUME"))
	}
}

// TestTheImagesProgramIsStaticAndTheSameEachTime builds it with the image's command twice: of the repository, and
// elsewhere of what the image is built of.
func TestTheImagesProgramIsStaticAndTheSameEachTime(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it builds the program")
	}
	path := buildImage(t, repository)
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has %s: it needs a loader", p.Type)
		}
	}
	if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the program needs %q", libraries)
	}
	again := buildImage(t, imageSources(t))
	if one, other := readFile(t, path), readFile(t, again); one != other {
		t.Errorf("the same sources elsewhere make another program (%d and %d bytes)", len(one), len(other))
	}
}

// TestTheImageRunsInAnEmptyRoot puts what the image has into a folder, makes that the whole file system of a
// process without a name for its user, and sets up, serves, exports, backs up, is healthy and stops there.
func TestTheImageRunsInAnEmptyRoot(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it builds the program")
	}
	if os.Getuid() != 0 {
		t.Skip("only root may change the root of a process")
	}
	_, shipped := imageStages(t)
	root := emptyRoot(t, shipped)
	_, port, _ := strings.Cut(freeAddress(t), ":")
	public := "http://127.0.0.1:" + port
	in := shipped.runsIn(t, root, "LATCHKEY_LISTEN=:"+port, "LATCHKEY_PUBLIC_URL="+public, "LATCHKEY_TRUSTED_PROXIES=192.0.2.1")
	setUp := in("init", "--account", "acme", "--email", "ana@acme.example", "--password-file", "-")
	setUp.Stdin = strings.NewReader(goodPassword)
	if text, err := setUp.CombinedOutput(); err != nil {
		t.Fatalf("init: %v: %s", err, text)
	}
	p := startCommand(t, in(shipped.exec(t, "CMD")...))
	p.line(`is served on (` + regexp.QuoteMeta(public) + `)$`)
	b := newBrowser(t, public)
	eventually(t, "the server is ready", func() bool { return b.get("/readyz").status == http.StatusOK })
	check := shipped.exec(t, "HEALTHCHECK")
	if text, err := in(check[1:]...).CombinedOutput(); err != nil || !bytes.HasSuffix(text, []byte(": ok\n")) {
		t.Errorf("%q: %v: %s", check, err, text)
	}
	b.signIn("ana@acme.example", goodPassword)
	if got := b.post(pathNew, url.Values{"name": {"Order sync"}, "nonce": {secret.NewNonce()}}); got.status != http.StatusOK {
		t.Errorf("a key is generated with %d", got.status)
	}
	if got := b.get("/account/api-keys/export.xlsx"); got.status != http.StatusOK || !strings.HasPrefix(got.body, "PK") {
		t.Errorf("the export answered %d", got.status)
	}
	if text, err := in("backup", filepath.Join(shipped.one(t, "VOLUME"), "backup.db")).CombinedOutput(); err != nil {
		t.Errorf("backup: %v: %s", err, text)
	}
	p.stop()
	if text, err := in(check[1:]...).CombinedOutput(); err == nil {
		t.Errorf("a server that stopped is healthy: %s", text)
	}
	for name := range contents(t, root) {
		if strings.HasPrefix(name, "data/") || name == "./" || slices.Contains([]string{"latchkey", "etc/", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt"}, name) {
			continue
		}
		t.Errorf("the program made %s", name)
	}
}

// TestAnUpgradeInAnEmptyRootSortsManyKeys brings an old database up to date where there is no folder for temporary
// files: its new indexes are of more keys than SQLite sorts in memory.
func TestAnUpgradeInAnEmptyRootSortsManyKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it builds the program")
	}
	if os.Getuid() != 0 {
		t.Skip("only root may change the root of a process")
	}
	_, shipped := imageStages(t)
	root := emptyRoot(t, shipped)
	path := copyFixture(t, repository+"/store/testdata/fixture-v4.db")
	multiplyKeys(t, path, 40_000)
	user, folder := userOf(t, shipped), shipped.one(t, "VOLUME")
	inside := filepath.Join(root, folder, databaseFile)
	if err := errors.Join(os.WriteFile(inside, []byte(readFile(t, path)), 0o600), os.Chown(inside, int(user.Uid), int(user.Gid))); err != nil {
		t.Fatal(err)
	}
	text, err := shipped.runsIn(t, root)("account", "list").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "acme") {
		t.Fatalf("the upgrade ended with %v: %s", err, text)
	}
	for name := range contents(t, filepath.Join(root, folder)) {
		if name != "./" && name != markerFile && !strings.HasPrefix(name, databaseFile) {
			t.Errorf("the upgrade left %s", name)
		}
	}
}

// multiplyKeys copies the newest key of a database so many times, without its tokens.
func multiplyKeys(t *testing.T, path string, n int) {
	t.Helper()
	db := rawFile(t, path)
	var values []string
	columns := strings.Fields(column(t, db, `SELECT name FROM pragma_table_info('api_key') ORDER BY cid`))
	for _, name := range columns {
		switch name {
		case "id", "app_key":
			name += ` || '-' || i`
		case "number":
			name += ` + i`
		}
		values = append(values, name)
	}
	_, err := db.ExecContext(t.Context(), `
		WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < $1)
		INSERT INTO api_key (`+strings.Join(columns, ", ")+`)
		SELECT `+strings.Join(values, ", ")+` FROM counted, (SELECT * FROM api_key ORDER BY number DESC LIMIT 1)`, n)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// runsIn returns what makes commands of the image's program, with more variables, for which a folder is the root.
func (s stage) runsIn(t *testing.T, root string, more ...string) func(args ...string) *exec.Cmd {
	t.Helper()
	program := s.exec(t, "ENTRYPOINT")[0]
	return func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = "/", append(s.variables(), more...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: userOf(t, s)}
		return cmd
	}
}

// emptyRoot is a folder with what the image copies, and nothing else.
func emptyRoot(t *testing.T, shipped stage) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	program := readFile(t, buildImage(t, repository))
	user, data := userOf(t, shipped), filepath.Join(root, shipped.one(t, "VOLUME"))
	err := errors.Join(
		os.WriteFile(filepath.Join(root, shipped.exec(t, "ENTRYPOINT")[0]), []byte(program), 0o755),
		os.Mkdir(data, 0o700), os.Chown(data, int(user.Uid), int(user.Gid)),
		os.MkdirAll(filepath.Join(root, "etc/ssl/certs"), 0o755),
		os.WriteFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), nil, 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// userOf is who the image runs as.
func userOf(t *testing.T, shipped stage) *syscall.Credential {
	t.Helper()
	user, group, _ := strings.Cut(shipped.one(t, "USER"), ":")
	uid, err := strconv.ParseUint(user, 10, 32)
	gid, failed := strconv.ParseUint(group, 10, 32)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
