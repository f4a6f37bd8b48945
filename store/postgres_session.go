package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// This file is about the two ends of a connection when the other one is gone without a word. What a node held
// when its machine died, the server gives back when it notices.

// sessionSetting is a setting of the server that every connection asks for, unless the URL gives it a value.
type sessionSetting struct {
	name, value string
	// patient is the value in a transaction in which the program may take its time. Empty is the same value.
	patient string
}

// sessionSettings end what a dead program holds. All changes need the row of the counter, so whoever holds that
// holds up every node.
var sessionSettings = []sessionSetting{
	{name: "idle_in_transaction_session_timeout", value: "10s", patient: "0"},
	// Further changes of that program wait in the server, and would hold the row for as long again, each in its turn.
	{name: "lock_timeout", value: "5s"},
	{name: tcpKeepalives + "_idle", value: "10"},
	{name: tcpKeepalives + "_interval", value: "3"},
	{name: tcpKeepalives + "_count", value: "3"},
	// To TCP a reader that takes its time looks like a dead one.
	{name: tcpUserTimeout, value: "20s", patient: "0"},
}

const (
	tcpKeepalives  = "tcp_keepalives"
	tcpUserTimeout = "tcp_user_timeout"
)

// socketKeepAlive and socketTimeout are the same for our end of a connection.
var socketKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 3 * time.Second, Count: 3}

const socketTimeout = 20 * time.Second

// setSession gives a configuration the settings that its URL leaves open. It returns the statements with which a
// transaction begins that is patient.
func setSession(config *pgx.ConnConfig) (patient string) {
	dialer := &net.Dialer{}
	if !said(config, tcpKeepalives) {
		dialer.KeepAliveConfig = socketKeepAlive
	}
	if !said(config, tcpUserTimeout) {
		dialer.Control = setSocketTimeout
	}
	config.DialFunc = dialer.DialContext
	for _, s := range unsaid(config) {
		config.RuntimeParams[s.name] = s.value
		if s.patient != "" {
			patient += "SET LOCAL " + s.name + " = " + s.patient + ";"
		}
	}
	return patient
}

// unsaid are the settings that a URL says nothing of.
func unsaid(config *pgx.ConnConfig) (all []sessionSetting) {
	for _, s := range sessionSettings {
		if !said(config, s.name) {
			all = append(all, s)
		}
	}
	return all
}

// said says whether a URL, or PGOPTIONS, gives a setting a value, or one that begins with its name.
func said(config *pgx.ConnConfig, name string) bool {
	for param := range config.RuntimeParams {
		if strings.HasPrefix(param, name) {
			return true
		}
	}
	options := strings.ReplaceAll(config.RuntimeParams["options"], "-", "_") // --lock-timeout=1s is one way to say it
	return strings.Contains(options, name)
}

// beginner is a *sql.DB or a *sql.Conn.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
}

// beginPatient begins a transaction in which the program may be silent for long, such as while it writes to
// somebody who reads slowly.
func (db database) beginPatient(ctx context.Context, on beginner, o *sql.TxOptions) (*sql.Tx, error) {
	began, err := on.BeginTx(ctx, o)
	if err != nil || db.server == nil || db.server.patient == "" {
		return began, err
	}
	if _, err := began.ExecContext(ctx, db.server.patient); err != nil {
		return nil, errors.Join(err, began.Rollback())
	}
	return began, nil
}
