package storetest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// This file runs a PostgreSQL server of the test process's own: in a folder of its own under the
// temporary folder, on a free port of the loopback address, as the user postgres when the tests run as
// root, which PostgreSQL refuses. It does not sync to disk, and it does not outlive the test process.

// cluster is the server, started by the first test that asks for it.
var cluster struct {
	sync.Once
	// url is that of its database postgres, which admin is connected to.
	url   string
	admin *sql.DB
	err   error
	stop  func() error
	// named counts the schemas and databases that were made.
	named atomic.Int64
	// users are the names of the tests that were given one.
	users sync.Map
}

// errMissing matches the error of a machine without PostgreSQL.
var errMissing = errors.New("PostgreSQL is missing (apt-get install postgresql)")

// Main runs the tests of a package that uses Postgres or Database, says how many of them ran on PostgreSQL,
// and stops the server after them. A package calls it from its TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if cluster.stop != nil {
		used := 0
		cluster.users.Range(func(any, any) bool { used++; return true })
		_, _ = fmt.Fprintf(os.Stdout, "%d tests ran on PostgreSQL, in %d databases or schemas\n", used, cluster.named.Load())
		if err := errors.Join(cluster.admin.Close(), cluster.stop()); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// useCluster starts the server if it does not run yet. On a machine without PostgreSQL the test is skipped,
// unless the environment says CI=true: then it fails.
func useCluster(t testing.TB) {
	t.Helper()
	cluster.Do(func() {
		if cluster.url, cluster.stop, cluster.err = startCluster(); cluster.err == nil {
			cluster.admin, cluster.err = sql.Open("pgx", cluster.url)
		}
	})
	if errors.Is(cluster.err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(cluster.err)
	}
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	cluster.users.Store(t.Name(), true)
}

// administer runs a statement in the database postgres.
func administer(t testing.TB, query string) {
	t.Helper()
	if _, err := cluster.admin.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Postgres returns the URL of an empty schema of a PostgreSQL server. On a machine without PostgreSQL
// the test is skipped, unless the environment says CI=true: then it fails.
func Postgres(t testing.TB) string {
	t.Helper()
	useCluster(t)
	schema := fmt.Sprintf("test_%d", cluster.named.Add(1))
	administer(t, `CREATE SCHEMA `+schema)
	return cluster.url + "&search_path=" + schema
}

// startCluster makes a cluster and starts its server.
func startCluster() (url string, stop func() error, err error) {
	bin, err := findBin()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "storetest-postgres-")
	if err != nil {
		return "", nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	attributes, err := owner(dir)
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.SysProcAttr, initdb.Dir = attributes, dir
	if output, err := initdb.CombinedOutput(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, output), remove())
	}
	port, err := freePort()
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	stopServer, err := startServer(bin, data, port, attributes)
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	stop = func() error { return errors.Join(stopServer(), remove()) }
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port), stop, nil
}

// startServer runs the server under a shell that stops it when its own standard input ends: that is
// when stop is called, and also when this process dies, however it dies. The shell then removes the data.
func startServer(bin, data string, port int, attributes *syscall.SysProcAttr) (stop func() error, err error) {
	const script = `"$@" & server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf "$3"; exit 0`
	command := exec.CommandContext(context.Background(), "/bin/sh", "-c", script, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-h", "127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=200", "-c", "autovacuum=off", "-c", "shared_buffers=32MB", "-c", "min_wal_size=32MB")
	command.SysProcAttr, command.Dir = attributes, filepath.Dir(data)
	alive, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	log, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	stop = func() error { return errors.Join(alive.Close(), command.Wait()) }
	said, ready := waitReady(log)
	if !ready {
		return nil, errors.Join(fmt.Errorf("PostgreSQL did not start: %s", said), stop())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // else the server stops when the pipe is full
	return stop, nil
}

// waitReady reads a server's log until it says that it is ready, or ends.
func waitReady(log io.Reader) (said string, ready bool) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "ready to accept ") {
			return said, true
		}
	}
	return said, false
}

// findBin is the folder of the newest PostgreSQL.
func findBin() (string, error) {
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err == nil && len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errMissing
	}
	return filepath.Dir(path), nil
}

// owner says as whom the server runs, and gives them its folder.
func owner(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func freePort() (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
