package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// change is a method that changes something that is audited.
type change struct {
	method string
	// ready makes what the method needs, and returns the call.
	ready func(b *bench) func() error
}

// changes are all methods that write the audit log.
var changes = []change{
	{"ClaimSetup", func(b *bench) func() error {
		code := b.putCode(keys.SetupCodeLife)
		return func() error {
			_, _, err := b.a.ClaimSetup(b.Context(), stranger, code, firstAccount, newSession())
			return err
		}
	}},
	{"CreateAccount", func(b *bench) func() error {
		return func() error {
			_, _, err := b.a.CreateAccount(b.Context(), keys.Command("account create"), firstAccount)
			return err
		}
	}},
	{"CreateUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: testPHC, Roles: []string{keys.RoleOwner}})
			return err
		}
	}},
	{"ResetUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		b.signIn(by, secret.Digest{})
		return func() error { return b.a.ResetUser(b.Context(), keys.Command("user reset"), by.Email, "new hash") }
	}},
	{"UnlockUser", func(b *bench) func() error {
		by := b.newAccount("acme")
		b.must(b.fail(by.Email, by.IP))
		return func() error { return b.a.UnlockUser(b.Context(), keys.Command("user unlock"), by.Email) }
	}},
	{"BeginLogin", func(b *bench) func() error {
		by := b.newAccount("acme")
		b.lock(by.Email)
		return func() error {
			err := b.fail(by.Email, by.IP)
			if keys.ReasonOf(err) == keys.ReasonLoginLocked {
				return nil
			}
			return err
		}
	}},
	{"FinishLogin", func(b *bench) func() error {
		by := b.newAccount("acme")
		try := store.LoginTry{Email: by.Email, IP: by.IP}
		candidate, err := b.a.BeginLogin(b.Context(), try)
		b.must(err)
		start := newSession()
		start.Device = secret.New(secret.KindDevice).Digest()
		return func() error { return b.a.FinishLogin(b.Context(), by, candidate, try, start, "new hash") }
	}},
	{"Logout", func(b *bench) func() error {
		by := b.newAccount("acme")
		session := b.signIn(by, secret.Digest{})
		return func() error { return b.a.Logout(b.Context(), by, session) }
	}},
	{"ChangePassword", func(b *bench) func() error {
		by := b.newAccount("acme")
		keep := b.signIn(by, secret.Digest{})
		b.signIn(by, secret.Digest{})
		return func() error {
			return b.a.ChangePassword(b.Context(), by, store.LoginCandidate{PasswordPHC: testPHC}, store.LoginTry{Email: by.Email}, "new hash", keep)
		}
	}},
	{"GenerateKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			made, err := b.a.GenerateKey(b.Context(), by, store.NewKey{Name: "x", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
			if err != nil && !made.Token.IsZero() {
				b.Error("a token came with the error")
			}
			return err
		}
	}},
	{"EditKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		return func() error {
			_, _, err := b.a.EditKey(b.Context(), by, store.EditKey{ID: key.ID, Version: 1, Name: "x", Roles: []string{"catalog-viewer"}})
			return err
		}
	}},
	{"DeactivateKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		return func() error { _, _, err := b.a.DeactivateKey(b.Context(), by, key.ID); return err }
	}},
	{"ActivateKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync").Key
		_, _, err := b.a.DeactivateKey(b.Context(), by, key.ID)
		b.must(err)
		return func() error { _, _, err := b.a.ActivateKey(b.Context(), by, key.ID); return err }
	}},
	{"DeleteKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		return func() error { _, err := b.a.DeleteKey(b.Context(), by, key.ID); return err }
	}},
	{"RenewKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		return func() error {
			made, err := b.a.RenewKey(b.Context(), by, key.ID, secret.NewNonce())
			if err != nil && (!made.Token.IsZero() || made.Renewal != 0) {
				b.Error("a token came with the error")
			}
			return err
		}
	}},
	{"RenewKeyByLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		key := b.newKey(by, "Orders sync", "orders-viewer").Key
		return func() error {
			made, err := b.a.RenewKeyByLink(b.Context(), by, key.ID, secret.NewNonce())
			if err != nil && (!made.LinkSecret.IsZero() || made.Renewal != 0) {
				b.Error("a link came with the error")
			}
			return err
		}
	}},
	{"OpenKeyLink", func(b *bench) func() error {
		made := b.linkedKey(b.newAccount("acme"), "Orders sync")
		return func() error {
			opened, err := b.openKeyLink(b.a, made)
			if err != nil && !opened.Token.IsZero() {
				b.Error("a token came with the error")
			}
			return err
		}
	}},
	{"DiscardLink", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.linkedKey(by, "Orders sync")
		return func() error { _, err := b.a.DiscardLink(b.Context(), by, made.Key.ID); return err }
	}},
	{"ExpireLinks", func(b *bench) func() error {
		b.linkedKey(b.newAccount("acme"), "Orders sync")
		b.clock.Advance(keys.LinkLife)
		return func() error { return b.a.ExpireLinks(b.Context()) }
	}},
	{"CompleteRenewal", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		return func() error {
			_, err := b.a.CompleteRenewal(b.Context(), by, made.Key.ID, made.Renewal, false)
			return err
		}
	}},
	{"UndoRenewal", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		return func() error { _, err := b.a.UndoRenewal(b.Context(), by, made.Key.ID); return err }
	}},
	{"DeleteOldToken", func(b *bench) func() error {
		by := b.newAccount("acme")
		made := b.renewedKey(by, "Orders sync")
		return func() error { _, err := b.a.DeleteOldToken(b.Context(), by, made.Key.ID); return err }
	}},
	{"ChangeSettings", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, _, err := b.a.ChangeSettings(b.Context(), by, store.ChangeSettings{
				Version: 1, Settings: keys.Settings{Duration: keys.Duration{Unit: keys.Months, Amount: 6}, Zone: "UTC"},
			})
			return err
		}
	}},
	{"RecordExport", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			return b.a.RecordExport(b.Context(), by, store.Export{Permission: keys.ViewAPIKeys, File: "x.csv", Format: "csv", Rows: 1})
		}
	}},
	{"ChangePreferences", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, err := b.a.ChangePreferences(b.Context(), by, keys.Preferences{Language: "es"})
			return err
		}
	}},
	{"EndOwnSession", func(b *bench) func() error {
		by := b.newAccount("acme")
		id := b.ownSessions(by, b.signIn(by, secret.Digest{}))[0].ID
		return func() error { _, err := b.a.EndOwnSession(b.Context(), by, id); return err }
	}},
	{"EndOwnSessions", func(b *bench) func() error {
		by := b.newAccount("acme")
		b.signIn(by, secret.Digest{})
		return func() error { _, err := b.a.EndOwnSessions(b.Context(), by); return err }
	}},
	{"EditRole", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, _, err := b.a.EditRole(b.Context(), by, store.EditRole{Slug: "orders-viewer", Version: 1, Name: "x", Resources: []string{"orders.write"}})
			return err
		}
	}},
	{"AddExternalKey", func(b *bench) func() error {
		by, key := b.newAccount("acme"), b.newKey(b.newAccount("globex"), "Price feed", "orders-viewer").Key
		return func() error {
			_, err := b.a.AddExternalKey(b.Context(), by, store.NewExternalKey{ID: key.ID, Owner: "globex", Roles: []string{"catalog-viewer"}})
			return err
		}
	}},
	{"EditExternalKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		x := b.newExternal(by, b.newAccount("globex"), "catalog-viewer")
		return func() error {
			_, _, err := b.a.EditExternalKey(b.Context(), by, store.EditExternalKey{ID: x.ID, Version: 1, Roles: []string{"orders-viewer"}})
			return err
		}
	}},
	{"RemoveExternalKey", func(b *bench) func() error {
		by := b.newAccount("acme")
		x := b.newExternal(by, b.newAccount("globex"), "catalog-viewer")
		return func() error { _, err := b.a.RemoveExternalKey(b.Context(), by, x.ID); return err }
	}},
	{"CreateRole", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error {
			_, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: "Accountant", Resources: []string{"orders.read"}})
			return err
		}
	}},
	{"DeleteRole", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error { _, err := b.a.DeleteRole(b.Context(), by, "orders-viewer"); return err }
	}},
	{"AddResource", func(b *bench) func() error {
		by := b.newAccount("acme")
		return func() error { _, err := b.a.AddResource(b.Context(), by, invoices); return err }
	}},
	{"ConfirmReview", func(b *bench) func() error {
		by := b.newAccount("acme")
		b.newKey(by, "Orders sync", "orders-viewer")
		since := b.putUnderReview(by)
		return func() error { _, err := b.a.ConfirmReview(b.Context(), by, since); return err }
	}},
	{"DeactivateLost", func(b *bench) func() error {
		made := b.newKey(b.newAccount("acme"), "Orders sync", "orders-viewer")
		return func() error {
			_, err := b.a.DeactivateLost(b.Context(), keys.LostRevocation{Key: made.Key.ID})
			return err
		}
	}},
	{"RecordRefusals", func(b *bench) func() error {
		return func() error {
			return b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionLoginFail, IP: "192.0.2.7", Reason: "wrong"}: 3})
		}
	}},
}

