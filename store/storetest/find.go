package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var findCases = []testCase{
	{"find/every order holds every key once, both ways and from both ends", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(b.newAccount("other"), "Ábaco")
		b.fillForOrders(by)
		for _, sort := range []store.KeySort{store.SortCreated, store.SortName, store.SortDuration, store.SortStatus} {
			for _, ascending := range []bool{false, true} {
				for _, find := range []store.KeyFind{{}, {Text: "KEY-acme"}, {Status: keys.StatusActive}, {Tokens: store.TokenValid, Role: "orders-viewer"}} {
					find.Sort, find.Ascending = sort, ascending
					want := b.inOrder(by, find)
					if len(want) < 4 {
						b.Fatalf("%+v finds only %q", find, want)
					}
					for _, limit := range []int{1, 3, 25} {
						b.wantWalk(by, store.KeyAsk{KeyFind: find, Limit: limit}, want)
					}
				}
			}
		}
	}},
	{"find/the pages of more keys than are counted hold every key once", func(b *bench) {
		by := b.newAccount("acme")
		const n = store.MaxMatches + 101
		FillKeys(b.T, b.url, "acme", n)
		for _, sort := range []store.KeySort{store.SortCreated, store.SortName, store.SortDuration, store.SortStatus} {
			for _, ascending := range []bool{false, true} {
				for _, limit := range []int{50, 300, 250, 1000} { // pages that end before, at and after what is counted
					ask := store.KeyAsk{KeyFind: store.KeyFind{Text: "integration", Sort: sort, Ascending: ascending}, Limit: limit}
					b.wantPagesBack(by, ask, b.wantPagesDown(by, ask, n))
				}
			}
		}
		exact := b.page(by, store.KeyAsk{KeyFind: store.KeyFind{Text: "integration 100"}, Limit: 25})
		if exact.Matches != 11 || exact.More || len(exact.Keys) != 11 { // 100 and 1000 to 1009
			b.Fatalf("%d match, more: %v", exact.Matches, exact.More)
		}
	}},
	{"find/a search looks at name and id, blind to case and accents, and takes nothing for a wildcard", func(b *bench) {
		by, other := b.newAccount("acme"), b.newAccount("other")
		names := []string{"São Paulo", "Łódź warehouse", "50% off", "500 off", "under_score", "underXscore", `back\slash`, "Straße", "ΟΔΟΣ", "شحن", "🔑 rocket", `"><img src=x>`}
		ids := map[string]string{}
		for _, name := range names {
			ids[name] = string(b.newKey(by, name).Key.ID)
			b.newKey(other, name)
		}
		for text, want := range map[string][]string{
			"sao": {"São Paulo"}, "SÃO  paulo ": {"São Paulo"}, "sa\u0303o": {"São Paulo"}, "lodz": {"Łódź warehouse"}, "ŁÓDŹ": {"Łódź warehouse"},
			"50%": {"50% off"}, "%": {"50% off"}, "_": {"under_score"}, "under_": {"under_score"}, `\`: {`back\slash`}, `k\s`: {`back\slash`},
			"strasse": {"Straße"}, "οδος": {"ΟΔΟΣ"}, "شحن": {"شحن"}, "🔑": {"🔑 rocket"}, "<IMG": {`"><img src=x>`}, "no such key": nil,
			"off\nappkey": nil, "acme %": nil, ids["São Paulo"]: {"São Paulo"}, strings.ToLower(ids["500 off"]): {"500 off"},
			ids["50% off"][12:]: {"50% off"}, "appkey-acme-": names, "": names, " \u0301 ": names, "appkey-other": nil,
			strings.Repeat("a", 100_000): nil,
		} {
			page := b.page(by, store.KeyAsk{KeyFind: store.KeyFind{Text: text, Ascending: true}, Limit: 25})
			var got []string
			for _, k := range page.Keys {
				got = append(got, k.Name)
			}
			if !slices.Equal(got, want) || page.Matches != len(want) || page.More || page.Total != len(names) {
				b.Errorf("%.60q finds %q, %d of %d", text, got, page.Matches, page.Total)
			}
		}
		_, err := b.a.Keys(b.Context(), by, store.KeyAsk{KeyFind: store.KeyFind{Text: "\xff"}, Limit: 25})
		b.want(err, keys.KindMalformed, keys.ReasonNotText)
		_, err = b.a.Keys(b.Context(), by, store.KeyAsk{KeyFind: store.KeyFind{Role: "\x00"}, Limit: 25})
		b.want(err, keys.KindMalformed, keys.ReasonNotText)
	}},
	{"find/filters by status, role and tokens say what the keys are, alone and together", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(b.newAccount("other"), "Foreign", "orders-viewer")
		const day = 24 * time.Hour
		b.newKey(by, "Expired", "orders-viewer")
		b.clock.Advance(85 * day)
		soon := b.newKey(by, "Soon", "orders-viewer", "catalog-viewer").Key
		two := b.newKey(by, "Two").Key
		b.newKey(by, "Bare")
		b.clock.Advance(80 * day)
		b.renew(by, two.ID)
		link := b.newKey(by, "Link", "catalog-viewer").Key
		_, _, err := b.a.DeactivateKey(b.Context(), by, soon.ID)
		b.must(err)
		// A key without a token, and one whose link waits: nothing of the store makes them yet.
		b.raw.Do(`UPDATE api_key SET token_count = 0, token_newest = 0 WHERE name = 'Bare'`)
		b.raw.Do(`UPDATE api_key SET link_until = $1 WHERE app_key = $2`, b.clock.Now().Add(time.Hour).UnixMicro(), string(link.ID))
		for _, c := range []struct {
			find store.KeyFind
			want string
		}{
			{store.KeyFind{}, "Expired Soon Two Bare Link"},
			{store.KeyFind{Status: keys.StatusActive}, "Expired Two Bare Link"},
			{store.KeyFind{Status: keys.StatusInactive}, "Soon"},
			{store.KeyFind{Role: "orders-viewer"}, "Expired Soon"},
			{store.KeyFind{Role: "catalog-viewer"}, "Soon Link"},
			{store.KeyFind{Role: "owner"}, ""},
			{store.KeyFind{Role: "no-such-role"}, ""},
			{store.KeyFind{Tokens: store.TokenValid}, "Soon Two Link"},
			{store.KeyFind{Tokens: store.TokenRenewSoon}, "Soon"},
			{store.KeyFind{Tokens: store.TokenExpired}, "Expired"},
			{store.KeyFind{Tokens: store.TokenNone}, "Bare"},
			{store.KeyFind{Tokens: store.TokenTwo}, "Two"},
			{store.KeyFind{Tokens: store.TokenLink}, "Link"},
			{store.KeyFind{Status: keys.StatusInactive, Role: "catalog-viewer", Tokens: store.TokenRenewSoon, Text: "sOo"}, "Soon"},
			{store.KeyFind{Status: keys.StatusActive, Role: "catalog-viewer", Tokens: store.TokenRenewSoon}, ""},
			{store.KeyFind{Role: "catalog-viewer", Text: "lin"}, "Link"},
		} {
			c.find.Ascending = true
			if got := b.names(by, c.find); got != c.want {
				b.Errorf("%+v finds %q, want %q", c.find, got, c.want)
			}
		}
		b.clock.Advance(time.Hour)
		if got := b.names(by, store.KeyFind{Tokens: store.TokenLink}); got != "" {
			b.Errorf("a link that expired counts: %q", got)
		}
	}},
	{"find/a filter agrees with the mark that each row carries, on every day of a token's life", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "A")
		for range 110 {
			account := b.account(by)
			all := b.page(by, store.KeyAsk{Limit: 5})
			standing := account.Judge(all.Keys[0].Tokens[0].CreatedAt, b.clock.Now()).Standing
			for state, want := range map[store.TokenState]bool{
				store.TokenValid:     standing == keys.StandingFine || standing == keys.StandingRenewSoon,
				store.TokenRenewSoon: standing == keys.StandingRenewSoon, store.TokenExpired: standing == keys.StandingExpired,
			} {
				if got := b.names(by, store.KeyFind{Tokens: state}) != ""; got != want {
					b.Fatalf("%s: it is %s, and found as %s: %v", b.clock.Now(), standing, state, got)
				}
			}
			b.clock.Advance(24 * time.Hour)
		}
	}},
	{"find/a key with more roles than an index takes is found by each", func(b *bench) {
		by := b.newAccount("acme")
		id := b.newKey(by, "Many", "orders-viewer", "catalog-viewer").Key.ID
		b.newKey(by, "Few", "pricing-viewer")
		b.raw.Do(`UPDATE api_key SET role_set = '*' WHERE app_key = $1`, string(id))
		for role, want := range map[string]string{"orders-viewer": "Many", "catalog-viewer": "Many", "pricing-viewer": "Few", "owner": ""} {
			if got := b.names(by, store.KeyFind{Role: role}); got != want {
				b.Errorf("%s finds %q, want %q", role, got, want)
			}
		}
	}},
	{"find/a cursor belongs to its order, and stays good when its key is changed or deleted", func(b *bench) {
		by := b.newAccount("acme")
		var ids []keys.KeyID
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			ids = append(ids, b.newKey(by, name).Key.ID)
		}
		sorts := []store.KeySort{store.SortCreated, store.SortName, store.SortDuration, store.SortStatus}
		for _, sort := range sorts {
			page := b.page(by, store.KeyAsk{KeyFind: store.KeyFind{Sort: sort}, Limit: 2})
			for _, other := range sorts {
				for _, text := range []string{"", "appkey"} {
					_, err := b.a.Keys(b.Context(), by, store.KeyAsk{KeyFind: store.KeyFind{Sort: other, Text: text}, After: page.Next, Limit: 2})
					if sort == other {
						b.must(err)
						continue
					}
					b.want(err, keys.KindMalformed, keys.ReasonCursor)
				}
			}
		}
		byName := store.KeyFind{Sort: store.SortName, Ascending: true, Text: "acme"}
		first := b.page(by, store.KeyAsk{KeyFind: byName, Limit: 2})
		_, _, err := b.a.EditKey(b.Context(), by, store.EditKey{ID: ids[1], Version: 1, Name: "z", Active: true})
		b.must(err)
		_, err = b.a.DeleteKey(b.Context(), by, ids[2])
		b.must(err)
		after := b.page(by, store.KeyAsk{KeyFind: byName, After: first.Next, Limit: 2})
		if got := pageIDs(after); !slices.Equal(got, []string{string(ids[3]), string(ids[4])}) || after.Previous == "" || after.Next == "" {
			b.Fatalf("after b come %q", got)
		}
		back := b.page(by, store.KeyAsk{KeyFind: byName, Before: after.Previous, Limit: 2})
		if got := pageIDs(back); !slices.Equal(got, []string{string(ids[0]), string(ids[3])}) || back.Previous != "" || back.Fallback {
			b.Fatalf("before d come %q", got)
		}
		byName.Text = "no such key"
		if none := b.page(by, store.KeyAsk{KeyFind: byName, After: first.Next, Limit: 2}); !none.Fallback || len(none.Keys) != 0 || none.Total != 4 {
			b.Fatalf("nothing beyond a cursor: %+v", none)
		}
	}},
	{"find/a key's row says what its tokens, roles and name are after every action", func(b *bench) {
		by := b.newAccount("acme")
		k := b.newKey(by, "Ação", "orders-viewer", "catalog-viewer").Key
		b.newKey(by, "Bystander", "pricing-viewer")
		steps := []func() error{
			func() error { b.renew(by, k.ID); return nil },
			func() error { _, err := b.a.UndoRenewal(b.Context(), by, k.ID); return err },
			func() error { b.renew(by, k.ID); return nil },
			func() error { _, err := b.a.DeleteOldToken(b.Context(), by, k.ID); return err },
			func() error {
				now, err := b.a.Key(b.Context(), by, k.ID)
				b.must(err)
				_, _, err = b.a.EditKey(b.Context(), by, store.EditKey{ID: k.ID, Version: now.Version, Name: "Über", Roles: []string{"pricing-viewer"}})
				return err
			},
			func() error { _, err := b.a.DeleteKey(b.Context(), by, k.ID); return err },
		}
		b.wantNoted()
		for _, step := range steps {
			b.clock.Advance(time.Hour)
			b.must(step())
			b.wantNoted()
		}
	}},
}

