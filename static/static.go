// Package static holds the files that pages load: one stylesheet, one script of
// ours, htmx, icons and fonts. They are part of the program, compressed
// beforehand, and served under names that carry a hash of their content, so a
// browser may keep each for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Prefix is where Handler expects to be mounted, and what every URL starts with.
const Prefix = "/static/"

//go:embed packed/*.gz vendor/*.woff2
var files embed.FS

// asset is one file as it is served.
type asset struct {
	name, url, mediaType string
	// stored is the content as embedded: compressed when packed is set.
	stored []byte
	packed bool
}

var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// shelf is every asset by name and by URL.
type shelf struct{ byName, byURL map[string]*asset }

var assets = sync.OnceValue(func() shelf {
	s := shelf{byName: map[string]*asset{}, byURL: map[string]*asset{}}
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		stored, err := files.ReadFile(file)
		if err != nil {
			return err
		}
		base, packed := strings.CutSuffix(path.Base(file), ".gz")
		h := fnv.New32a()
		_, _ = h.Write(stored)
		ext := path.Ext(base)
		a := &asset{
			name:      base,
			url:       fmt.Sprintf("%s%s.%08x%s", Prefix, strings.TrimSuffix(base, ext), h.Sum32(), ext),
			mediaType: mediaTypes[ext],
			stored:    stored,
			packed:    packed,
		}
		s.byName[a.name], s.byURL[a.url] = a, a
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	return s
})

// URL returns where the file with the name is served. It panics for a name that
// does not exist, because a page without its stylesheet is a mistake in the
// program that must not pass a test.
func URL(name string) string {
	a, ok := assets().byName[name]
	if !ok {
		panic(fmt.Sprintf("static: there is no file %q", name))
	}
	return a.url
}

// Names returns the names that URL knows, sorted.
func Names() []string {
	names := make([]string, 0, len(assets().byName))
	for name := range assets().byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Has reports whether Handler serves a file under a path.
func Has(path string) bool {
	_, ok := assets().byURL[path]
	return ok
}

// Handler serves the files under Prefix, each under exactly the path that URL
// gives and under no other.
func Handler() http.Handler {
	return http.HandlerFunc(serve)
}

func serve(w http.ResponseWriter, r *http.Request) {
	a, ok := assets().byURL[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := a.body(r, header)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", a.mediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body)
}

// body returns what to send, and sets the headers that say how it is packed.
func (a *asset) body(r *http.Request, header http.Header) ([]byte, error) {
	if !a.packed {
		return a.stored, nil
	}
	header.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		return a.stored, nil
	}
	return a.plain()
}

// plain returns the content uncompressed.
func (a *asset) plain() ([]byte, error) {
	if !a.packed {
		return a.stored, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(a.stored))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// acceptsGzip reports whether the Accept-Encoding header lets us send gzip: it
// is named, or covered by "*", and not with a weight of zero.
func acceptsGzip(header string) bool {
	anything := false
	for _, part := range strings.Split(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			parsed, err := strconv.ParseFloat(q, 64)
			if err != nil {
				return false
			}
			weight = parsed
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip":
			return weight > 0
		case "*":
			anything = weight > 0
		}
	}
	return anything
}
