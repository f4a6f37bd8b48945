package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// diary is what happened in a tab.
type diary struct {
	mu         sync.Mutex
	host       string
	now        string
	excused    []string
	complaints []string
	requests   []string
}

// take writes an event down. It runs between two messages of the browser, so it asks for nothing.
func (b *tab) take(event any) {
	d := b.diary
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		d.request(e.Request.Method, e.Request.URL)
	case *runtime.EventExceptionThrown:
		d.complain("script failed: " + e.ExceptionDetails.Text + " " + describe(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]string{"error", "warning", "assert"}, string(e.Type)) {
			text := "console: " + string(e.Type)
			for _, arg := range e.Args {
				text += " " + describe(arg)
			}
			d.complain(text)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			d.complain(fmt.Sprintf("browser: %s %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == "PerformanceIssue" {
			return // it is about the tests, which read document.cookie
		}
		details, _ := json.Marshal(e.Issue.Details)
		d.complain(fmt.Sprintf("issue: %s %.600s", e.Issue.Code, details))
	case *runtime.EventBindingCalled:
		d.complain("the policy was violated: " + e.Payload)
	case *cdppage.EventJavascriptDialogOpening:
		d.complain("a script opened a dialog: " + e.Message)
		go b.dismiss()
	}
}

func describe(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	if o.Description != "" {
		return o.Description
	}
	return string(o.Value)
}

func (d *diary) request(method, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Host != d.host && !strings.HasPrefix(address, "chrome") {
		d.complain("a request to another host: " + method + " " + address)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, method+" "+u.RequestURI())
}

func (d *diary) complain(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, excuse := range d.excused {
		if strings.Contains(text, excuse) {
			return
		}
	}
	if d.now != "" {
		text = d.now + ": " + text
	}
	d.complaints = append(d.complaints, text)
}

// excuse says what may go wrong in the tab from now on, by words of the complaint.
func (b *tab) excuse(words ...string) {
	b.diary.mu.Lock()
	defer b.diary.mu.Unlock()
	b.diary.excused = append(b.diary.excused, words...)
}

// excuseStatus says that answers of these statuses are asked for.
func (b *tab) excuseStatus(statuses ...int) {
	for _, status := range statuses {
		b.excuse(fmt.Sprintf("a status of %d", status), fmt.Sprintf("Response Status Error Code %d", status))
	}
}

// complaints are what went wrong so far, and are then forgotten.
func (b *tab) complaints() []string {
	b.diary.mu.Lock()
	defer b.diary.mu.Unlock()
	taken := b.diary.complaints
	b.diary.complaints = nil
	return taken
}

// requests are method and address of what the tab asked for so far.
func (b *tab) requests() []string {
	b.diary.mu.Lock()
	defer b.diary.mu.Unlock()
	return slices.Clone(b.diary.requests)
}
