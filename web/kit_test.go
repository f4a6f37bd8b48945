package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// password is that of every user of a kit; its hash is made once.
const password = "violet kettle sings at dawn"

var hashOnce = sync.OnceValue(func() string {
	hash, err := secret.NewPasswords().Hash(context.Background(), password)
	if err != nil {
		panic(err)
	}
	return hash
})

// clock is the time of a kit. It stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// kit is the real server over a real database, with two accounts: acme and globex.
type kit struct {
	t      testing.TB
	clock  *clock
	store  *store.Store
	server *Server
	url    string
	raw    *storetest.Raw
	// folder is where exports wait.
	folder string
	log    *logBuffer
	health Health
	// signIns counts the sessions that were made, each from an address of its own.
	signIns int
	// links are what was sent for each key that was made with a link.
	links map[keys.KeyID]sentLink
	// invited is the user whom a browser invited last.
	invited invited
	// guest is how the emails of invited users begin.
	guest string
	// accepts is the language that browsers ask for, or empty.
	accepts string
	// session is the id that stands for the session in a path.
	session string
	// read is what was read of the database.
	// batches counts the batches of use that were recorded, so that each has a number of its own.
	batches int64
}

// logBuffer keeps what the server logs.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type option func(*Config)

func publicURL(text string) option {
	return func(c *Config) {
		u, err := url.Parse(text)
		if err != nil {
			panic(err)
		}
		c.PublicURL = u
	}
}

// newEmptyKit is a server without any account.
func newEmptyKit(t testing.TB, options ...option) *kit {
	t.Helper()
	return newKitOn(t, storetest.Database(t), options...)
}

// newKitOn is a server on a database without any account, which is a node where several can be.
func newKitOn(t testing.TB, url string, options ...option) *kit {
	t.Helper()
	k := &kit{
		t: t, clock: &clock{at: time.Date(2026, 9, 12, 10, 0, 0, 0, time.UTC)}, url: url, folder: t.TempDir(), log: &logBuffer{}, links: map[keys.KeyID]sentLink{},
		guest: "guest", health: Health{Loaded: true, Current: true, MaxStaleness: time.Minute},
	}
	logger := slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opened, err := store.Open(t.Context(), k.url, store.Options{
		Now: k.clock.now, Log: logger, Node: store.NodeIdentity{Name: "node-1", Version: "test"},
	})
	must(t, err)
	k.store, k.raw = opened, storetest.OpenRaw(t, k.url)
	t.Cleanup(func() { must(t, opened.Close()) })
	config := Config{
		Store: opened, Passwords: secret.NewPasswords(), Now: k.clock.now, Log: logger, Folder: k.folder, Version: "test",
		Health: func() Health { return k.health },
	}
	publicURL("http://latchkey.test")(&config)
	for _, o := range options {
		o(&config)
	}
	k.server, err = New(config)
	must(t, err)
	return k
}

func newKit(t testing.TB, options ...option) *kit {
	t.Helper()
	k := newEmptyKit(t, options...)
	k.addAccounts()
	return k
}

// addAccounts makes acme and globex.
func (k *kit) addAccounts() {
	k.t.Helper()
	for _, slug := range []string{"acme", "globex"} {
		_, _, err := k.store.CreateAccount(k.t.Context(), keys.Command("test"), store.NewAccount{
			Slug: slug, Zone: "UTC", Email: "ana@" + slug + ".example", PasswordPHC: hashOnce(),
		})
		must(k.t, err)
	}
}

// addUser makes a user of acme who holds the named roles.
func (k *kit) addUser(email string, roles ...string) {
	k.t.Helper()
	owner := k.signIn("ana@acme.example")
	_, err := k.store.CreateUser(k.t.Context(), owner.actor(), store.NewUser{Email: email, PasswordPHC: hashOnce(), Roles: roles})
	must(k.t, err)
}

// addRole makes a role of acme that holds the named resources.
func (k *kit) addRole(slug string, resources ...string) {
	k.t.Helper()
	k.exec(`INSERT INTO role (id, number, account_id, slug, name, description, built_in, everything, version)
		SELECT 'test-' || $1, 900000 + (SELECT count(*) FROM role), id, $1, $1, '', false, false, 1 FROM account WHERE slug = 'acme'`, slug)
	for _, r := range resources {
		k.exec(`INSERT INTO role_resource (role_id, resource)
			SELECT 'test-' || $1, resource.number FROM resource JOIN account ON account.id = resource.account_id
			WHERE account.slug = 'acme' AND resource.slug = $2`, slug, r)
	}
}

// exec runs a statement on the database, past the store.
func (k *kit) exec(query string, args ...any) {
	k.t.Helper()
	k.raw.Do(query, args...)
}

// browser is a client that keeps cookies.
type browser struct {
	kit     *kit
	cookies map[string]*http.Cookie
	header  http.Header
	ip      string
}

func (k *kit) browser() *browser {
	b := &browser{kit: k, cookies: map[string]*http.Cookie{}, header: http.Header{}, ip: "198.51.100.7"}
	if k.accepts != "" {
		b.header.Set("Accept-Language", k.accepts)
	}
	return b
}