// others are all methods that are not audited: they read, or they keep house. Backup records that it was
// made when it was, which is tested with the command.
var others = []string{
	"Close", "Check", "Queries", "Unclaimed", "PutSetupCode", "SetupCodeRight", "Accounts", "Users", "Session", "SetFlash",
	"TakeFlash", "Roles", "Key", "Keys", "PickKeys", "NameTaken", "VerifyAudit", "AuditHead", "KeyEvents", "Sweep",
	"KeyHistory", "KeyAlarm", "PreviewSettings", "LoadFeed", "FollowFeed", "RecordUsage", "KeyUsage",
	"KeyLinkExists", "UsedRoles", "UsedRole", "Resources", "ReviewKeys", "ExternalKey", "ExternalKeys", "EachExternalKey", "ExportAudit", "Backup", "Failing",
	"AccountUser", "AccountUsers", "UserLinkExists", "UserOfLink",
	"CountKeys", "EachKey", "AuditLog", "AuditAlarms", "CountEvents", "EachEvent",
	"OwnSessions", "Beat", "Leave", "Listen", "Nodes", "Shared", "KeyChange",
}

// frameCases holds three cases for each change.
var frameCases = makeFrameCases()

func makeFrameCases() []testCase {
	all := []testCase{{"frame/every method is either audited or known not to be", everyMethodIsKnown}}
	for _, c := range slices.Concat(changes, userChanges) {
		all = append(all, testCase{"frame/" + c.method + " writes its events, the feed and the chain in one transaction", c.isAudited})
		if c.method == "Logout" {
			all = append(all, testCase{"frame/Logout ends the session also when the audit log cannot be written", c.needsNoAudit})
			continue
		}
		all = append(all, testCase{"frame/" + c.method + " changes nothing when the audit log cannot be written", c.needsAudit})
	}
	return append(all,
		testCase{"frame/an error of the commit is an unknown outcome, of which AfterCommit hears, and no second attempt", commitFails},
		testCase{"frame/an error of AfterCommit is an unknown outcome of a change that was made", afterCommitFails},
		testCase{"frame/AfterCommit has the deadline of the change, and does not end with the client", afterCommitWaits},
		testCase{"frame/what tells of another change waits for AfterCommit too, and what is shown after it failed", afterCommitSeen},
		testCase{"frame/AfterCommit does not hear of what no verifier must know", afterCommitIsSpared},
		testCase{"frame/a client that has gone away changes nothing", goneAway},
		testCase{"frame/a client that goes away meanwhile does not interrupt a change", goesAway},
		testCase{"frame/the health check reads and notices a lost table", healthCheck})
}

