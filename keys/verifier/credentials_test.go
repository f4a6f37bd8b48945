package verifier

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

const someToken = "lkt_000000000000000000000000000000000000000000021Giqy"

func handlerForHeaders() *Handler { return NewHandler(New(nil, nil, Options{}), HandlerOptions{}) }

// The three headers that count, as net/http spells them.
var (
	sentKey   = http.CanonicalHeaderKey(keys.DefaultKeyHeader)
	sentToken = http.CanonicalHeaderKey(keys.DefaultTokenHeader)
)

func TestCredentialsComeInOneShape(t *testing.T) {
	const id = "appkey-acme-7Q2M9KXD"
	const token = someToken
	for _, c := range []struct {
		name                string
		key, token, bearers []string
		want                credentials
		code                Code
	}{
		{name: "nothing", code: CodeMissing},
		{name: "a pair", key: []string{id}, token: []string{token}, want: credentials{id, token}, code: CodeValid},
		{name: "a Bearer token", bearers: []string{"Bearer " + token}, want: credentials{"", token}, code: CodeValid},
		{name: "a scheme in lower case", bearers: []string{"bearer " + token}, want: credentials{"", token}, code: CodeValid},
		{name: "a scheme in upper case", bearers: []string{"BEARER " + token}, want: credentials{"", token}, code: CodeValid},
		{name: "Bearer alone", bearers: []string{"Bearer"}, code: CodeMissing},
		{name: "Bearer and a space", bearers: []string{"Bearer "}, code: CodeMissing},
		{name: "Bearer of another application", bearers: []string{"Bearer eyJhbGciOiJub25lIn0"}, code: CodeMissing},
		{name: "Basic", bearers: []string{"Basic YTpi"}, code: CodeMissing},
		{name: "Basic with a token in it", bearers: []string{"Basic " + token}, code: CodeMissing},
		{name: "a token without a scheme", bearers: []string{token}, code: CodeMissing},
		{name: "another scheme that begins alike", bearers: []string{"BearerX " + token}, code: CodeMissing},
		{name: "a tab for a space", bearers: []string{"Bearer\t" + token}, code: CodeMissing},
		{name: "a prefix in upper case", bearers: []string{"Bearer LKT_" + token[4:]}, code: CodeMissing},
		{name: "two spaces are junk", bearers: []string{"Bearer  " + token}, want: credentials{"", " " + token}, code: CodeValid},
		{name: "a comma list", bearers: []string{"Bearer " + token + ", Bearer " + token}, code: CodeMalformed},
		{name: "a comma list of others", bearers: []string{"Bearer a, Bearer b"}, code: CodeMissing},
		{name: "two Bearer tokens", bearers: []string{"Bearer " + token, "Bearer " + token}, code: CodeMalformed},
		{name: "ours after Basic", bearers: []string{"Basic YTpi", "Bearer " + token}, code: CodeMalformed},
		{name: "ours before Basic", bearers: []string{"Bearer " + token, "Basic YTpi"}, code: CodeMalformed},
		{name: "two of others", bearers: []string{"Basic YTpi", "Bearer a"}, code: CodeMissing},
		{name: "a key alone", key: []string{id}, code: CodeMalformed},
		{name: "a token alone", token: []string{token}, code: CodeMalformed},
		{name: "a key alone beside Basic", key: []string{id}, bearers: []string{"Basic YTpi"}, code: CodeMalformed},
		{name: "a key beside our Bearer", key: []string{id}, bearers: []string{"Bearer " + token}, code: CodeMalformed},
		{name: "a token beside our Bearer", token: []string{token}, bearers: []string{"Bearer " + token}, code: CodeMalformed},
		{name: "both shapes", key: []string{id}, token: []string{token}, bearers: []string{"Bearer " + token}, code: CodeMalformed},
		{name: "both shapes with two spaces", key: []string{id}, token: []string{token}, bearers: []string{"Bearer  " + token}, code: CodeMalformed},
		{
			name: "both shapes behind Basic", key: []string{id}, token: []string{token},
			bearers: []string{"Basic YTpi", "Bearer " + token}, code: CodeMalformed,
		},
		{
			name: "a pair beside the application's Authorization", key: []string{id}, token: []string{token},
			bearers: []string{"Bearer a", "Basic YTpi"}, want: credentials{id, token}, code: CodeValid,
		},
		{name: "two keys", key: []string{id, id}, token: []string{token}, code: CodeMalformed},
		{name: "two tokens", key: []string{id}, token: []string{token, token}, code: CodeMalformed},
		{name: "an empty key", key: []string{""}, token: []string{token}, code: CodeMalformed},
		{name: "an empty token", key: []string{id}, token: []string{""}, code: CodeMalformed},
		{name: "an empty pair", key: []string{""}, token: []string{""}, code: CodeMalformed},
		{name: "an empty pair beside our Bearer", key: []string{""}, token: []string{""}, bearers: []string{"Bearer " + token}, code: CodeMalformed},
		{name: "a list of keys", key: []string{id + "," + id}, token: []string{token}, code: CodeMalformed},
		{name: "a list of tokens", key: []string{id}, token: []string{token + ", " + token}, code: CodeMalformed},
	} {
		header := http.Header{}
		for name, values := range map[string][]string{sentKey: c.key, sentToken: c.token, "Authorization": c.bearers} {
			if values != nil {
				header[name] = values
			}
		}
		got, code, ok := handlerForHeaders().credentials(header)
		if got != c.want || code != c.code || ok != (c.code == CodeValid) {
			t.Errorf("%s: %+v %s %v, want %+v %s", c.name, got, code, ok, c.want, c.code)
		}
	}
}

