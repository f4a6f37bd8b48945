package keys_test

import (
	"errors"
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
	keys.EventRenew, keys.EventRenewByLink, keys.EventOpen, keys.EventDiscard, keys.EventLater, keys.EventNow,
	keys.EventDeleteOld, keys.EventUndo, keys.EventDeactivate, keys.EventActivate, keys.EventDelete,
}

// renewalStates are all states of the table. A is the older token and B the newer.
var renewalStates = map[string]keys.RenewalState{
	"active: A":      {Status: keys.StatusActive, Tokens: []keys.Token{tokenA}},
	"active: B A":    {Status: keys.StatusActive, Tokens: []keys.Token{tokenB, tokenA}},
	"active: A+":     {Status: keys.StatusActive, Tokens: []keys.Token{tokenA}, Link: waiting},
	"active: +":      {Status: keys.StatusActive, Link: waiting},
	"active: none":   {Status: keys.StatusActive},
	"inactive: A":    {Status: keys.StatusInactive, Tokens: []keys.Token{tokenA}},
	"inactive: B A":  {Status: keys.StatusInactive, Tokens: []keys.Token{tokenB, tokenA}},
	"inactive: A+":   {Status: keys.StatusInactive, Tokens: []keys.Token{tokenA}, Link: waiting},
	"inactive: +":    {Status: keys.StatusInactive, Link: waiting},
	"inactive: none": {Status: keys.StatusInactive},
	"gone":           {Status: keys.StatusActive, Deleted: true},
	"gone for ever":  {Status: keys.StatusInactive, Deleted: true},
}

var (
	tokenA = keys.Token{Number: 7, Hint: "aaaa", CreatedAt: time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)}
	tokenB = keys.Token{Number: 9, Hint: "bbbb", CreatedAt: time.Date(2026, time.May, 2, 12, 0, 0, 0, time.UTC)}
	// waiting is a link that expires an hour after the events of the table.
	waiting = keys.Link{ID: "link", Kind: keys.LinkRenewal, Token: 11, CreatedAt: renewedAt.Add(-23 * time.Hour), ExpiresAt: renewedAt.Add(time.Hour)}
)

// renewedAt is when the events of the table happen.
var renewedAt = time.Date(2026, time.June, 2, 12, 0, 0, 0, time.UTC)

// renewalTable has a row for each state and a cell for each event, in the order of renewalEvents: the tokens
// that the event leads to, newest first, or why it is refused. "+" is a link that waits, "new" a token that
// the event made, "N" the one that the link made. The last three events are the same for every key that
// exists: they have columns so that nothing is left out.
const renewalTable = `
active: A      | new A        | A+           | no-link           | no-link  | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: A    | active: A    | gone
active: B A    | renewal-open | renewal-open | no-link           | no-link  | B A          | B            | B            | A               | inactive: B A  | active: B A  | gone
active: A+     | link-waits   | link-waits   | N A               | A        | A+           | +            | link-waits   | A               | inactive: A+   | active: A+   | gone
active: +      | link-waits   | link-waits   | N                 | none     | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: +    | active: +    | gone
active: none   | new          | +            | no-link           | no-link  | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: none | active: none | gone
inactive: A    | new A        | A+           | no-link           | no-link  | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: A    | active: A    | gone
inactive: B A  | renewal-open | renewal-open | no-link           | no-link  | B A          | B            | B            | A               | inactive: B A  | active: B A  | gone
inactive: A+   | link-waits   | link-waits   | link-key-inactive | A        | A+           | +            | link-waits   | A               | inactive: A+   | active: A+   | gone
inactive: +    | link-waits   | link-waits   | link-key-inactive | none     | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: +    | active: +    | gone
inactive: none | new          | +            | no-link           | no-link  | renewal-over | renewal-over | no-old-token | nothing-to-undo | inactive: none | active: none | gone
`

