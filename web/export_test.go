package web

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// generatedHeads are the columns of the sheet of generated keys.
var generatedHeads = []string{"id", "keyName", "roles", "label", "creationDate", "creationDateToken", "creationDateNewToken", "status"}

// externalHeads are the columns of the sheet of external keys.
var externalHeads = []string{"id", "keyName", "roles", "account", "addedDate", "status"}

// book opens a workbook with another program's eyes.
func (a answer) book() *excelize.File {
	a.t.Helper()
	a.is(http.StatusOK)
	book, err := excelize.OpenReader(strings.NewReader(a.body))
	must(a.t, err)
	a.t.Cleanup(func() { must(a.t, book.Close()) })
	return book
}

// lines are the records of a CSV file, after its mark.
func (a answer) lines() [][]string {
	a.t.Helper()
	a.is(http.StatusOK)
	text, found := strings.CutPrefix(a.body, utf8Mark)
	if !found || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		a.t.Errorf("the file does not begin with its mark or does not end its lines with CR and LF: %.40q", a.body)
	}
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(a.t, err)
	return all
}

func TestQ31AnExportHasTwoSheetsWithTheirColumns(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	steady, _ := b.generate("Order sync", "orders-viewer", "catalog-viewer")
	k.clock.advance(time.Hour)
	b = k.signIn("ana@acme.example")
	renewed, _ := b.generate("Price feed")
	k.clock.advance(time.Hour)
	b = k.signIn("ana@acme.example")
	b.renew(renewed)
	b.post(pathKeyDeactivate(steady, ""), nil).is(http.StatusSeeOther)
	owner := k.signIn("ana@globex.example")
	owner.generate("Foreign")
	stopped := b.external("pricing-admin", "catalog-viewer")
	owner.post(pathKeyDeactivate(stopped, ""), nil).leadsTo(pathKeys())
	k.clock.advance(time.Hour)
	b = k.signIn("ana@acme.example")
	granted := b.external()

	a := b.get(pathKeysExport(formatXLSX))
	book := a.book()
	if got := book.GetSheetList(); !slices.Equal(got, []string{"Generated", "External"}) {
		t.Fatalf("the sheets are %q", got)
	}
	rows, err := book.GetRows("Generated")
	must(t, err)
	number := func(id keys.KeyID) string {
		key, err := k.store.Key(t.Context(), b.actor(), id)
		must(t, err)
		return fmt.Sprint(key.Number)
	}
	want := [][]string{
		generatedHeads,
		{number(renewed), string(renewed), "", "Price feed", "2026-09-12T11:00:00Z", "2026-09-12T11:00:00Z", "2026-09-12T12:00:00Z", "Active"},
		{number(steady), string(steady), "Catalog viewer, Orders viewer", "Order sync", "2026-09-12T10:00:00Z", "2026-09-12T10:00:00Z", "", "Inactive"},
	}
	if fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("Generated is\n%q, not\n%q", rows, want)
	}
	external, err := book.GetRows("External")
	must(t, err)
	wantExternal := [][]string{
		externalHeads,
		{external[1][0], string(granted), "", "globex", "2026-09-12T13:00:00Z", "Active"},
		{external[2][0], string(stopped), "Catalog viewer, Pricing admin", "globex", "2026-09-12T12:00:00Z", "Inactive"},
	}
	if fmt.Sprint(external) != fmt.Sprint(wantExternal) || external[1][0] == external[2][0] || external[1][0] == "" {
		t.Errorf("External is\n%q, not\n%q", external, wantExternal)
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename=api-keys-acme-20260912.xlsx` {
		t.Errorf("the file is %q", got)
	}
	if got := a.header.Get("Content-Type"); got != exportMedia[formatXLSX] || a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
		t.Errorf("it is %q of %q bytes", got, a.header.Get("Content-Length"))
	}

	a = b.get(pathKeysExport(formatCSV) + "?sheet=generated")
	if lines := a.lines(); fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("the CSV is\n%q, not\n%q", lines, want)
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename=api-keys-acme-20260912.csv` || a.header.Get("Content-Type") != exportMedia[formatCSV] {
		t.Errorf("the file is %q, %q", got, a.header.Get("Content-Type"))
	}
	if lines := b.get(pathKeysExport(formatCSV) + "?sheet=external").lines(); fmt.Sprint(lines) != fmt.Sprint(wantExternal) {
		t.Errorf("the external CSV is %q", lines)
	}
	b.get(pathKeysExport(formatCSV) + "?sheet=x").is(http.StatusBadRequest)
}

