package store

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connectDeadline is how long one of the hosts of a URL may take to answer, where the URL does not say.
const connectDeadline = 2 * time.Second

// IsPostgres says whether a URL of a database is one of PostgreSQL.
func IsPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// PostgresName is what a PostgreSQL database is called where people read it, without user and password:
// the hosts and the name. An error says what is wrong with the URL, without its password.
func PostgresName(url string) (string, error) {
	config, err := postgresConfig(url)
	if err != nil {
		return "", err
	}
	hosts := []string{postgresHost(config.Host, config.Port)}
	for _, f := range config.Fallbacks {
		if host := postgresHost(f.Host, f.Port); host != hosts[len(hosts)-1] { // TLS and plain are two attempts
			hosts = append(hosts, host)
		}
	}
	return fmt.Sprintf("PostgreSQL database %s on %s", config.Database, strings.Join(hosts, ", ")), nil
}

func postgresHost(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// postgresConfig reads a URL. What it leaves open is decided for a program that writes: of several hosts
// only one that can be written to is taken.
func postgresConfig(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	switch {
	case misread(url, config):
		return nil, refused("the database URL cannot be read: in its user and password, special characters must be percent-encoded, such as / as %%2F and @ as %%40")
	case err != nil:
		return nil, refused("the database URL cannot be read: %s", err)
	}
	// The frame's locks are written for this level, whatever the server's own default is.
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "latchkey" // so that an operator knows whose connections they are
	}
	if !said(config, "jit") {
		config.RuntimeParams["jit"] = "off" // to compile a search takes longer than to run it
	}
	if !strings.Contains(url, "target_session_attrs=") {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if !strings.Contains(url, "connect_timeout=") {
		config.ConnectTimeout = connectDeadline
	}
	closes := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, failure *pgconn.PgError) bool {
		// A server that cannot be written to any more was one that could: it is not the primary now.
		return failure.Code != readOnlyServer && closes(c, failure)
	}
	return config, nil
}

// misread says whether a part of the password was, or may have been, taken for something that people are shown.
// User and password end at the first @, and are none when a / comes before it. There is no configuration when the
// URL could not be read.
func misread(url string, config *pgx.ConnConfig) bool {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		rest = rest[i+1:]
	}
	if config == nil {
		return strings.Contains(rest, "@")
	}
	for param := range config.RuntimeParams {
		if strings.ContainsAny(param, "@/") {
			return true
		}
	}
	rest, _, _ = strings.Cut(rest, "?") // a user may be named in the options
	return strings.Contains(rest, "@")
}