func everyMethodIsKnown(b *bench) {
	var known []string
	for _, c := range slices.Concat(changes, userChanges) {
		known = append(known, c.method)
	}
	known = append(known, others...)
	methods := reflect.TypeFor[*store.Store]()
	if methods.NumMethod() < 25 {
		b.Fatalf("only %d methods", methods.NumMethod())
	}
	for i := range methods.NumMethod() {
		if name := methods.Method(i).Name; !slices.Contains(known, name) {
			b.Errorf("%s is in neither list", name)
		}
	}
}

func (c change) isAudited(b *bench) {
	do := c.ready(b)
	before := b.raw.count(`SELECT seq FROM head`)
	b.committed.Store(0)
	b.must(do())
	events := b.raw.count(`SELECT seq FROM head`) - before
	if rows := b.raw.count(`SELECT COUNT(*) FROM audit WHERE seq > $1`, before); rows != events || events == 0 {
		b.Fatalf("%d events by the counter, %d rows", events, rows)
	}
	feed := b.raw.rows(`SELECT seq, event_id, account_id, object_kind, object_id, at FROM change_log WHERE seq > $1 ORDER BY seq`, before)
	want := b.raw.rows(`
		SELECT seq, id, account_id, object_kind, object_id, at FROM audit
		WHERE seq > $1 AND object_kind IN ('account', 'key', 'token', 'role', 'resource', 'external') AND result = 'ok' ORDER BY seq`, before)
	if !slices.EqualFunc(feed, want, slices.Equal) {
		b.Fatalf("the feed has %q, want %q", feed, want)
	}
	heard := int64(min(len(feed), 1))
	if c.method == "DeactivateLost" {
		heard = 0 // its caller takes it in itself
	}
	if called := b.committed.Load(); called != heard {
		b.Fatalf("AfterCommit was called %d times for %d rows of the feed", called, len(feed))
	}
	report, err := b.b.VerifyAudit(b.Context())
	b.must(err)
	if len(report.Damage) != 0 || report.Rows != report.Head.Seq || report.Rows == 0 {
		b.Fatalf("the log is %+v", report)
	}
}

