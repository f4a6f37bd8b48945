package storetest

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Wire is a network between a program and a PostgreSQL server that can be cut, frozen and made to swallow
// everything.
type Wire struct {
	t        testing.TB
	listener net.Listener
	// database is the URL of the database at the other end, and to its host.
	database, to string
	mu           sync.Mutex
	cut          bool
	open         []net.Conn
	// silence is held while nothing gets through, though the connections stay. A connection keeps the one that
	// it began with.
	silence *sync.RWMutex
}

// NewWire makes a wire to the server of a database, until the end of the test.
func NewWire(t testing.TB, database string) *Wire {
	t.Helper()
	far, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{t: t, listener: l, database: database, to: far.Host, silence: new(sync.RWMutex)}
	go w.accept()
	t.Cleanup(func() {
		_ = l.Close()
		w.Cut()
	})
	return w
}

// URL is that of the database, through the wire.
func (w *Wire) URL() string {
	return strings.Replace(w.database, w.to, w.listener.Addr().String(), 1)
}

func (w *Wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		silence, kept := w.keep(near, far)
		if !kept {
			_, _ = near.Close(), far.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() {
				_, _ = io.Copy(silenced{way[0], silence}, way[1])
				_ = silenced{way[0], silence}.Close()
			}()
		}
	}
}

// silenced is an end of a wire that hears nothing while that is silent, not even that the other end is closed.
type silenced struct {
	net.Conn
	silence *sync.RWMutex
}

func (s silenced) Write(b []byte) (int, error) {
	s.silence.RLock()
	defer s.silence.RUnlock()
	return s.Conn.Write(b)
}

func (s silenced) Close() error {
	s.silence.RLock()
	defer s.silence.RUnlock()
	return s.Conn.Close()
}

// keep remembers connections to be cut, unless the wire is cut already, and returns what silences them.
func (w *Wire) keep(connections ...net.Conn) (silence *sync.RWMutex, kept bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, false
	}
	w.open = append(w.open, connections...)
	return w.silence, true
}

// Cut ends all connections and lets no other begin.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

// Mend lets connections begin again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// Freeze lets nothing through, while the connections stay, until thaw is called or the test ends.
func (w *Wire) Freeze() (thaw func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silence.Lock()
	thaw = sync.OnceFunc(w.silence.Unlock)
	w.t.Cleanup(thaw)
	return thaw
}

// Swallow lets nothing more through the connections that there are, which stay until the test ends: so it is
// when a host is lost without a word. Others begin as ever.
func (w *Wire) Swallow() {
	w.Freeze()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silence = new(sync.RWMutex)
}
