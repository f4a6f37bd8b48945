package storetest

import (
	"fmt"
	"slices"
	"strings"

	"latchkey/keys"
)

var lostCases = []testCase{
	{"lost/a key whose revocation was lost becomes inactive, with an alarm in its account", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		b.deactivateLost(keys.LostRevocation{Key: made.Key.ID, Change: 41}, true)
		b.wantStatus(by, made.Key.ID, keys.StatusInactive)
		got := b.raw.rows(`SELECT account_id, actor_kind, action, object_id, alarm, details FROM audit ORDER BY seq DESC LIMIT 1`)[0]
		want := []string{by.AccountID, "system", "key.deactivated", string(made.Key.ID), got[4], `{"change":41,"reason":"lost"}`}
		for i := range want {
			if got[i] != want[i] {
				b.Fatalf("the event is %q, want %q", got, want)
			}
		}
		if n := b.raw.count(`SELECT COUNT(*) FROM audit WHERE alarm AND object_id = $1`, string(made.Key.ID)); n != 1 {
			b.Fatalf("%d alarms, want 1", n)
		}
	}},
	{"lost/a token that lives again is over with its key, and one that is over needs nothing", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		first := made.Key.Tokens[0].Number
		lost := keys.LostRevocation{Key: made.Key.ID, Token: first + 1000}
		b.deactivateLost(lost, false)
		b.wantStatus(by, made.Key.ID, keys.StatusActive)
		lost.Token = first
		b.deactivateLost(lost, true)
		b.wantStatus(by, made.Key.ID, keys.StatusInactive)
	}},
	{"lost/a key that was activated before the revocation which was lost becomes inactive", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		b.deactivateAndActivate(by, made.Key.ID)
		lost := keys.LostRevocation{Key: made.Key.ID, Branch: b.branch()}
		b.newKey(by, "Other", "orders-viewer")
		b.deactivateLost(lost, true)
		b.wantStatus(by, made.Key.ID, keys.StatusInactive)
	}},
	{"lost/of an activation that is older than all that is remembered, nobody can say that it came since", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		b.deactivateAndActivate(by, made.Key.ID)
		b.newKey(by, "Other", "orders-viewer")
		newest := b.branch()
		b.deactivateLost(keys.LostRevocation{Key: made.Key.ID, Branch: newest[len(newest)-1:]}, true)
	}},
	{"lost/a key that somebody has activated since stays active, also when the activation bears the number of a change that was lost", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		b.deactivateAndActivate(by, made.Key.ID)
		branch := b.branch()
		branch[len(branch)-2].EventID, branch[len(branch)-1].EventID = "lost", "lost"
		b.deactivateLost(keys.LostRevocation{Key: made.Key.ID, Branch: branch}, false)
		b.wantStatus(by, made.Key.ID, keys.StatusActive)
	}},
	{"lost/a load and the feed tell of every change", func(b *bench) {
		by := b.newAccount("acme")
		start := b.loadFeed(b.a).mark
		for range 3 {
			b.newKey(by, "Orders sync", "orders-viewer")
		}
		all := b.branch()
		followed := b.followFeed(start)
		if text := fmt.Sprint(followed.Branch); len(followed.Branch) < 3 || !strings.HasSuffix(fmt.Sprint(all), text[1:]) || all[len(all)-1] != followed.Mark {
			b.Fatalf("the feed tells of %v to %+v, a load of %v", followed.Branch, followed.Mark, all)
		}
		log := b.raw.Texts(`SELECT event_id FROM change_log ORDER BY seq`)
		if !slices.EqualFunc(log, all, func(id string, m keys.FeedMark) bool { return m.EventID == id }) {
			b.Fatalf("the log has %q, a load tells of %v", log, all)
		}
	}},
	{"lost/a key that somebody has activated since stays active", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-viewer")
		known := b.branch()
		b.deactivateAndActivate(by, made.Key.ID)
		before := b.raw.dump()
		b.deactivateLost(keys.LostRevocation{Key: made.Key.ID, Branch: known}, false)
		b.wantStatus(by, made.Key.ID, keys.StatusActive)
		if b.raw.dump() != before {
			b.Fatal("something changed")
		}
	}},
	{"lost/a key that is gone, inactive or unknown is left as it is", func(b *bench) {
		by := b.newAccount("acme")
		inactive, deleted := b.newKey(by, "One", "orders-viewer"), b.newKey(by, "Two", "orders-viewer")
		_, _, err := b.a.DeactivateKey(b.Context(), by, inactive.Key.ID)
		b.must(err)
		_, err = b.a.DeleteKey(b.Context(), by, deleted.Key.ID)
		b.must(err)
		before := b.raw.dump()
		for _, id := range []keys.KeyID{inactive.Key.ID, deleted.Key.ID, "appkey-acme-00000000", "nonsense"} {
			b.deactivateLost(keys.LostRevocation{Key: id}, false)
		}
		if b.raw.dump() != before {
			b.Fatal("something changed")
		}
	}},
	{"feed/a log that lost its end has forked, one that lost its beginning has not", func(b *bench) {
		by := b.newAccount("acme")
		for range 5 {
			b.newKey(by, "Orders sync", "orders-viewer")
		}
		follow := func(mark keys.FeedMark) keys.FeedChanges {
			b.Helper()
			c, err := b.a.FollowFeed(b.Context(), mark)
			b.must(err)
			return c
		}
		m := b.loadFeed(b.a)
		b.raw.Do(`DELETE FROM change_log WHERE seq < $1`, m.mark.Seq)
		b.newKey(by, "Orders sync", "orders-viewer")
		if c := follow(m.mark); c.Lost || c.Forked || len(c.Keys) != 1 {
			b.Fatalf("the beginning was swept away, and it says %+v", c)
		}
		b.raw.Do(`DELETE FROM change_log WHERE seq <= $1`, m.mark.Seq)
		if c := follow(m.mark); !c.Lost || c.Forked {
			b.Fatalf("the mark was swept away, and it says %+v", c)
		}
		newest := b.loadFeed(b.a).mark
		for what, mark := range map[string]keys.FeedMark{
			"the end is gone": {Seq: newest.Seq + 3, EventID: "gone"}, "another change is there": {Seq: newest.Seq, EventID: "other"},
		} {
			if c := follow(mark); !c.Lost || !c.Forked {
				b.Fatalf("%s, and it says %+v", what, c)
			}
		}
	}},
}

// deactivateLost writes a revocation back, and fails the test unless it says whether it did.
func (b *bench) deactivateLost(lost keys.LostRevocation, want bool) {
	b.Helper()
	done, err := b.a.DeactivateLost(b.Context(), lost)
	b.must(err)
	if done != want {
		b.Fatalf("it says that it wrote something back: %v, want %v", done, want)
	}
}

// branch is what a node knows that loads now.
func (b *bench) branch() keys.FeedBranch {
	b.Helper()
	place, err := b.b.LoadFeed(b.Context(), newFeedModel())
	b.must(err)
	return place.Branch
}

func (b *bench) deactivateAndActivate(by keys.Actor, id keys.KeyID) {
	b.Helper()
	_, _, err := b.a.DeactivateKey(b.Context(), by, id)
	b.must(err)
	_, _, err = b.a.ActivateKey(b.Context(), by, id)
	b.must(err)
}

// wantStatus fails the test unless a key has a status.
func (b *bench) wantStatus(by keys.Actor, id keys.KeyID, want keys.Status) {
	b.Helper()
	k, err := b.b.Key(b.Context(), by, id)
	b.must(err)
	if k.Status != want {
		b.Fatalf("%s is %s, want %s", id, k.Status, want)
	}
}
