package main

import (
	"bytes"
	"flag"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// round are figures that a person can compute with.
func round(t *testing.T) *figures {
	t.Helper()
	f, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		keyMemory: "100", loadingMemory: "150", processMemory: "0.0625", verifyCPU: "10", loadSQLite: "2", loadPostgres: "5", keySQLite: "1000", keyPostgres: "2000",
		eventSQLite: "500", eventPostgres: "600", useSQLite: "10", usePostgres: "20", usesPerSecond: "100", changesSQLite: "500",
		changesPostgres: "300", beatLog: "200", changeLog: "4096", connections: "11",
	} {
		if err := f.set(name + "=" + value); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

var usual = assumptions{Cores: 8, Active: 1, Events: 2}

func TestWhatKeysTake(t *testing.T) {
	got := forKeys(round(t), usual, 1_000_000)
	want := ofKeys{
		Index: 100_000_000, Memory: 67_108_864 + 250_000_000, LoadSQLite: 2, LoadPostgres: 5,
		// 1 % of a million in each of 24 * 400 hours.
		Used: 10_000, SQLite: disk{1e9, 960_000_000, 1e9}, Postgres: disk{2e9, 1_920_000_000, 1_200_000_000},
	}
	if got != want {
		t.Errorf("it is %+v; want %+v", got, want)
	}
	if sum := got.SQLite.Sum(); sum != 2_960_000_000 {
		t.Errorf("on disk it is %v", sum)
	}
	if none := forKeys(round(t), usual, 0); none.Memory != 67_108_864 || none.SQLite.Sum() != 0 {
		t.Errorf("without keys it is %+v", none)
	}
}

func TestWhatARateTakes(t *testing.T) {
	f := round(t)
	if n := singleNode(f, usual); n != 480_000 { // 8 cores of 100,000 a second each, of which 60 %
		t.Errorf("one node serves %v", n)
	}
	for rate, want := range map[float64]ofRate{
		1_000:     {Cores: 0.01, Nodes: 2, Usual: 0.01 / 16, Failed: 0.01 / 8, Connections: 22, BeatLog: 2 * 86_400 * 200},
		480_000:   {Cores: 4.8, Nodes: 2, Usual: 0.3, Failed: 0.6, Connections: 22, BeatLog: 2 * 86_400 * 200},
		480_001:   {Cores: 4.80001, Nodes: 3, Usual: 4.80001 / 24, Failed: 4.80001 / 16, Connections: 33, BeatLog: 3 * 86_400 * 200},
		1_000_000: {Cores: 10, Nodes: 4, Usual: 10.0 / 32, Failed: 10.0 / 24, Connections: 44, BeatLog: 4 * 86_400 * 200},
	} {
		got := forRate(f, usual, rate)
		if got.Nodes != want.Nodes || got.Connections != want.Connections || got.BeatLog != want.BeatLog ||
			!near(got.Cores, want.Cores) || !near(got.Usual, want.Usual) || !near(got.Failed, want.Failed) {
			t.Errorf("%.0f a second take %+v; want %+v", rate, got, want)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

func TestNodesAreNeverBusierThanTheyMayAndNoneIsTooMany(t *testing.T) {
	f := round(t)
	for _, cores := range []int{1, 2, 3, 8, 64} {
		a := assumptions{Cores: cores, Active: 1}
		for rate := 500.0; rate < 5e6; rate *= 1.37 {
			got := forRate(f, a, rate)
			if got.Failed > busy+1e-6 || got.Nodes < 2 {
				t.Errorf("%d cores, %.0f a second: %+v", cores, rate, got)
			}
			if fewer := got.Nodes - 2; fewer > 0 && got.Cores/float64(fewer*cores) <= busy {
				t.Errorf("%d cores, %.0f a second: %d nodes are one too many", cores, rate, got.Nodes)
			}
		}
	}
}

func TestWhatCountingTakes(t *testing.T) {
	f := round(t)
	for _, c := range []struct {
		held, rate, rows, late float64
	}{
		// Two nodes are asked about each of 10 keys in every second.
		{1_000, 100_000, 20, 1},
		// 50 a second are nearly all of different keys, and fewer than the 100 that the database takes.
		{100_000_000, 50, 50, 1},
		// 200 a second are asked of 2 nodes about 500 keys: 1000 * (1 - e^-0.2) rows would come each second. A
		// round takes L s when 1000 * (1 - e^(-0.2 L)) rows come in it and 100 go in a second: L is 7.968.
		{50_000, 200, 181.27, 7.968},
		// All of 1,000 keys come to both nodes in any round, and 2,000 rows take 20 s.
		{100_000, 100_000, 2_000, 20},
	} {
		got := forUse(f, usual, c.held, c.rate)
		if math.Abs(got.Rows-c.rows) > 0.01*c.rows || math.Abs(got.Late-c.late) > 0.001*c.late {
			t.Errorf("%.0f keys, %.0f a second: %+v; want %+v", c.held, c.rate, got, c)
		}
	}
}

func TestFiguresAreTakenAndRefused(t *testing.T) {
	f := round(t)
	for _, text := range []string{"", "verify-cpu-us", "verify-cpu-us=", "verify-cpu-us=0", "verify-cpu-us=-1", "verify-cpu-us=NaN", "verify-cpu-us=Inf", "verify-cpu-us=fast", "speed=1"} {
		if f.set(text) == nil {
			t.Errorf("-set %q was taken", text)
		}
	}
	if err := f.set("verify-cpu-us=20"); err != nil || singleNode(f, usual) != 240_000 {
		t.Errorf("with twice the time one node serves %v: %v", singleNode(f, usual), err)
	}
	for _, args := range [][]string{{"-cores", "0"}, {"-active", "0"}, {"-active", "101"}, {"-active", "NaN"}, {"-events", "-1"}, {"-set", "speed=1"}, {"-keys", "1"}} {
		var out bytes.Buffer
		if err := run(args, &out, io.Discard); err == nil || out.Len() > 0 {
			t.Errorf("%v was taken", args)
		}
	}
	if err := run([]string{"-h"}, io.Discard, io.Discard); err != flag.ErrHelp { //nolint:errorlint // it is returned as it is
		t.Errorf("-h: %v", err)
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for got, want := range map[string]string{
		size(0): "0.00 B", size(999): "999 B", size(1000): "0.98 KiB", size(1.5 * gib): "1.5 GiB", size(1e18): "888 PiB", size(1e21): "888,178 PiB",
		seconds(1.25): "1.2 s", seconds(119): "119 s", seconds(120): "2.0 min", seconds(7200): "2.0 h",
		count(0): "0", count(999): "999", count(1000): "1,000", count(12_345_678): "12,345,678",
	} {
		if got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestThePageIsWhatTheProgramPrints(t *testing.T) {
	page, err := os.ReadFile("../../deploy/capacity.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if out.String() != string(page) {
		t.Error("deploy/capacity.md is not what the program prints: go run ./cmd/capacity > deploy/capacity.md")
	}
	if strings.Contains(out.String(), "<no value>") || strings.Contains(out.String(), "%!") {
		t.Errorf("the page has a hole: %s", &out)
	}
	own := bytes.Buffer{}
	if err := run([]string{"-set", "key-bytes=260"}, &own, io.Discard); err != nil || own.String() == out.String() || !strings.Contains(own.String(), "given with -set") {
		t.Errorf("with a figure of one's own the page is the same: %v", err)
	}
}

// TestTheFiguresAreThoseOfTheProgram holds what is read in a source against it, and the commands against the
// benchmarks that there are.
func TestTheFiguresAreThoseOfTheProgram(t *testing.T) {
	f, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../store/postgres.go")
	if err != nil {
		t.Fatal(err)
	}
	held := 1.0 // the one that listens
	for _, found := range regexp.MustCompile(`(?:postgres|feed)Connections = (\d+)`).FindAllSubmatch(source, -1) {
		n, _ := strconv.Atoi(string(found[1]))
		held += float64(n)
	}
	if held != f.value(connections) {
		t.Errorf("by store/postgres.go a node holds %v connections; the figure is %v", held, f.value(connections))
	}
	command := regexp.MustCompile(`^go test -run '\^\$' -bench '?(\w+)\$?'? -benchtime \d+x \./(\S+)(?: -large\.keys \d+)?$`)
	checked := 0
	for _, g := range f.Measured {
		if g.Name == connections {
			continue
		}
		m := command.FindStringSubmatch(g.Command)
		if m == nil {
			t.Errorf("%s is measured by %q", g.Name, g.Command)
			continue
		}
		if checked++; !benchmarkReports(t, "../../"+m[2], "Benchmark"+m[1], g.Metric) {
			t.Errorf("no Benchmark%s in %s reports %s", m[1], m[2], g.Metric)
		}
	}
	if checked != len(needed)-1 {
		t.Errorf("%d commands were looked at", checked)
	}
}

// benchmarkReports says whether a file of a package has a benchmark, and a metric, whose beginning may be a name.
func benchmarkReports(t *testing.T, folder, benchmark, metric string) bool {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, end, _ := strings.Cut(metric, "-")
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(folder + "/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+benchmark+"(") && (strings.Contains(string(text), `"`+metric+`"`) || end != "" && strings.Contains(string(text), `"-`+end+`"`)) {
			return true
		}
	}
	return false
}
