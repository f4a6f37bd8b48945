package static

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sources says which file each packed one is made from.
var sources = map[string]string{
	"app.css":     "app.css",
	"app.js":      "app.js",
	"favicon.svg": "favicon.svg",
	"htmx.min.js": "vendor/htmx.min.js",
	"icons.svg":   "vendor/icons.svg",
	"link.js":     "link.js",
	"list.js":     "list.js",
}

func get(t *testing.T, url string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestPackedFilesAreFresh(t *testing.T) {
	for name, source := range sources {
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, font := range []string{"inter.woff2", "mono.woff2"} {
			served := strings.TrimPrefix(URL(font), Prefix)
			want = bytes.ReplaceAll(want, []byte(`url("`+font+`")`), []byte(`url("`+served+`")`))
		}
		got, err := assets().byName[name].plain()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("packed/%s.gz is not what %s says: run go run static/pack.go from the root", name, source)
		}
	}
	packed, err := filepath.Glob("packed/*")
	if err != nil || len(packed) != len(sources) {
		t.Errorf("packed holds %v (%v), want one file for each of %d sources", packed, err, len(sources))
	}
}

func TestStylesheetNamesOnlyFilesThatExist(t *testing.T) {
	css, err := assets().byName["app.css"].plain()
	if err != nil {
		t.Fatal(err)
	}
	urls := regexp.MustCompile(`url\("([^"]+)"\)`).FindAllSubmatch(css, -1)
	if len(urls) == 0 {
		t.Fatal("the stylesheet names no font")
	}
	for _, u := range urls {
		if res := get(t, Prefix+string(u[1])); res.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", u[1], res.StatusCode)
		}
	}
}

func TestHtmxIsTheReviewedFile(t *testing.T) {
	const want = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
	content, err := os.ReadFile("vendor/htmx.min.js")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("htmx.min.js has SHA-256 %s, want that of version 2.0.11, %s", got, want)
	}
}

func TestVendoredFilesComeWithTheirLicences(t *testing.T) {
	for _, of := range []string{"htmx", "inter", "mono", "icons"} {
		info, err := os.Stat("vendor/" + of + ".LICENSE")
		if err != nil || info.Size() < 500 {
			t.Errorf("no licence for %s: %v", of, err)
		}
	}
}

func TestSizesStayWithinTheirBudget(t *testing.T) {
	for name, limit := range map[string]int64{"app.css": 32 << 10, "app.js": 8 << 10, "link.js": 1 << 10, "list.js": 4 << 10} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d of %d bytes", name, info.Size(), limit)
		if info.Size() >= limit {
			t.Errorf("%s has %d bytes, want under %d", name, info.Size(), limit)
		}
	}
	var first int
	for _, name := range Names() {
		first += len(assets().byName[name].stored)
	}
	t.Logf("all static files as transferred: %d bytes", first)
	if first >= 140_000 {
		t.Errorf("all static files are %d bytes as transferred, want under 140,000, so that a first page fits in 200 KB", first)
	}
}

func TestEveryFileIsServedUnderItsURL(t *testing.T) {
	names := Names()
	if !slices.Contains(names, "app.css") || len(names) < 7 {
		t.Fatalf("names are %v", names)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if !regexp.MustCompile(`^/static/[a-z.]+\.[0-9a-f]{8}\.[a-z0-9]+$`).MatchString(URL(name)) {
				t.Errorf("URL is %q, want the hash of the content in it", URL(name))
			}
			plain := get(t, URL(name))
			packed := get(t, URL(name), "Accept-Encoding", "br, gzip")
			for _, res := range []*http.Response{plain, packed} {
				if res.StatusCode != http.StatusOK {
					t.Fatalf("answers %d", res.StatusCode)
				}
				if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
					t.Errorf("Cache-Control is %q", got)
				}
				if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
					t.Errorf("X-Content-Type-Options is %q", got)
				}
				if got, want := res.Header.Get("Content-Type"), mediaTypes[filepath.Ext(name)]; got != want || want == "" {
					t.Errorf("Content-Type is %q, want %q", got, want)
				}
			}
			if got := plain.Header.Get("Content-Encoding"); got != "" {
				t.Errorf("a client that takes no gzip gets %q", got)
			}
			content, err := assets().byName[name].plain()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(body(t, plain), content) {
				t.Error("the plain answer is not the content")
			}
			if _, text := sources[name]; text {
				if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("a client that takes gzip gets headers %v", packed.Header)
				}
				if len(body(t, packed)) >= len(content) {
					t.Error("the packed answer is not smaller")
				}
			}
		})
	}
}

func TestOnlyExactPathsAreServed(t *testing.T) {
	for _, path := range []string{
		"/static/", "/static/app.css", "/static/app.00000000.css", "/static/packed/app.css.gz",
		"/static/../static.go", "/static/static.go", URL("app.css") + "/", URL("app.css") + ".gz",
	} {
		if res := get(t, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d, want 404", path, res.StatusCode)
		}
	}
}

func TestOnlyGetAndHeadAreAnswered(t *testing.T) {
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(method, URL("app.js"), nil))
		if w.Code != want || w.Body.Len() != 0 {
			t.Errorf("%s answers %d with %d bytes, want %d with none", method, w.Code, w.Body.Len(), want)
		}
	}
}

func TestAcceptEncodingIsRead(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "br": false, "gzip": true, "GZIP": true, "br, gzip;q=0.5": true, "gzip;q=0": false,
		"gzip; q=0.0, *": false, "*": true, "*;q=0": false, "identity": false, "gzip;q=x": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestAnUnknownNamePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("URL of a file that does not exist returned")
		}
	}()
	URL("missing.css")
}
