package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// This file is the only one that speaks to Chromium, and browser_diary_test.go understands what it
// tells. The tests use what both offer in the words of a person at a screen: open, press, click, look.

// The keys that the tests press.
const (
	keyEnter  = kb.Enter
	keyEscape = kb.Escape
	keyTab    = kb.Tab
	keyDown   = kb.ArrowDown
	keyUp     = kb.ArrowUp
	keyHome   = kb.Home
	keyEnd    = kb.End
	keySpace  = " "
	shift     = kb.ModifierShift
)

// chromium is the one browser of the test process. Every tab has a profile of its own in it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, exec.ErrNotFound
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(builtIn, "chromium")), chromedp.Flag("headless", "new"),
		// Names under .test lead to this machine, so that a page can have an origin that is not loopback.
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
	}
	for _, flag := range []string{
		"no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update",
		"disable-sync", "disable-dev-shm-usage", "no-proxy-server", "hide-scrollbars", "disable-renderer-backgrounding",
		"disable-backgrounding-occluded-windows", "disable-background-timer-throttling",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

// closeChromium ends the browser; for the end of the test process, when the tests used one.
func closeChromium() {
	if builtIn == "" {
		return
	}
	if _, err := os.Stat(filepath.Join(builtIn, "chromium")); err != nil {
		return
	}
	if ctx, err := chromium(); err == nil {
		_ = chromedp.Cancel(ctx)
	}
}

// tab is a tab of Chromium. What went wrong in it without being asked for, such as an error on the
// console, fails the test at its end.
type tab struct {
	t     *testing.T
	base  string
	ctx   context.Context
	diary *diary
	marks int
}

// newTab opens a tab with a profile of its own: no cookies, no storage.
func newTab(t *testing.T, base string) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: a browser")
	}
	parent, err := chromium()
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
		t.Skip("Chromium is not installed; make deps installs it")
	}
	if err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return openTab(t, base, parent, chromedp.WithNewBrowserContext())
}

// sibling opens a further tab with the same profile.
func (b *tab) sibling() *tab {
	b.t.Helper()
	parent, err := chromium()
	if err != nil {
		b.t.Fatal(err)
	}
	id := chromedp.FromContext(b.ctx).BrowserContextID
	return openTab(b.t, b.base, parent, chromedp.WithExistingBrowserContext(id))
}

