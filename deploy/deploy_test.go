package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"latchkey/keys"
)

var (
	example = Place{
		Verifier: "unix:" + exampleSocket, Account: exampleAccount, Resource: exampleResource,
		KeyHeader: exampleKeyHeader, TokenHeader: exampleTokenHeader,
	}
	other = Place{
		Verifier: "unix:/srv/keys/ask.sock", Account: "globex", Resource: "stock.write", KeyHeader: "X-Own-Key", TokenHeader: "X-Own-Token",
	}
)

// at is a place with a verifier elsewhere.
func (p Place) at(verifier string) Place {
	p.Verifier = verifier
	return p
}

func TestWithTheExamplesValuesTheFilesAreAsTheyStand(t *testing.T) {
	if exampleKeyHeader != keys.DefaultKeyHeader || exampleTokenHeader != keys.DefaultTokenHeader {
		t.Errorf("the files use %s and %s, which are not the default names", exampleKeyHeader, exampleTokenHeader)
	}
	recipes := Recipes(example)
	if len(recipes) != 4 {
		t.Fatalf("there are %d recipes", len(recipes))
	}
	for _, r := range recipes {
		text, err := os.ReadFile(r.File)
		if err != nil || string(text) != r.Text {
			t.Errorf("%s is not its file: %v", r.Name, err)
		}
		if !strings.HasPrefix(r.File, r.Slug+"/") {
			t.Errorf("%s is in %s, not in %s/", r.Name, r.File, r.Slug)
		}
	}
}

func TestNothingOfTheExampleIsLeftInAnotherPlace(t *testing.T) {
	left := regexp.MustCompile(`\bacme\b|orders\.read|(?i:vtex)|/run/latchkey|unix`)
	for verifier, want := range map[string]map[string]string{
		"unix:/srv/keys/ask.sock": {
			"nginx": "server unix:/srv/keys/ask.sock;", "caddy": "forward_auth unix//srv/keys/ask.sock {",
			"traefik": "address: http://127.0.0.1:8081/v1/verify?", "envoy": "pipe: { path: /srv/keys/ask.sock }",
		},
		"http://10.0.0.7:9000": {
			"nginx": "server 10.0.0.7:9000;", "caddy": "forward_auth 10.0.0.7:9000 {",
			"traefik": "address: http://10.0.0.7:9000/v1/verify?", "envoy": `{ address: "10.0.0.7", port_value: 9000 }`,
		},
		"http://[::1]:9000": {
			"nginx": "server [::1]:9000;", "caddy": "forward_auth [::1]:9000 {",
			"traefik": "address: http://[::1]:9000/v1/verify?", "envoy": `{ address: "::1", port_value: 9000 }`,
		},
		"https://keys.example.com": {
			"nginx": "https://latchkey/v1/verify", "caddy": "forward_auth https://keys.example.com:443 {",
			"traefik": "address: https://keys.example.com:443/v1/verify?", "envoy": `sni: "keys.example.com"`,
		},
	} {
		for _, r := range Recipes(other.at(verifier)) {
			if !strings.Contains(r.Text, want[r.Slug]) {
				t.Errorf("%s at %s does not have %q:\n%s", r.Name, verifier, want[r.Slug], r.Text)
			}
			text := r.Text
			if strings.HasPrefix(verifier, "unix:") {
				text = strings.ReplaceAll(text, "unix", "")
			}
			if found := left.FindString(text); found != "" {
				t.Errorf("%s at %s still has %q:\n%s", r.Name, verifier, found, text)
			}
			for _, value := range []string{"globex", "stock.write", "X-Own-Key", "X-Own-Token"} {
				if !strings.Contains(r.Text, value) {
					t.Errorf("%s at %s does not have %q", r.Name, verifier, value)
				}
			}
		}
	}
}

func TestEveryRecipeReplacesIdentityAndTakesCredentialsAway(t *testing.T) {
	identity := []string{"X-Latchkey-Key-Id", "X-Latchkey-Account", "X-Latchkey-Roles", "X-Latchkey-Token-State"}
	set := map[string]string{
		"nginx": `proxy_set_header\s+%s\s+\$latchkey_`, "caddy": `copy_headers .*%s\b`,
		"traefik": `(?s)authResponseHeaders:.*- %s\b.*customRequestHeaders`, "envoy": `(?s)allowed_upstream_headers:.*exact: %s,.*allowed_client_headers`,
	}
	cleared := map[string]string{
		"nginx": `proxy_set_header\s+%s\s+\$latchkey_`, "caddy": `request_header -X-Latchkey\*\n\s+request_header -X_Latchkey\*`,
		"traefik": `(?s)latchkey-clean:\n.*%s: ""`, "envoy": `string\.sub\(name, 1, 10\) == "x-latchkey"`,
	}
	taken := map[string]string{
		"nginx": `proxy_set_header\s+%s\s+"";`, "caddy": `request_header -%s\n`, "traefik": `%s: ""\n`, "envoy": `remove\("%s"\)`,
	}
	for _, r := range Recipes(example) {
		wants := func(pattern, header string) {
			pattern = strings.ReplaceAll(pattern, "%s", regexp.QuoteMeta(header))
			if !regexp.MustCompile(pattern).MatchString(r.Text) {
				t.Errorf("%s does nothing about %s: there is no %s", r.Name, header, pattern)
			}
		}
		for _, header := range identity {
			wants(set[r.Slug], header)
			wants(cleared[r.Slug], header)
		}
		wants(taken[r.Slug], keys.DefaultKeyHeader)
		wants(taken[r.Slug], keys.DefaultTokenHeader)
		if !strings.Contains(r.Text, "bearer +lkt_") {
			t.Errorf("%s leaves a token in Authorization", r.Name)
		}
	}
}

func TestWhatWouldMeanSomethingElseIsLeftAsTheExample(t *testing.T) {
	odd := Place{
		Verifier: "unix:/run/a b;evil", Account: "x; evil", Resource: "evil\"\nadd_header", KeyHeader: "X-Key evil", TokenHeader: "",
	}
	examples := Recipes(example)
	for i, r := range Recipes(odd) {
		if r.Text != examples[i].Text {
			t.Errorf("%s was changed:\n%s", r.Name, r.Text)
		}
	}
	for _, verifier := range []string{"", "ftp://a", "http://a b", "http://$host:80", "http://{a}", "unix:relative"} {
		if r := Recipes(example.at(verifier)); r[0].Text != examples[0].Text {
			t.Errorf("%q changes it", verifier)
		}
	}
}

func TestProxiesThatWeCouldNotRunSaySo(t *testing.T) {
	for _, r := range Recipes(example) {
		says := strings.Contains(r.Text, "this file was read, but never run")
		if untried := r.Name == "Traefik" || r.Name == "Envoy"; says != untried {
			t.Errorf("%s says that it was never run: %v", r.Name, says)
		}
	}
}
