package web

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/static"
	"latchkey/store/storetest"
)

// addKeys writes n keys with a token and two roles each, past the store: a benchmark needs many. Their tokens have
// expired, and every seventh key is inactive.
func (k *kit) addKeys(account string, n int) {
	k.t.Helper()
	storetest.FillKeys(k.t, k.url, account, n)
	k.exec(`UPDATE api_key SET created_at = created_at + number * 500000 - 365 * CAST(86400000000 AS BIGINT), status = CASE number / 2 % 7 WHEN 0 THEN 'inactive' ELSE 'active' END,
			role_set = role_set || (SELECT CAST(number AS TEXT) FROM role WHERE role.account_id = api_key.account_id AND slug = 'pricing-admin') || ','
		WHERE account_id = (SELECT id FROM account WHERE slug = $1)`, account)
	k.exec(`UPDATE api_key SET token_newest = created_at WHERE account_id = (SELECT id FROM account WHERE slug = $1)`, account)
	k.exec(`UPDATE api_token SET created_at = (SELECT created_at FROM api_key WHERE api_key.id = key_id)`)
	k.exec(`INSERT INTO api_key_role (key_id, role_id, key_number, role_number)
		SELECT api_key.id, role.id, api_key.number, role.number FROM api_key JOIN role ON role.account_id = api_key.account_id AND role.slug = 'pricing-admin'
		WHERE api_key.account_id = (SELECT id FROM account WHERE slug = $1)`, account)
}

// tidy does at once what PostgreSQL does by itself in time.
func (k *kit) tidy() {
	k.t.Helper()
	if storetest.OnPostgres(k.t) {
		k.exec(`VACUUM ANALYZE`)
	}
}

