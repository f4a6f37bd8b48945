package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// linkWalk takes keys through the arrows of the renewal table in which a link has a part, with clicks, and
// counts them.
type linkWalk struct {
	*tab
	c       *console
	db      *sql.DB
	visitor *tab
	ask     *caller
	arrows  int
}

// happens lets something happen, which must write exactly these events, the oldest first.
func (w *linkWalk) happens(name string, do func(), want ...string) {
	w.t.Helper()
	before := number(w.t, w.db, `SELECT seq FROM head`)
	do()
	if got := eventsAfter(w.t, w.db, before); !slices.Equal(got, want) {
		w.t.Errorf("%s: the events are %q; want %q", name, got, want)
	}
	w.arrows++
}

// eventsAfter are the actions in the audit log after a place, without what strangers were refused, which is
// counted and written a moment later.
func eventsAfter(t *testing.T, db *sql.DB, seq int64) (actions []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `
		SELECT action FROM audit
		WHERE seq > $1 AND (action = 'link.wrong_secret' AND alarm
			OR action NOT IN ('verify.refused', 'token.reuse_after_rotation', 'authz.denied', 'link.reopen_attempt', 'link.wrong_secret'))
		ORDER BY seq`, seq)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var action string
		if err := rows.Scan(&action); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, action)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return actions
}

// verify fails the test unless exactly the first tokens come in, and the refused ones do not.
func (w *linkWalk) verify(state string, accepted, refused []string) {
	w.t.Helper()
	for _, one := range []struct {
		tokens []string
		status int
	}{{accepted, http.StatusNoContent}, {refused, http.StatusUnauthorized}} {
		for i, token := range one.tokens {
			if got := w.ask.get("/v1/verify", issued{token: token}.bearer()).status; got != one.status {
				w.t.Errorf("%s: token %d of those that get %d gets %d", state, i+1, one.status, got)
			}
		}
	}
}

// shows fails the test unless the key's row has all of these words, and none of the others.
func (w *linkWalk) shows(id string, words []string, not ...string) {
	w.t.Helper()
	w.open(pathList)
	text := w.text(row(id))
	for _, one := range words {
		if !strings.Contains(text, one) {
			w.t.Errorf("the row says %q; want %q in it", text, one)
		}
	}
	for _, one := range not {
		if strings.Contains(text, one) {
			w.t.Errorf("the row says %q; want no %q in it", text, one)
		}
	}
}

// generateByLink makes a key by the form, and returns its id and its link.
func (w *linkWalk) generateByLink(name string) (id, link string) {
	w.t.Helper()
	w.happens("generate by link", func() {
		w.open(pathNew)
		w.fill("#name", name)
		w.check("#handover-link", true)
		w.leads(func() { w.choose("main", "Generate") })
		w.says("h1", "Key generated")
		w.showsNoToken()
		link = w.linkShown()
	}, "key.generated", "link.created")
	w.open(pathList)
	return look[string](w.tab, `document.querySelector("tbody tr").id.replace("row-", "")`), link
}

// renew renews a key's token by the form, shown here or by a link, and returns what was shown.
func (w *linkWalk) renew(id string, byLink bool, want ...string) (shown string) {
	w.t.Helper()
	w.happens("renew, by link: "+fmt.Sprint(byLink), func() {
		w.open(pathKey(id, "renew"))
		if byLink {
			w.check("#handover-link", true)
		}
		w.leads(func() { w.choose("main", "Renew Token") })
		if byLink {
			w.showsNoToken()
			shown = w.linkShown()
		} else {
			shown = w.text("#token")
		}
	}, want...)
	return shown
}

// asks follows an action of the key's page and presses the button of its question.
func (w *linkWalk) asks(id, verb, button, flash string) func() {
	return func() {
		w.t.Helper()
		w.open(pathKey(id, verb))
		w.leads(func() { w.choose("main", button) })
		w.says("#flash", flash)
	}
}