// fillForOrders makes keys that are alike in some of what the list is ordered by, and differ in the rest.
func (b *bench) fillForOrders(by keys.Actor) {
	b.Helper()
	for i, name := range []string{"ábaco", "Abaco", "zebra", "Zebra 2", "mid", "mid", "Éclair", strings.Repeat("long ", 12) + "1", strings.Repeat("long ", 12) + "2", "10", "9", "🔑", "شحن"} {
		if i%3 == 0 {
			b.clock.Advance(time.Second)
		}
		id := b.newKey(by, name, "orders-viewer").Key.ID
		if i%4 == 0 {
			_, _, err := b.a.DeactivateKey(b.Context(), by, id)
			b.must(err)
		}
		if i%5 == 0 {
			b.clock.Advance(time.Hour)
			b.renew(by, id)
		}
	}
}

// inOrder are the ids of the keys that a search finds, in its order, found and ordered without the database.
func (b *bench) inOrder(by keys.Actor, find store.KeyFind) (ids []string) {
	b.Helper()
	all := slices.DeleteFunc(b.page(by, store.KeyAsk{Limit: 100}).Keys, func(k keys.Key) bool { return find.Status != "" && k.Status != find.Status })
	slices.SortFunc(all, func(x, y keys.Key) (order int) {
		switch find.Sort {
		case store.SortName:
			order = bytes.Compare([]byte(cut(keys.Fold(x.Name))), []byte(cut(keys.Fold(y.Name))))
		case store.SortDuration:
			order = x.Tokens[0].CreatedAt.Compare(y.Tokens[0].CreatedAt)
		case store.SortStatus:
			order = strings.Compare(string(x.Status), string(y.Status))
		case store.SortCreated:
			order = x.CreatedAt.Compare(y.CreatedAt)
		}
		return cmp.Or(order, cmp.Compare(x.Number, y.Number))
	})
	for _, k := range all {
		ids = append(ids, string(k.ID))
	}
	if !find.Ascending {
		slices.Reverse(ids)
	}
	return ids
}

