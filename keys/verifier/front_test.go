package verifier

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// front is the front door: a real store on a database of its own, with two accounts that have the same sample
// roles, and a verifier that has loaded it and follows it.
type front struct {
	*testing.T
	clock    *storetest.Clock
	raw      *storetest.Raw
	store    *store.Store
	verifier *Verifier
	sink     *frontSink
	log      *frontLog
	// acme is the first account, and so the one that is guarded.
	acme, globex keys.Actor
}

// frontLog keeps what is logged, all of it and as it is.
type frontLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *frontLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *frontLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// frontSink is a store that remembers what was written to it.
type frontSink struct {
	*store.Store
	mu       sync.Mutex
	uses     []keys.TokenUsage
	refusals map[keys.Refusal]int
}

// RecordUsage writes a batch.
func (s *frontSink) RecordUsage(ctx context.Context, batch keys.UsageBatch) error {
	s.mu.Lock()
	s.uses = append(s.uses, batch.Uses...)
	s.mu.Unlock()
	return s.Store.RecordUsage(ctx, batch)
}

// RecordRefusals writes refusals.
func (s *frontSink) RecordRefusals(ctx context.Context, refusals map[keys.Refusal]int) error {
	s.mu.Lock()
	for refusal, count := range refusals {
		s.refusals[refusal] += count
	}
	s.mu.Unlock()
	return s.Store.RecordRefusals(ctx, refusals)
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{T: t, clock: storetest.NewClock(), log: &frontLog{}}
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	url := storetest.Database(t)
	opened, err := store.Open(t.Context(), url, store.Options{
		Now: f.clock.Now, AfterCommit: func(ctx context.Context) error { return f.verifier.CatchUp(ctx) },
	})
	f.must(err)
	t.Cleanup(func() { f.must(opened.Close()) })
	f.raw = storetest.OpenRaw(t, url)
	f.store, f.sink = opened, &frontSink{Store: opened, refusals: map[keys.Refusal]int{}}
	f.verifier = New(opened, f.sink, Options{Now: f.clock.Now, Log: log})
	f.acme, f.globex = f.account("acme"), f.account("globex")
	f.must(f.verifier.Load(t.Context()))
	return f
}

func (f *front) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// account makes an account and returns its owner.
func (f *front) account(slug string) keys.Actor {
	f.Helper()
	account, user, err := f.store.CreateAccount(f.Context(), keys.Command("test"), store.NewAccount{
		Slug: slug, Zone: "UTC", Email: "ana@" + slug + ".example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-a-test$of-a-test",
	})
	f.must(err)
	owner := keys.Actor{Kind: keys.ActorUser, UserID: user.ID, Email: user.Email}.In(account)
	for _, r := range append(keys.ConsoleResources(), keys.SampleResources()...) {
		owner.Holds = append(owner.Holds, r.Slug)
	}
	return owner
}

// held is a key with its newest token in the clear.
type held struct {
	id    string
	token string
	// renewal is the number of the newest token.
	renewal int64
	// made is when it was made.
	made time.Time
}

func (f *front) key(by keys.Actor, roles ...string) held {
	f.Helper()
	made, err := f.store.GenerateKey(f.Context(), by, store.NewKey{Name: "a key", Roles: roles, Nonce: secret.NewNonce()})
	f.must(err)
	return held{string(made.Key.ID), made.Token.Reveal(), made.Key.Tokens[0].Number, f.clock.Now()}
}

// renew opens a renewal and returns the key with its new token.
func (f *front) renew(by keys.Actor, k held) held {
	f.Helper()
	made, err := f.store.RenewKey(f.Context(), by, keys.KeyID(k.id), secret.NewNonce())
	f.must(err)
	return held{k.id, made.Token.Reveal(), made.Key.Tokens[0].Number, f.clock.Now()}
}

func (f *front) complete(by keys.Actor, renewed held, keepOld bool) {
	f.Helper()
	_, err := f.store.CompleteRenewal(f.Context(), by, keys.KeyID(renewed.id), renewed.renewal, keepOld)
	f.must(err)
}

func (f *front) activate(by keys.Actor, k held, active bool) {
	f.Helper()
	change := f.store.DeactivateKey
	if active {
		change = f.store.ActivateKey
	}
	_, changed, err := change(f.Context(), by, keys.KeyID(k.id))
	f.must(err)
	if !changed {
		f.Fatal("the key was so already")
	}
}

func (f *front) delete(by keys.Actor, k held) {
	f.Helper()
	_, err := f.store.DeleteKey(f.Context(), by, keys.KeyID(k.id))
	f.must(err)
}

// settle makes the tokens of an account end after days, or only look as if they had.
func (f *front) settle(by keys.Actor, days int, enforce bool) {
	f.Helper()
	_, _, err := f.store.ChangeSettings(f.Context(), by, store.ChangeSettings{
		Version:  f.settingsVersion(by),
		Settings: keys.Settings{Duration: keys.Duration{Amount: days, Unit: keys.Days}, EnforceExpiry: enforce, Zone: "UTC"},
	})
	f.must(err)
}

func (f *front) settingsVersion(by keys.Actor) int64 {
	f.Helper()
	all, err := f.store.Accounts(f.Context())
	f.must(err)
	at := slices.IndexFunc(all, func(a keys.Account) bool { return a.ID == by.AccountID })
	return all[at].SettingsVersion
}