func TestCredentialsAreReadWithoutAnAllocation(t *testing.T) {
	h := handlerForHeaders()
	for _, header := range []http.Header{
		{sentKey: {"appkey-acme-7Q2M9KXD"}, sentToken: {someToken}, "Authorization": {"Basic YTpi"}},
		{"Authorization": {"Bearer " + someToken}},
	} {
		if n := testing.AllocsPerRun(100, func() { _, _, _ = h.credentials(header) }); n != 0 {
			t.Errorf("%v allocations for %v", n, header)
		}
	}
}

// credentialSeeds are values of a header, one on each line.
var credentialSeeds = []string{
	"", "appkey-acme-7Q2M9KXD", someToken, "Bearer " + someToken, "bearer " + someToken, "Bearer  " + someToken, "Bearer\t" + someToken,
	"Bearer", "Basic YTpi", "Bearer a, Bearer b", "Bearer " + someToken + "\nBearer " + someToken, someToken + "," + someToken,
	someToken + "\n" + someToken, strings.Repeat("a", 10<<10),
}

func FuzzCredentials(f *testing.F) {
	if len(credentialSeeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, key := range credentialSeeds[:4] {
		for _, token := range credentialSeeds {
			for _, authorization := range credentialSeeds {
				f.Add(key, token, authorization)
			}
		}
	}
	h := handlerForHeaders()
	f.Fuzz(func(t *testing.T, key, token, authorization string) {
		header := http.Header{}
		for name, text := range map[string]string{sentKey: key, sentToken: token, "Authorization": authorization} {
			if text != "" {
				header[name] = strings.Split(text, "\n")
			}
		}
		got, code, ok := h.credentials(header)
		bearers := slices.ContainsFunc(header["Authorization"], func(value string) bool {
			scheme, rest, _ := strings.Cut(value, " ")
			return strings.ToLower(scheme) == "bearer" && strings.HasPrefix(strings.TrimLeft(rest, " "), "lkt_")
		})
		pairs := key != "" || token != ""
		switch {
		case !ok && got != credentials{}:
			t.Errorf("%+v came out of what is %s", got, code)
		case !ok && code == CodeMissing && (pairs || bearers):
			t.Error("what is there was not seen")
		case !ok && code != CodeMissing && code != CodeMalformed:
			t.Errorf("what cannot be read is %s", code)
		case ok && pairs && (bearers || got.key != key || got.token != token):
			t.Errorf("%+v was read out of a pair", got)
		case ok && !pairs && (got.key != "" || !strings.EqualFold("bearer "+got.token, authorization)):
			t.Errorf("%+v was read out of %q", got, authorization)
		case ok && strings.ContainsAny(got.key+got.token, ",\n"):
			t.Errorf("%+v are several", got)
		}
	})
}
