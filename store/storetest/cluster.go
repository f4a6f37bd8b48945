package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cluster is a PostgreSQL server of one test's own, with its durability on, that can be stopped, killed,
// started again and followed by a standby. It does not outlive the test process.
type Cluster struct {
	t          testing.TB
	bin, dir   string
	port       int
	attributes *syscall.SysProcAttr
	settings   []string
	// alive ends the server when it is closed, and ended is closed when the server has.
	alive io.Closer
	ended chan struct{}
}

// clusterDeadline is how long a server may take to start or to stop.
const clusterDeadline = 30 * time.Second

// NewCluster makes a cluster and starts its server with more settings, such as "synchronous_standby_names=*".
// Without PostgreSQL the test is skipped, or fails with CI=true.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c := newCluster(t, settings)
	c.command("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	c.Start()
	return c
}

func newCluster(t testing.TB, settings []string) *Cluster {
	t.Helper()
	bin, err := findBin()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	dir, failed := os.MkdirTemp("", "storetest-cluster-") //nolint:usetesting // the server's user must be able to enter it
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, bin: bin, dir: dir, settings: settings}
	t.Cleanup(func() {
		c.end()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	c.attributes, err = owner(dir)
	port, failed := freePort()
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	c.port = port
	return c
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command runs a program of PostgreSQL as the user of the cluster.
func (c *Cluster) command(name string, args ...string) {
	c.t.Helper()
	command := exec.CommandContext(context.Background(), filepath.Join(c.bin, name), args...)
	command.SysProcAttr, command.Dir = c.attributes, c.dir
	if output, err := command.CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v: %s", name, err, output)
	}
}

// Host is HOST:PORT of the server.
func (c *Cluster) Host() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// URL is that of a database of the server, such as postgres.
func (c *Cluster) URL(database string) string { return URLOf(database, c) }

// URLOf is the URL of a database of which several servers are the hosts.
func URLOf(database string, hosts ...*Cluster) string {
	var names []string
	for _, c := range hosts {
		names = append(names, c.Host())
	}
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&target_session_attrs=read-write", strings.Join(names, ","), database)
}

// Start starts the server and waits until it takes connections, of which a standby takes only reading ones.
func (c *Cluster) Start() {
	c.t.Helper()
	const script = `"$@" & server=$!; cat >/dev/null; kill -QUIT $server 2>/dev/null; wait $server; exit 0`
	args := []string{"-c", script, "sh", filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.port), "-h", "127.0.0.1"}
	for _, setting := range append([]string{
		"unix_socket_directories=", "max_connections=100", "shared_buffers=32MB", "wal_level=replica", "max_wal_senders=4", "hot_standby=on",
	}, c.settings...) {
		args = append(args, "-c", setting)
	}
	command := exec.CommandContext(context.Background(), "/bin/sh", args...)
	command.SysProcAttr, command.Dir = c.attributes, c.dir
	alive, err := command.StdinPipe()
	log, failed := command.StderrPipe()
	if err := errors.Join(err, failed); err != nil {
		c.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.alive, c.ended = alive, make(chan struct{})
	said, ready := waitReady(log)
	go func() {
		_, _ = io.Copy(io.Discard, log) // ends with the server, which holds the other side
		close(c.ended)
		_ = command.Wait()
	}()
	if !ready {
		c.t.Fatalf("PostgreSQL did not start: %s", said)
	}
}

// end ends the server and whoever watches over it.
func (c *Cluster) end() {
	if c.alive == nil {
		return
	}
	_ = c.alive.Close()
	c.wait()
	c.alive = nil
}

func (c *Cluster) wait() {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(clusterDeadline):
		c.t.Error("PostgreSQL did not end")
	}
}

// Signal sends a signal to the server and does not wait: SIGINT is its fast stop, SIGQUIT the immediate one.
func (c *Cluster) Signal(s syscall.Signal) {
	c.t.Helper()
	line, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(line), "\n", 2)[0])
	if err != nil {
		c.t.Fatal(err)
	}
	if err := syscall.Kill(pid, s); err != nil {
		c.t.Fatal(err)
	}
}

