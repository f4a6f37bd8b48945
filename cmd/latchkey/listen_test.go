package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// openDoors are doors on free ports that answer 204.
func openDoors(t *testing.T, n int) (doors []door) {
	t.Helper()
	for range n {
		l, err := listenTCP(t.Context(), "--listen", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		doors = append(doors, door{l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), false})
	}
	return doors
}

func isOpen(t *testing.T, l net.Listener) bool {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", l.Addr().String())
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func TestReadyIsSaidOnceWhenAllListenersAnswer(t *testing.T) {
	doors := openDoors(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	times := 0
	ready := func() {
		times++
		stop()
	}
	if err := answer(ctx, doors, settings{}, slog.New(slog.DiscardHandler), ready); err != nil {
		t.Error(err)
	}
	if times != 1 {
		t.Errorf("ready was said %d times; want once", times)
	}
	for _, d := range doors {
		if isOpen(t, d.Listener) {
			t.Errorf("%s is still open", d.Addr())
		}
	}
}

func TestWhenOneListenerFailsAllStop(t *testing.T) {
	for broken := range 3 {
		doors := openDoors(t, 3)
		var failing sync.Once
		err := answer(t.Context(), doors, settings{}, slog.New(slog.DiscardHandler), func() {
			failing.Do(func() { _ = doors[broken].Close() })
		})
		if err == nil || !strings.Contains(err.Error(), "serving on "+doors[broken].Addr().String()+" ended") {
			t.Errorf("the error is %v; want it to name %s", err, doors[broken].Addr())
		}
		for _, d := range doors {
			if isOpen(t, d.Listener) {
				t.Errorf("%s is still open", d.Addr())
			}
		}
	}
}