func TestInertTextIsPrefixedWhereAFormulaCouldBegin(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"Order sync": "Order sync", "a=b": "a=b", "a-b, c": "a-b, c", "x@y.example": "x@y.example", "a; b": "a; b",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\t=1": "'\t'=1", "\r": "'\r", " =1": " '=1", "\u200f\u202e=1": "\u200f\u202e'=1",
		"a;=1": "a;'=1", "a\n+1": "a\n'+1", "a;b-c": "a;b-c", "＋1": "'＋1", "--1": "'--1",
	} {
		if got := inert(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}

// parts are the texts of a workbook's files.
func parts(t testing.TB, body string) (all []string) {
	t.Helper()
	files, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	must(t, err)
	for _, f := range files.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		all = append(all, string(text))
	}
	return all
}

func TestAnExportHoldsNoSecret(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, first := b.generate("Order sync")
	_, second := b.renew(id)
	for _, path := range []string{pathKeysExport(formatXLSX), pathKeysExport(formatCSV), pathAuditExport(formatXLSX), pathAuditExport(formatCSV), pathAudit()} {
		a := b.get(path)
		a.is(http.StatusOK)
		texts := []string{a.body}
		if strings.HasSuffix(path, formatXLSX) {
			texts = parts(t, a.body)
		}
		for _, text := range texts {
			if strings.Contains(text, first) || strings.Contains(text, second) || secret.Redact(text) != text || strings.Contains(text, password) {
				t.Errorf("%s holds a secret", path)
			}
		}
	}
}

func TestASecretThatIsSearchedForIsNotWrittenDown(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	_, token := b.generate("Order sync")
	link := secret.New(secret.KindLink).Reveal()
	for _, path := range []string{
		pathKeysExport(formatCSV) + "?q=" + token, pathKeysExport(formatXLSX) + "?q=" + link, pathAuditExport(formatCSV) + "?target=" + token + "&actor=x" + link,
	} {
		b.get(path).is(http.StatusOK)
	}
	if dump := k.dump(); strings.Contains(dump, token) || strings.Contains(dump, link) {
		t.Error("a filter wrote a secret into the database")
	}
	if got := k.raw.Texts(`SELECT details FROM audit WHERE action = 'export.made' ORDER BY seq LIMIT 1`); !strings.Contains(got[0], "lkt_[redacted]") {
		t.Errorf("the event is %q", got)
	}
}

func TestAChoiceOfKeysIsExportedAndNothingElse(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	one, _ := b.generate("One")
	b.generate("Two")
	three, _ := b.generate("Three")
	foreign, _ := k.signIn("ana@globex.example").generate("Foreign")
	query := fmt.Sprintf("?id=%s&id=%s&id=%s&id=%%00&id=%s", one, foreign, three, one)
	lines := b.get(pathKeysExport(formatCSV) + query).lines()
	if len(lines) != 3 || lines[1][3] != "Three" || lines[2][3] != "One" {
		t.Errorf("the choice gives %q", lines)
	}
	rows, err := b.get(pathKeysExport(formatXLSX) + query).book().GetRows("Generated")
	must(t, err)
	if len(rows) != 3 {
		t.Errorf("the choice gives %q", rows)
	}
	if lines := b.get(pathKeysExport(formatCSV) + "?id=" + string(foreign)).lines(); len(lines) != 1 {
		t.Errorf("a foreign key gives %q", lines)
	}
	if lines := b.get(pathKeysExport(formatCSV) + "?id=" + string(one) + strings.Repeat("&id=x", maxExported-1)).lines(); len(lines) != 2 {
		t.Errorf("the longest choice gives %q", lines)
	}
	for _, format := range []string{formatCSV, formatXLSX} {
		refused := b.get(pathKeysExport(format) + "?id=" + string(one) + strings.Repeat("&id=x", maxExported))
		refused.is(http.StatusBadRequest)
		refused.says("main", "Select at most 200 keys at once.")
	}
}

