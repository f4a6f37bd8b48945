package verifier

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// world is a Source and a Sink of a few lines: an account, which has the keys that the test changes, and
// another one, which may let them in. What was
// changed since a mark it tells as the store does, whole and as it is now.
type world struct {
	mu      sync.Mutex
	account keys.FeedAccount
	other   keys.FeedAccount
	keys    []keys.FeedKey
	// changed holds the place of the key that each change was about, or -1 for the account.
	changed []int
	// branch names the history that the changes after the first shared ones are of. A mark of another one is not known.
	branch  string
	shared  int64
	fail    error
	batches []keys.UsageBatch
	refused map[keys.Refusal]int
}

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	someone = netip.MustParseAddr("203.0.113.7")
)

func newWorld() *world {
	return &world{refused: map[keys.Refusal]int{}, other: keys.FeedAccount{
		Number: 4, ID: "id-of-globex", Slug: "globex", Settings: keys.Settings{Duration: keys.DefaultDuration, Zone: "UTC"},
		Roles: []keys.FeedRole{{Number: 5, Slug: "stock", Resources: []string{"stock.read"}}},
	}, account: keys.FeedAccount{
		Number: 1, ID: "id-of-acme", Slug: "acme", Settings: keys.Settings{Duration: keys.DefaultDuration, EnforceExpiry: true, Zone: "UTC"},
		Roles: []keys.FeedRole{{Number: 2, Slug: "reader", Resources: []string{"orders.read"}}, {Number: 3, Slug: "writer", Resources: []string{"orders.write"}}},
	}}
}

// add makes a key with a token and returns the token.
func (w *world) add(roles ...int64) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token, number := secret.New(secret.KindToken), int64(10+10*len(w.keys))
	w.keys = append(w.keys, keys.FeedKey{
		FeedKeyRow: keys.FeedKeyRow{Number: number, ID: keys.NewKeyID("acme", fmt.Sprintf("%08d", number)), Active: true}, Roles: roles,
		Tokens: []keys.FeedTokenRow{{Key: number, Number: number + 1, Digest: token.Digest(), CreatedAt: noon.UnixMicro()}},
	})
	w.changed = append(w.changed, len(w.keys)-1)
	return token.Reveal()
}

// change changes the key at a place.
func (w *world) change(at int, do func(k *keys.FeedKey)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := &w.keys[at]
	k.Tokens, k.Roles = slices.Clone(k.Tokens), slices.Clone(k.Roles)
	do(k)
	w.changed = append(w.changed, at)
}

func (w *world) LoadFeed(_ context.Context, into keys.FeedLoad) (keys.FeedPlace, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	into.Account(w.account)
	into.Account(w.other)
	for _, k := range w.keys {
		into.Key(k.FeedKeyRow)
		into.KeyRoles(k.Number, k.Roles)
		for _, g := range k.Grants {
			into.KeyGrant(k.Number, g)
		}
		for _, t := range k.Tokens {
			into.Token(t)
		}
	}
	return keys.FeedPlace{Mark: w.mark(), Branch: w.marksAfter(0)}, w.fail
}

// marksAfter are the changes after a number.
func (w *world) marksAfter(seq int64) (all keys.FeedBranch) {
	for seq < int64(len(w.changed)) {
		seq++
		all = append(all, w.markAt(seq))
	}
	return all
}

// mark is where a reader stands who knows everything.
func (w *world) mark() keys.FeedMark {
	return w.markAt(int64(len(w.changed)))
}

func (w *world) markAt(seq int64) keys.FeedMark {
	if seq <= w.shared {
		return keys.FeedMark{Seq: seq}
	}
	return keys.FeedMark{Seq: seq, EventID: w.branch}
}

func (w *world) Beat(context.Context, keys.Heartbeat) (keys.Beat, error) { return keys.Beat{}, w.fail }

func (w *world) DeactivateLost(context.Context, keys.LostRevocation) (bool, error) {
	return false, w.fail
}

func (w *world) FollowFeed(_ context.Context, after keys.FeedMark) (keys.FeedChanges, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if after.Seq > int64(len(w.changed)) || after != w.markAt(after.Seq) {
		return keys.FeedChanges{Lost: true, Forked: true}, w.fail
	}
	c := keys.FeedChanges{Mark: w.mark(), Branch: w.marksAfter(after.Seq)}
	for _, at := range w.changed[after.Seq:] {
		if at < 0 {
			c.Accounts = append(c.Accounts, w.account)
			continue
		}
		c.Keys = append(c.Keys, w.keys[at])
	}
	return c, w.fail
}

