package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/store"
)

// demoUsageDays is for how many days the demo has use: more than a key's page shows.
const demoUsageDays = keys.UsageDays + 4

// demoToken is a token of the demo: since when it is used, until when it was accepted, and when its
// integration left it. What has not happened is the zero time.
type demoToken struct {
	key                 int
	number              int64
	from, accepted, end time.Time
}

// demoAlarmed is the key of which a replaced token is still presented: its renewal was completed with Now.
const demoAlarmed = 105

// demoMoved says, of renewals whose old token still lives, how many days ago the integration took the new
// one, and demoSplit of which keys one of two machines never did. Of the others no use shows it.
var (
	demoMoved = map[int]int{39: 4, 50: 9, 83: 6}
	demoSplit = map[int]bool{83: true}
)

// demoTokens are the tokens of the story's keys that were used.
func demoTokens(made []demoMade, now time.Time) (tokens []demoToken) {
	first, second := make([]demoToken, demoKeys), make([]demoToken, demoKeys)
	for _, step := range demoStory() {
		at, key := now.Add(-step.ago), step.key
		switch step.event {
		case demoGenerate, demoOpen:
			first[key] = demoToken{key: key, number: made[key].first, from: at}
		case demoRenew:
			if days, moved := demoMoved[key]; moved {
				second[key] = demoToken{key: key, number: made[key].renewal, from: now.AddDate(0, 0, -days)}
			}
		case demoNow:
			first[key].accepted = at
			second[key] = demoToken{key: key, number: made[key].renewal, from: at}
		case demoDeactivate:
			first[key].accepted, second[key].accepted = at, at
		case demoLater, demoUndo, demoSend, demoDiscard, demoExpire, demoRenewByLink:
		}
	}
	for key := range demoKeys {
		if renewed := second[key]; renewed.number != 0 && key != demoAlarmed && !demoSplit[key] {
			first[key].end = renewed.from
		}
		if demoUnused(key) || first[key].number == 0 {
			continue
		}
		tokens = append(tokens, first[key])
		if second[key].number != 0 {
			tokens = append(tokens, second[key])
		}
	}
	return tokens
}

// useDemo records how tokens of an account were used until now, the same way every time.
func useDemo(ctx context.Context, s *store.Store, account keys.Account, tokens []demoToken, now time.Time) error {
	batch := keys.UsageBatch{Writer: "demo " + account.Slug, Number: 1}
	for _, token := range tokens {
		expiry := account.Duration.Expiry(token.from, account.Location())
		if account.EnforceExpiry && (token.accepted.IsZero() || expiry.Before(token.accepted)) {
			token.accepted = expiry
		}
		batch.Uses = append(batch.Uses, demoUses(token, now)...)
	}
	slices.SortStableFunc(batch.Uses, func(a, b keys.TokenUsage) int { return cmp.Compare(a.Token, b.Token) })
	return s.RecordUsage(ctx, batch)
}

// demoUnused says which keys nobody ever used: that of one open renewal, and a few more.
func demoUnused(key int) bool { return key == 6 || key%10 == 4 }

// demoUses is the use of one token, hour by hour. Once it is no longer accepted, its integration comes
// back for some days.
func demoUses(token demoToken, now time.Time) (uses []keys.TokenUsage) {
	rhythm := demoRhythmOf(token.key)
	latest := now.Add(-rhythm.pause - time.Duration((int64(token.key)*7+token.number*11)%31)*time.Minute)
	for hour := now.AddDate(0, 0, -demoUsageDays).Truncate(24 * time.Hour); !hour.After(latest); hour = hour.Add(time.Hour) {
		at := hour.Add(time.Duration(token.key*13%60) * time.Minute)
		if latest.Truncate(time.Hour).Equal(hour) {
			at = latest.Truncate(time.Minute)
		} else if !rhythm.works(hour) {
			continue
		}
		if at.Before(token.from) || !token.end.IsZero() && !at.Before(token.end) {
			continue
		}
		use, count := keys.TokenUsage{Token: token.number, Hour: hour}, rhythm.count(token.key, hour)
		switch {
		case token.accepted.IsZero() || at.Before(token.accepted):
			use.Accepted, use.Refused = count, demoRefused(token.key, hour, count, now)
			use.Last = keys.LastUse{At: at, IP: demoAddress(token)}
		case at.Before(token.accepted.AddDate(0, 0, 3)):
			use.Refused = count/8 + 1
		default:
			continue
		}
		uses = append(uses, use)
	}
	return uses
}

// demoRhythm is when and how often an integration works: in which hours, on how many days of the week,
// how many requests an hour, and how long it has been at rest now.
type demoRhythm struct {
	every, from, to int
	weekend         bool
	requests        int
	pause           time.Duration
}

// demoRhythms are those of demoPurposes.
var demoRhythms = []demoRhythm{
	{every: 2, to: 24, weekend: true, requests: 34, pause: time.Minute},
	{every: 6, to: 24, weekend: true, requests: 3, pause: 2 * time.Hour},
	{every: 1, from: 8, to: 19, requests: 21, pause: 12 * time.Minute},
	{every: 2, from: 6, to: 22, weekend: true, requests: 12, pause: 40 * time.Minute},
	{every: 2, from: 7, to: 18, weekend: true, requests: 16, pause: 4 * time.Hour},
	{every: 24, from: 4, to: 24, requests: 2, pause: 9 * time.Hour},
}

func demoRhythmOf(key int) demoRhythm { return demoRhythms[demoPair(key)/len(demoPartners)] }

func (r demoRhythm) works(hour time.Time) bool {
	day := hour.Weekday()
	resting := !r.weekend && (day == time.Saturday || day == time.Sunday)
	h := hour.Hour()
	return !resting && h >= r.from && h < r.to && (h-r.from)%r.every == 0
}

// count is how many requests there were in an hour: more in the middle of the day and of the week.
func (r demoRhythm) count(key int, hour time.Time) int64 {
	noon := 12 - abs(hour.Hour()-12)
	week := []int{3, 8, 10, 10, 9, 8, 4}[hour.Weekday()]
	swing := 6 + (key*31+hour.YearDay()*17+hour.Hour()*7)%11
	return int64(1 + r.requests*(6+noon)*week*swing/1800)
}

// demoRefused is how many of an hour's requests were refused: a few every now and then, and with one key
// in seven a third of a whole bad day's.
func demoRefused(key int, hour time.Time, count int64, now time.Time) int64 {
	daysAgo := int(now.Sub(hour).Hours() / 24)
	switch {
	case key%7 == 1 && daysAgo == 5+key%13:
		return count/2 + 1
	case (key*5+hour.YearDay()*3+hour.Hour())%53 == 0:
		return 1 + count/9
	}
	return 0
}

// demoAddress is where a token was used from.
func demoAddress(token demoToken) string {
	if token.key%9 == 2 {
		return fmt.Sprintf("2001:db8:%x::%x", 16+token.key, 1+token.number%9)
	}
	return fmt.Sprintf("203.0.113.%d", 1+(token.key*5+int(token.number%3))%250)
}

func abs(n int) int { return max(n, -n) }

// alarmDemo records that a replaced token of a key was presented.
func alarmDemo(ctx context.Context, s *store.Store, account keys.Account, id keys.KeyID) error {
	return s.RecordRefusals(ctx, map[keys.Refusal]int{{
		Action: keys.ActionTokenReuse, AccountID: account.ID, Key: id, IP: "198.51.100.77", Reason: "rotated", Alarm: true,
	}: 3})
}