// TestAnExportChangesTheAuditLogAlone: the one thing that a link to a file writes.
func TestAnExportChangesTheAuditLogAlone(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	for path, want := range map[string]string{
		pathKeysExport(formatXLSX):                           "xlsx [generated external] 1",
		pathKeysExport(formatCSV):                            "csv [generated] 1",
		pathKeysExport(formatCSV) + "?sheet=external":        "csv [external] 0",
		pathAuditExport(formatCSV) + "?action=key.generated": "csv [audit] 1",
	} {
		before := unlogged(k.dump())
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			b.send(b.request(method, path, nil)).is(http.StatusOK)
		}
		if after := unlogged(k.dump()); after != before {
			t.Errorf("%s changed the database:\n%s", path, difference(before, after))
		}
		events := b.exportsMade()
		last := events[0]
		if got := fmt.Sprintf("%v %v %v", last.Details["format"], last.Details["sheets"], last.Details["rows"]); got != want || last.Actor != "ana@acme.example" {
			t.Errorf("%s is written down as %q by %s, not %q", path, got, last.Actor, want)
		}
	}
	if n := len(b.exportsMade()); n != 4 {
		t.Errorf("%d exports are written down: a HEAD hands nothing out", n)
	}
}

// exportsMade are the exports that the account's audit log knows of, the newest first.
func (b *browser) exportsMade() (all []store.LoggedEvent) {
	b.kit.t.Helper()
	must(b.kit.t, b.kit.store.EachEvent(b.kit.t.Context(), b.actor(), store.AuditFilter{Action: keys.ActionExportMade}, func(e store.LoggedEvent) error {
		all = append(all, e)
		return nil
	}))
	return all
}

