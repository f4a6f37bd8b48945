//go:build ignore

// Pack writes static/packed: every text that pages load, compressed once, so
// that serving it costs no work. Run it from the root of the repository, with
// "go run static/pack.go", after any change of a file in static; a test fails
// while the two differ.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"path/filepath"
)

func main() {
	texts := []string{"static/app.css", "static/app.js", "static/link.js", "static/list.js", "static/favicon.svg", "static/vendor/htmx.min.js", "static/vendor/icons.svg"}
	fonts := []string{"inter.woff2", "mono.woff2"}

	for _, name := range texts {
		content, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		// The stylesheet names the fonts by their content, as pages name it.
		for _, font := range fonts {
			bytesOfFont, err := os.ReadFile(filepath.Join("static/vendor", font))
			if err != nil {
				log.Fatal(err)
			}
			h := fnv.New32a()
			h.Write(bytesOfFont)
			ext := filepath.Ext(font)
			named := fmt.Sprintf(`url("%s.%08x%s")`, font[:len(font)-len(ext)], h.Sum32(), ext)
			content = bytes.ReplaceAll(content, []byte(fmt.Sprintf("url(%q)", font)), []byte(named))
		}

		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			log.Fatal(err)
		}
		if err := w.Close(); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("static/packed", filepath.Base(name)+".gz"), packed.Bytes(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
