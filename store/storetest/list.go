package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/store"
)

var listCases = []testCase{
	{"list/pages hold every key once, the newest first, and lead back to the first page", func(b *bench) {
		by := b.newAccount("acme")
		foreign := b.newAccount("other")
		var want []string
		for i := range 7 {
			if i%3 == 0 {
				b.clock.Advance(time.Second) // so that some have the same time of creation, and some not
			}
			b.newKey(foreign, "Foreign")
			want = append(want, string(b.newKey(by, fmt.Sprint(i), "orders-viewer").Key.ID))
			slices.Reverse(want)
			b.wantPages(by, want, 3)
			slices.Reverse(want)
		}
	}},
	{"list/a row holds roles and tokens", func(b *bench) {
		by := b.newAccount("acme")
		made := b.newKey(by, "Orders sync", "orders-manager", "catalog-viewer").Key
		b.newKey(by, "Bare")
		page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: 25})
		b.must(err)
		row := page.Keys[1]
		if row.ID != made.ID || row.Name != made.Name || row.Version != 1 || !slices.Equal(roleNames(row), []string{"catalog-viewer", "orders-manager"}) ||
			len(row.Tokens) != 1 || row.Tokens[0] != made.Tokens[0] || len(row.Roles[1].Resources) != 2 {
			b.Fatalf("the row is %+v", row)
		}
		if bare := page.Keys[0]; len(bare.Roles) != 0 || len(bare.Tokens) != 1 {
			b.Fatalf("the other row is %+v", bare)
		}
	}},
	{"list/a cursor stays good when its key is deleted", func(b *bench) {
		by := b.newAccount("acme")
		var ids []keys.KeyID
		for i := range 6 {
			ids = append(ids, b.newKey(by, fmt.Sprint(i)).Key.ID)
		}
		first, err := b.a.Keys(b.Context(), by, store.KeyAsk{Limit: 2})
		b.must(err)
		second, err := b.a.Keys(b.Context(), by, store.KeyAsk{After: first.Next, Limit: 2})
		b.must(err)
		for _, id := range []keys.KeyID{ids[4], ids[3]} { // the last of the first page, the first of the second
			_, err := b.a.DeleteKey(b.Context(), by, id)
			b.must(err)
		}
		after, err := b.b.Keys(b.Context(), by, store.KeyAsk{After: first.Next, Limit: 2})
		b.must(err)
		if got := pageIDs(after); !slices.Equal(got, []string{string(ids[2]), string(ids[1])}) || after.Total != 4 {
			b.Fatalf("after it came %q of %d", got, after.Total)
		}
		before, err := b.b.Keys(b.Context(), by, store.KeyAsk{Before: second.Previous, Limit: 2})
		b.must(err)
		if got := pageIDs(before); !slices.Equal(got, []string{string(ids[5]), string(ids[2])}) || before.Previous != "" || before.Next == "" {
			b.Fatalf("before it came %q", got)
		}
	}},
	{"list/where nothing is left to show it is the first page, and says so", func(b *bench) {
		by := b.newAccount("acme")
		oldest := b.newKey(by, "Oldest").Key.ID
		middle := b.newKey(by, "Middle").Key.ID
		newest := b.newKey(by, "Newest").Key.ID
		first := b.page(by, store.KeyAsk{Limit: 1})
		second := b.page(by, store.KeyAsk{After: first.Next, Limit: 1})
		third := b.page(by, store.KeyAsk{After: second.Next, Limit: 1})
		b.wantPage(by, store.KeyAsk{Limit: 1}, false, newest)
		b.wantPage(by, store.KeyAsk{After: second.Next, Limit: 1}, false, oldest)
		b.wantPage(by, store.KeyAsk{Before: second.Previous, Limit: 1}, false, newest)
		b.wantPage(by, store.KeyAsk{Before: third.Previous, Limit: 2}, false, newest, middle)
		b.wantPage(by, store.KeyAsk{Before: third.Previous, Limit: 3}, false, newest, middle, oldest)
		for _, id := range []keys.KeyID{oldest, newest} {
			_, err := b.a.DeleteKey(b.Context(), by, id)
			b.must(err)
		}
		b.wantPage(by, store.KeyAsk{Limit: 1}, false, middle)
		b.wantPage(by, store.KeyAsk{After: second.Next, Limit: 1}, true, middle)
		b.wantPage(by, store.KeyAsk{Before: second.Previous, Limit: 1}, true, middle)
		_, err := b.a.DeleteKey(b.Context(), by, middle)
		b.must(err)
		b.wantPage(by, store.KeyAsk{After: first.Next, Limit: 1}, true)
		b.wantPage(by, store.KeyAsk{Limit: 1}, false)
	}},
	{"list/what is not a cursor is refused", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "Orders sync")
		b.newKey(by, "Catalog sync")
		first, err := b.a.Keys(b.Context(), by, store.KeyAsk{Limit: 1})
		b.must(err)
		good := first.Next
		for _, text := range []string{
			"x", ".", "c", "c.", good[:len(good)-1] + ".", good + "A", good + "=", good + "\n", good[:6] + "\r\n" + good[6:], "\xff" + good[1:], good + "\x00",
			strings.ToUpper(good), "0" + good, "+" + good, " " + good, strings.Replace(good, ".", "..", 1), strings.Replace(good, ".", "", 1),
			"c1.x y", "c1.", "c.1", "c01.1", "c1.01", "c+1.1", "czzzzzzzzzzzzzzzz.1", "c1.zzzzzzzzzzzzzzzz", "d" + good[1:], "nYQ.1", "sactive.1", good[1:],
		} {
			_, err := b.a.Keys(b.Context(), by, store.KeyAsk{After: text, Limit: 25})
			b.want(err, keys.KindMalformed, keys.ReasonCursor)
			_, err = b.a.Keys(b.Context(), by, store.KeyAsk{Before: text, Limit: 25})
			b.want(err, keys.KindMalformed, keys.ReasonCursor)
		}
	}},
	{"list/a page needs as many statements whatever the number of keys and their roles", func(b *bench) {
		by := b.newAccount("acme")
		var counted []int64
		for range 2 {
			for i := range 12 {
				b.newKey(by, fmt.Sprint(i), "orders-viewer", "catalog-viewer")
			}
			first, err := b.a.Keys(b.Context(), by, store.KeyAsk{Limit: 5})
			b.must(err)
			before := b.a.Queries()
			_, err = b.a.Keys(b.Context(), by, store.KeyAsk{After: first.Next, Limit: 5})
			b.must(err)
			counted = append(counted, b.a.Queries()-before)
		}
		if counted[0] != counted[1] || counted[0] == 0 || counted[0] > 8 {
			b.Fatalf("it needed %d statements", counted)
		}
	}},
}

