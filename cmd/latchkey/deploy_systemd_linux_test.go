package main

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/keys/secret"
)

const systemdFolder = repository + "/deploy/systemd"

// unit is a unit of systemd: the values of each key, such as Service.ExecStart.
type unit map[string][]string

// readUnit reads a unit, and what is dropped in after it.
func readUnit(t *testing.T, files ...string) unit {
	t.Helper()
	u := unit{}
	for _, name := range files {
		section, seen := "", map[string]bool{}
		for line := range strings.Lines(readFile(t, filepath.Join(systemdFolder, name))) {
			line = strings.TrimSpace(line)
			key, value, pair := strings.Cut(line, "=")
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "["):
				section = strings.Trim(line, "[]")
			case !pair || section == "":
				t.Errorf("%s: %q is no setting", name, line)
			default:
				key = section + "." + key
				// A list is narrowed by a second line; anything else would be replaced by it.
				if seen[key] && key != "Service.SystemCallFilter" {
					t.Errorf("%s has %s twice", name, key)
				}
				seen[key] = true
				u[key] = append(u[key], value)
			}
		}
	}
	return u
}

// one is the only value of a key of the service.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	all := u["Service."+key]
	if len(all) != 1 {
		t.Fatalf("the service has %d values of %s; want one", len(all), key)
	}
	return all[0]
}

// environment is what the service gets, with the credentials in a folder.
func (u unit) environment(t *testing.T, credentials string) (env []string) {
	t.Helper()
	for line := range strings.Lines(readFile(t, filepath.Join(systemdFolder, "latchkey.env"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, line)
		}
	}
	for _, pair := range u["Service.Environment"] {
		env = append(env, strings.NewReplacer("%S", "/var/lib", "%d", credentials).Replace(pair))
	}
	return env
}

// duration is a value in seconds.
func (u unit) duration(t *testing.T, key string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(u.one(t, key))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return d
}

func TestTheUnitStartsTheServerWithSettingsThatAre(t *testing.T) {
	for _, files := range [][]string{{"latchkey.service"}, {"latchkey.service", "postgres.conf"}} {
		u, credentials := readUnit(t, files...), t.TempDir()
		write(t, filepath.Join(credentials, "database-url"), "postgres://latchkey@db.example.com/latchkey\n")
		program := strings.Fields(u.one(t, "ExecStart"))
		if program[0] != "/usr/local/bin/latchkey" || program[1] != "serve" {
			t.Errorf("%v starts %q", files, program)
		}
		s, err := parsed(t, u.environment(t, credentials), program[2:]...)
		if err != nil {
			t.Fatalf("%v: %v", files, err)
		}
		if state := "/var/lib/" + u.one(t, "StateDirectory"); s.place.folder != state || s.place.postgres() != (len(files) == 2) {
			t.Errorf("%v keeps its data in %s and PostgreSQL is %v; want %s", files, s.place.folder, s.place.postgres(), state)
		}
		if run := "/run/" + u.one(t, "RuntimeDirectory"); filepath.Dir(s.verify.socket) != run {
			t.Errorf("the socket is %s, not in %s", s.verify.socket, run)
		}
		if !strings.Contains(recipeOf(t, "nginx", s.verify.socket), readFile(t, filepath.Join(repository, "deploy/nginx/latchkey.conf"))) {
			t.Errorf("nginx's recipe asks another socket than %s", s.verify.socket)
		}
		if n, err := strconv.Atoi(u.one(t, "LimitNOFILE")); err != nil || n < 2*maxConnections {
			t.Errorf("it may have %d files open, for %d connections on each address", n, maxConnections)
		}
		if u.duration(t, "TimeoutStopSec") <= stopTimeout {
			t.Errorf("it is killed after %s, and may take %s to stop", u.one(t, "TimeoutStopSec"), stopTimeout)
		}
		if u.one(t, "Restart") != "on-failure" || u.one(t, "RestartPreventExitStatus") != strconv.Itoa(exitUsage) {
			t.Errorf("it is started again %s, but not after %s", u.one(t, "Restart"), u.one(t, "RestartPreventExitStatus"))
		}
		if len(files) == 2 && u.one(t, "LoadCredential") != "database-url:/etc/latchkey/database-url" {
			t.Errorf("the URL of the database is %s", u.one(t, "LoadCredential"))
		}
	}
}

