package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"latchkey/keys"
	"latchkey/keys/verifier"
)

// parsed is what the server would be started with.
func parsed(t *testing.T, env []string, args ...string) (settings, error) {
	t.Helper()
	var cli commands
	parser, err := kong.New(&cli, kong.Resolvers(newEnvironment(env)), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"serve"}, args...)); err != nil {
		return settings{}, err
	}
	return cli.Serve.check()
}

func TestServeWithoutSettingsListensOnLoopbackOnly(t *testing.T) {
	s, err := parsed(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != "127.0.0.1:8080" || !s.loopback || s.public != nil || s.insecure || !strings.HasSuffix(s.place.folder, "/data") {
		t.Errorf("settings are %+v; want 127.0.0.1:8080, no public URL, and ./data as an absolute path", s)
	}
}

func TestAFlagWinsOverItsVariable(t *testing.T) {
	env := []string{"LATCHKEY_LISTEN=127.0.0.1:1", "LATCHKEY_DATA=/var/lib/latchkey", "LATCHKEY_LOG_LEVEL=", "HOME=/root"}
	s, err := parsed(t, env, "--listen", "127.0.0.1:2")
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != "127.0.0.1:2" || s.place.folder != "/var/lib/latchkey" {
		t.Errorf("listen %q, data %q; want the flag's address and the variable's folder", s.listen, s.place.folder)
	}
}

func TestEveryServeSettingHasItsVariable(t *testing.T) {
	certificate := passwordFile(t, "not parsed here")
	s, err := parsed(t, []string{
		"LATCHKEY_LISTEN=0.0.0.0:8443", "LATCHKEY_DATA=/d", "LATCHKEY_PUBLIC_URL=https://keys.example.com/",
		"LATCHKEY_TRUSTED_PROXIES=10.0.0.7, 192.168.0.0/16,fd00::/8", "LATCHKEY_TLS_CERT=" + certificate, "LATCHKEY_TLS_KEY=" + certificate,
		"LATCHKEY_INSECURE_HTTP=1", "LATCHKEY_LOG_LEVEL=debug",
	})
	if err != nil {
		t.Fatal(err)
	}
	var proxies []string
	for _, p := range s.proxies {
		proxies = append(proxies, p.String())
	}
	if s.listen != "0.0.0.0:8443" || s.place.folder != "/d" || s.public.String() != "https://keys.example.com" || s.tlsCert != certificate ||
		s.tlsKey != certificate || !s.insecure || s.level.String() != "DEBUG" || strings.Join(proxies, " ") != "10.0.0.7/32 192.168.0.0/16 fd00::/8" {
		t.Errorf("settings are %+v", s)
	}
}

func TestEverySettingOfVerificationHasItsVariable(t *testing.T) {
	s, err := parsed(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	usual := verifySettings{
		socketMode: 0o660, keyHeader: keys.DefaultKeyHeader, tokenHeader: keys.DefaultTokenHeader,
		identity: true, staleness: verifier.DefaultMaxStaleness, refusals: verifier.DefaultRefusalsPerMinute,
	}
	if s.verify != usual {
		t.Errorf("without settings verification is %+v; want %+v", s.verify, usual)
	}
	for _, env := range [][]string{
		{"LATCHKEY_VERIFY_LISTEN=unix:/run/v.sock", "LATCHKEY_IDENTITY_HEADERS=false"},
		{"LATCHKEY_VERIFY_LISTEN=unix:/run/../run/v.sock", "LATCHKEY_IDENTITY_HEADERS=0"},
	} {
		s, err = parsed(t, append(env,
			"LATCHKEY_SOCKET_MODE=0600", "LATCHKEY_VERIFY_ACCOUNT=globex", "LATCHKEY_KEY_HEADER=X-Api-Key", "LATCHKEY_TOKEN_HEADER=X-Api-Token",
			"LATCHKEY_MAX_STALENESS=90s", "LATCHKEY_REFUSALS_PER_MINUTE=7", "LATCHKEY_METRICS_LISTEN=127.0.0.1:9464", "LATCHKEY_TRUSTED_PROXIES=unix"))
		if err != nil {
			t.Fatal(err)
		}
		want := verifySettings{
			socket: "/run/v.sock", socketMode: 0o600, account: "globex", keyHeader: "X-Api-Key", tokenHeader: "X-Api-Token",
			staleness: 90 * time.Second, refusals: 7, trustUnix: true, metrics: "127.0.0.1:9464",
		}
		if s.verify != want || len(s.proxies) > 0 {
			t.Errorf("verification is %+v; want %+v", s.verify, want)
		}
	}
	for _, flag := range []string{"--identity-headers=false", "--no-identity-headers"} {
		if s, err = parsed(t, nil, flag); err != nil || s.verify.identity {
			t.Errorf("%s: identity headers %t, %v; want them off", flag, s.verify.identity, err)
		}
	}
}

func TestUnknownVariablesAreAnError(t *testing.T) {
	cliWith(t, []string{"LATCHKEY_PUBLIC_ULR=https://keys.example.com"}, "", "version").refused(t, "LATCHKEY_PUBLIC_ULR")
	// What Kubernetes sets for a service named latchkey is none of ours.
	cliWith(t, []string{
		"LATCHKEY_SERVICE_HOST=10.0.0.1", "LATCHKEY_SERVICE_PORT_HTTP=80", "LATCHKEY_PORT=tcp://10.0.0.1:80", "LATCHKEY_PORT_80_TCP=tcp://10.0.0.1:80",
	}, "", "version").ok(t)
}

// What only the command itself can see is an error of the command line, too.
func TestValuesThatNoCommandTakesAreAnError(t *testing.T) {
	folder := initialised(t)
	password := passwordFile(t, goodPassword)
	create := []string{"account", "create", "--data", folder, "--email", "gil@globex.example", "--password-file", password}
	cli(t, "", append(create, "--account", "globex", "--zone", "Nowhere")...).misused(t, "--zone is not a time zone", "Nothing was changed")
	cli(t, "", append(create, "--account", "GLOBEX!")...).misused(t, "--account must be")
	cli(t, "", "audit", "export", "-", "--data", folder, "--after=-1").misused(t, "--after is -1")
	cli(t, "", "user", "list", "--database-url", "postgres://a/b", "--database-url-file", password).misused(t, "are both set")
	// Nothing is wrong with these command lines.
	for _, args := range [][]string{append(create, "--account", "acme"), {"user", "list", "--data", filepath.Join(t.TempDir(), "none")}} {
		if r := cli(t, "", args...); r.code != exitFailed {
			t.Errorf("latchkey %v: exit code %d; want %d", args, r.code, exitFailed)
		}
	}
}

func TestOneOfSomethingIsNotSeveral(t *testing.T) {
	folder := initialised(t)
	export := func(after string) string {
		return cli(t, "", "audit", "export", filepath.Join(t.TempDir(), "log"), "--data", folder, "--after", after).ok(t).stdout
	}
	all := export("0")
	n, err := strconv.Atoi(all[:strings.Index(all, " ")])
	if err != nil || n < 2 || !strings.Contains(all, " events of the audit log are in ") {
		t.Fatalf("the export says %q", all)
	}
	if one := export(strconv.Itoa(n - 1)); !strings.HasPrefix(one, "1 event of the audit log is in ") {
		t.Errorf("the export of one says %q", one)
	}
}

func TestUnknownFlagsAndCommandsAreAnError(t *testing.T) {
	for _, args := range [][]string{{"serve", "--lisen", "x"}, {"server"}, {}, {"user", "reset"}, {"init"}} {
		if r := cli(t, "", args...); r.code != exitUsage {
			t.Errorf("latchkey %v: exit code %d; want %d", args, r.code, exitUsage)
		} else {
			r.refused(t, "--help")
		}
	}
}

func TestHelpNamesEveryCommandAndVariable(t *testing.T) {
	help := cli(t, "", "--help").ok(t).stdout
	for _, command := range []string{"serve", "init", "account create", "account list", "user list", "user reset", "user unlock", "demo", "audit verify", "copy", "healthcheck", "version"} {
		if !strings.Contains(help, command) {
			t.Errorf("latchkey --help does not name %s", command)
		}
	}
	help = cli(t, "", "serve", "--help").ok(t).stdout
	for _, variable := range []string{
		"LATCHKEY_LISTEN", "LATCHKEY_DATA", "LATCHKEY_PUBLIC_URL", "LATCHKEY_TRUSTED_PROXIES", "LATCHKEY_TLS_CERT", "LATCHKEY_TLS_KEY", "LATCHKEY_INSECURE_HTTP", "LATCHKEY_LOG_LEVEL",
		"LATCHKEY_VERIFY_LISTEN", "LATCHKEY_SOCKET_MODE", "LATCHKEY_VERIFY_ACCOUNT", "LATCHKEY_KEY_HEADER", "LATCHKEY_TOKEN_HEADER", "LATCHKEY_IDENTITY_HEADERS",
		"LATCHKEY_MAX_STALENESS", "LATCHKEY_REFUSALS_PER_MINUTE", "LATCHKEY_METRICS_LISTEN",
	} {
		if !strings.Contains(help, variable) {
			t.Errorf("latchkey serve --help does not name %s", variable)
		}
	}
}

func TestTheReadmeHasARowForEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var flags serveFlags
	parser, err := kong.New(&flags)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, flag := range parser.Model.Flags {
		if flag.Name == "help" {
			continue
		}
		seen++
		row := regexp.MustCompile("(?m)^\\|[^|]*`--" + flag.Name + "`[^|]*\\|[^|]*`" + variableOf(flag.Name) + "`")
		if !row.Match(readme) {
			t.Errorf("the configuration in the README has no row for --%s and %s", flag.Name, variableOf(flag.Name))
		}
	}
	if seen < 17 {
		t.Errorf("only %d flags were looked for", seen)
	}
}

func TestListenRules(t *testing.T) {
	file := passwordFile(t, "any content")
	tests := []struct {
		name string
		args []string
		// refusal is empty when the settings are fine.
		refusal string
	}{
		{"loopback", []string{"--listen", "127.0.0.1:0"}, ""},
		{"all of 127.0.0.0/8 is loopback", []string{"--listen", "127.9.9.9:80"}, ""},
		{"IPv6 loopback", []string{"--listen", "[::1]:80"}, ""},
		{"localhost", []string{"--listen", "localhost:80"}, ""},
		{"every address without encryption", []string{"--listen", "0.0.0.0:80"}, "--insecure-http"},
		{"no host means every address", []string{"--listen", ":80"}, "--insecure-http"},
		{"IPv6 every address", []string{"--listen", "[::]:80", "--public-url", "https://keys.example.com"}, "--insecure-http"},
		{"a name of this machine", []string{"--listen", "keys.example.com:80", "--public-url", "https://keys.example.com"}, "--insecure-http"},
		{"a private address is beyond loopback", []string{"--listen", "192.168.1.5:80", "--public-url", "http://192.168.1.5"}, "--insecure-http"},
		{"behind a proxy", []string{"--listen", ":80", "--trusted-proxies", "10.0.0.1", "--public-url", "https://keys.example.com"}, ""},
		{"with TLS", []string{"--listen", ":443", "--tls-cert", file, "--tls-key", file, "--public-url", "https://keys.example.com"}, ""},
		{"insecure on purpose", []string{"--listen", ":80", "--insecure-http", "--public-url", "http://lan.example"}, ""},
		{"beyond loopback a public URL is needed", []string{"--listen", ":80", "--insecure-http"}, "--public-url is missing"},
		{"plain http beyond this machine through a proxy", []string{"--trusted-proxies", "10.0.0.1", "--public-url", "http://lan.example"}, "--insecure-http"},
		{"half of TLS", []string{"--tls-cert", file}, "--tls-key"},
		{"TLS files that are not there", []string{"--tls-cert", file + "x", "--tls-key", file}, file + "x"},
		{"TLS and a plain public URL", []string{"--tls-cert", file, "--tls-key", file, "--public-url", "http://localhost"}, "https://"},
		{"no port", []string{"--listen", "127.0.0.1"}, "HOST:PORT"},
		{"a public URL with a path", []string{"--public-url", "https://example.com/keys"}, "scheme and host"},
		{"a public URL without a scheme", []string{"--public-url", "keys.example.com"}, "scheme and host"},
		{"a public URL of another scheme", []string{"--public-url", "ftp://keys.example.com"}, "scheme and host"},
		{"a proxy that is no address", []string{"--trusted-proxies", "proxy.example.com"}, "10.0.0.0/24"},
		{"the peers of a socket as proxies", []string{"--trusted-proxies", "unix,10.0.0.1", "--verify-listen", "unix:/run/v.sock"}, ""},
		{"the peers of a socket that is not there", []string{"--trusted-proxies", "unix"}, "--verify-listen"},
		{"the peers of a socket do not make a network safe", []string{
			"--listen", ":80", "--public-url", "https://keys.example.com", "--trusted-proxies", "unix", "--verify-listen", "unix:/run/v.sock",
		}, "--insecure-http"},
		{"verification on every address without encryption", []string{"--verify-listen", "0.0.0.0:81"}, "0.0.0.0:81"},
		{"verification on every address behind a proxy", []string{"--verify-listen", ":81", "--trusted-proxies", "10.0.0.1"}, ""},
		{"verification on this machine", []string{"--verify-listen", "127.0.0.1:81"}, ""},
		{"verification without a port", []string{"--verify-listen", "127.0.0.1"}, "--verify-listen"},
		{"a socket without a path", []string{"--verify-listen", "unix:"}, "unix:/run/latchkey/verify.sock"},
		{"a socket with too long a path", []string{"--verify-listen", "unix:/" + strings.Repeat("a", 103)}, "103 bytes"},
		{"a socket for everybody", []string{"--verify-listen", "unix:/run/v.sock", "--socket-mode", "0666"}, ""},
		{"a socket mode in words", []string{"--socket-mode", "rw-rw----"}, "--socket-mode"},
		{"a socket mode with more than permissions", []string{"--socket-mode", "1660"}, "--socket-mode"},
		{"an account", []string{"--verify-account", "acme"}, ""},
		{"an account that no account is called", []string{"--verify-account", "Acme Inc"}, "--verify-account"},
		{"headers of one's own", []string{"--key-header", "X-Api-Key", "--token-header", "X-Api-Token"}, ""},
		{"an empty header", []string{"--key-header", ""}, "--key-header"},
		{"a header that is none", []string{"--token-header", "X Api Token"}, "--token-header"},
		{"one header for both", []string{"--key-header", "X-Api-Key", "--token-header", "x-api-key"}, "--token-header"},
		{"Authorization is taken", []string{"--token-header", "authorization"}, "--token-header"},
		{"Cookie is taken", []string{"--key-header", "Cookie"}, "--key-header"},
		{"Host is taken", []string{"--key-header", "host"}, "--key-header"},
		{"our own headers are taken", []string{"--key-header", "x-latchkey-key-id"}, "--key-header"},
		{"too little staleness", []string{"--max-staleness", "1999ms"}, "--max-staleness"},
		{"the least staleness", []string{"--max-staleness", "2s"}, ""},
		{"the most staleness", []string{"--max-staleness", "30m"}, ""},
		{"too much staleness", []string{"--max-staleness", "1801s"}, "30m or less"},
		{"staleness that is no time", []string{"--max-staleness", "60"}, "--max-staleness"},
		{"no limit of refusals", []string{"--refusals-per-minute", "0"}, ""},
		{"less than no limit", []string{"--refusals-per-minute=-1"}, "--refusals-per-minute"},
		{"metrics on this machine", []string{"--metrics-listen", "[::1]:9464"}, ""},
		{"metrics for everybody", []string{"--metrics-listen", ":9464"}, "127.0.0.1:9464"},
		{"metrics for everybody with TLS", []string{"--metrics-listen", "10.0.0.1:9464", "--tls-cert", file, "--tls-key", file}, "--metrics-listen"},
		{"metrics without a port", []string{"--metrics-listen", "127.0.0.1"}, "--metrics-listen"},
		{"a log level that is none", []string{"--log-level", "loud"}, "--log-level"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parsed(t, nil, tt.args...)
			switch {
			case tt.refusal == "" && err != nil:
				t.Errorf("%v was refused: %v", tt.args, err)
			case tt.refusal != "" && err == nil:
				t.Errorf("%v was accepted", tt.args)
			case tt.refusal != "" && !strings.Contains(err.Error(), tt.refusal):
				t.Errorf("%v was refused with %q; want it to name %q", tt.args, err, tt.refusal)
			}
		})
	}
}

