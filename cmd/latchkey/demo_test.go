package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func TestTheDemoShows132Keys(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "demo", "--listen", "127.0.0.1:0")
	address := p.line(`is served on (http://127\.0\.0\.1:\d+)$`)
	email, password := p.line(`^    (\S+@\S+)$`), p.line(`^    (\S+)$`)
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), "latchkey-demo-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("the demo's folders are %v, %v; want one", folders, err)
	}

	b := newBrowser(t, address)
	b.signIn(email, password)
	newBrowser(t, address).signIn(demoHelper, password)
	seen, inactive, expired, soon, pending := 0, 0, 0, 0, 0
	roleCounts := map[int]int{}
	for path := "/account/api-keys/generated"; path != ""; {
		got := b.get(path)
		if got.status != http.StatusOK {
			t.Fatalf("%s answered %d; want 200", path, got.status)
		}
		document, err := goquery.NewDocumentFromReader(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if count := document.Find("#count").Text(); !strings.Contains(count, "132") {
			t.Errorf("the count is %q; want 132", count)
		}
		document.Find("tbody tr").Each(func(_ int, row *goquery.Selection) {
			seen++
			text := row.Text()
			if strings.Contains(text, "Inactive") {
				inactive++
			}
			if strings.Contains(text, "xpired") {
				expired++
			}
			if strings.Contains(text, "Pending deletion - Old token") {
				pending++
			}
			if regexp.MustCompile(`(?i)renew|soon`).MatchString(text) {
				soon++
			}
		})
		next := document.Find("a").FilterFunction(func(_ int, link *goquery.Selection) bool {
			href, _ := link.Attr("href")
			return strings.Contains(href, "?after=")
		})
		path, _ = next.First().Attr("href")
	}
	for _, step := range demoStory() {
		if step.event == demoGenerate {
			roleCounts[len(step.roles)]++
		}
	}
	if seen != demoKeys {
		t.Errorf("the pages list %d keys; want %d", seen, demoKeys)
	}
	if inactive < demoKeys/10 || inactive > demoKeys/5 {
		t.Errorf("%d keys are inactive; want about 15 %%", inactive)
	}
	if expired == 0 || soon == 0 || expired > demoKeys/2 {
		t.Errorf("%d tokens are expired and %d are to be renewed soon; want some of each", expired, soon)
	}
	if pending < 3 {
		t.Errorf("%d renewals are open; want some", pending)
	}
	marked := newBrowser(t, address)
	marked.signIn(demoMarkedEmail, password)
	list := marked.get("/account/api-keys/generated").body
	for _, chip := range []string{"Renewal highly recommended", "Renewal recommended", "Renew soon"} {
		if strings.Count(list, chip) != 1 {
			t.Errorf("%d keys of %s are marked %q; want one", strings.Count(list, chip), demoMarked, chip)
		}
	}
	if strings.Contains(list, "Expired") {
		t.Errorf("%s refuses tokens", demoMarked)
	}
	for n := range 5 {
		if roleCounts[n] == 0 {
			t.Errorf("no key has %d roles", n)
		}
	}
	p.stop()
	if _, err := os.Stat(folders[0]); !os.IsNotExist(err) {
		t.Errorf("the demo's folder is still there: %v", err)
	}
	if strings.Contains(p.stderr.String(), password) {
		t.Error("the demo's password is in the log")
	}
}

func TestTheDemoStaysOnThisMachine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cli(t, "", "demo", "--listen", "0.0.0.0:0").refused(t, "0.0.0.0:0")
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("a refused demo left %v, %v", left, err)
	}
}

func TestTheDemosStoryIsTheSameEveryTime(t *testing.T) {
	story := demoStory()
	names := map[string]bool{}
	for i, step := range story {
		if i > 0 && story[i-1].ago < step.ago || step.ago <= 0 {
			t.Errorf("step %d is out of order", i)
		}
		if step.event == demoGenerate {
			names[step.name] = true
		}
	}
	if len(names) != demoKeys {
		t.Errorf("the keys have %d names; want %d", len(names), demoKeys)
	}
	if !slices.EqualFunc(story, demoStory(), func(a, b demoStep) bool { return a.ago == b.ago && a.name == b.name }) {
		t.Error("two stories differ")
	}
}