// signIn is a browser that is signed in, without the price of a password.
func (k *kit) signIn(email string) *browser {
	k.t.Helper()
	b := k.browser()
	k.signIns++
	try := store.LoginTry{Email: email, IP: fmt.Sprintf("192.0.2.%d", k.signIns%250)}
	candidate, err := k.store.BeginLogin(k.t.Context(), try)
	must(k.t, err)
	session := secret.New(secret.KindSession)
	who := keys.Actor{Kind: keys.ActorUser, AccountID: candidate.AccountID, Account: candidate.Account, UserID: candidate.UserID, Email: email}
	start := store.SessionStart{Session: session.Digest(), Device: secret.New(secret.KindDevice).Digest(), IP: try.IP}
	must(k.t, k.store.FinishLogin(k.t.Context(), who, candidate, try, start, ""))
	b.cookies[k.server.sessions.name()] = &http.Cookie{Name: k.server.sessions.name(), Value: session.Reveal()}
	return b
}

// actor is who the browser is signed in as.
func (b *browser) actor() keys.Actor {
	b.kit.t.Helper()
	found, err := b.kit.store.Session(b.kit.t.Context(), b.kit.server.sessions.digest(b.request(http.MethodGet, "/", nil)))
	must(b.kit.t, err)
	return found.Actor
}

// answer is a page that came back.
type answer struct {
	*goquery.Document
	t      testing.TB
	status int
	header http.Header
	body   string
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, b.kit.server.public.String()+path, body)
	r.RemoteAddr = b.ip + ":40000"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	return r
}

func (b *browser) send(r *http.Request) answer {
	b.kit.t.Helper()
	w := httptest.NewRecorder()
	b.kit.server.ServeHTTP(w, r)
	result := w.Result()
	defer func() { _ = result.Body.Close() }()
	for _, c := range result.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
	}
	body := w.Body.String()
	document, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	must(b.kit.t, err)
	return answer{Document: document, t: b.kit.t, status: result.StatusCode, header: result.Header, body: body}
}

func (b *browser) get(path string) answer {
	b.kit.t.Helper()
	return b.send(b.request(http.MethodGet, path, nil))
}

// open gets a page and follows redirects.
func (b *browser) open(path string) answer {
	b.kit.t.Helper()
	a := b.get(path)
	for range 5 {
		to := a.header.Get("Location")
		if to == "" {
			return a
		}
		a = b.get(to)
	}
	b.kit.t.Fatalf("%s redirects for ever", path)
	return a
}

// post sends a form as a page without script does.
func (b *browser) post(path string, fields url.Values) answer {
	b.kit.t.Helper()
	return b.send(b.formRequest(path, fields))
}

func (b *browser) formRequest(path string, fields url.Values) *http.Request {
	r := b.request(http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// hx sends a request as htmx does.
func (b *browser) hx(method, path string, fields url.Values) answer {
	b.kit.t.Helper()
	return b.send(b.hxRequest(method, path, fields))
}

func (b *browser) hxRequest(method, path string, fields url.Values) *http.Request {
	r := b.request(method, path, strings.NewReader(fields.Encode()))
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Current-URL", b.kit.server.public.String()+pathKeys())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// generate makes a key through the form and returns its id and token.
func (b *browser) generate(name string, roles ...string) (id keys.KeyID, token string) {
	b.kit.t.Helper()
	a := b.post(pathKeysGenerate(), url.Values{"name": {name}, "roles": roles, "nonce": {secret.NewNonce()}})
	a.is(http.StatusOK)
	secrets := a.Find("[data-secret]")
	if secrets.Length() != 1 {
		b.kit.t.Fatalf("the result page shows %d secrets, not 1", secrets.Length())
	}
	token = strings.TrimSpace(secrets.Text())
	id = keys.KeyID(regexpFind(b.kit.t, `appkey-[a-z0-9]+-[0-9A-Z]{8}`, a.body))
	return id, token
}

// external makes a key in the other account of the kit and gives it roles in the browser's through the form.
func (b *browser) external(roles ...string) keys.KeyID {
	b.kit.t.Helper()
	other := "globex"
	if b.actor().Account == other {
		other = "acme"
	}
	id, _ := b.kit.signIn("ana@" + other + ".example").generate("Price feed")
	b.post(pathExternalAdd(), url.Values{"key": {string(id)}, "owner": {other}, "roles": roles}).leadsTo(pathExternal())
	return id
}

// renew renews a key through the form and returns the number of the renewal and the new token.
func (b *browser) renew(id keys.KeyID) (rid int64, token string) {
	b.kit.t.Helper()
	a := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}})
	a.is(http.StatusOK)
	secrets := a.Find("[data-secret]")
	if secrets.Length() != 1 {
		b.kit.t.Fatalf("the second step shows %d secrets, not 1", secrets.Length())
	}
	return a.renewal(), strings.TrimSpace(secrets.Text())
}

// renewal is the number that the form of the second step sends its choice to.
func (a answer) renewal() int64 {
	a.t.Helper()
	action, _ := a.Find("main form").Attr("action")
	path, _, _ := strings.Cut(action, "?")
	rid, err := strconv.ParseInt(path[strings.LastIndex(path, "/")+1:], 10, 64)
	must(a.t, err)
	return rid
}

func (a answer) is(status int) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, not %d: %s", a.status, status, a.text("main"))
	}
}

// leadsTo asserts a 303 to a page, whatever its fragment.
func (a answer) leadsTo(path string) {
	a.t.Helper()
	a.is(http.StatusSeeOther)
	to, _, _ := strings.Cut(a.header.Get("Location"), "#")
	if to != path {
		a.t.Fatalf("leads to %q, not %q", to, path)
	}
}

// text is the text of what a selector finds, with its white space folded.
func (a answer) text(selector string) string {
	return strings.Join(strings.Fields(a.Find(selector).Text()), " ")
}

func (a answer) says(selector, text string) {
	a.t.Helper()
	if got := a.text(selector); !strings.Contains(got, text) {
		a.t.Fatalf("%s says %q, not %q", selector, got, text)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