// unlogged is a dump without the audit log and what counts its rows.
func unlogged(dump string) string {
	var kept []string
	for line := range strings.Lines(dump) {
		if !strings.HasPrefix(line, "audit:") && !strings.HasPrefix(line, "head:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestWithoutAnEventNothingIsExported breaks the audit log.
func TestWithoutAnEventNothingIsExported(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	k.breakAudit()
	for _, path := range []string{pathKeysExport(formatXLSX), pathKeysExport(formatCSV), pathAuditExport(formatXLSX), pathAuditExport(formatCSV)} {
		a := b.get(path)
		a.is(http.StatusServiceUnavailable)
		if strings.Contains(a.body, string(id)) || a.header.Get("Content-Disposition") != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s hands something out: %v", path, a.header)
		}
		a.says("h1", "This could not be done right now")
	}
	k.noExportFiles()
}

func (k *kit) noExportFiles() {
	k.t.Helper()
	left, err := filepath.Glob(filepath.Join(k.folder, ".export-*"))
	must(k.t, err)
	if len(left) > 0 {
		k.t.Errorf("left over: %q", left)
	}
}

func TestAtMostTwoWorkbooksAreMadeAtOnce(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	for places, path := range map[chan struct{}]string{k.server.exports.workbooks: pathKeysExport(formatXLSX), k.server.exports.streams: pathKeysExport(formatCSV)} {
		var leave []func()
		for range cap(places) {
			left, err := enter(places)
			must(t, err)
			leave = append(leave, left)
		}
		a := b.get(path)
		a.is(http.StatusServiceUnavailable)
		a.says("h1", "Other exports are being made")
		if a.header.Get("Retry-After") != "10" || a.header.Get("Content-Disposition") != "" {
			t.Errorf("the refusal has %v", a.header)
		}
		leave[0]()
		b.get(path).is(http.StatusOK)
		b.get(path).is(http.StatusOK)
	}
	if cap(k.server.exports.workbooks) != 2 {
		t.Errorf("%d workbooks at once", cap(k.server.exports.workbooks))
	}
	k.noExportFiles()
}

func TestAWorkbookWaitsInAPrivateFileThatIsRemoved(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	folder := k.folder
	b.get(pathKeysExport(formatXLSX)).is(http.StatusOK)
	k.noExportFiles()

	w := &watcher{ResponseRecorder: httptest.NewRecorder(), seen: func() {
		files, err := filepath.Glob(filepath.Join(folder, exportFiles))
		must(t, err)
		if len(files) != 1 {
			t.Fatalf("the workbook waits in %q", files)
		}
		about, err := os.Stat(files[0])
		must(t, err)
		if about.Mode().Perm() != 0o600 {
			t.Errorf("its mode is %v", about.Mode())
		}
	}}
	k.server.ServeHTTP(w, b.request(http.MethodGet, pathKeysExport(formatXLSX), nil))
	if !w.wrote {
		t.Error("nothing was written")
	}
	k.noExportFiles()

	left := filepath.Join(folder, ".export-left.xlsx")
	must(t, os.WriteFile(left, nil, 0o600))
	other := filepath.Join(folder, "mine.xlsx")
	must(t, os.WriteFile(other, nil, 0o600))
	_, err := newExports(folder)
	must(t, err)
	k.noExportFiles()
	if _, err := os.Stat(other); err != nil {
		t.Error("what is not an export was removed")
	}
}

// watcher looks around when the first byte is written, and can break.
type watcher struct {
	*httptest.ResponseRecorder
	seen  func()
	wrote bool
	err   error
}

func (w *watcher) Write(text []byte) (int, error) {
	if !w.wrote && w.seen != nil {
		w.seen()
	}
	w.wrote = true
	if w.err != nil {
		return 0, w.err
	}
	return w.ResponseRecorder.Write(text)
}

// TestABrokenExportDoesNotLookWhole: a client that is gone ends it, and the connection is broken off.
func TestABrokenExportDoesNotLookWhole(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.generate("Order sync")
	for _, path := range []string{pathKeysExport(formatXLSX), pathKeysExport(formatCSV)} {
		func() {
			defer func() {
				if r := recover(); r != http.ErrAbortHandler { //nolint:errorlint // it is panicked as it is
					t.Errorf("%s ended with %v", path, r)
				}
			}()
			w := &watcher{ResponseRecorder: httptest.NewRecorder(), err: errors.New("the client is gone")}
			k.server.ServeHTTP(w, b.request(http.MethodGet, path, nil))
		}()
	}
	if len(k.server.exports.workbooks)+len(k.server.exports.streams) != 0 {
		t.Error("a place is still taken")
	}
	k.noExportFiles()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := b.send(b.request(http.MethodGet, pathKeysExport(formatXLSX), nil).WithContext(ctx))
	if a.status == http.StatusOK {
		t.Error("a client that was gone before gets an export")
	}
}

// An answer may take longer than the server lets others take.
func TestWhatTakesLongOutlivesTheServersTimeLimits(t *testing.T) {
	k := newKit(t)
	k.clock.mu.Lock()
	k.clock.at = time.Now()
	k.clock.mu.Unlock()
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	// Each answer waits until the limits are over before it is made.
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := time.Now().Add(-time.Second)
		must(t, errors.Join(http.NewResponseController(w).SetWriteDeadline(late)))
		k.server.ServeHTTP(w, r)
	}))
	server.Start()
	defer server.Close()
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	many := url.Values{"action": {"deactivate"}, "id": {string(id)}}
	for path, r := range map[string]*http.Request{
		"the workbook":  b.request(http.MethodGet, pathKeysExport(formatXLSX), nil),
		"the table":     b.request(http.MethodGet, pathKeysExport(formatCSV), nil),
		"a bulk action": b.formRequest(pathKeysBulk(""), many),
	} {
		r.RequestURI, r.Host, r.URL.Host = "", r.URL.Host, strings.TrimPrefix(server.URL, "http://")
		got, err := client.Do(r)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		body, err := io.ReadAll(got.Body)
		if err := errors.Join(err, got.Body.Close()); err != nil || got.StatusCode >= http.StatusBadRequest || r.Method == http.MethodGet && len(body) == 0 {
			t.Errorf("%s: %d, %d bytes, %v", path, got.StatusCode, len(body), err)
		}
	}
	b.get(pathKeys()).says("#row-"+string(id), "Inactive")
}

