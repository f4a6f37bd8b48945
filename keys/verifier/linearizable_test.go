package verifier_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/keys/verifier"
	"latchkey/store"
	"latchkey/store/storetest"
)

// This file checks the promise of the package: changes through the store and verifications by clients
// that know nothing of each other are linearizable. A history is what clients asked and were told, in
// an order of calls and returns that a shared counter gives. Porcupine looks for an order of single
// moments that explains every answer by the model below.

// The operations of a history.
const (
	opVerify     = "verify"
	opDeactivate = "deactivate"
	opActivate   = "activate"
	opRenew      = "renew"
	opNow        = "complete now"
	opUndo       = "undo"
	opDelete     = "delete"
	opRole       = "role edit"
	opSettings   = "settings change"
	opLend       = "grant"
	opLendAnew   = "grant edit"
	opTakeBack   = "grant removal"
)

// What the clients that change something choose from: everything, or only what another account does with
// the key. Once a key is deleted it stays so, so that is chosen last and seldom.
var (
	everything = []string{
		opDeactivate, opActivate, opRenew, opRenew, opUndo, opRole, opSettings, opLend, opLend, opLendAnew, opTakeBack, opDelete,
	}
	grants = []string{opLend, opLend, opLendAnew, opTakeBack}
)

// operation is what a client asked. Token is which of the key's tokens it is about, counted from 1.
type operation struct {
	what  string
	token int
	// resource says that the verification asked for the resource that the role edit and the grant edit give
	// and take.
	resource bool
	// guest says that the verification guards the account that the key is external to.
	guest bool
	// on is what a role edit, a settings change, a grant or its edit sets.
	on bool
}

// outcome is what the client was told.
type outcome struct {
	// kind is the kind of the refusal, "" when it was done, or "unknown" when nobody could say.
	kind     keys.Kind
	code     verifier.Code
	retiring bool
}

// model is one key as the product describes it. Lent says that another account has given it roles, and
// lentAll that these let it use the resource.
type model struct {
	deleted, inactive, granted, strict bool
	lent, lentAll                      bool
	current, next                      int
	// ended has a bit for every token that was replaced or taken back.
	ended uint64
}

// oldToken is the key's first token. It is older than the shorter of the two durations.
const oldToken = 1

// verdict is what a verification must say in this state.
func (m model) verdict(op operation) outcome {
	code, may := verifier.CodeValid, m.granted
	if op.guest {
		may = m.lentAll
	}
	switch {
	case op.guest && !m.lent:
		return outcome{code: verifier.CodeUnknown}
	case m.deleted:
		return outcome{code: verifier.CodeDeleted}
	case m.ended&(1<<op.token) != 0:
		code = verifier.CodeRotated
	case m.strict && op.token == oldToken:
		code = verifier.CodeExpired
	case m.inactive:
		code = verifier.CodeInactive
	case op.resource && !may:
		code = verifier.CodeForbidden
	}
	return outcome{code: code, retiring: m.next != 0 && op.token == m.current}
}

// after is the state after a change, and how the change is answered.
func (m model) after(op operation) (model, keys.Kind) {
	switch {
	case op.what == opRole:
		m.granted = op.on
	case op.what == opSettings:
		m.strict = op.on
	case op.what == opLend, op.what == opLendAnew, op.what == opTakeBack:
		return m.lend(op)
	case m.deleted:
		return m, keys.KindNotFound
	case op.what == opDeactivate, op.what == opActivate:
		m.inactive = op.what == opDeactivate
	case op.what == opDelete:
		m.deleted, m.lent, m.lentAll = true, false, false
	case op.what == opRenew && m.next == 0:
		m.next = op.token
	case op.what == opNow && m.next != 0 && m.next == op.token:
		m.ended |= 1 << m.current
		m.current, m.next = m.next, 0
	case op.what == opUndo && m.next != 0:
		m.ended |= 1 << m.next
		m.next = 0
	default:
		return m, keys.KindConflict
	}
	return m, ""
}

// lend is after for what another account does with the key.
func (m model) lend(op operation) (model, keys.Kind) {
	switch {
	case op.what == opLend && (m.lent || m.deleted):
		return m, keys.KindInvalid
	case op.what != opLend && !m.lent:
		return m, keys.KindNotFound
	}
	m.lent = op.what != opTakeBack
	m.lentAll = m.lent && op.on
	return m, ""
}

// step is the model as porcupine asks for it.
func step(state, input, output any) (bool, any) {
	m, op, told := state.(model), input.(operation), output.(outcome)
	if op.what == opVerify {
		return m.verdict(op) == told, m
	}
	next, kind := m.after(op)
	switch {
	case told.kind == keys.KindUnknown:
		return true, next
	case told.kind == keys.KindConflict && (op.what == opRole || op.what == opSettings || op.what == opLendAnew):
		return true, m // another edit came between the form and the change
	}
	return kind == told.kind, next
}

