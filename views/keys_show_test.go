package views

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/views/ui"
)

// number is an attribute that holds a percentage.
func number(t *testing.T, s *goquery.Selection, attr string) float64 {
	t.Helper()
	text, found := strings.CutSuffix(s.AttrOr(attr, ""), "%")
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !found {
		t.Fatalf("%s is %q", attr, s.AttrOr(attr, ""))
	}
	return n
}

func TestBarsStandOnTheGroundAndReachNoHigherThanTheChart(t *testing.T) {
	doc := parse(t, ui.ChartImage(ui.Chart{ID: "c", Top: 200, Bars: []ui.Bar{
		{Good: 150, Bad: 50}, {}, {Good: 1}, {Bad: 100}, {Good: 199, Bad: 1},
	}}))
	ground := number(t, doc.Find("line.ground"), "y1")
	var feet []float64
	slots := doc.Find("g")
	if slots.Length() != 5 {
		t.Fatalf("there are %d slots", slots.Length())
	}
	right := 0.0
	slots.Each(func(i int, g *goquery.Selection) {
		slot := g.Find(".slot")
		if left := number(t, slot, "x"); left != right {
			t.Errorf("slot %d begins at %v, not %v", i, left, right)
		}
		right += number(t, slot, "width")
		foot := ground
		g.Find("rect:not(.slot)").Each(func(_ int, bar *goquery.Selection) {
			y, height := number(t, bar, "y"), number(t, bar, "height")
			if got := y + height; got-foot > .02 || foot-got > .02 {
				t.Errorf("bar %d ends at %v, not at %v", i, got, foot)
			}
			if y < number(t, slot, "y")-.02 || height <= 1 {
				t.Errorf("bar %d stands from %v, %v high", i, y, height)
			}
			foot = y
		})
		feet = append(feet, foot)
	})
	if right != 100 {
		t.Errorf("the slots are %v %% wide together", right)
	}
	if high := number(t, doc.Find("line").First(), "y1"); feet[0] != high {
		t.Errorf("the highest bar reaches %v, the highest line is at %v", feet[0], high)
	}
	if middle := (ground + feet[0]) / 2; feet[3] != middle {
		t.Errorf("half of the highest reaches %v, not %v", feet[3], middle)
	}
}

func TestTheTopOfAChartIsRoundAndHighEnough(t *testing.T) {
	for peak, want := range map[int]int{0: 1, 1: 1, 2: 2, 5: 5, 7: 8, 9: 10, 10: 10, 11: 20, 96: 100, 257: 300, 1044: 2000, 999_999: 1_000_000} {
		if got := ui.ChartTop(peak); got != want {
			t.Errorf("%d: %d, want %d", peak, got, want)
		}
	}
}

func TestTheChartIsAPictureWithWordsAndItsTable(t *testing.T) {
	doc := parse(t, KeysShowPage(sampleShow()))
	chart := doc.Find(`svg[role="img"]`)
	for attr, want := range map[string]string{
		"aria-labelledby":  "1,240 requests in 3 days, most on 10 Nov (1,144)",
		"aria-describedby": "12 were refused.",
	} {
		if got := squeezed(chart.Find("#" + chart.AttrOr(attr, ""))); got != want {
			t.Errorf("%s says %q, want %q", attr, got, want)
		}
	}
	if got := texts(chart.Find("text")); !slices.Equal(got, []string{"2,000", "10 Nov", "12 Nov"}) {
		t.Errorf("its scale says %q", got)
	}
	if got, want := texts(doc.Find("table.figures tbody tr")), []string{"12 Nov 2026 84 12", "11 Nov 2026 0 0", "10 Nov 2026 1,144 0"}; !slices.Equal(got, want) {
		t.Errorf("the table says %q, want %q", got, want)
	}
	if doc.Find("details table.figures caption").Length() != 1 || doc.Find(`table.figures th[scope="col"]`).Length() != 3 {
		t.Error("the table lacks its caption or its headers")
	}
}

func TestOneRequestIsSaidAsOne(t *testing.T) {
	m := sampleShow()
	m.Usage = KeyUsage{Days: []UsageDay{{Short: "11 Nov"}, {Short: "12 Nov", Refused: 1}}, Most: 1}
	doc := parse(t, KeysShowPage(m))
	if got := texts(doc.Find("#usage-chart-title, #usage-chart-desc")); !slices.Equal(got, []string{"1 request in 2 days, on 12 Nov", "1 was refused."}) {
		t.Errorf("it says %q", got)
	}
	m.Usage.Days[1] = UsageDay{Short: "12 Nov", Accepted: 1}
	if got := squeezed(parse(t, KeysShowPage(m)).Find("#usage-chart-desc")); got != "None was refused." {
		t.Errorf("it says %q", got)
	}
}

func TestASentenceMarksItsTimesWhereverTheyStand(t *testing.T) {
	at := func(text string) ui.Time { return ui.Time{Text: text, Datetime: text + "Z", Title: text + " in full"} }
	for _, c := range []struct {
		text  string
		times []ui.Time
		want  string
	}{
		{"Not used.", nil, "Not used."},
		{"Used now.", []ui.Time{at("now")}, "Used [now]."},
		{"At 1 or 2.", []ui.Time{at("1"), at("2")}, "At [1] or [2]."},
		{"From one to two.", []ui.Time{at("two"), at("one")}, "From [one] to [two]."},
		{"Twice one, one.", []ui.Time{at("one"), at("one")}, "Twice [one], [one]."},
		{"Only one.", []ui.Time{at("one"), at("gone"), {}}, "Only [one]."},
		{"<now> & 'then'", []ui.Time{at("now")}, "<[now]> & 'then'"},
	} {
		var got strings.Builder
		parse(t, say(Sentence{Text: c.text, Times: c.times})).Find("body").Contents().Each(func(_ int, s *goquery.Selection) {
			if goquery.NodeName(s) != "time" {
				got.WriteString(s.Text())
				return
			}
			if s.AttrOr("datetime", "") != s.Text()+"Z" || s.AttrOr("title", "") != s.Text()+" in full" {
				t.Errorf("%q: the time %q has another's attributes", c.text, s.Text())
			}
			got.WriteString("[" + s.Text() + "]")
		})
		if got.String() != c.want {
			t.Errorf("%q, not %q", got.String(), c.want)
		}
	}
}

func TestSnippetsKeepTheirLines(t *testing.T) {
	doc := parse(t, KeysShowPage(sampleShow()))
	if got := doc.Find("#qs-go").Text(); got != "func main() {\n\tprintln(\"<&>\")\n}\n" {
		t.Errorf("the code is %q", got)
	}
	if got := squeezed(doc.Find(`details[name="qs"] summary#qs-go-label`)); got != "Go" {
		t.Errorf("it is called %q", got)
	}
}

func TestDeleteOffersToDeactivateOnlyWhatIsInUse(t *testing.T) {
	if found := parse(t, KeysDeleteDialog(sampleDelete())).Find("form .alert").Length(); found != 0 {
		t.Errorf("a key out of use has %d alerts", found)
	}
	alert := parse(t, KeysDeleteDialog(sampleDeleteUsed())).Find("form .alert")
	if got := squeezed(alert); got != "This key was used 3 minutes ago . Deactivate it first. Deactivate" {
		t.Errorf("the alert says %q", got)
	}
	if alert.Find(`a[href="/keys/x/deactivate"]`).Length() != 1 {
		t.Error("it leads nowhere")
	}
}