// cut is the part of a folded name that the order looks at.
func cut(name string) string { return name[:min(64, len(name))] }

// wantWalk walks all pages down and up again, and fails the test unless they hold just these keys.
func (b *bench) wantWalk(by keys.Actor, ask store.KeyAsk, want []string) {
	b.Helper()
	var down []string
	page := b.page(by, ask)
	for {
		if page.Fallback || page.Matches != len(want) || page.More || len(down) > len(want) {
			b.Fatalf("%+v: fallback %v, %d match, more %v; want %d", ask, page.Fallback, page.Matches, page.More, len(want))
		}
		down = append(down, pageIDs(page)...)
		if page.Next == "" {
			break
		}
		ask.After = page.Next
		page = b.page(by, ask)
	}
	if !slices.Equal(down, want) {
		b.Fatalf("%+v, down:\n%q, want\n%q", ask, down, want)
	}
	up := pageIDs(page)
	for page.Previous != "" && len(up) <= len(want) {
		ask.After, ask.Before = "", page.Previous
		page = b.page(by, ask)
		up = append(pageIDs(page), up...)
	}
	if !slices.Equal(up, want) {
		b.Fatalf("%+v, up:\n%q, want\n%q", ask, up, want)
	}
}

// names are the names of the keys that a search finds, in one text.
func (b *bench) names(by keys.Actor, find store.KeyFind) string {
	b.Helper()
	var names []string
	for _, k := range b.page(by, store.KeyAsk{KeyFind: find, Limit: 25}).Keys {
		names = append(names, k.Name)
	}
	return strings.Join(names, " ")
}