// reveal opens a link and presses its button, and returns the token.
func (w *linkWalk) reveal(link string) (token string) {
	w.t.Helper()
	w.happens("open", func() {
		w.presents(link)
		w.visitor.says("h1", "Your token")
		token = w.visitor.text("#token")
	}, "link.opened", "token.minted")
	return token
}

// presents is a visitor who opens a link and presses its button.
func (w *linkWalk) presents(link string) {
	w.t.Helper()
	w.visitor.open("/help") // the address of the page before may be that of the link
	w.visitor.open(link)
	w.visitor.leads(func() { w.visitor.choose("main", "Reveal token") })
}

// refusedLink is a visitor whom a link refuses with a status and a heading.
func (w *linkWalk) refusedLink(link, heading string, events ...string) {
	w.t.Helper()
	w.happens("a link that says: "+heading, func() {
		w.presents(link)
		w.visitor.says("h1", heading)
		w.visitor.showsNoToken()
	}, events...)
}

// dayPasses lets the 24 hours of a key's link pass: the server's clock is that of the machine, so the link is
// made older instead.
func (w *linkWalk) dayPasses(id string) {
	w.t.Helper()
	result, err := w.db.ExecContext(w.t.Context(), `
		UPDATE link SET created_at = created_at - $2, expires_at = expires_at - $2
		WHERE opened_at IS NULL AND voided_at IS NULL AND key_id = (SELECT id FROM api_key WHERE app_key = $1)`, id, 24*time.Hour.Microseconds())
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		w.t.Fatalf("%d links are older, %v; want 1", n, err)
	}
}