func (b *bench) page(by keys.Actor, ask store.KeyAsk) store.KeyPage {
	b.Helper()
	page, err := b.b.Keys(b.Context(), by, ask)
	b.must(err)
	return page
}

// wantPage fails the test unless a page holds these keys and says so of its cursor.
func (b *bench) wantPage(by keys.Actor, ask store.KeyAsk, fallback bool, want ...keys.KeyID) {
	b.Helper()
	page := b.page(by, ask)
	got := make([]keys.KeyID, 0, len(page.Keys))
	for _, k := range page.Keys {
		got = append(got, k.ID)
	}
	if !slices.Equal(got, want) || page.Fallback != fallback {
		b.Fatalf("%+v gives %q, fallback %v; want %q, %v", ask, got, page.Fallback, want, fallback)
	}
}

// wantPages walks all pages down and up again, and fails the test unless they hold the keys of want.
func (b *bench) wantPages(by keys.Actor, want []string, limit int) {
	b.Helper()
	var down, up [][]string
	page, err := b.b.Keys(b.Context(), by, store.KeyAsk{Limit: limit})
	b.must(err)
	if page.Previous != "" {
		b.Fatal("there is a page before the first")
	}
	for {
		if page.Total != len(want) {
			b.Fatalf("the total is %d, want %d", page.Total, len(want))
		}
		down = append(down, pageIDs(page))
		if page.Next == "" {
			break
		}
		page, err = b.b.Keys(b.Context(), by, store.KeyAsk{After: page.Next, Limit: limit})
		b.must(err)
	}
	up = append(up, pageIDs(page))
	for page.Previous != "" {
		page, err = b.b.Keys(b.Context(), by, store.KeyAsk{Before: page.Previous, Limit: limit})
		b.must(err)
		up = append(up, pageIDs(page))
	}
	slices.Reverse(up)
	if got := slices.Concat(down...); !slices.Equal(got, want) || !slices.EqualFunc(up, down, slices.Equal) {
		b.Fatalf("down %q\nup %q\nwant %q", down, up, want)
	}
}

func pageIDs(page store.KeyPage) (ids []string) {
	for _, k := range page.Keys {
		ids = append(ids, string(k.ID))
	}
	return ids
}
