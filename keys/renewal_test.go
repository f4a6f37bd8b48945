package keys_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
)

// renewalEvents are all events of the renewal table.
var renewalEvents = []keys.RenewalEvent{
	keys.EventRenew, keys.EventLater, keys.EventNow, keys.EventDeleteOld, keys.EventUndo,
	keys.EventDeactivate, keys.EventActivate, keys.EventDelete,
}

// renewalStates are all states of the table. A is the older token and B the newer.
var renewalStates = map[string]keys.RenewalState{
	"active: A":     {Status: keys.StatusActive, Tokens: []keys.Token{tokenA}},
	"inactive: A":   {Status: keys.StatusInactive, Tokens: []keys.Token{tokenA}},
	"active: B A":   {Status: keys.StatusActive, Tokens: []keys.Token{tokenB, tokenA}},
	"inactive: B A": {Status: keys.StatusInactive, Tokens: []keys.Token{tokenB, tokenA}},
	"gone":          {Status: keys.StatusActive, Deleted: true},
	"gone for ever": {Status: keys.StatusInactive, Deleted: true},
}

var (
	tokenA = keys.Token{Number: 7, Hint: "aaaa", CreatedAt: time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)}
	tokenB = keys.Token{Number: 9, Hint: "bbbb", CreatedAt: time.Date(2026, time.May, 2, 12, 0, 0, 0, time.UTC)}
)

// renewedAt is when the events of the table happen.
var renewedAt = time.Date(2026, time.June, 2, 12, 0, 0, 0, time.UTC)

// Every cell: what a state becomes, or why it stays, and which tokens come in afterwards.
func TestRenewalTable(t *testing.T) {
	type cell struct {
		from  string
		event keys.RenewalEvent
	}
	asserted := map[cell]bool{}
	for _, c := range []struct {
		from  string
		event keys.RenewalEvent
		// to is the next state, or the refusal; then verify is what comes in as before.
		to, verify string
	}{
		{"active: A", keys.EventRenew, "active: new A", "new A"},
		{"active: A", keys.EventLater, "conflict: renewal-over", "A"},
		{"active: A", keys.EventNow, "conflict: renewal-over", "A"},
		{"active: A", keys.EventDeleteOld, "conflict: no-old-token", "A"},
		{"active: A", keys.EventUndo, "conflict: nothing-to-undo", "A"},
		{"active: A", keys.EventDeactivate, "inactive: A", ""},
		{"active: A", keys.EventActivate, "active: A", "A"},
		{"active: A", keys.EventDelete, "gone", ""},

		{"inactive: A", keys.EventRenew, "inactive: new A", ""},
		{"inactive: A", keys.EventLater, "conflict: renewal-over", ""},
		{"inactive: A", keys.EventNow, "conflict: renewal-over", ""},
		{"inactive: A", keys.EventDeleteOld, "conflict: no-old-token", ""},
		{"inactive: A", keys.EventUndo, "conflict: nothing-to-undo", ""},
		{"inactive: A", keys.EventDeactivate, "inactive: A", ""},
		{"inactive: A", keys.EventActivate, "active: A", "A"},
		{"inactive: A", keys.EventDelete, "gone", ""},

		{"active: B A", keys.EventRenew, "conflict: renewal-open", "B A"},
		{"active: B A", keys.EventLater, "active: B A", "B A"},
		{"active: B A", keys.EventNow, "active: B", "B"},
		{"active: B A", keys.EventDeleteOld, "active: B", "B"},
		{"active: B A", keys.EventUndo, "active: A", "A"},
		{"active: B A", keys.EventDeactivate, "inactive: B A", ""},
		{"active: B A", keys.EventActivate, "active: B A", "B A"},
		{"active: B A", keys.EventDelete, "gone", ""},

		{"inactive: B A", keys.EventRenew, "conflict: renewal-open", ""},
		{"inactive: B A", keys.EventLater, "inactive: B A", ""},
		{"inactive: B A", keys.EventNow, "inactive: B", ""},
		{"inactive: B A", keys.EventDeleteOld, "inactive: B", ""},
		{"inactive: B A", keys.EventUndo, "inactive: A", ""},
		{"inactive: B A", keys.EventDeactivate, "inactive: B A", ""},
		{"inactive: B A", keys.EventActivate, "active: B A", "B A"},
		{"inactive: B A", keys.EventDelete, "gone", ""},

		{"gone", keys.EventRenew, "not-found: key-not-found", ""},
		{"gone", keys.EventLater, "not-found: key-not-found", ""},
		{"gone", keys.EventNow, "not-found: key-not-found", ""},
		{"gone", keys.EventDeleteOld, "not-found: key-not-found", ""},
		{"gone", keys.EventUndo, "not-found: key-not-found", ""},
		{"gone", keys.EventDeactivate, "not-found: key-not-found", ""},
		{"gone", keys.EventActivate, "not-found: key-not-found", ""},
		{"gone", keys.EventDelete, "not-found: key-not-found", ""},

		{"gone for ever", keys.EventRenew, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventLater, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventNow, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventDeleteOld, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventUndo, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventDeactivate, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventActivate, "not-found: key-not-found", ""},
		{"gone for ever", keys.EventDelete, "not-found: key-not-found", ""},
	} {
		t.Run(c.from+", "+string(c.event), func(t *testing.T) {
			asserted[cell{c.from, c.event}] = true
			from := renewalStates[c.from]
			next, err := from.After(c.event, renewedAt)
			got := stateText(next)
			if err != nil {
				got = err.Error()
			}
			if verify := tokenNames(next.Verifying()); got != c.to || verify != c.verify {
				t.Errorf("leads to %q with %q coming in, not to %q with %q", got, verify, c.to, c.verify)
			}
			if err != nil && !reflect.DeepEqual(next, from) {
				t.Errorf("a refusal leads to %+v", next)
			}
		})
	}
	if want := len(renewalStates) * len(renewalEvents); len(asserted) != want || want != 48 {
		t.Errorf("%d cells are asserted, and the table has %d", len(asserted), want)
	}
}

