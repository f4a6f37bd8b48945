package words

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTextsAreFoundById(t *testing.T) {
	ctx := context.Background()
	if got, want := T(ctx, "keys.active"), "Active"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := T(ctx, "keys.menu", Args{"Name": "Price <feed>"}), "Actions for Price <feed>"; got != want {
		t.Errorf("got %q, want %q: the page escapes, not the catalogue", got, want)
	}
	if got, want := T(ctx, "no.such.text"), "no.such.text"; got != want {
		t.Errorf("an unknown id gives %q, want itself", got)
	}
}

func TestPluralsAndNumbersAreWrittenAsTheLanguageDoes(t *testing.T) {
	ctx := With(context.Background(), "en")
	for n, want := range map[int]string{0: "0 keys", 1: "1 key", 2: "2 keys", 25: "25 keys", 1240: "1,240 keys", 1000000: "1,000,000 keys"} {
		if got := N(ctx, "keys.count", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got, want := Number(ctx, 1240), "1,240"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDatesAreWrittenInTheZoneTheyCarry(t *testing.T) {
	ctx := context.Background()
	utc := time.Date(2026, time.September, 12, 15, 4, 59, 0, time.UTC)
	if got, want := Day(ctx, utc), "12 Sep 2026"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := ShortDay(ctx, utc), "12 Sep"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Moment(ctx, utc), "12 Sep 2026, 15:04 UTC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	late := utc.Add(8 * time.Hour).In(time.FixedZone("BRT", 2*60*60))
	if got, want := Moment(ctx, late), "13 Sep 2026, 01:04 BRT"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEveryMonthHasItsName(t *testing.T) {
	want := strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
	for i, name := range want {
		if got := Day(context.Background(), time.Date(2026, time.Month(i+1), 1, 0, 0, 0, 0, time.UTC)); got != "1 "+name+" 2026" {
			t.Errorf("month %d is %q", i+1, got)
		}
	}
}

func TestALanguageWithoutACatalogueGivesEnglish(t *testing.T) {
	for tag, want := range map[string]string{"en": "en", "": "en", "xx": "en", "not a tag": "en"} {
		if got := Lang(With(context.Background(), tag)); got != want {
			t.Errorf("%q: %q, want %q", tag, got, want)
		}
	}
	if got := Lang(context.Background()); got != "en" {
		t.Errorf("a bare context speaks %q", got)
	}
}

func TestEveryIdStandsInTheFileOfItsAreaAndHasText(t *testing.T) {
	names, err := filepath.Glob("en/*.json")
	if err != nil || len(names) < 5 {
		t.Fatalf("catalogue files: %v, %v", names, err)
	}
	ids := IDs()
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("ids are not sorted or not unique")
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) {
			t.Errorf("%s is not JSON", name)
		}
	}
	shape := regexp.MustCompile(`^[a-z]+(\.[a-z0-9-]+)+$`)
	for _, id := range ids {
		if !shape.MatchString(id) {
			t.Errorf("%q is not an id like area.name", id)
		}
		// N fills {{.Count}}, so it is right for a text of either kind here.
		text := N(context.Background(), id, 2)
		if text == id || strings.TrimSpace(text) == "" {
			t.Errorf("%q has no text", id)
		}
		if text != strings.TrimSpace(text) || strings.Contains(text, "  ") {
			t.Errorf("%q has stray spaces: %q", id, text)
		}
	}
}
