package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// pathAudit is the audit log.
const pathAudit = "/account/audit"

func walkAudit(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--listen", "127.0.0.1:0")
	base := p.line(`is served on (http://\S+)$`)
	p.line(`^    (ana@acme\.example)$`)
	password := p.line(`^    (\S+)$`)
	w := &walk{tab: newTab(t, base)}
	defer w.done()
	w.open("/login")
	w.signIn(email, password)
	w.click("#account")
	w.leads(func() { w.choose("#account-menu", "Audit log") })
	w.at(pathAudit)
	w.says(".alarms", "Replaced token presented")
	w.state("the audit log with an alarm")
	look[bool](w.tab, `(document.querySelectorAll("tbody details").forEach((d) => d.open = true), true)`)
	w.state("the audit log with every detail")
	w.click("[rel=next]")
	w.until("there is a newer page", `!!document.querySelector("#results [rel=prev]")`)
	w.state("the second page of the audit log")
	w.leads(func() { w.choose(".alarms", "Quiet Mill Paper: price updates") })
	w.leads(func() { w.choose("section[aria-labelledby=history]", "View all in the audit log") })
	w.says("tbody", "Key generated")
	w.state("the audit log of a key")
	w.fill("#actor", "nobody@acme.example")
	w.choose("search", "Filter")
	w.says(".empty h2", "No events match these filters")
	w.state("the audit log without a match")
	w.leads(func() { w.choose(".empty", "Clear filters") })
	w.at(pathAudit)
}

// TestB34WithoutScriptFilesAreDownloaded: an export is a plain link, and what it brings is whole.
func TestB34WithoutScriptFilesAreDownloaded(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Order sync", "orders-viewer")
	b := c.withoutScript()
	folder := b.downloads()

	b.choose("main .head", "Export CSV")
	b.comesDown(folder, "api-keys-*.csv", "\ufeff\"id\",\"keyName\"")
	b.choose("main .head", "Export as XLSX")
	b.comesDown(folder, "api-keys-*.xlsx", "PK")
	b.open(pathAudit)
	b.fill("#actor", email)
	b.leads(func() { b.choose("search", "Filter") })
	if got := look[string](b, `location.search`); !strings.Contains(got, "actor="+url.QueryEscape(email)) {
		t.Errorf("the filter is not in the address: %q", got)
	}
	b.choose("main .head", "Export CSV")
	b.comesDown(folder, "audit-log-*.csv", "\ufeff\"id\",\"date\"")
	b.choose("main .head", "Export XLSX")
	b.comesDown(folder, "audit-log-*.xlsx", "PK")
	b.at(pathAudit)
}

// downloads is a folder that the tab puts files into.
func (b *tab) downloads() string {
	b.t.Helper()
	folder := b.t.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		b.t.Fatal(err)
	}
	_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, DownloadPath: folder,
	})
	if err != nil {
		b.t.Fatalf("no downloads: %v", err)
	}
	return folder
}

// comesDown waits for a file that begins with some text. While it is under way it has another name.
func (b *tab) comesDown(folder, pattern, begins string) {
	b.t.Helper()
	eventually(b.t, pattern+" comes down", func() bool {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(found) != 1 {
			return false
		}
		content, err := os.ReadFile(found[0])
		return err == nil && strings.HasPrefix(string(content), begins)
	})
}
