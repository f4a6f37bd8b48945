package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"latchkey/store"
	"latchkey/store/storetest"
)

// Whoever starts a server must learn what it waits for, instead of a silence without end.
func TestOpeningDoesNotWaitForASilentServer(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // it takes connections, and that is all
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	url := "postgres://latchkey@" + listener.Addr().String() + "/keys?sslmode=disable&connect_timeout=0"
	o := store.Impatient(options(), 50*time.Millisecond, time.Hour)
	for how, try := range map[string]func(ctx context.Context) error{
		"opened":      func(ctx context.Context) error { return openAndClose(ctx, url, o) },
		"copied":      func(ctx context.Context) error { return copied(ctx, url, storetest.SQLite(t), o) },
		"copied into": func(ctx context.Context) error { return copied(ctx, "sqlite://"+healthy(t), url, o) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := try(ctx)
		cancel()
		if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), "did not answer within 50ms") || strings.Contains(err.Error(), "\n") {
			t.Errorf("a database that does not answer is %s: %v", how, err)
		}
	}
}

func openAndClose(ctx context.Context, url string, o store.Options) error {
	s, err := store.Open(ctx, url, o)
	if err != nil {
		return err
	}
	return s.Close()
}

func copied(ctx context.Context, from, to string, o store.Options) error {
	_, err := store.Copy(ctx, from, to, o)
	return err
}

// A node that hangs while it changes the schema must not let the others hang, too.
func TestOpeningDoesNotWaitForAnotherMigrationForEver(t *testing.T) {
	url := storetest.MigratedPostgres(t)
	holder, err := storetest.OpenRaw(t, url).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	var pid string
	if err := holder.QueryRowContext(t.Context(), `SELECT pg_backend_pid()::text FROM pg_advisory_lock(119165820299371)`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	impatient := store.Impatient(options(), time.Minute, 50*time.Millisecond)
	err = openAndClose(ctx, url, impatient)
	for _, part := range []string{"another latchkey, on 127.0.0.1,", "for over 50ms", "pg_terminate_backend(" + pid + ")"} {
		if !errors.Is(err, store.ErrRefused) || !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("while another program changes the schema: %v; want %q", err, part)
		}
	}
	if _, err := holder.ExecContext(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
		t.Fatal(err)
	}
	if err := openAndClose(t.Context(), url, impatient); err != nil {
		t.Errorf("when nobody changes the schema any more: %v", err)
	}
}

// A migration itself may wait for whoever is at work on its table, unless the operator says for how long.
func TestAMigrationTakesItsTime(t *testing.T) {
	url := storetest.MigratedPostgres(t)
	for options, want := range map[string][2]string{"": {"0", "5s"}, "&lock_timeout=7s": {"7s", "7s"}} {
		if during, after := store.LockTimeouts(t, url+options); [2]string{during, after} != want {
			t.Errorf("with %q the lock_timeout of a migration is %s, and then %s; want %q", options, during, after, want)
		}
	}
}