var linearizable = porcupine.Model{Init: func() any { return model{current: oldToken} }, Step: step}

// history is a run of clients against one key of one database.
type history struct {
	*testing.T
	url    string
	now    time.Time
	random *rand.Rand
	// asks are the changes that the clients choose from.
	asks []string
	// late says that the index hears of a change only after the admin was answered.
	late bool

	store    *store.Store
	verifier *verifier.Verifier
	// by acts for the account of the key, and guest for another one.
	by, guest keys.Actor
	key       keys.KeyID

	tick    atomic.Int64
	mu      sync.Mutex
	ops     []porcupine.Operation
	tokens  []string
	gate    *gate
	crashed atomic.Bool
	behind  sync.WaitGroup
}

// gate is the failpoint between a commit and the index: who waits at it goes on when two more
// verifications were answered, or when nobody verifies any more.
type gate struct {
	mu                  sync.Mutex
	moved               *sync.Cond
	verified, verifiers int
}

func newGate(verifiers int) *gate {
	g := &gate{verifiers: verifiers}
	g.moved = sync.NewCond(&g.mu)
	return g
}

func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for goal := g.verified + 2; g.verified < goal && g.verifiers > 0; {
		g.moved.Wait()
	}
}

func (g *gate) note(verified, left int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.verified += verified
	g.verifiers -= left
	g.moved.Broadcast()
}

// What comes between a commit and its answer.
var (
	errCrashed = errors.New("the process ended here")
	errLate    = errors.New("the database did not answer in time")
)

// afterCommit stands between a commit and its answer. One call in many ends the process, which is not
// started again in this phase: the change is in the database, nobody is told, and nobody asks for another
// one. Those that were under way are enough: of many changes whose answers are unknown porcupine looks for
// the order in vain. One in fewer fails once. Most others wait for verifications to come between.
func (h *history) afterCommit(ctx context.Context) error {
	if h.verifier == nil {
		return nil
	}
	at := h.tick.Add(1) % 64
	if at == 3 || h.crashed.Load() {
		h.crashed.Store(true)
		return errCrashed
	}
	if at == 20 || at == 40 {
		return errLate
	}
	if !h.late {
		if at%2 == 1 {
			h.gate.wait()
		}
		return h.verifier.CatchUp(ctx)
	}
	h.behind.Go(func() {
		h.gate.wait()
		if err := h.verifier.CatchUp(context.WithoutCancel(ctx)); err != nil {
			h.Error(err)
		}
	})
	return nil
}