// Every cell: what a state becomes, or why it stays, and which tokens come in afterwards.
func TestRenewalTable(t *testing.T) {
	asserted := 0
	for line := range strings.Lines(strings.TrimSpace(renewalTable)) {
		cells := strings.Split(line, "|")
		name := strings.TrimSpace(cells[0])
		from, known := renewalStates[name]
		if !known || len(cells) != len(renewalEvents)+1 {
			t.Fatalf("the row %q is of no state, or has %d cells", name, len(cells))
		}
		for i, event := range renewalEvents {
			want := strings.TrimSpace(cells[i+1])
			asserted++
			t.Run(name+", "+string(event), func(t *testing.T) { wantArrow(t, from, event, want) })
		}
	}
	for name, from := range renewalStates {
		if !from.Deleted {
			continue
		}
		for _, event := range renewalEvents {
			asserted++
			t.Run(name+", "+string(event), func(t *testing.T) {
				next, err := from.After(event, renewedAt)
				if keys.KindOf(err) != keys.KindNotFound || keys.ReasonOf(err) != keys.ReasonKeyNotFound || !reflect.DeepEqual(next, from) {
					t.Errorf("a deleted key goes to %+v, %v", next, err)
				}
			})
		}
	}
	if want := len(renewalStates) * len(renewalEvents); asserted != want || want != 132 {
		t.Errorf("%d cells are asserted, and the table has %d", asserted, want)
	}
}

// No clock and no other fault may give a key a third token.
func TestALinkIsNotOpenedBesideTwoTokens(t *testing.T) {
	from := keys.RenewalState{Status: keys.StatusActive, Tokens: []keys.Token{tokenB, tokenA}, Link: waiting}
	wantArrow(t, from, keys.EventOpen, string(keys.ReasonRenewalOpen))
}

// wantArrow asserts what an event makes of a state, in the words of the table.
func wantArrow(t *testing.T, from keys.RenewalState, event keys.RenewalEvent, want string) {
	t.Helper()
	next, err := from.After(event, renewedAt)
	if err != nil {
		if keys.KindOf(err) != keys.KindConflict || string(keys.ReasonOf(err)) != want || !reflect.DeepEqual(next, from) {
			t.Errorf("is refused with %v and leads to %+v, not %q", err, next, want)
		}
		return
	}
	if want != "gone" && !strings.Contains(want, ":") {
		want = string(from.Status) + ": " + want
	}
	if got := stateText(next); got != want {
		t.Errorf("leads to %q, not %q", got, want)
	}
	verify := tokenNames(next.Tokens)
	if next.Deleted || next.Status == keys.StatusInactive {
		verify = ""
	}
	if got := tokenNames(next.Verifying()); got != verify {
		t.Errorf("%q come in, not %q", got, verify)
	}
}

// A link that was opened, taken back or has expired is as good as none, in every event.
func TestALinkThatIsOverIsNoLink(t *testing.T) {
	for name, over := range map[string]keys.Link{
		"opened":     {ID: "link", Token: 11, ExpiresAt: waiting.ExpiresAt, OpenedAt: renewedAt.Add(-time.Minute)},
		"taken back": {ID: "link", Token: 11, ExpiresAt: waiting.ExpiresAt, VoidedAt: renewedAt.Add(-time.Minute)},
		"expired":    {ID: "link", Token: 11, ExpiresAt: renewedAt},
	} {
		for state, from := range renewalStates {
			if from.Deleted || from.Link != (keys.Link{}) {
				continue
			}
			for _, event := range renewalEvents {
				with := from
				with.Link = over
				want, wantErr := from.After(event, renewedAt)
				got, err := with.After(event, renewedAt)
				if keys.ReasonOf(err) != keys.ReasonOf(wantErr) || !slices.Equal(got.Tokens, want.Tokens) || got.Link.Waits(renewedAt) != want.Link.Waits(renewedAt) {
					t.Errorf("%s, %s link, %s: %+v, %v; without it %+v, %v", state, name, event, got, err, want, wantErr)
				}
			}
		}
	}
}