func TestThePlaceIsADataFolderOrAPostgreSQLDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	const url = "postgres://latchkey:secret@db-1.example.com,db-2.example.com:5433/keys?sslmode=verify-full"
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = "PostgreSQL database keys on db-1.example.com:5432, db-2.example.com:5433"
	for _, env := range [][]string{{"LATCHKEY_DATABASE_URL=" + url}, {"LATCHKEY_DATABASE_URL_FILE=" + file}} {
		s, err := parsed(t, append(env, "LATCHKEY_NODE_NAME=node-7"))
		if err != nil {
			t.Fatal(err)
		}
		if s.place.url != url || s.place.String() != name || s.node != "node-7" {
			t.Errorf("the place is %q, called %q, and the node %q; want the URL, %q and node-7", s.place.url, s.place, s.node, name)
		}
	}
	if s, err := parsed(t, nil); err != nil || s.place.postgres() || s.node == "" {
		t.Errorf("without a setting the place is %+v and the node %q, %v; want a folder and the host's name", s.place, s.node, err)
	}
	for _, refused := range []struct {
		env  []string
		says string
	}{
		{[]string{"LATCHKEY_DATABASE_URL=" + url, "LATCHKEY_DATABASE_URL_FILE=" + file}, "are both set"},
		{[]string{"LATCHKEY_DATABASE_URL=mysql://db/keys"}, "must begin with postgres://"},
		{[]string{"LATCHKEY_DATABASE_URL=sqlite:///keys.db"}, "leave it out and name its folder with --data"},
		{[]string{"LATCHKEY_DATABASE_URL=postgres://latchkey:secret@db:port/keys"}, "cannot be read"},
		{[]string{"LATCHKEY_DATABASE_URL_FILE=/no/such/file"}, "cannot read --database-url-file"},
		{[]string{"LATCHKEY_DATABASE_URL_FILE=" + os.DevNull}, "must hold the URL of a database"},
		{[]string{"LATCHKEY_NODE_NAME=" + strings.Repeat("x", 254)}, "--node-name"},
	} {
		_, err := parsed(t, refused.env)
		if err == nil || !strings.Contains(err.Error(), refused.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q is refused with %v; want that it says %q, and no password", refused.env, err, refused.says)
		}
	}
}