// advance moves the clock, and has the verifier prove at the new time that it is current.
func (f *front) advance(d time.Duration) {
	f.Helper()
	f.clock.Advance(d)
	f.must(f.verifier.CatchUp(f.Context()))
}

// used is what was counted of a token until now, over all hours.
func (f *front) used(number int64) (all keys.TokenUsage) {
	f.Helper()
	f.must(f.verifier.Flush(f.Context()))
	for _, use := range f.sink.uses {
		if use.Token == number {
			all.Accepted, all.Refused = all.Accepted+use.Accepted, all.Refused+use.Refused
			if !use.Last.Never() {
				all.Last = use.Last
			}
		}
	}
	return all
}

// refused is what was written of an action to the audit log until now.
func (f *front) refused(action keys.Action) map[keys.Refusal]int {
	f.Helper()
	f.must(f.verifier.Flush(f.Context()))
	all := maps.Clone(f.sink.refusals)
	maps.DeleteFunc(all, func(r keys.Refusal, _ int) bool { return r.Action != action })
	return all
}

// door is a server with a handler.
type door struct {
	*front
	server *httptest.Server
}

func (f *front) open(handler http.Handler) door {
	d := door{f, httptest.NewServer(handler)}
	f.Cleanup(d.server.Close)
	return d
}

// guard opens a door whose handler has options.
func (f *front) guard(o HandlerOptions) door { return f.open(NewHandler(f.verifier, o)) }

// loopback are the peers of a test, as proxies.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func pair(key, token string) http.Header {
	return http.Header{keys.DefaultKeyHeader: {key}, keys.DefaultTokenHeader: {token}}
}

func (k held) pair() http.Header   { return pair(k.id, k.token) }
func (k held) bearer() http.Header { return http.Header{"Authorization": {"Bearer " + k.token}} }

// with is a header with the values of others, too.
func with(headers ...http.Header) http.Header {
	all := http.Header{}
	for _, header := range headers {
		for name, values := range header {
			all[name] = append(all[name], values...)
		}
	}
	return all
}

// reply is what came back.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

// ask sends a GET.
func (d door) ask(path string, header http.Header) reply {
	d.Helper()
	return d.send(http.MethodGet, path, header, "")
}

func (d door) verify(header http.Header) reply {
	d.Helper()
	return d.ask(PathVerify, header)
}

func (d door) send(method, path string, header http.Header, body string) reply {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.server.URL+path, strings.NewReader(body))
	d.must(err)
	maps.Copy(r.Header, header)
	// Nothing of a client's own may look like ours.
	r.Header.Set("User-Agent", "test")
	answer, err := d.server.Client().Transport.RoundTrip(r)
	d.must(err)
	text, err := io.ReadAll(answer.Body)
	d.must(err)
	d.must(answer.Body.Close())
	return reply{d.T, answer.StatusCode, answer.Header, string(text)}
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d; %v %s", r.status, status, r.header, r.text)
	}
	return r
}

// wantProblem checks a refusal to the last byte: its status, challenge, body and the names of its headers.
func (r reply) wantProblem(want problem) reply {
	r.t.Helper()
	r.want(want.status)
	if got := r.header.Get("WWW-Authenticate"); got != want.challenge {
		r.t.Errorf("WWW-Authenticate: %s, want %s", got, want.challenge)
	}
	id := r.header.Get("X-Request-Id")
	if id == "" {
		r.t.Error("no request id")
	}
	text := `{"type":"/problems/` + strings.ReplaceAll(want.code, "_", "-") + `","title":"` + want.title + `","status":` +
		strconv.Itoa(want.status) + `,"code":"` + want.code + `"`
	if want.detail != "" {
		text += `,"detail":"` + want.detail + `"`
	}
	if text += `,"request_id":"` + id + `"}` + "\n"; r.text != text {
		r.t.Errorf("the body is\n%s, want\n%s", r.text, text)
	}
	r.wantGuarded("application/problem+json")
	names := []string{"Cache-Control", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "X-Content-Type-Options", "X-Request-Id"}
	if want.challenge != "" {
		names = append(names, "Www-Authenticate")
	}
	switch want.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		names = append(names, "Retry-After")
	case http.StatusMethodNotAllowed:
		names = append(names, "Allow")
	}
	r.wantHeaders(names...)
	return r
}

// wantGuarded checks the headers of an answer with a body.
func (r reply) wantGuarded(contentType string) {
	r.t.Helper()
	for name, want := range map[string]string{
		"Content-Type": contentType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got := r.header.Values(name); !slices.Equal(got, []string{want}) {
			r.t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
}

// wantHeaders checks that there are these headers and no others.
func (r reply) wantHeaders(names ...string) {
	r.t.Helper()
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(r.header)); !slices.Equal(got, names) {
		r.t.Errorf("the headers are %q, want %q", got, names)
	}
}

// json reads the body.
func (r reply) json() map[string]any {
	r.t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(r.text), &body); err != nil {
		r.t.Fatal(err)
	}
	return body
}

// withoutID is everything of an answer but what differs by nature.
func (r reply) withoutID() string {
	id := r.header.Get("X-Request-Id")
	header := r.header.Clone()
	header.Del("X-Request-Id")
	header.Del("Date")
	var text strings.Builder
	text.WriteString(strconv.Itoa(r.status) + "\n")
	_ = header.Write(&text)
	return text.String() + strings.ReplaceAll(r.text, id, "")
}