// start opens the database as a process does that starts.
func (h *history) start() {
	h.verifier = nil
	h.crashed.Store(false)
	now := func() time.Time { return h.now }
	opened, err := store.Open(h.Context(), h.url, store.Options{Now: now, AfterCommit: h.afterCommit})
	must(h, err)
	v := verifier.New(opened, opened, verifier.Options{Now: now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(h, v.Load(h.Context()))
	h.store, h.verifier = opened, v
}

func (h *history) stop() {
	h.behind.Wait()
	must(h, h.store.Close())
}

// clients and how many of them only verify.
const (
	clients   = 8
	verifying = 3
)

// run lets the clients work until each has asked its share, with restarts in between.
func (h *history) run() {
	asked, phases := 60+h.random.IntN(141), 1+h.random.IntN(3)
	for range phases {
		h.start()
		h.gate = newGate(verifying)
		var all sync.WaitGroup
		for client := range clients {
			random := rand.New(rand.NewPCG(h.random.Uint64(), h.random.Uint64()))
			all.Go(func() {
				for range (asked + phases*clients - 1) / (phases * clients) {
					h.ask(client, random)
				}
				if client < verifying {
					h.gate.note(0, 1)
				}
			})
		}
		all.Wait()
		h.stop()
		h.settle()
	}
}

// settle ends the changes of which nobody was told. All of them were committed, so they hold at the
// latest when the process starts again.
func (h *history) settle() {
	end := h.tick.Add(1)
	for i := range h.ops {
		h.ops[i].Return = min(h.ops[i].Return, end)
	}
}

// ask lets a client do one thing.
func (h *history) ask(client int, random *rand.Rand) {
	if client < verifying || h.crashed.Load() || random.IntN(3) == 0 {
		h.verify(client, random)
		return
	}
	what, on := h.asks[random.IntN(len(h.asks))], random.IntN(2) == 0
	switch {
	case what == opRenew:
		h.renew(client)
	case what == opDelete && random.IntN(8) > 0:
		h.verify(client, random)
	default:
		h.change(client, operation{what: what, on: on}, func(ctx context.Context) error { return h.make(ctx, what, on) })
	}
}

// make makes a change.
func (h *history) make(ctx context.Context, what string, on bool) (err error) {
	switch what {
	case opDeactivate:
		_, _, err = h.store.DeactivateKey(ctx, h.by, h.key)
	case opActivate:
		_, _, err = h.store.ActivateKey(ctx, h.by, h.key)
	case opUndo:
		_, err = h.store.UndoRenewal(ctx, h.by, h.key)
	case opDelete:
		_, err = h.store.DeleteKey(ctx, h.by, h.key)
	case opRole:
		err = h.editRole(ctx, on)
	case opSettings:
		err = h.changeSettings(ctx, on)
	case opLend:
		_, err = h.store.AddExternalKey(ctx, h.guest, store.NewExternalKey{ID: h.key, Owner: h.by.Account, Roles: lentRoles(on)})
	case opLendAnew:
		err = h.lendAnew(ctx, on)
	case opTakeBack:
		_, err = h.store.RemoveExternalKey(ctx, h.guest, h.key)
	}
	return err
}

// lentRoles are the roles that the other account gives to the key: with the resource, or without it.
func lentRoles(on bool) []string {
	if on {
		return []string{"pricing-admin"}
	}
	return []string{"pricing-viewer"}
}

// lendAnew edits the grant. What a page shows may be ahead of what holds, so that there is no grant is told by
// the edit, not by the page before it.
func (h *history) lendAnew(ctx context.Context, on bool) error {
	x, err := h.store.ExternalKey(ctx, h.guest, h.key)
	if err != nil && keys.KindOf(err) != keys.KindNotFound {
		return err
	}
	_, _, err = h.store.EditExternalKey(ctx, h.guest, store.EditExternalKey{ID: h.key, Version: x.Version, Roles: lentRoles(on)})
	return err
}

// verify presents one of the tokens that were ever handed out.
func (h *history) verify(client int, random *rand.Rand) {
	h.mu.Lock()
	at := random.IntN(len(h.tokens))
	if h.tokens[at] == "" {
		at = 0 // of that one nobody knows the text
	}
	text := h.tokens[at]
	h.mu.Unlock()
	op := operation{what: opVerify, token: at + 1, resource: random.IntN(2) == 0, guest: random.IntN(2) == 0}
	request := verifier.Request{Token: text}
	if op.resource {
		request.Resource = "pricing.write"
	}
	if random.IntN(2) == 0 {
		request.Key = string(h.key)
	}
	if op.guest {
		request.Account = h.guest.Account
	}
	call := h.tick.Add(1)
	v := h.verifier.Verify(request, netip.Addr{})
	h.note(client, op, call, outcome{code: v.Code, retiring: v.Retiring})
	if client < verifying {
		h.gate.note(1, 0)
	}
}

// renew renews the key and then lets the old token end.
func (h *history) renew(client int) {
	h.mu.Lock()
	h.tokens = append(h.tokens, "")
	token := len(h.tokens)
	h.mu.Unlock()
	if token > 60 {
		return
	}
	var made store.Renewed
	h.change(client, operation{what: opRenew, token: token}, func(ctx context.Context) (err error) {
		made, err = h.store.RenewKey(ctx, h.by, h.key, secret.NewNonce())
		return err
	})
	if made.Token.IsZero() || h.crashed.Load() {
		return
	}
	h.mu.Lock()
	h.tokens[token-1] = made.Token.Reveal()
	h.mu.Unlock()
	h.change(client, operation{what: opNow, token: token}, func(ctx context.Context) error {
		_, err := h.store.CompleteRenewal(ctx, h.by, h.key, made.Renewal, false)
		return err
	})
}

func (h *history) editRole(ctx context.Context, on bool) error {
	roles, err := h.store.Roles(ctx, h.by)
	if err != nil {
		return err
	}
	role, _ := keys.RoleBySlug(roles, "pricing-admin")
	resources := []string{"pricing.read"}
	if on {
		resources = append(resources, "pricing.write")
	}
	_, _, err = h.store.EditRole(ctx, h.by, store.EditRole{
		Slug: role.Slug, Version: role.Version, Name: role.Name, Description: role.Description, Resources: resources,
	})
	return err
}

func (h *history) changeSettings(ctx context.Context, strict bool) error {
	all, err := h.store.Accounts(ctx)
	if err != nil {
		return err
	}
	settings := all[0].Settings()
	settings.Duration = keys.DefaultDuration
	if strict {
		settings.Duration = keys.Duration{Unit: keys.Days, Amount: 7}
	}
	preview, err := h.store.PreviewSettings(ctx, h.by, settings, 0)
	if err != nil {
		return err
	}
	_, _, err = h.store.ChangeSettings(ctx, h.by, store.ChangeSettings{
		Version: all[0].SettingsVersion, Settings: settings, Accepted: preview.Mark,
	})
	return err
}

// change does something that the admin is answered.
func (h *history) change(client int, op operation, do func(ctx context.Context) error) {
	call := h.tick.Add(1)
	err := do(h.Context())
	kind := keys.KindOf(err)
	if kind == keys.KindUnavailable {
		h.verify(client, rand.New(rand.NewPCG(uint64(call), 0)))
		return
	}
	if err != nil && kind != keys.KindNotFound && kind != keys.KindConflict && kind != keys.KindUnknown && (kind != keys.KindInvalid || op.what != opLend) {
		h.Errorf("%s: %v", op.what, err)
	}
	h.note(client, op, call, outcome{kind: kind})
}

func (h *history) note(client int, op operation, call int64, told outcome) {
	ended := h.tick.Add(1)
	if told.kind == keys.KindUnknown {
		ended = math.MaxInt64 // until settle knows better
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: op, Output: told, Call: call, Return: ended})
}

// ground is a database with two accounts and a key of the first, from which every history starts.
type ground struct {
	url       string
	by, guest keys.Actor
	key       keys.KeyID
	token     string
	now       time.Time
}

func newGround(t *testing.T) ground {
	t.Helper()
	g := ground{url: storetest.Database(t), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	made := g.now.AddDate(0, 0, -30)
	s, err := store.Open(t.Context(), g.url, store.Options{Now: func() time.Time { return made }})
	must(t, err)
	owners := map[string]keys.Actor{}
	for _, slug := range []string{"acme", "globex"} {
		account, user, err := s.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{
			Slug: slug, Zone: "Europe/Lisbon", Email: "ana@" + slug + ".example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test",
		})
		must(t, err)
		by := keys.Command("").In(account)
		by.Kind, by.UserID, by.Email = keys.ActorUser, user.ID, user.Email
		owners[slug] = by
	}
	g.by, g.guest = owners["acme"], owners["globex"]
	first, err := s.GenerateKey(t.Context(), g.by, store.NewKey{Name: "Orders", Roles: []string{"pricing-admin"}, Nonce: secret.NewNonce()})
	must(t, err)
	roles, err := s.Roles(t.Context(), g.by)
	must(t, err)
	role, _ := keys.RoleBySlug(roles, "pricing-admin")
	_, _, err = s.EditRole(t.Context(), g.by, store.EditRole{Slug: role.Slug, Version: role.Version, Name: role.Name, Resources: []string{"pricing.read"}})
	must(t, err)
	g.key, g.token = first.Key.ID, first.Token.Reveal()
	must(t, s.Close())
	return g
}

// check runs one history and says what porcupine makes of it, and how many operations it had.
func (g ground) check(t *testing.T, seed uint64, asks []string, late bool) (porcupine.CheckResult, int) {
	t.Helper()
	url, remove := storetest.Copy(t, g.url)
	defer remove()
	h := &history{
		T: t, url: url, now: g.now, random: rand.New(rand.NewPCG(seed, 4)), asks: asks, late: late,
		by: g.by, guest: g.guest, key: g.key, tokens: []string{g.token},
	}
	h.run()
	return porcupine.CheckOperationsTimeout(linearizable, h.ops, 5*time.Minute), len(h.ops)
}

func TestChangesAndVerificationsAreLinearizable(t *testing.T) {
	histories := 1000
	switch {
	case testing.Short():
		histories = 40
	case storetest.OnPostgres(t): // whose answers take longer
		histories = 100
	}
	g, operations := newGround(t), atomic.Int64{}
	t.Run("two at a time", func(t *testing.T) {
		for worker := range 2 {
			t.Run(strconv.Itoa(worker), func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < histories; seed += 2 {
					result, n := g.check(t, uint64(seed), everything, false)
					operations.Add(int64(n))
					if result != porcupine.Ok {
						t.Fatalf("history %d of %d operations: %s", seed, n, result)
					}
				}
			})
		}
	})
	t.Logf("note: %d histories of %d clients, %d operations", histories, clients, operations.Load())
}

// The test above can only be believed if it sees what it is there for.
func TestWithoutTheWaitBetweenCommitAndAnswerTheyAreNot(t *testing.T) {
	g := newGround(t)
	seen := func(asks []string) bool {
		for seed := range uint64(50) {
			if result, _ := g.check(t, seed, asks, true); result == porcupine.Illegal {
				return true
			}
		}
		return false
	}
	for name, asks := range map[string][]string{"any change": everything, "a change of what another account grants": grants} {
		if !seen(asks) {
			t.Errorf("%s: 50 histories in which the index came late, and all are linearizable", name)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