func (c change) needsAudit(b *bench) {
	do := c.ready(b)
	for _, table := range []string{"audit", "change_log"} {
		allow := b.raw.Refuse("INSERT", table)
		before := b.raw.dump()
		b.committed.Store(0)
		err := do()
		allow()
		if table == "change_log" && err == nil {
			return // it has nothing to tell the feed
		}
		b.want(err, keys.KindUnavailable, keys.ReasonNotSaved)
		if b.raw.dump() != before {
			b.Fatal("it changed something all the same")
		}
		if b.committed.Load() != 0 {
			b.Fatal("AfterCommit was called")
		}
	}
}

// needsNoAudit is Logout: nobody stays signed in because of a full disk.
func (c change) needsNoAudit(b *bench) {
	do := c.ready(b)
	defer b.raw.Refuse("INSERT", "audit")()
	before := b.raw.dump("session")
	b.must(do())
	if n := b.raw.count(`SELECT COUNT(*) FROM session`); n != 0 || b.raw.dump("session") != before {
		b.Fatalf("%d sessions are left, or something else changed", n)
	}
}

func commitFails(b *bench) {
	by := b.newAccount("acme")
	allow := b.raw.refuseCommits()
	before := b.raw.dump()
	b.committed.Store(0)
	in := store.NewKey{Name: "x", Nonce: secret.NewNonce()}
	made, err := b.a.GenerateKey(b.Context(), by, in)
	b.want(err, keys.KindUnknown, keys.ReasonOutcomeUnknown)
	if !made.Token.IsZero() || b.committed.Load() != 1 || b.raw.dump() != before {
		b.Fatalf("a token came with the error, or AfterCommit was called %d times", b.committed.Load())
	}
	allow()
	made, err = b.a.GenerateKey(b.Context(), by, in)
	b.must(err)
	if made.Repeated {
		b.Fatal("the nonce was used up")
	}
}