func (w *world) RecordUsage(_ context.Context, batch keys.UsageBatch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches = append(w.batches, batch)
	return w.fail
}

func (w *world) RecordRefusals(_ context.Context, refusals map[keys.Refusal]int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one, n := range refusals {
		w.refused[one] += n
	}
	return w.fail
}

// written is what reached the sink.
func (w *world) written() []keys.UsageBatch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.batches)
}

// follow returns a verifier that is loaded from the world.
func (w *world) follow(t testing.TB, now func() time.Time) *Verifier {
	t.Helper()
	v := New(w, w, Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	if err := v.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return v
}

func atNoon() time.Time { return noon }

// Two states, and what a reader asks was let in by neither: in one the key is active and its token
// rotated, in the other the token lives and the key is inactive. The role goes the same way with the
// account. A reader that saw half of one and half of the other would be let in.
func TestNoReaderSeesAMixOfTwoStates(t *testing.T) {
	w := newWorld()
	token := w.add(2)
	v := w.follow(t, atNoon)
	x := v.index.Load()
	states := [2]keys.FeedChanges{}
	for i := range states {
		k, a := w.keys[0], w.account
		k.Tokens, a.Roles = slices.Clone(k.Tokens), slices.Clone(a.Roles)
		if k.Active = i == 0; k.Active {
			k.Tokens[0].EndedAt = noon.UnixMicro()
		}
		states[i] = keys.FeedChanges{Keys: []keys.FeedKey{k}, Accounts: []keys.FeedAccount{a}}
	}
	x.apply(states[0], noon)
	var readers sync.WaitGroup
	done := atomic.Bool{}
	var seen [codes]atomic.Int64
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				seen[v.Ask(Request{Token: token}).Code].Add(1)
			}
		})
	}
	enough := func() bool { return seen[CodeRotated].Load() > 1000 && seen[CodeInactive].Load() > 1000 }
	for i := 0; i < 20_000 || !enough(); i++ {
		x.apply(states[i%2], noon)
	}
	done.Store(true)
	readers.Wait()
	for code := range seen {
		if n := seen[code].Load(); n > 0 && Code(code) != CodeRotated && Code(code) != CodeInactive {
			t.Errorf("%s: %d times", Code(code), n)
		}
	}
}

// While tables grow under them, readers find every token that was there before.
func TestReadersFindEveryTokenWhileTheIndexGrows(t *testing.T) {
	w := newWorld()
	var tokens []string
	for range 500 {
		tokens = append(tokens, w.add(2))
	}
	v, early := w.follow(t, atNoon), slices.Clone(tokens)
	var readers sync.WaitGroup
	done := atomic.Bool{}
	for range 4 {
		readers.Go(func() {
			for i := 0; !done.Load(); i++ {
				if got := v.Verify(Request{Token: early[i%500], Resource: "orders.read"}, someone); got.Code != CodeValid {
					t.Errorf("token %d: %s", i%500, got.Code)
					return
				}
			}
		})
	}
	for range 60 {
		for range 100 {
			tokens = append(tokens, w.add(2, 3))
		}
		if err := v.CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	readers.Wait()
	for i, token := range tokens {
		if got := v.Verify(Request{Token: token}, someone); got.Code != CodeValid {
			t.Fatalf("token %d: %s", i, got.Code)
		}
	}
}

func TestAVerificationAllocatesNothing(t *testing.T) {
	w := newWorld()
	good, rotated := w.add(2), w.add(2)
	w.change(1, func(k *keys.FeedKey) { k.Tokens[0].EndedAt = noon.UnixMicro() })
	lent := w.add(2)
	w.change(2, func(k *keys.FeedKey) { k.Grants = []keys.FeedGrant{{Account: 4, Roles: []int64{5}}} })
	v := w.follow(t, time.Now)
	id := string(w.keys[0].ID)
	requests := []Request{
		{Token: good},
		{Token: good, Key: id, Account: "acme", Resource: "orders.read"},
		{Token: good, Resource: "orders.write"},
		{Token: good, Key: "appkey-acme-00000000"},
		{Token: rotated},
		{Token: good[:52] + "!"},
		{Token: "junk"},
		{Token: secret.New(secret.KindToken).Reveal()},
		{Token: good, Account: OwnAccount},
		{Token: good, Account: "globex"},
		{Token: lent, Account: "globex", Resource: "stock.read"},
		{Token: lent, Account: "globex", Resource: "orders.read"},
	}
	for _, r := range requests {
		if n := testing.AllocsPerRun(200, func() { v.Verify(r, someone) }); n != 0 {
			t.Errorf("%d bytes of token, resource %q: %v allocations", len(r.Token), r.Resource, n)
		}
	}
}

func TestWhatIsTooOldAnswersUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		token := w.add()
		v := New(w, w, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		want := func(code Code, current bool) {
			t.Helper()
			if got := v.Verify(Request{Token: token}, someone).Code; got != code {
				t.Fatalf("got %s, want %s", got, code)
			}
			if got := v.State().Current; got != current {
				t.Fatalf("current is %v", got)
			}
		}
		want(CodeUnavailable, false)
		if err := v.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(CodeValid, true)
		time.Sleep(DefaultMaxStaleness)
		want(CodeValid, true)
		time.Sleep(time.Nanosecond)
		want(CodeUnavailable, false)
		if got := v.Verify(Request{Token: secret.New(secret.KindToken).Reveal()}, someone).Code; got != CodeUnavailable {
			t.Fatalf("an unknown token is %s: nobody can know that", got)
		}
		w.fail = context.DeadlineExceeded
		if v.CatchUp(t.Context()) == nil {
			t.Fatal("a source that fails is no proof")
		}
		want(CodeUnavailable, false)
		w.fail = nil
		if err := v.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(CodeValid, true)
	})
}