// Stop ends the server with a signal and waits for the end.
func (c *Cluster) Stop(s syscall.Signal) {
	c.t.Helper()
	c.Signal(s)
	_ = c.alive.Close()
	c.wait()
	c.alive = nil
}

// Exec runs a statement in a database of the server.
func (c *Cluster) Exec(database, query string, args ...any) {
	c.t.Helper()
	db := c.Open(database)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}

// Put writes a file into the server's folder that nobody else may read.
func (c *Cluster) Put(name string, content []byte) {
	c.t.Helper()
	path := filepath.Join(c.data(), name)
	err := os.WriteFile(path, content, 0o600)
	if c.attributes != nil {
		err = errors.Join(err, os.Chown(path, int(c.attributes.Credential.Uid), int(c.attributes.Credential.Gid)))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// Freeze stops the backends that a condition on pg_stat_activity names, without a word to their clients, and
// returns what lets them go on.
func (c *Cluster) Freeze(condition string) (thaw func()) {
	c.t.Helper()
	db := c.Open("postgres")
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(context.Background(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND `+condition)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var frozen []int
	for rows.Next() {
		var pid int
		if err := errors.Join(rows.Scan(&pid), syscall.Kill(pid, syscall.SIGSTOP)); err != nil {
			c.t.Fatal(err)
		}
		frozen = append(frozen, pid)
	}
	if err := rows.Err(); err != nil || len(frozen) == 0 {
		c.t.Fatalf("%d backends are frozen: %v", len(frozen), err)
	}
	return func() {
		for _, pid := range frozen {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended
		}
	}
}

// Open opens a database of the server, also of a standby.
func (c *Cluster) Open(database string) *sql.DB {
	c.t.Helper()
	db, err := sql.Open("pgx", strings.Replace(c.URL(database), "target_session_attrs=read-write", "target_session_attrs=any", 1))
	if err != nil {
		c.t.Fatal(err)
	}
	return db
}

// Standby makes a server that follows this one and starts it. Its name among the standbys is standby.
func (c *Cluster) Standby() *Cluster {
	c.t.Helper()
	standby := newCluster(c.t, nil)
	standby.command("pg_basebackup", "-D", standby.data(), "-R", "-X", "stream", "-c", "fast",
		"-d", fmt.Sprintf("host=127.0.0.1 port=%d user=postgres application_name=standby", c.port))
	standby.Start()
	return standby
}

// Promote makes a standby the primary and waits until it takes writes.
func (c *Cluster) Promote() {
	c.t.Helper()
	c.Exec("postgres", `SELECT pg_promote(false)`)
	c.until("the standby takes no writes", "postgres", `SELECT (NOT pg_is_in_recovery())::text`)
}

// until waits until a query says true, or fails with what is wrong.
func (c *Cluster) until(wrong, database, query string, args ...any) {
	c.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(clusterDeadline)
	for c.Text(database, query, args...) != "true" {
		select {
		case <-tick.C:
		case <-limit:
			c.t.Fatal(wrong)
		}
	}
}

// Text is the one text that a query of a database gives, or empty when that is NULL.
func (c *Cluster) Text(database, query string, args ...any) (text string) {
	c.t.Helper()
	db := c.Open(database)
	defer func() { _ = db.Close() }()
	var found sql.NullString
	if err := db.QueryRowContext(context.Background(), query, args...).Scan(&found); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return found.String
}

// CatchUp waits until a standby has everything that its primary has written so far.
func (c *Cluster) CatchUp(primary *Cluster) {
	c.t.Helper()
	at := primary.Text("postgres", `SELECT pg_current_wal_lsn()::text`)
	c.until("the standby does not catch up", "postgres", `SELECT (pg_last_wal_replay_lsn() >= $1::pg_lsn)::text`, at)
}