// BenchmarkList compares the list page of an account with 100,000 keys, at its beginning, middle and
// end, with the first page of an account with 100 keys, through the whole handler. The pages are
// asked for in turn, so that whatever else the machine does meets all of them.
func BenchmarkList(b *testing.B) {
	k := newKit(b)
	k.addKeys("globex", 100)
	k.addKeys("acme", 100_000)
	k.tidy()
	large, small := k.signIn("ana@acme.example"), k.signIn("ana@globex.example")
	type ask struct {
		name string
		who  *browser
		path string
		took []time.Duration
	}
	asks := []*ask{
		{name: "100-keys-first", who: small, path: pathKeys()},
		{name: "100k-keys-first", who: large, path: pathKeys()},
		{name: "100k-keys-middle", who: large, path: k.pageAfter(50_000)},
		{name: "100k-keys-last", who: large, path: k.pageAfter(pageSize + 1)},
	}
	for b.Loop() {
		for _, a := range asks {
			request := a.who.request(http.MethodGet, a.path, nil)
			start := time.Now()
			got := a.who.send(request)
			a.took = append(a.took, time.Since(start))
			if rows := strings.Count(got.body, "<tr id="); got.status != http.StatusOK || rows != pageSize {
				b.Fatalf("%s: %d with %d rows, to %q from %q", a.name, got.status, rows, got.header.Get("Location"), a.path)
			}
		}
	}
	const most = 1.5 // of the first page of a hundred keys
	base := median(asks[0].took)
	for _, a := range asks {
		b.ReportMetric(float64(median(a.took).Microseconds()), a.name+"-µs")
		ratio := float64(median(a.took)) / float64(base)
		b.ReportMetric(ratio, a.name+"-ratio")
		if ratio > most && b.N >= 100 {
			b.Errorf("%s takes %.2f times as long as the base, more than %.1f", a.name, ratio, most)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFind compares searches, filters, orders and the last pages of each order in an account with 100,000
// keys with the plain first page of the same account, through the whole handler, all asked for in turn. The
// statuses are spread as one in seven. One key has a role that no other has, and the 2,000 oldest have one that
// makes the list, which begins with the newest, look through all others first.
func BenchmarkFind(b *testing.B) {
	const n = 100_000
	k := newKit(b)
	k.addKeys("acme", n)
	k.exec(`UPDATE api_key SET role_set = role_set || (SELECT CAST(number AS TEXT) FROM role WHERE slug = 'catalog-viewer' AND account_id = api_key.account_id) || ','
		WHERE app_key = 'appkey-acme-00000001'`)
	k.exec(`UPDATE api_key SET token_count = 0, token_newest = 0 WHERE app_key LIKE '%000'`)
	k.exec(`UPDATE api_key SET role_set = role_set || (SELECT CAST(number AS TEXT) FROM role WHERE slug = 'inventory-viewer' AND account_id = api_key.account_id) || ','
		WHERE app_key <= 'appkey-acme-00002000'`)
	k.tidy()
	who := k.signIn("ana@acme.example")
	type ask struct {
		name, query string
		rows        int
		took        []time.Duration
	}
	asks := []*ask{
		{name: "plain", rows: pageSize},
		{name: "search-no-match", query: "q=zzzz"},
		{name: "search-one-letter", query: "q=n", rows: pageSize},
		{name: "search-one-match", query: "q=integration+99999", rows: 1},
		{name: "search-key", query: "q=acme-00000001", rows: 1},
		{name: "role-rare", query: "role=catalog-viewer", rows: 1},
		{name: "role-of-nobody", query: "role=owner"},
		{name: "role-of-the-oldest-2000", query: "role=inventory-viewer", rows: pageSize},
		{name: "role-common", query: "role=orders-viewer", rows: pageSize},
		{name: "status-inactive", query: "status=inactive", rows: pageSize},
		{name: "token-expired", query: "token_state=expired", rows: pageSize},
		{name: "token-valid", query: "token_state=valid"},
		{name: "token-none", query: "token_state=none", rows: pageSize},
		{name: "token-two", query: "token_state=two"},
		{name: "all-filters", query: "q=integration+9&status=active&role=orders-viewer&token_state=expired", rows: pageSize},
		{name: "all-filters-no-match", query: "q=zzzz&status=active&role=orders-viewer&token_state=expired&sort=name"},
	}
	for _, sort := range []string{"created", "name", "duration", "status"} {
		for _, dir := range []string{dirUp, dirDown} {
			order := "sort=" + sort + "&dir=" + dir
			asks = append(asks,
				&ask{name: sort + "-" + dir + "-first", query: order, rows: pageSize},
				&ask{name: sort + "-" + dir + "-last", query: order + "&after=" + k.almostLast(sort, dir), rows: pageSize},
				&ask{name: sort + "-" + dir + "-search-last", query: order + "&q=integration&after=" + k.almostLast(sort, dir), rows: pageSize},
				&ask{name: sort + "-" + dir + "-search-no-match", query: order + "&q=zzzz"})
		}
	}
	for b.Loop() {
		for _, a := range asks {
			request := who.request(http.MethodGet, pathKeys()+"?"+a.query, nil)
			start := time.Now()
			got := who.send(request)
			a.took = append(a.took, time.Since(start))
			if rows := strings.Count(got.body, `<tr id=`); got.status != http.StatusOK || rows != a.rows {
				b.Fatalf("%s: %d with %d rows, to %q from %q", a.name, got.status, rows, got.header.Get("Location"), a.query)
			}
		}
	}
	const most = 100 * time.Millisecond
	base := median(asks[0].took)
	for _, a := range asks {
		took := median(a.took)
		b.ReportMetric(float64(took.Microseconds())/1000, a.name+"-ms")
		if more := took - base; more > most {
			b.Errorf("%s takes %s longer than the plain first page, more than %s", a.name, more, most)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// almostLast is the cursor of the key that the last page of an order follows.
func (k *kit) almostLast(sort, dir string) string {
	k.t.Helper()
	of := map[string]struct{ column, letter string }{"created": {"created_at", "c"}, "name": {"name_key", "n"}, "duration": {"token_newest", "d"}, "status": {"status", "s"}}[sort]
	last := map[string]string{dirUp: "DESC", dirDown: "ASC"}[dir]
	var value any
	var number int64
	must(k.t, k.raw.QueryRowContext(k.t.Context(), `SELECT `+of.column+`, number FROM api_key WHERE account_id = (SELECT id FROM account WHERE slug = 'acme')
		ORDER BY `+of.column+` `+last+`, number `+last+` LIMIT 1 OFFSET $1`, pageSize).Scan(&value, &number))
	var place string
	switch v := value.(type) {
	case int64:
		place = strconv.FormatInt(v, 36)
	case string:
		place = v
	case []byte:
		place = base64.RawURLEncoding.EncodeToString(v)
	}
	return of.letter + place + "." + strconv.FormatInt(number, 36)
}

// pageAfter is the list page that begins below the i-th key that addKeys wrote for acme. To be given
// the cursor by the list itself would mean to walk thousands of pages.
func (k *kit) pageAfter(i int) string {
	k.t.Helper()
	var created, number int64
	must(k.t, k.raw.QueryRowContext(k.t.Context(), `SELECT created_at, number FROM api_key WHERE app_key = $1`, fmt.Sprintf("appkey-acme-%08d", i)).Scan(&created, &number))
	return pathKeys() + "?after=" + "c" + strconv.FormatInt(created, 36) + "." + strconv.FormatInt(number, 36)
}

func median(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)/2]
}

var assetURL = regexp.MustCompile(`"(/static/[^"]+)"`)

// BenchmarkSizes prints what a browser must load. The figures are exact and need no repetition.
func BenchmarkSizes(b *testing.B) {
	k := newKit(b)
	k.addKeys("acme", 132)
	who := k.signIn("ana@acme.example")
	var page answer
	for b.Loop() {
		page = who.get(pathKeys())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(page.body)), "html-bytes")
	who.header.Set("Accept-Encoding", "gzip")
	total := len(who.get(pathKeys()).body)
	css := who.get(static.URL("app.css"))
	seen := map[string]bool{}
	for _, content := range []string{page.body, unzip(b, css)} {
		for _, found := range assetURL.FindAllStringSubmatch(content, -1) {
			path, _, _ := strings.Cut(found[1], "#")
			seen[path] = true
		}
		for _, found := range regexp.MustCompile(`url\("?([^")]+)"?\)`).FindAllStringSubmatch(content, -1) {
			seen["/static/"+strings.TrimPrefix(found[1], "/static/")] = true
		}
	}
	for path := range seen {
		got := who.get(path)
		if got.status != http.StatusOK {
			b.Fatalf("%s: %d", path, got.status)
		}
		total += len(got.body)
	}
	if len(seen) < 5 {
		b.Fatalf("only %d files: %v", len(seen), seen)
	}
	b.ReportMetric(float64(total), "first-load-bytes")
	if total > 200_000 || len(page.body) > 66_000 {
		b.Errorf("%d bytes at first, %d bytes of HTML: more than 200,000 and 66,000", total, len(page.body))
	}
}

func unzip(b *testing.B, a answer) string {
	b.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		return a.body
	}
	r, err := gzip.NewReader(strings.NewReader(a.body))
	must(b, err)
	var text bytes.Buffer
	_, err = text.ReadFrom(r)
	must(b, err)
	return text.String()
}
