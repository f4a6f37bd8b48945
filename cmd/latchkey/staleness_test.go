package main

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"latchkey/store"
)

// A node must have stopped answering long before it is not named any more.
func TestANodeIsNamedForLongerThanItMayAnswer(t *testing.T) {
	if maxStaleness >= store.NodeMemory {
		t.Errorf("a node may answer for %s and is named for %s", maxStaleness, store.NodeMemory)
	}
}

// What the chart takes, the program takes.
func TestTheChartKnowsTheBoundsOfStaleness(t *testing.T) {
	text, err := os.ReadFile("../../deploy/helm/latchkey/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct{ MaxStaleness struct{ Pattern string } }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(schema.Properties.MaxStaleness.Pattern)
	for value, want := range map[string]bool{
		"0s": false, "1s": false, "2s": true, "9s": true, "10s": true, "60s": true, "999s": true, "1000s": true, "1799s": true, "1800s": true, "1801s": false, "2000s": false,
		"0m": false, "1m": true, "9m": true, "10m": true, "29m": true, "30m": true, "31m": false, "1h": false, "24h": false,
		"1999ms": false, "2000ms": true, "9999ms": true, "10000ms": true, "999999ms": true, "1800000ms": true, "1800001ms": false,
		"60": false, "": false,
	} {
		if got := pattern.MatchString(value); got != want {
			t.Errorf("the chart takes %q: %v; want %v", value, got, want)
		}
		if _, err := parsed(t, nil, "--max-staleness", value); (err == nil) != want {
			t.Errorf("the program says to %q: %v; want that it takes it: %v", value, err, want)
		}
	}
}