func (b *bench) renew(by keys.Actor, id keys.KeyID) {
	b.Helper()
	_, err := b.a.RenewKey(b.Context(), by, id, secret.NewNonce())
	b.must(err)
}

// wantNoted fails the test unless every key's row repeats what it is.
func (b *bench) wantNoted() {
	b.Helper()
	for _, row := range b.raw.rows(`
		SELECT app_key, name, find_text, role_set, token_count, token_newest,
			(SELECT COUNT(*) FROM api_token WHERE key_id = api_key.id AND state = 'live'),
			COALESCE((SELECT created_at FROM api_token WHERE key_id = api_key.id AND state = 'live' ORDER BY number DESC LIMIT 1), 0),
			(SELECT COUNT(*) FROM api_key_role WHERE key_id = api_key.id AND api_key.role_set LIKE '%,' || CAST(role_number AS TEXT) || ',%'),
			(SELECT COUNT(*) FROM api_key_role WHERE key_id = api_key.id)
		FROM api_key ORDER BY number`) {
		id, name := row[0], row[1]
		if want := strings.ToLower(id) + "\n" + keys.Fold(name); row[2] != want {
			b.Fatalf("%s is found by %q, want %q", id, row[2], want)
		}
		if row[4] != row[6] || row[5] != row[7] {
			b.Fatalf("%s: its row says %s tokens, the newest of %s; there are %s, of %s", id, row[4], row[5], row[6], row[7])
		}
		if row[8] != row[9] || fmt.Sprint(max(0, strings.Count(row[3], ",")-1)) != row[9] {
			b.Fatalf("%s: its row says the roles %q, and it has %s", id, row[3], row[9])
		}
	}
}