func TestEveryArrowOfALinkInABrowser(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	w := &linkWalk{tab: c.tab(), c: c, db: rawDB(t, c.folder), visitor: newTab(t, c.url), ask: newCaller(t, c.url)}
	for _, status := range []int{http.StatusGone, http.StatusNotFound, http.StatusConflict} {
		w.visitor.excuseStatus(status)
	}
	const opensIn, noToken, pending = "Link not opened yet, 24 h left", "No token", "Pending deletion - Old token"

	// waiting: a key whose first token nobody has collected
	id, link := w.generateByLink("Waiting")
	w.shows(id, []string{opensIn}, pending)
	other := strings.Split(link, "#")[0] + "#" + secret.New(secret.KindLink).Reveal()
	w.refusedLink(other, "That link does not exist")
	for range keys.WrongSecretsUntilAlarm - 2 {
		openOnce(c.url, linkOf{path: strings.Split(link, "#")[0], secret: secret.New(secret.KindLink).Reveal()})
	}
	w.refusedLink(other, "That link does not exist", "link.wrong_secret")
	w.happens("deactivate while a link waits", w.asks(id, "deactivate", "Deactivate", "is inactive."), "key.deactivated")
	w.refusedLink(link, "This key is not active now")
	w.shows(id, []string{opensIn, "Inactive"})
	w.happens("activate while a link waits", w.asks(id, "activate", "Activate", "is active."), "key.activated")
	first := w.reveal(link)
	w.verify("steady", []string{first}, nil)
	w.shows(id, []string{"Active"}, opensIn, noToken)
	w.open(pathList + "/" + id)
	w.says("main", "The single-access link was opened on")
	w.says("main", "from 127.0.0.1")
	w.refusedLink(link, "This link was already used")

	// steady, by link: pending, in every way that it ends
	started := []string{"renew.started", "link.created"}
	link = w.renew(id, true, started...)
	w.shows(id, []string{opensIn}, noToken, pending)
	w.verify("pending", []string{first}, nil)
	w.happens("undo while the link waits", w.asks(id, "renew/undo", "Undo", "Renewal undone."), "renew.undone", "link.voided")
	w.shows(id, nil, opensIn)
	w.refusedLink(link, "This link was taken back")
	w.verify("steady after undo", []string{first}, nil)

	link = w.renew(id, true, started...)
	w.happens("discard the link of a renewal", w.asks(id, "link/discard", "Discard", "Link discarded."), "link.voided")
	w.shows(id, nil, opensIn, noToken)
	w.refusedLink(link, "This link was taken back")

	link = w.renew(id, true, started...)
	w.dayPasses(id)
	w.shows(id, nil, opensIn, noToken)
	w.refusedLink(link, "This link expired", "link.expired")
	w.verify("steady after a day", []string{first}, nil)

	link = w.renew(id, true, started...)
	w.happens("complete Later while the link waits", func() {
		w.check("#old-later", true)
		w.leads(func() { w.choose("main", "Complete") })
	}, "renew.completed")
	w.shows(id, []string{opensIn})
	second := w.reveal(link)
	w.shows(id, []string{pending}, opensIn)
	w.verify("overlap", []string{first, second}, nil)
	w.happens("undo after the link was opened", w.asks(id, "renew/undo", "Undo", "Renewal undone."), "renew.undone", "token.revoked")
	w.verify("steady after undo", []string{first}, []string{second})

	second = w.reveal(w.renew(id, true, started...))
	w.happens("delete the old token after the link was opened", w.asks(id, "old-token/delete", "Delete", "Old token deleted."), "token.retired")
	w.shows(id, nil, pending)
	w.verify("steady", []string{second}, []string{first})

	link = w.renew(id, true, started...)
	step2 := look[string](w.tab, `document.querySelector("main form").getAttribute("action")`)
	third := w.reveal(link)
	w.happens("complete Now after the link was opened", func() {
		w.open(step2)
		w.check("#old-now", true)
		w.leads(func() { w.choose("main", "Complete") })
		w.says("#flash", "Token renewed and old token deleted.")
	}, "renew.completed", "token.retired")
	w.verify("steady", []string{third}, []string{first, second})

	// pending, complete Now: until the link is opened no token works, and the page says so before
	link = w.renew(id, true, started...)
	w.happens("complete Now while the link waits", func() {
		w.says("#old-now-more", "No token works until the link is opened.")
		w.check("#old-now", true)
		w.leads(func() { w.choose("main", "Complete") })
	}, "renew.completed", "token.retired")
	w.shows(id, []string{opensIn}, pending)
	w.verify("waiting", nil, []string{third})

	// waiting, discarded: a key without a token, which can be renewed in both ways
	w.happens("discard the only link", w.asks(id, "link/discard", "Discard", "Link discarded."), "link.voided")
	w.shows(id, []string{noToken}, opensIn)
	w.refusedLink(link, "This link was taken back")
	link = w.renew(id, true, started...)
	w.shows(id, []string{opensIn})
	w.dayPasses(id)
	w.refusedLink(link, "This link expired", "link.expired")
	w.shows(id, []string{noToken}, opensIn)
	fourth := w.renew(id, false, "renew.started", "token.minted")
	w.verify("steady", []string{fourth}, []string{first, second, third})
	w.shows(id, []string{"Active"}, noToken, opensIn, pending)

	// deleted while a link waits
	link = w.renew(id, true, started...)
	w.happens("delete while a link waits", func() {
		w.open(pathKey(id, "delete"))
		w.check("#understood", true)
		w.leads(func() { w.choose("main", "Delete") })
		w.says("#flash", "was deleted.")
	}, "key.deleted", "token.revoked", "link.voided")
	w.refusedLink(link, "This link was taken back")
	w.verify("gone", nil, []string{fourth})
	for _, action := range []string{"link.reopen_attempt", "link.wrong_secret"} {
		eventually(t, action+" is in the log of the key", func() bool {
			return number(t, w.db, `SELECT COUNT(*) FROM audit WHERE action = $1 AND object_id = $2`, action, id) > 0
		})
	}
	t.Logf("note: %d arrows and refusals of links in Chromium, each with its events", w.arrows)
}

