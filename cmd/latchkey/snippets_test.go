package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/keys/secret"
)

// needs skips the test when a program is missing; with CI=true it fails.
func needs(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("%s is missing: %v", program, err)
}

// pasted runs a program with the token in its environment, in a folder of its own, and returns all that it
// printed.
func pasted(t *testing.T, token, folder, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // go run compiles
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "API_TOKEN="+token, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

// TestTheSnippetsWorkWhenTheyArePasted takes them from the pages of the real program and runs them.
func TestTheSnippetsWorkWhenTheyArePasted(t *testing.T) {
	folder, _ := guarded(t, 0)
	s := serveFolder(t, folder)
	b := newBrowser(t, s.url)
	b.signIn("ana@acme.example", goodPassword)
	nonce, _ := document(t, b.get(pathNew)).Find("input[name=nonce]").Attr("value")
	made := document(t, b.post(pathNew, url.Values{"name": {"Order sync"}, "nonce": {nonce}}))
	id, token := words(made, "#key"), words(made, "#token")
	page := b.get("/account/api-keys/generated/" + id)
	if page.status != http.StatusOK {
		t.Fatalf("the page of %q answered %d", id, page.status)
	}
	shown := document(t, page)
	snippets := []struct {
		name, program, code string
		// run runs the code with a token.
		run      func(t *testing.T, code, token string) string
		yes, not string
	}{
		{"check it", "curl", made.Find("#check").Text(), shell, "HTTP/1.1 204", "HTTP/1.1 401"},
		{"curl", "curl", shown.Find("#qs-curl").Text(), shell, "answered 204", "answered 401"},
		{"Go", "go", shown.Find("#qs-go").Text(), file("main.go", "go", "run"), "The key may come in.", "401"},
		{"JavaScript", "node", shown.Find("#qs-js").Text(), file("check.js", "node"), "The key may come in.", "401"},
		{"JavaScript as a module", "node", shown.Find("#qs-js").Text(), file("check.mjs", "node"), "The key may come in.", "401"},
	}
	for _, c := range snippets {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.program)
			if !strings.Contains(c.code, id) || strings.Contains(c.code, token) {
				t.Fatalf("the snippet is %q; want one for %s, without its token", c.code, id)
			}
			if out := c.run(t, c.code, token); !strings.Contains(out, c.yes) {
				t.Errorf("with the token it printed %q; want %q", out, c.yes)
			}
			if out := c.run(t, c.code, secret.New(secret.KindToken).Reveal()); !strings.Contains(out, c.not) || strings.Contains(out, c.yes) {
				t.Errorf("with another token it printed %q; want %q", out, c.not)
			}
		})
	}
}

// shell runs code as a person pastes it into a shell.
func shell(t *testing.T, code, token string) string {
	t.Helper()
	return pasted(t, token, t.TempDir(), "sh", "-c", code)
}

// file runs code from a file of a name.
func file(name, program string, args ...string) func(t *testing.T, code, token string) string {
	return func(t *testing.T, code, token string) string {
		t.Helper()
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		return pasted(t, token, folder, program, append(args, name)...)
	}
}