// openWith opens another store, whose AfterCommit is the function.
func (b *bench) openWith(afterCommit func(ctx context.Context) error) *store.Store {
	b.Helper()
	s, err := store.Open(b.Context(), b.url, store.Options{Now: b.clock.Now, AfterCommit: afterCommit})
	b.must(err)
	b.Cleanup(func() { b.must(s.Close()) })
	return s
}

func afterCommitFails(b *bench) {
	by := b.newAccount("acme")
	late := errors.New("the index is late")
	s := b.openWith(func(context.Context) error { return late })
	in := store.NewKey{Name: "x", Nonce: secret.NewNonce()}
	made, err := s.GenerateKey(b.Context(), by, in)
	b.want(err, keys.KindUnknown, keys.ReasonOutcomeUnknown)
	if !errors.Is(err, late) || !made.Token.IsZero() {
		b.Fatalf("got %v, and a token: %v", err, !made.Token.IsZero())
	}
	again, err := b.a.GenerateKey(b.Context(), by, in)
	b.must(err)
	if !again.Repeated || again.Key.Name != "x" {
		b.Fatalf("the change was not made: %+v", again)
	}
	defer b.raw.refuseCommits()()
	_, err = s.GenerateKey(b.Context(), by, store.NewKey{Name: "y", Nonce: secret.NewNonce()})
	b.want(err, keys.KindUnknown, keys.ReasonOutcomeUnknown)
	if !errors.Is(err, late) {
		b.Fatalf("after a commit that failed it was not called: %v", err)
	}
}

func afterCommitWaits(b *bench) {
	by := b.newAccount("acme")
	ctx, cancel := context.WithCancel(b.Context())
	called := false
	s := b.openWith(func(ctx context.Context) error {
		cancel()
		_, limited := ctx.Deadline()
		if called = true; !limited || ctx.Err() != nil {
			b.Errorf("a deadline: %v; %v", limited, ctx.Err())
		}
		return nil
	})
	_, err := s.GenerateKey(ctx, by, store.NewKey{Name: "x", Nonce: secret.NewNonce()})
	b.must(err)
	if !called {
		b.Fatal("it was not called")
	}
}

// afterCommitSeen is about what tells of another change that may have been committed a moment ago.
func afterCommitSeen(b *bench) {
	by := b.newAccount("acme")
	key := b.newKey(by, "x").Key
	fails := false
	called, late := 0, errors.New("the index is late")
	s := b.openWith(func(context.Context) error {
		if called++; fails {
			return late
		}
		return nil
	})
	tells := map[string]struct {
		do   func() error
		kind keys.Kind
	}{
		"it is active already": {func() error { _, _, err := s.ActivateKey(b.Context(), by, key.ID); return err }, ""},
		"nothing to undo":      {func() error { _, err := s.UndoRenewal(b.Context(), by, key.ID); return err }, keys.KindConflict},
		"an old version":       {func() error { return editWith(b, s, by, key, 9) }, keys.KindConflict},
		"no such key":          {func() error { _, err := s.DeleteKey(b.Context(), by, "appkey-acme-00000000"); return err }, keys.KindNotFound},
		"no such role": {func() error {
			_, _, err := s.EditRole(b.Context(), by, store.EditRole{Slug: "none", Name: "x"})
			return err
		}, keys.KindNotFound},
	}
	for name, tell := range tells {
		called = 0
		if err := tell.do(); keys.KindOf(err) != tell.kind || called != 1 {
			b.Errorf("%s: %v, and AfterCommit was called %d times", name, err, called)
		}
	}
	fails = true
	for name, tell := range tells {
		if err := tell.do(); keys.KindOf(err) != keys.KindUnavailable || !errors.Is(err, late) {
			b.Errorf("%s, while the index is late: %v", name, err)
		}
	}
	if _, err := s.Key(b.Context(), by, key.ID); keys.KindOf(err) != keys.KindUnavailable {
		b.Errorf("what may not hold yet was shown: %v", err)
	}
	b.must(s.Check(b.Context()))
	fails, called = false, 0
	for range 2 {
		_, err := s.Key(b.Context(), by, key.ID)
		b.must(err)
	}
	if called != 1 {
		b.Errorf("after it had caught up it was asked %d times", called)
	}
}

