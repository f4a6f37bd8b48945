package main

import (
	"net"
	"strings"
	"testing"
)

// generateHere makes a key through the form and stays on the page with its token.
func (b *tab) generateHere(name string) generated {
	b.t.Helper()
	b.open(pathNew)
	b.fill("#name", name)
	b.leads(func() { b.choose("main", "Generate") })
	b.says("h1", "Key generated")
	return generated{id: b.text("#key"), name: name, token: b.text("#token")}
}

// keysNamed counts the keys with a name, over plain HTTP.
func (c *console) keysNamed(name string) int {
	c.t.Helper()
	return strings.Count(words(document(c.t, c.http.get(pathList)), "tbody th"), name)
}

// showsNoToken fails the test when the page, all of it, holds a token.
func (b *tab) showsNoToken() {
	b.t.Helper()
	if tokenForm.MatchString(look[string](b, `document.documentElement.outerHTML`)) {
		b.t.Errorf("the page shows a token (%s)", tokenForm.ReplaceAllString(b.where(), "[HERE]"))
	}
}

func TestB40TheTokenStaysOnItsPage(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.tab()
	k := b.generateHere("Order sync")
	if !tokenForm.MatchString(k.token) {
		t.Fatalf("the page shows %d characters as the token", len(k.token))
	}
	b.at(pathNew)
	if b.has("script[src*=htmx]") || b.has("main [hx-post], main [hx-get]") {
		t.Error("the page with the token loads htmx")
	}
	b.focusOn("h1 key generated")
	b.keepsNoSecret()
	// What the browser may keep of a page that is left, it keeps without the token.
	look[bool](b, `dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}))`)
	b.showsNoToken()

	b.leads(func() { b.choose("main", "Close") })
	b.at(pathList)
	b.showsNoToken()
	b.keepsNoSecret()
	b.travel(-1)
	b.showsNoToken()
	b.travel(1)
	b.says(row(k.id), "Order sync")
	b.showsNoToken()
	b.keepsNoSecret()
	if got := c.keysNamed("Order sync"); got != 1 {
		t.Errorf("going back and forth left %d keys; want 1", got)
	}
}

func TestB40ReloadingTheTokensPageShowsNoTokenAndMakesNoKey(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := c.tab()
	b.generateHere("Order sync")
	b.reload()
	b.says("#flash", "The token was shown once and cannot be shown again.")
	b.says("h1", "Order sync")
	b.showsNoToken()
	b.keepsNoSecret()
	if got := c.keysNamed("Order sync"); got != 1 {
		t.Errorf("a reload left %d keys; want 1", got)
	}
}

func TestB40BackAfterLoggingOutShowsNoKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync")
	b := c.tab()
	b.open("/help")
	b.open(pathList)
	b.says(row(k.id), "Order sync")
	b.click("#account")
	b.leads(func() { b.choose("#account-menu", "Log out") })
	b.at("/login")
	b.travel(-1)
	b.at("/login")
	if strings.Contains(look[string](b, `document.documentElement.outerHTML`), k.id) {
		t.Error("Back shows the list after logging out")
	}
}

func TestB40CopyPutsTheTokenIntoTheClipboard(t *testing.T) {
	// Not parallel: there is one clipboard.
	c := newConsole(t)
	b := c.tab()
	b.allowClipboard()
	k := b.generateHere("Order sync")
	for id, want := range map[string]string{"token": k.token, "key": k.id} {
		b.click("[data-copy=" + id + "]")
		b.says("[data-copy="+id+"]", "Copied")
		b.says("#live", "Copied")
		if got := await[string](b, `navigator.clipboard.readText()`); got != want {
			t.Errorf("the clipboard holds %d characters that are not the %s", len(got), id)
		}
		b.until("the button offers to copy again", textOf("[data-copy="+id+"]")+` === "Copy"`)
	}

	t.Run("by the old way where the page has no clipboard", func(t *testing.T) {
		s := servedAs(t, "console.test")
		h := newTab(t, s)
		h.open("/login")
		h.signIn(email, goodPassword)
		h.says(".insecure", "This page came over plain HTTP.")
		k := h.generateHere("Price feed")
		if look[bool](h, `navigator.clipboard !== undefined`) {
			t.Fatal("the page has a clipboard; the test proves nothing")
		}
		h.click("[data-copy=token]")
		h.says("[data-copy=token]", "Copied")
		if got := await[string](b, `navigator.clipboard.readText()`); got != k.token {
			t.Errorf("the clipboard holds %d characters that are not the token", len(got))
		}

		look[bool](h, `(document.execCommand = () => false, getSelection().removeAllRanges(), true)`)
		h.click("[data-copy=key]")
		h.says("[data-copy=key]", "Press Ctrl+C to copy")
		h.says("#live", "Press Ctrl+C to copy")
		if got := look[string](h, `getSelection().toString()`); got != k.id {
			t.Errorf("%q is selected; want the key", got)
		}
	})
}

// servedAs serves an installation over plain HTTP under a name that is not loopback, and returns its
// address.
func servedAs(t *testing.T, host string) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = l.Close()
	public := "http://" + net.JoinHostPort(host, port)
	p := start(t, "serve", "--listen", address, "--data", initialised(t), "--public-url", public, "--insecure-http")
	p.line(`is served on (` + public + `)$`)
	return public
}