// wantPagesDown returns the keys of all pages of a search, from the first one down, and fails the test unless there
// are n of them, each once.
func (b *bench) wantPagesDown(by keys.Actor, ask store.KeyAsk, n int) (ids []string) {
	b.Helper()
	for more := true; more; {
		page := b.page(by, ask)
		if page.Matches != store.MaxMatches || !page.More || page.Total != n || (page.Previous == "") != (len(ids) == 0) {
			b.Fatalf("%d of %d match, more: %v, after %d keys the previous page is %q", page.Matches, page.Total, page.More, len(ids), page.Previous)
		}
		ids = append(ids, pageIDs(page)...)
		ask.After, more = page.Next, page.Next != ""
		if more && len(page.Keys) != ask.Limit {
			b.Fatalf("a page that is not the last has %d keys; want %d", len(page.Keys), ask.Limit)
		}
	}
	if once := slices.Compact(slices.Sorted(slices.Values(ids))); len(ids) != n || len(once) != n {
		b.Fatalf("%q %v by %d: %d keys, %d of them once; want %d", ask.Sort, ask.Ascending, ask.Limit, len(ids), len(once), n)
	}
	return ids
}

// wantPagesBack fails the test unless the pages before the last one lead back to the first one without a gap.
func (b *bench) wantPagesBack(by keys.Actor, ask store.KeyAsk, all []string) {
	b.Helper()
	ask.After = b.cursorAfter(by, ask, all)
	page := b.page(by, ask)
	for start := len(all) - len(page.Keys); page.Previous != ""; {
		ask.After, ask.Before = "", page.Previous
		page = b.page(by, ask)
		from := max(0, start-ask.Limit)
		if got := pageIDs(page); !slices.Equal(got, all[from:min(from+ask.Limit, len(all))]) || page.Next == "" {
			b.Fatalf("%q %v by %d: the page before the %dth key has %d others, or none after it", ask.Sort, ask.Ascending, ask.Limit, start, len(got))
		}
		start = from
	}
	if ask.Before == "" {
		b.Fatal("no page goes before the last one")
	}
}

// cursorAfter is the cursor that leads to the last page.
func (b *bench) cursorAfter(by keys.Actor, ask store.KeyAsk, all []string) (after string) {
	b.Helper()
	for range (len(all) - 1) / ask.Limit {
		after = b.page(by, ask).Next
		ask.After = after
	}
	return after
}