func TestTheTableTestKnowsEveryEvent(t *testing.T) {
	source, err := os.ReadFile("renewal.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`\bEvent\w+\s+RenewalEvent\s+=\s+"([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(renewalEvents) {
		t.Errorf("%d events are declared, and the test knows %d", len(declared), len(renewalEvents))
	}
	for _, event := range declared {
		if !slices.Contains(renewalEvents, keys.RenewalEvent(event[1])) {
			t.Errorf("the test does not know %q", event[1])
		}
	}
}

func TestAnUnknownEventIsRefusedAndChangesNothing(t *testing.T) {
	for name, state := range renewalStates {
		for _, event := range []keys.RenewalEvent{"", "Renew", "renew ", "complete", "revive"} {
			next, err := state.After(event, renewedAt)
			want := keys.KindMalformed
			if state.Deleted {
				want = keys.KindNotFound
			}
			if keys.KindOf(err) != want || !reflect.DeepEqual(next, state) {
				t.Errorf("%s, %q: got %+v, %v", name, event, next, err)
			}
		}
	}
}

// Whoever changes a state that After returned, or the tokens of Verifying, does not change the state
// that they came from, also where its list of tokens has room for more.
func TestAfterNeverChangesItsReceiver(t *testing.T) {
	for name, state := range renewalStates {
		for _, event := range renewalEvents {
			from := keys.RenewalState{Status: state.Status, Deleted: state.Deleted, Tokens: append(make([]keys.Token, 0, 4), state.Tokens...)}
			next, err := from.After(event, renewedAt)
			if err == nil {
				spoil(next.Tokens)
			}
			spoil(from.Verifying())
			untouched := append(slices.Clone(state.Tokens), make([]keys.Token, 4-len(state.Tokens))...)
			if from.Status != state.Status || from.Deleted != state.Deleted || !slices.Equal(from.Tokens[:4], untouched) {
				t.Errorf("%s, %s: the receiver is %+v now", name, event, from)
			}
		}
	}
}

func TestARenewedTokenIsAsOldAsItsRenewalAndHasNoNumberYet(t *testing.T) {
	next, err := renewalStates["active: A"].After(keys.EventRenew, renewedAt)
	if err != nil || next.Tokens[0] != (keys.Token{CreatedAt: renewedAt}) || next.Tokens[1] != tokenA {
		t.Errorf("got %+v, %v", next, err)
	}
}

func TestAKeyIsRenewingWhileItHasTwoTokens(t *testing.T) {
	for name, state := range renewalStates {
		key := keys.Key{Status: state.Status, Tokens: state.Tokens}
		if key.Renewing() != strings.HasSuffix(name, "B A") {
			t.Errorf("%s: renewing = %v", name, key.Renewing())
		}
		place := key.Renewal()
		if place.Status != state.Status || place.Deleted || !slices.Equal(place.Tokens, state.Tokens) {
			t.Errorf("%s: the key's place is %+v", name, place)
		}
		spoil(place.Tokens)
		if !slices.Equal(key.Tokens, renewalStates[name].Tokens) {
			t.Errorf("%s: the key's tokens are those of its place", name)
		}
	}
}

// stateText is a state as the table writes it.
func stateText(s keys.RenewalState) string {
	if s.Deleted {
		return "gone"
	}
	return string(s.Status) + ": " + tokenNames(s.Tokens)
}

func tokenNames(tokens []keys.Token) string {
	var names []string
	for _, token := range tokens {
		name := "?"
		switch token {
		case tokenA:
			name = "A"
		case tokenB:
			name = "B"
		case keys.Token{CreatedAt: renewedAt}:
			name = "new"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func spoil(tokens []keys.Token) {
	tokens = tokens[:cap(tokens)]
	for i := range tokens {
		tokens[i].Hint = "spoilt"
	}
}
