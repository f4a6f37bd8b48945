package storetest

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/keys"
)

// putUnderReview does to an account what a restore without an audit log does, and returns since when.
func (b *bench) putUnderReview(by keys.Actor) time.Time {
	b.Helper()
	since := b.clock.Now().UTC().Truncate(time.Microsecond)
	b.raw.Do(`UPDATE account SET review_since = $1 WHERE id = $2`, since.UnixMicro(), by.AccountID)
	return since
}

var reviewCases = []testCase{
	{"review/a confirmation ends the review of its account alone, and counts the active keys", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		b.newKey(by, "Orders sync", "orders-viewer")
		b.newKey(by, "Prices")
		inactive := b.newKey(by, "Catalog").Key
		b.newKey(other, "Elsewhere")
		_, _, err := b.a.DeactivateKey(b.Context(), by, inactive.ID)
		b.must(err)
		since := b.putUnderReview(by)
		b.putUnderReview(other)
		if a := b.account(by); !a.UnderReview() || !a.ReviewSince.Equal(since) {
			b.Fatalf("the account is %+v", a)
		}
		confirmed, err := b.a.ConfirmReview(b.Context(), by, since)
		b.must(err)
		if confirmed != 2 || b.account(by).UnderReview() || !b.account(other).UnderReview() {
			b.Fatalf("%d were confirmed: %+v, %+v", confirmed, b.account(by), b.account(other))
		}
		details := b.raw.Texts(`SELECT details FROM audit WHERE action = 'review.confirmed' AND object = 'acme'`)
		if want := []string{`{"keys":2,"since":` + strconv.FormatInt(since.UnixMicro(), 10) + `}`}; !slices.Equal(details, want) {
			b.Fatalf("the event tells %q, want %q", details, want)
		}
	}},
	{"review/the feed tells a verifier of both ends", func(b *bench) {
		by := b.newAccount("acme")
		before, err := b.a.LoadFeed(b.Context(), &feedSink{})
		b.must(err)
		since := b.putUnderReview(by)
		loaded := &feedSink{}
		_, err = b.a.LoadFeed(b.Context(), loaded)
		b.must(err)
		if len(loaded.accounts) != 1 || !loaded.accounts[0].Review {
			b.Fatalf("it loads %+v", loaded.accounts)
		}
		_, err = b.a.ConfirmReview(b.Context(), by, since)
		b.must(err)
		changes, err := b.a.FollowFeed(b.Context(), before.Mark)
		b.must(err)
		if len(changes.Accounts) != 1 || changes.Accounts[0].Review || changes.Accounts[0].ID != by.AccountID {
			b.Fatalf("it follows %+v", changes.Accounts)
		}
	}},
	{"review/a form of another review, and one without a review, are refused", func(b *bench) {
		by := b.newAccount("acme")
		_, err := b.a.ConfirmReview(b.Context(), by, time.Time{})
		b.want(err, keys.KindConflict, keys.ReasonReviewEnded)
		since := b.putUnderReview(by)
		_, err = b.a.ConfirmReview(b.Context(), by, since.Add(time.Microsecond))
		b.want(err, keys.KindConflict, keys.ReasonReviewEnded)
		if !b.account(by).UnderReview() {
			b.Fatal("it ended the review")
		}
	}},
	{"review/who may not edit keys, or does not hold what an active key gives, confirms nothing", func(b *bench) {
		by := b.newAccount("acme")
		owned := b.newKey(by, "Everything", keys.RoleOwner).Key
		since := b.putUnderReview(by)
		less := by
		less.Holds = []string{keys.ViewAPIKeys, keys.EditAPIKeys}
		_, err := b.a.ConfirmReview(b.Context(), less, since)
		b.want(err, keys.KindForbidden, keys.ReasonEscalation)
		_, _, err = b.a.DeactivateKey(b.Context(), by, owned.ID)
		b.must(err)
		none := by
		none.Holds = []string{keys.ViewAPIKeys}
		_, err = b.a.ConfirmReview(b.Context(), none, since)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.ReviewKeys(b.Context(), none, 10)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		_, err = b.a.ConfirmReview(b.Context(), less, since) // the key of more is not active any more
		b.must(err)
	}},
	{"review/what an admin looks through are the active keys, the newest first, with roles and last use", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		used := b.newKey(by, "Orders sync", "orders-viewer").Key
		b.clock.Advance(time.Second)
		inactive := b.newKey(by, "Catalog").Key
		b.clock.Advance(time.Second)
		newest := b.newKey(by, "Prices").Key
		b.newKey(other, "Elsewhere")
		_, _, err := b.a.DeactivateKey(b.Context(), by, inactive.ID)
		b.must(err)
		last := keys.LastUse{At: b.clock.Now().UTC().Truncate(time.Minute), IP: "192.0.2.7"}
		b.must(b.a.RecordUsage(b.Context(), keys.UsageBatch{Writer: "one", Number: 1, Uses: []keys.TokenUsage{{
			Token: used.Tokens[0].Number, Hour: last.At.Truncate(time.Hour), Accepted: 1, Last: last,
		}}}))
		found, err := b.a.ReviewKeys(b.Context(), by, 10)
		b.must(err)
		if found.Count != 2 || len(found.Keys) != 2 || found.Keys[0].ID != newest.ID || found.Keys[1].ID != used.ID {
			b.Fatalf("there are %+v", found)
		}
		if !found.Keys[0].LastUse.Never() || found.Keys[1].LastUse != last || len(found.Keys[1].Roles) != 1 || len(found.Keys[1].Tokens) != 1 {
			b.Fatalf("they are %+v", found.Keys)
		}
		few, err := b.a.ReviewKeys(b.Context(), by, 1)
		b.must(err)
		if few.Count != 2 || len(few.Keys) != 1 {
			b.Fatalf("of at most one there are %+v", few)
		}
	}},
	{"race/of ten confirmations one succeeds", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "Orders sync")
		since := b.putUnderReview(by)
		var won atomic.Int64
		var racers sync.WaitGroup
		for range 10 {
			racers.Go(func() {
				switch _, err := b.a.ConfirmReview(b.Context(), by, since); {
				case err == nil:
					won.Add(1)
				case keys.ReasonOf(err) != keys.ReasonReviewEnded:
					b.Errorf("%v", err)
				}
			})
		}
		racers.Wait()
		if won.Load() != 1 || b.raw.count(`SELECT COUNT(*) FROM audit WHERE action = 'review.confirmed'`) != 1 {
			b.Errorf("%d confirmations succeeded", won.Load())
		}
	}},
}

// feedSink takes the accounts of a feed.
type feedSink struct{ accounts []keys.FeedAccount }

func (f *feedSink) Account(a keys.FeedAccount)     { f.accounts = append(f.accounts, a) }
func (f *feedSink) Key(keys.FeedKeyRow)            {}
func (f *feedSink) KeyRoles(int64, []int64)        {}
func (f *feedSink) KeyGrant(int64, keys.FeedGrant) {}
func (f *feedSink) Token(keys.FeedTokenRow)        {}
