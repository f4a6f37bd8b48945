package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
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
	if s.listen != "127.0.0.1:8080" || !s.loopback || s.public != nil || s.insecure || !strings.HasSuffix(s.data, "/data") {
		t.Errorf("settings are %+v; want 127.0.0.1:8080, no public URL, and ./data as an absolute path", s)
	}
}

func TestAFlagWinsOverItsVariable(t *testing.T) {
	env := []string{"LATCHKEY_LISTEN=127.0.0.1:1", "LATCHKEY_DATA=/var/lib/latchkey", "LATCHKEY_LOG_LEVEL=", "HOME=/root"}
	s, err := parsed(t, env, "--listen", "127.0.0.1:2")
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != "127.0.0.1:2" || s.data != "/var/lib/latchkey" {
		t.Errorf("listen %q, data %q; want the flag's address and the variable's folder", s.listen, s.data)
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
	if s.listen != "0.0.0.0:8443" || s.data != "/d" || s.public.String() != "https://keys.example.com" || s.tlsCert != certificate ||
		s.tlsKey != certificate || !s.insecure || s.level.String() != "DEBUG" || strings.Join(proxies, " ") != "10.0.0.7/32 192.168.0.0/16 fd00::/8" {
		t.Errorf("settings are %+v", s)
	}
}

func TestUnknownVariablesAreAnError(t *testing.T) {
	cliWith(t, []string{"LATCHKEY_PUBLIC_ULR=https://keys.example.com"}, "", "version").refused(t, "LATCHKEY_PUBLIC_ULR")
	// What Kubernetes sets for a service named latchkey is none of ours.
	cliWith(t, []string{
		"LATCHKEY_SERVICE_HOST=10.0.0.1", "LATCHKEY_SERVICE_PORT_HTTP=80", "LATCHKEY_PORT=tcp://10.0.0.1:80", "LATCHKEY_PORT_80_TCP=tcp://10.0.0.1:80",
	}, "", "version").ok(t)
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
	for _, command := range []string{"serve", "init", "account create", "account list", "user list", "user reset", "user unlock", "demo", "audit verify", "version"} {
		if !strings.Contains(help, command) {
			t.Errorf("latchkey --help does not name %s", command)
		}
	}
	help = cli(t, "", "serve", "--help").ok(t).stdout
	for _, variable := range []string{"LATCHKEY_LISTEN", "LATCHKEY_DATA", "LATCHKEY_PUBLIC_URL", "LATCHKEY_TRUSTED_PROXIES", "LATCHKEY_TLS_CERT", "LATCHKEY_TLS_KEY", "LATCHKEY_INSECURE_HTTP", "LATCHKEY_LOG_LEVEL"} {
		if !strings.Contains(help, variable) {
			t.Errorf("latchkey serve --help does not name %s", variable)
		}
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