func TestALinkThatWasJustMadeWaitsForADay(t *testing.T) {
	for state, kind := range map[string]keys.LinkKind{"active: A": keys.LinkRenewal, "active: none": keys.LinkKey} {
		next, err := renewalStates[state].After(keys.EventRenewByLink, renewedAt)
		if err != nil || next.Link != (keys.Link{Kind: kind, CreatedAt: renewedAt, ExpiresAt: renewedAt.Add(24 * time.Hour)}) {
			t.Errorf("%s: %+v, %v", state, next.Link, err)
		}
		if !next.Link.Waits(renewedAt.Add(24*time.Hour-1)) || next.Link.Waits(renewedAt.Add(24*time.Hour)) {
			t.Errorf("%s: the link does not wait for 24 hours", state)
		}
	}
}

func TestWhyALinkCannotBeOpened(t *testing.T) {
	at := renewedAt
	for name, c := range map[string]struct {
		link   keys.Link
		reason keys.Reason
		since  time.Time
	}{
		"it waits":                      {waiting, "", time.Time{}},
		"it was opened":                 {keys.Link{ExpiresAt: at.Add(1), OpenedAt: at.Add(-5)}, keys.ReasonLinkUsed, at.Add(-5)},
		"it was opened and has expired": {keys.Link{ExpiresAt: at.Add(-1), OpenedAt: at.Add(-5)}, keys.ReasonLinkUsed, at.Add(-5)},
		"it was taken back":             {keys.Link{ExpiresAt: at.Add(1), VoidedAt: at.Add(-5)}, keys.ReasonLinkVoided, at.Add(-5)},
		"it expired now":                {keys.Link{ExpiresAt: at}, keys.ReasonLinkExpired, at},
		"it was found to be expired, and the clock went back": {keys.Link{ExpiresAt: at.Add(9), VoidedAt: at.Add(9)}, keys.ReasonLinkExpired, at.Add(9)},
	} {
		err := c.link.Check(at)
		gone, _ := errors.AsType[*keys.Error](err)
		if c.reason == "" && err == nil {
			continue
		}
		if gone == nil || gone.Kind != keys.KindGone || gone.Reason != c.reason || !gone.At.Equal(c.since) {
			t.Errorf("%s: %+v", name, err)
		}
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
			from := keys.RenewalState{Status: state.Status, Deleted: state.Deleted, Link: state.Link, Tokens: append(make([]keys.Token, 0, 4), state.Tokens...)}
			next, err := from.After(event, renewedAt)
			if err == nil {
				spoil(next.Tokens)
			}
			spoil(from.Verifying())
			untouched := append(slices.Clone(state.Tokens), make([]keys.Token, 4-len(state.Tokens))...)
			if from.Link != state.Link || from.Status != state.Status || from.Deleted != state.Deleted || !slices.Equal(from.Tokens[:4], untouched) {
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
		key := keys.Key{Status: state.Status, Tokens: state.Tokens, Link: state.Link}
		if key.Renewing() != strings.HasSuffix(name, "B A") || key.Pending(renewedAt) != strings.HasSuffix(name, "A+") {
			t.Errorf("%s: renewing = %v, pending = %v", name, key.Renewing(), key.Pending(renewedAt))
		}
		number, open := key.OpenRenewal(renewedAt)
		want := map[bool]int64{key.Renewing(): tokenB.Number, key.Pending(renewedAt): waiting.Token}[true]
		if number != want || open != (want != 0) {
			t.Errorf("%s: the open renewal is %d, %v", name, number, open)
		}
		place := key.Renewal()
		if place.Link != state.Link || place.Status != state.Status || place.Deleted || !slices.Equal(place.Tokens, state.Tokens) {
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
	names := tokenNames(s.Tokens)
	switch {
	case s.Link.Waits(renewedAt):
		names += "+"
	case names == "":
		names = "none"
	}
	return string(s.Status) + ": " + names
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
		case keys.Token{Number: waiting.Token, CreatedAt: renewedAt}:
			name = "N"
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