func editWith(b *bench, s *store.Store, by keys.Actor, key keys.Key, version int64) error {
	_, _, err := s.EditKey(b.Context(), by, store.EditKey{ID: key.ID, Version: version, Name: "y"})
	return err
}

func afterCommitIsSpared(b *bench) {
	by := b.newAccount("acme")
	key := b.newKey(by, "x").Key
	session := b.signIn(by, secret.Digest{})
	b.committed.Store(0)
	_, err := b.a.CreateUser(b.Context(), by, store.NewUser{Email: "bo@acme.example", PasswordPHC: testPHC})
	b.must(err)
	b.must(b.a.RecordRefusals(b.Context(), map[keys.Refusal]int{{Action: keys.ActionVerifyRefused, AccountID: by.AccountID, Key: key.ID}: 1}))
	b.must(b.a.RecordUsage(b.Context(), keys.UsageBatch{Writer: "w", Number: 1}))
	b.must(b.a.SetFlash(b.Context(), session, "x"))
	b.must(b.a.Sweep(b.Context()))
	_, err = b.a.GenerateKey(b.Context(), by, store.NewKey{Name: "x"}) // a nonce is missing: nothing was looked at
	b.want(err, keys.KindMalformed, keys.ReasonNonce)
	if b.committed.Load() != 0 {
		b.Fatalf("it was called %d times", b.committed.Load())
	}
	_, _, err = b.a.DeactivateKey(b.Context(), by, key.ID)
	b.must(err)
	if b.committed.Load() != 1 {
		b.Fatal("it was not called")
	}
}

func goneAway(b *bench) {
	by := b.newAccount("acme")
	before := b.raw.dump()
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := b.a.GenerateKey(ctx, by, store.NewKey{Name: "x", Nonce: secret.NewNonce()})
	b.want(err, keys.KindUnavailable, keys.ReasonNotSaved)
	if b.raw.dump() != before {
		b.Fatal("it changed something")
	}
}

// goesAway cancels when the transaction asks for the time, which is after it has begun.
func goesAway(b *bench) {
	by := b.newAccount("acme")
	ctx, cancel := context.WithCancel(b.Context())
	s, err := store.Open(b.Context(), b.url, store.Options{Now: func() time.Time { cancel(); return b.clock.Now() }})
	b.must(err)
	if ctx.Err() != nil {
		b.Fatal("cancelled too early")
	}
	made, err := s.GenerateKey(ctx, by, store.NewKey{Name: "x", Nonce: secret.NewNonce()})
	b.must(errors.Join(err, s.Close()))
	if ctx.Err() == nil {
		b.Fatal("not cancelled")
	}
	found, err := b.a.Key(b.Context(), by, made.Key.ID)
	b.must(err)
	if found.Name != "x" || len(found.Tokens) != 1 {
		b.Fatalf("saved is %+v", found)
	}
}

func healthCheck(b *bench) {
	before := b.raw.dump()
	b.must(b.a.Check(b.Context()))
	if b.raw.dump() != before {
		b.Fatal("it changed something")
	}
	b.raw.Do(`ALTER TABLE head RENAME TO lost`)
	b.want(b.a.Check(b.Context()), keys.KindUnavailable, keys.ReasonNotSaved)
}