func openTab(t *testing.T, base string, parent context.Context, option chromedp.ContextOption) *tab {
	t.Helper()
	address, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := chromedp.NewContext(parent, option)
	b := &tab{t: t, base: base, ctx: ctx, diary: &diary{host: address.Host, excused: []string{"a status of 422"}}}
	if err := chromedp.Listen(ctx, b.take); err != nil {
		t.Fatalf("no tab: %v", err)
	}
	t.Cleanup(func() {
		for _, complaint := range b.complaints() {
			t.Error(complaint)
		}
		_ = chromedp.Cancel(ctx)
	})
	on := true
	command(b, audits.Enable, cdp.Empty{})
	command(b, runtime.AddBinding, runtime.AddBindingParams{Name: "tellOfViolation"})
	command(b, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener("securitypolicyviolation", (e) => tellOfViolation(e.violatedDirective + " " + e.blockedURI))`,
	})
	command(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: on})
	b.screen(1280, "light")
	return b
}

// command sends a command of the protocol to the tab.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, deadline)
	defer cancel()
	answer, err := chromedp.Call(ctx, c, params)
	if err != nil {
		b.t.Fatalf("%s: %v", c.Method, err)
	}
	return answer
}

// ask evaluates an expression in the page. The page's own policy does not bind it, and it works with
// script switched off.
func ask[T any](b *tab, expression string, options ...chromedp.EvaluateOption) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, deadline)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
}

// look is ask for what must be there.
func look[T any](b *tab, expression string) T {
	b.t.Helper()
	found, err := ask[T](b, expression)
	if err != nil {
		b.t.Fatalf("%.300s: %v (%s)", expression, err, b.where())
	}
	return found
}

// await is look for what a promise brings.
func await[T any](b *tab, expression string) T {
	b.t.Helper()
	found, err := ask[T](b, expression, chromedp.EvalAwaitPromise)
	if err != nil {
		b.t.Fatalf("%.300s: %v (%s)", expression, err, b.where())
	}
	return found
}

// open goes to a page and waits until it is loaded, script and all.
func (b *tab) open(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, deadline)
	defer cancel()
	if !strings.Contains(path, ":") {
		path = b.base + path
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(path)); err != nil {
		b.t.Fatalf("%s does not open: %v", path, err)
	}
}

// travel goes back (-1) or forward (1) in the tab's history, as its buttons do.
func (b *tab) travel(steps int64) {
	b.t.Helper()
	history := command(b, cdppage.GetNavigationHistory, cdp.Empty{})
	to := history.Entries[history.CurrentIndex+steps]
	b.mark()
	command(b, cdppage.NavigateToHistoryEntry, cdppage.NavigateToHistoryEntryParams{EntryID: to.ID})
	b.arrives()
}

// reload loads the page again; what a POST showed is posted again.
func (b *tab) reload() {
	b.t.Helper()
	b.mark()
	command(b, cdppage.Reload, cdppage.ReloadParams{})
	b.arrives()
}

// press presses keys one after the other, with modifiers held. The browser gets what a keyboard sends:
// a raw key, and its character after it unless the page took the key.
func (b *tab) press(key string, held ...kb.Modifier) {
	b.t.Helper()
	b.until("the page is ready for a key", `!(`+busy+`)`)
	for _, r := range key {
		for _, event := range kb.Encode(r) {
			if event.Type == kb.KeyDown {
				event.Type = input.DispatchKeyEventTypeRawKeyDown
			}
			for _, modifier := range held {
				event.Modifiers |= int64(modifier)
			}
			command(b, input.DispatchKeyEvent, *event)
		}
	}
}

// dismiss closes a dialog that a script opened, which else stops the page.
func (b *tab) dismiss() {
	_, _ = chromedp.Call(b.ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{})
}

// clickAt clicks with the mouse.
func (b *tab) clickAt(x, y float64) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, deadline)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.MouseEvent(chromedp.MouseMoved, x, y), chromedp.MouseClickXY(x, y)); err != nil {
		b.t.Fatalf("clicking: %v", err)
	}
}

// insert types text where the focus is.
func (b *tab) insert(text string) {
	b.t.Helper()
	command(b, input.InsertText, input.InsertTextParams{Text: text})
}

// scripts switches the script of pages on or off.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// screen sets the width of the window and the colour scheme. Motion is off, so that what is seen is
// where it will stay.
func (b *tab) screen(width int64, theme string) {
	b.t.Helper()
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// touch makes the screen one for fingers, or for a mouse again.
func (b *tab) touch(on bool) {
	b.t.Helper()
	command(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: on})
}

// allowClipboard lets pages of the tab read and write the clipboard.
func (b *tab) allowClipboard() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, deadline)
	defer cancel()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: name, AllowWithoutSanitization: name == "clipboard-write"}, Setting: cdpbrowser.PermissionSettingGranted,
			Origin: b.base, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		})
		if err != nil {
			b.t.Fatalf("permission %s: %v", name, err)
		}
	}
}

// heard is a node of the accessibility tree: what a screen reader is told.
type heard struct{ id, parent, role, name, description string }

// hear returns the accessibility tree without what is left out of it.
func (b *tab) hear() []heard {
	b.t.Helper()
	all := command(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	leftOut := map[accessibility.NodeID]accessibility.NodeID{}
	for _, n := range all {
		if n.Ignored {
			leftOut[n.NodeID] = n.ParentID
		}
	}
	var nodes []heard
	for _, n := range all {
		if n.Ignored {
			continue
		}
		parent := n.ParentID
		for up, out := leftOut[parent]; out; up, out = leftOut[parent] {
			parent = up
		}
		nodes = append(nodes, heard{string(n.NodeID), string(parent), word(n.Role), word(n.Name), word(n.Description)})
	}
	return nodes
}

func word(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal([]byte(v.Value), &text) != nil {
		return ""
	}
	return text
}