// What the table has no arrow for is answered 409 with a reason, and changes nothing.
func TestWhatIsNoArrowIsAConflict(t *testing.T) {
	folder, all := guarded(t, 5)
	ids := map[string]keys.KeyID{"steady": all[0].id, "overlap": all[1].id, "pending": all[2].id}
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		ctx := t.Context()
		byLink := func() keys.KeyID {
			made, err := s.GenerateKey(ctx, by, store.NewKey{Name: "By link", Nonce: secret.NewNonce(), ByLink: true})
			if err != nil {
				t.Fatal(err)
			}
			return made.Key.ID
		}
		ids["waiting"], ids["no token"] = byLink(), byLink()
		_, overlap := s.RenewKey(ctx, by, ids["overlap"], secret.NewNonce())
		_, pending := s.RenewKeyByLink(ctx, by, ids["pending"], secret.NewNonce())
		_, none := s.DiscardLink(ctx, by, ids["no token"])
		for _, err := range []error{overlap, pending, none} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	s := serveFolder(t, folder)
	admin, db := newAdmin(t, s), rawDB(t, folder)
	events := map[keys.RenewalEvent]func(id keys.KeyID, renewal int64) (string, url.Values){
		keys.EventRenew: func(keys.KeyID, int64) (string, url.Values) {
			return "renew", url.Values{"nonce": {secret.NewNonce()}, "handover": {"here"}}
		},
		keys.EventRenewByLink: func(keys.KeyID, int64) (string, url.Values) {
			return "renew", url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}}
		},
		keys.EventDiscard:   func(keys.KeyID, int64) (string, url.Values) { return "link/discard", nil },
		keys.EventUndo:      func(keys.KeyID, int64) (string, url.Values) { return "renew/undo", nil },
		keys.EventDeleteOld: func(keys.KeyID, int64) (string, url.Values) { return "old-token/delete", nil },
		keys.EventLater: func(_ keys.KeyID, renewal int64) (string, url.Values) {
			return fmt.Sprintf("renew/%d", renewal), url.Values{"old": {"later"}}
		},
		keys.EventNow: func(_ keys.KeyID, renewal int64) (string, url.Values) {
			return fmt.Sprintf("renew/%d", renewal), url.Values{"old": {"now"}}
		},
	}
	refused := 0
	for state, id := range ids {
		var key keys.Key
		inStore(t, folder, func(s *store.Store, by keys.Actor) {
			var err error
			if key, err = s.Key(t.Context(), by, id); err != nil {
				t.Fatal(err)
			}
		})
		renewal := int64(1)
		if len(key.Tokens) > 0 {
			renewal = key.Tokens[0].Number
		}
		for event, form := range events {
			if _, err := key.Renewal().After(event, time.Now()); keys.KindOf(err) != keys.KindConflict {
				continue // an arrow
			}
			before := stateOfKeys(t, db)
			verb, fields := form(id, renewal)
			got := admin.post(pathKey(string(id), verb), fields)
			if d := document(t, got); got.status != http.StatusConflict || words(d, "h1") == "" || !strings.Contains(words(d, "main"), "Nothing was changed") && !strings.Contains(words(d, "main"), "has not been opened") {
				t.Errorf("%s, %s: answered %d %q; want 409 and the reason", state, event, got.status, words(document(t, got), "main"))
			}
			if after := stateOfKeys(t, db); after != before {
				t.Errorf("%s, %s: the refusal changed\n%s\nto\n%s", state, event, before, after)
			}
			refused++
		}
	}
	if refused != 22 {
		t.Errorf("%d pairs of state and event are no arrows; want 22", refused)
	}
	s.stop()
}

// stateOfKeys is everything that an event could change, as a text.
func stateOfKeys(t *testing.T, db *sql.DB) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT group_concat(app_key || status || version || coalesce(deleted_at, ''), ' ') FROM api_key`,
		`SELECT group_concat(number || state || coalesce(revoked_at, ''), ' ') FROM api_token`,
		`SELECT group_concat(id || expires_at || coalesce(opened_at, '') || coalesce(voided_at, ''), ' ') FROM link`,
		`SELECT CAST(MAX(seq) AS TEXT) FROM audit WHERE action <> 'authz.denied'`,
	} {
		all = append(all, column(t, db, query))
	}
	return strings.Join(all, "\n")
}
