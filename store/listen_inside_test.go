package store

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// A server refuses to listen while it is a standby, and keeps the connection.
func TestAConnectionThatMayNotListenIsClosed(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	said := make(chan []string, 1)
	go func() { said <- refuseEverything(listener) }()
	config, err := pgx.ParseConfig("postgres://latchkey@" + listener.Addr().String() + "/latchkey?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{db: database{server: &server{config: config}}}
	if conn, err := s.connectToListen(t.Context()); err == nil || conn != nil {
		t.Fatalf("it keeps a connection to a server that refuses: %v", err)
	}
	_ = listener.Close() // ends one that nobody has called
	if got := <-said; len(got) != 2 || got[0] != "LISTEN latchkey_feed" || got[1] != "the end" {
		t.Errorf("the server heard %q; want that it shall listen, and the end", got)
	}
}

// refuseEverything lets one client connect and refuses each of its queries. It returns them, and its farewell.
func refuseEverything(listener net.Listener) (heard []string) {
	conn, err := listener.Accept()
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = conn.Close() }()
	server := pgproto3.NewBackend(conn, conn)
	if _, err := server.ReceiveStartupMessage(); err != nil {
		return []string{err.Error()}
	}
	server.Send(&pgproto3.AuthenticationOk{})
	for {
		server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := server.Flush(); err != nil {
			return append(heard, err.Error())
		}
		message, err := server.Receive()
		if err != nil {
			return append(heard, err.Error())
		}
		switch m := message.(type) {
		case *pgproto3.Terminate:
			return append(heard, "the end")
		case *pgproto3.Query:
			heard = append(heard, m.String)
		}
		server.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "55000", Message: "cannot execute LISTEN during recovery"})
	}
}