// Run polls and flushes by itself, and writes the rest at its end.
func TestRunFollowsAndFlushesUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		token := w.add()
		v := w.follow(t, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		w.change(0, func(k *keys.FeedKey) { k.Active = false })
		time.Sleep(pollEvery + time.Millisecond)
		if got := v.Verify(Request{Token: token}, someone).Code; got != CodeInactive {
			t.Fatalf("after a poll the key is %s", got)
		}
		time.Sleep(flushEvery)
		if got := w.written(); len(got) != 1 || got[0].Uses[0].Refused != 1 {
			t.Fatalf("after a flush there is %v", got)
		}
		v.Verify(Request{Token: token}, someone)
		stop()
		<-ended
		if got := w.written(); len(got) != 2 || got[1].Number != 2 {
			t.Fatalf("at the end there is %v", got)
		}
	})
}

func TestABatchThatFailedIsSentAgainAsItWas(t *testing.T) {
	w := newWorld()
	token := w.add()
	v := w.follow(t, atNoon)
	v.Verify(Request{Token: token}, someone)
	w.fail = context.DeadlineExceeded
	if v.Flush(t.Context()) == nil {
		t.Fatal("a failing sink is no error")
	}
	v.Verify(Request{Token: token}, someone)
	w.fail = nil
	if err := v.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.batches) != 3 || w.batches[0].Number != 1 || w.batches[1].Number != 1 || w.batches[2].Number != 2 {
		t.Fatalf("%v", w.batches)
	}
	use := w.batches[2].Uses[0]
	want := keys.TokenUsage{
		Token: 11, Hour: noon, Accepted: 1, Last: keys.LastUse{At: noon, IP: "203.0.113.7"},
	}
	if use != want || w.batches[1].Uses[0] != want {
		t.Fatalf("%v", w.batches)
	}
	if got := v.Stats().FlushErrors; got != 1 {
		t.Fatalf("%d flush errors", got)
	}
}