func TestAFileIsNotCompressedOnItsWay(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	for i := range 30 {
		b.generate(fmt.Sprint("Order sync ", i))
	}
	b.header.Set("Accept-Encoding", "gzip")
	for _, r := range k.server.routes() {
		if r.Kind == download {
			if got := b.get(r.Path).header.Get("Content-Encoding"); got != "" {
				t.Errorf("%s is sent as %s", r.Path, got)
			}
		}
	}
	if got := b.get(pathAudit()).header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("the page is sent as %q", got)
	}
}

func TestAnotherSiteMakesNobodyExport(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.get(pathKeysExport(formatCSV)).is(http.StatusForbidden)
	if n := len(b.exportsMade()); n != 0 {
		t.Errorf("%d exports are written down", n)
	}
}

func TestALongSheetGoesOnInAnother(t *testing.T) {
	rows := sheet{name: "Log", columns: []sheetColumn{{"n", 10}}, each: func(_ context.Context, add func([]cell) error) error {
		for i := range 5 {
			if err := add([]cell{numberCell(int64(i))}); err != nil {
				return err
			}
		}
		return nil
	}}
	var out bytes.Buffer
	n, err := writeXLSX(t.Context(), &out, []sheet{rows}, 3)
	must(t, err)
	book, err := excelize.OpenReader(&out)
	must(t, err)
	var got []string
	for _, name := range book.GetSheetList() {
		all, err := book.GetRows(name)
		must(t, err)
		got = append(got, fmt.Sprint(name, all))
	}
	want := []string{"Log[[n] [0] [1]]", "Log (2)[[n] [2] [3]]", "Log (3)[[n] [4]]"}
	if n != 5 || !slices.Equal(got, want) {
		t.Errorf("%d rows in %q, not %q", n, got, want)
	}
}

func TestTheListOffersItsExport(t *testing.T) {
	k := newKit(t)
	k.addRole("keys-viewer", keys.ViewAPIKeys)
	k.addUser("viewer@acme.example", "keys-viewer")
	b := k.signIn("ana@acme.example")
	if b.get(pathKeys()).Find("[download]").Length() != 0 {
		t.Error("an empty list offers an export")
	}
	b.generate("Order sync")
	v := k.signIn("viewer@acme.example")
	csv, book := pathKeysExport(formatCSV), pathKeysExport(formatXLSX)
	v.offersExports(pathKeys(), "Export CSV to "+csv, "Export as XLSX to "+book)
	const found = "?q=order&status=active"
	v.offersExports(pathKeys()+found, "Export CSV to "+csv+found, "Export as XLSX to "+book+found)
	if v.get(pathExternal()).Find("[download]").Length() != 0 {
		t.Error("an empty External tab offers an export")
	}
	b.external("orders-viewer")
	v.offersExports(pathExternal(), "Export CSV to "+csv+"?sheet=external", "Export as XLSX to "+book)
}

// offersExports checks the words and the addresses of a page's plain links to files, and that the files are there.
func (b *browser) offersExports(page string, want ...string) {
	t := b.kit.t
	t.Helper()
	links := b.get(page).Find("main .head a[download]")
	got := links.Map(func(_ int, link *goquery.Selection) string {
		return strings.Join(strings.Fields(link.Text()), " ") + " to " + link.AttrOr("href", "")
	})
	if !slices.Equal(got, want) {
		t.Errorf("the page offers %q, not %q", got, want)
	}
	if links.Filter("[hx-get]").Length() > 0 {
		t.Error("the links are not plain ones")
	}
	for _, href := range links.Map(func(_ int, link *goquery.Selection) string { return link.AttrOr("href", "") }) {
		b.get(href).is(http.StatusOK)
	}
}
