package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views/ui"
)

// verifyCall is the request that asks whether a key may come in. Its programs take the token from the
// environment variable API_TOKEN, so that they can be shown and kept.
type verifyCall struct{ url, keyHeader, tokenHeader, key string }

// verifyCall is the call for a key of an account.
func (s *Server) verifyCall(account string, id keys.KeyID) verifyCall {
	u := s.public.JoinPath("/v1/verify")
	u.RawQuery = url.Values{"account": {account}}.Encode()
	return verifyCall{url: u.String(), keyHeader: s.keyHeader, tokenHeader: s.tokenHeader, key: string(id)}
}

// quickStart are the programs that a key's page shows.
func (s *Server) quickStart(c echo.Context, id keys.KeyID) []ui.Snippet {
	call, copyIt := s.verifyCall(currentViewer(c).account.Slug, id), t(c, "snippet.copy")
	const group = "qs"
	return []ui.Snippet{
		{ID: "qs-curl", Group: group, Label: "curl", Hint: t(c, "snippet.curl"), Code: call.curl(), Copy: copyIt},
		{ID: "qs-go", Group: group, Label: "Go", Hint: t(c, "snippet.go"), Code: call.golang(), Copy: copyIt},
		{ID: "qs-js", Group: group, Label: "JavaScript", Hint: t(c, "snippet.javascript"), Code: call.javaScript(), Copy: copyIt},
	}
}

// check is one line for a POSIX shell.
func (v verifyCall) check() string {
	return "curl -i " + v.shellHeaders(" ") + " " + shellQuote(v.url)
}

// curl is a command for a POSIX shell that says in a sentence how it went.
func (v verifyCall) curl() string {
	return `curl -sS -o /dev/null \
  -w 'Latchkey answered %{http_code}. 204 lets the key in.\n' \
  ` + v.shellHeaders(" \\\n  ") + ` \
  ` + shellQuote(v.url)
}

func (v verifyCall) shellHeaders(between string) string {
	return shellHeader(v.keyHeader, inShellQuotes(v.key)) + between + shellHeader(v.tokenHeader, "$API_TOKEN")
}

// shellHeader is the option of curl for a header. The shell reads its value, a variable or what stands in quotes.
func shellHeader(name, value string) string {
	return `-H "` + inShellQuotes(name) + ": " + value + `"`
}

// inShellQuotes is text as a POSIX shell takes it literally between double quotes.
func inShellQuotes(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text)
}

// shellQuote is text as a POSIX shell takes it literally.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// golang is a whole program.
func (v verifyCall) golang() string {
	return v.fill(`package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	const address = URL
	const key = KEY
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		panic(err)
	}
	token := os.Getenv("API_TOKEN")
	request.Header.Set(KEY-HEADER, key)
	request.Header.Set(TOKEN-HEADER, token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println("Latchkey could not be reached:", err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNoContent {
		fmt.Println("The key may come in.")
	} else {
		fmt.Println("The key may not come in:", answer.Status)
	}
}
`)
}

// javaScript is a whole program for Node.js 18 and later, as a module or as a script.
func (v verifyCall) javaScript() string {
	return v.fill(`fetch(URL, {
  headers: {
    KEY-HEADER: KEY,
    TOKEN-HEADER: process.env.API_TOKEN ?? "",
  },
}).then(
  (answer) => {
    if (answer.status === 204) {
      console.log("The key may come in.");
    } else {
      console.log("The key may not come in:", answer.status);
    }
  },
  ({ message }) => {
    console.log("Latchkey could not be reached:", message);
    process.exitCode = 1;
  },
);
`)
}

// fill puts the call into a program, as literals that mean the same in Go and in JavaScript.
func (v verifyCall) fill(program string) string {
	return strings.NewReplacer(
		"TOKEN-HEADER", strconv.QuoteToASCII(v.tokenHeader), "KEY-HEADER", strconv.QuoteToASCII(v.keyHeader),
		"URL", strconv.QuoteToASCII(v.url), "KEY", strconv.QuoteToASCII(v.key),
	).Replace(program)
}