// A reload puts another index in place of one that readers still count in.
func TestNoCountIsLostWhenTheIndexIsReplaced(t *testing.T) {
	w := newWorld()
	token := w.add()
	v := w.follow(t, atNoon)
	var clients sync.WaitGroup
	const each = 5000
	for range 4 {
		clients.Go(func() {
			for range each {
				v.Verify(Request{Token: token}, someone)
			}
		})
	}
	for range 20 {
		if err := v.Load(t.Context()); err != nil {
			t.Error(err)
		}
		if err := v.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	clients.Wait()
	if err := v.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var accepted int64
	for _, batch := range w.batches {
		for _, use := range batch.Uses {
			accepted += use.Accepted
		}
	}
	if accepted != 4*each {
		t.Fatalf("%d were accepted and %d counted", 4*each, accepted)
	}
}

func TestTheAlarmAboutARotatedTokenIsRaisedOnceAnHour(t *testing.T) {
	w := newWorld()
	token := w.add(2)
	w.change(0, func(k *keys.FeedKey) { k.Tokens[0].EndedAt = noon.UnixMicro() })
	now := noon
	v := w.follow(t, func() time.Time { return now })
	alarms := func() (n int) {
		if err := v.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for one, count := range w.refused {
			if one.Alarm && one.Action == keys.ActionTokenReuse && one.Key == w.keys[0].ID && one.AccountID == "id-of-acme" && one.IP == "203.0.113.7" {
				n += count
			}
		}
		return n
	}
	for i, want := range []int{1, 1, 1, 2} {
		if err := v.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.Verify(Request{Token: token}, someone)
		if got := alarms(); got != want {
			t.Fatalf("use %d: %d alarms, want %d", i+1, got, want)
		}
		now = now.Add(25 * time.Minute)
	}
	if got := v.Stats().Reuses; got != 4 {
		t.Fatalf("%d reuses", got)
	}
	now = noon.Add(keys.RotatedMemory + time.Hour)
	if err := v.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := v.Verify(Request{Token: token}, someone).Code; got != CodeUnknown {
		t.Fatalf("after 90 days it is %s", got)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	w := newWorld()
	v := w.follow(t, atNoon)
	for range refusalQueue + 7 {
		v.Verify(Request{Token: "junk"}, someone)
	}
	if got := v.Stats().DroppedRefusals; got != 7 {
		t.Fatalf("%d dropped", got)
	}
	if err := v.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := keys.Refusal{Action: keys.ActionVerifyRefused, IP: "203.0.113.7", Route: "verify", Reason: "malformed token"}
	if w.refused[want] != refusalQueue || len(w.refused) != 1 {
		t.Fatal(w.refused)
	}
}

// Addresses that were given numbers are found again, and when there are too many the last use keeps
// its time.
func TestAddressesAreNumberedAndForgottenInTime(t *testing.T) {
	b := newAddressBook()
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	numbers := map[int]uint32{}
	for i := range addressRoom - 1 {
		numbers[i] = b.number(address(i))
	}
	if b.number(address(addressRoom)) != 0 || b.number(netip.Addr{}) != 0 {
		t.Fatal("there is no room for more, and none for nobody")
	}
	for i, n := range numbers {
		if b.address(n) != address(i).String() || b.number(address(i)) != n {
			t.Fatalf("%s is %q", address(i), b.address(n))
		}
	}
	b.renew()
	if b.address(numbers[1]) != address(1).String() || b.number(address(1)) == numbers[1] {
		t.Fatal("after one renewal the old numbers still hold, and new ones are given")
	}
	six := netip.MustParseAddr("2001:db8::7")
	if got := b.address(b.number(six)); got != six.String() {
		t.Fatal(got)
	}
}

// sameIndex fails unless two verifiers know the same of every token.
func sameIndex(t *testing.T, a, b *Verifier) {
	t.Helper()
	one, other := a.index.Load().dump(), b.index.Load().dump()
	if len(one) != len(other) || len(one) == 0 {
		t.Fatalf("%d and %d tokens", len(one), len(other))
	}
	for digest, text := range one {
		if other[digest] != text {
			t.Fatalf("%s\n%s", text, other[digest])
		}
	}
}

// dump is everything that is known of each token that can be found.
func (x *index) dump() map[secret.Digest]string {
	all := map[secret.Digest]string{}
	for place := range uint32(x.tokenCount.Load()) {
		digest := x.token(place).digest
		at, found := x.find(&digest)
		if !found {
			continue
		}
		token, key := x.token(at), x.key(x.token(at).key)
		book := x.book.Load()
		owner, word := book.accounts[key.account], token.word.Load()
		set := book.sets[word>>keyBits]
		all[digest] = x.dumpGrants(book, token.key) + fmt.Sprint(*x.tokenNumber(at), token.created, token.state.Load(), key.number, key.id(owner), word&(1<<keyBits-1),
			set.slugs, set.resources, set.header, owner.id, owner.slug, owner.settings, owner.zone, book.first.slug)
	}
	return all
}