// TestSystemdTakesTheUnitAndFindsItConfined asks systemd itself. It counts exposure from 0 to 100.
func TestSystemdTakesTheUnitAndFindsItConfined(t *testing.T) {
	needs(t, "systemd-analyze")
	folder := t.TempDir()
	text := replaceOnce(t, readFile(t, filepath.Join(systemdFolder, "latchkey.service")), "ExecStart=/usr/local/bin/latchkey", "ExecStart="+binary(t))
	path := filepath.Join(folder, "latchkey.service")
	write(t, path, text)
	if err := os.Mkdir(path+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path+".d", "postgres.conf"), readFile(t, filepath.Join(systemdFolder, "postgres.conf")))
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=true", "--threshold=15"}} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", append(args, path)...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v: %s", args[0], err, out)
		}
	}
}

// TestTheServerMakesOnlySystemCallsThatTheUnitAllows traces the server from its start to its stop while it is used.
func TestTheServerMakesOnlySystemCallsThatTheUnitAllows(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: a traced process")
	}
	needs(t, "strace")
	needs(t, "systemd-analyze")
	folder, all := guarded(t, 1)
	listen, log := freeAddress(t), filepath.Join(t.TempDir(), "strace")
	// With -D it is strace that is the child, so signals reach the server.
	cmd := exec.CommandContext(t.Context(), "strace", "-D", "-f", "-o", log, binary(t), "serve", "--data", folder, "--listen", listen, "--verify-listen", "unix:"+socketPath(t))
	cmd.Env = os.Environ()
	p := startCommand(t, cmd)
	p.line(`is served on`)
	b := newBrowser(t, "http://"+listen)
	eventually(t, "the server is ready", func() bool { return b.get("/readyz").status == http.StatusOK })
	b.signIn("ana@acme.example", goodPassword)
	b.post(pathNew, url.Values{"name": {"Order sync"}, "nonce": {secret.NewNonce()}})
	newCaller(t, "http://"+listen).get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	if got := b.get("/account/api-keys/export.xlsx"); got.status != http.StatusOK {
		t.Errorf("the export answers %d", got.status)
	}
	p.stop()
	allowed := systemCalls(t, readUnit(t, "latchkey.service")["Service.SystemCallFilter"])
	made := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +(\w+)\(`).FindAllStringSubmatch(readFile(t, log), -1) {
		made[m[1]] = true
	}
	if !made["openat"] || !made["accept4"] || !made["fdatasync"] && !made["fsync"] {
		t.Errorf("the trace has only %v", slices.Sorted(maps.Keys(made)))
	}
	if os.Getuid() == 0 {
		delete(made, "fchown") // as root alone, SQLite gives its new files to the owner of the database
	}
	for name := range made {
		if !allowed[name] {
			t.Errorf("the server makes the system call %s, which the unit does not allow", name)
		}
	}
}

// systemCalls are the system calls that the lines of a filter let through, as systemd knows their groups.
func systemCalls(t *testing.T, filter []string) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, line := range filter {
		groups, not := strings.CutPrefix(line, "~")
		for _, group := range strings.Fields(groups) {
			for _, name := range systemCallGroup(t, group) {
				allowed[name] = !not
			}
		}
	}
	if !allowed["read"] || allowed["chroot"] {
		t.Fatalf("the filter %q cannot be read", filter)
	}
	return allowed
}

func systemCallGroup(t *testing.T, group string) (names []string) {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "systemd-analyze", "syscall-filter", group).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, name := range lines[1:] {
		switch name = strings.TrimSpace(name); {
		case strings.HasPrefix(name, "@"):
			names = append(names, systemCallGroup(t, name)...)
		case name != "" && !strings.HasPrefix(name, "#"):
			names = append(names, name)
		}
	}
	return names
}
