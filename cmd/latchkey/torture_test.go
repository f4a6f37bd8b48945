package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// tortureRounds is how often the server is killed. Each round's changes are checked after the restart.
var tortureRounds = flag.Int("torture.rounds", 100, "how often the server is killed")

// The writers of a torture, and how many changes of theirs are acknowledged before the kill, about.
const (
	tortureWriters = 8
	tortureChanges = 60
)

// TestNothingAcknowledgedIsLostWhenTheServerIsKilled has writers change keys through the pages, kills the server
// at a random moment, starts it again, and looks at the database: what was acknowledged is there, what was
// not is there wholly or not at all, and every key is what its audit events say.
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it kills the server a hundred times")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("note: torture has the seed %d", seed)
	folder, _ := guarded(t, 0)
	listen := freeAddress(t)
	s := serveFolder(t, folder, "--listen", listen, "--log-level", "error")
	tt := newTorture(t, folder, s.url, seed)
	for round := 1; round <= *tortureRounds; round++ {
		tt.write(func() {
			if err := s.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-s.ended
		})
		if panics := strings.Count(s.stderr.String(), "panic"); panics > 0 {
			t.Fatalf("round %d: the server panicked: %s", round, s.stderr)
		}
		tt.checkDatabase(round%10 == 0 || round == *tortureRounds)
		s = serveFolder(t, folder, "--listen", listen, "--log-level", "error")
		tt.checkServer()
		if t.Failed() {
			t.Fatalf("round %d of seed %d", round, seed)
		}
		if round%100 == 0 {
			t.Logf("note: torture: %d rounds, %d changes acknowledged", round, tt.acknowledged.Load())
		}
	}
	s.stop()
	t.Logf("note: torture: %d rounds, %d changes acknowledged, 0 lost, %d in flight at a kill of which %d were made, 0 half done; %d nonces sent again made nothing",
		*tortureRounds, tt.acknowledged.Load(), tt.unknown, tt.adopted, tt.resent)
	if least := int64(*tortureRounds) * 50; tt.acknowledged.Load() < least {
		t.Errorf("%d changes were acknowledged; want at least %d", tt.acknowledged.Load(), least)
	}
}

// torture is what the writers know.
type torture struct {
	t            *testing.T
	folder, base string
	http         *http.Client
	random       *rand.Rand
	acknowledged atomic.Int64
	// shared are keys that all writers switch on and off.
	shared  []keys.KeyID
	writers []*writer
	// unknown counts the changes whose answer was lost, adopted those of them that were made.
	unknown, adopted, resent int
}

func newTorture(t *testing.T, folder, base string, seed uint64) *torture {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: tortureWriters, DialContext: (&net.Dialer{}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	tt := &torture{
		t: t, folder: folder, base: base, random: rand.New(rand.NewPCG(seed, 1)),
		http: &http.Client{
			Jar: jar, Transport: transport, Timeout: deadline,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	first := &writer{torture: tt, name: "first", random: tt.random}
	if status, _ := first.post("/login", url.Values{"email": {"ana@acme.example"}, "password": {goodPassword}}); status != http.StatusSeeOther {
		t.Fatalf("the sign-in answered %d", status)
	}
	for range 3 {
		first.generate()
		tt.shared = append(tt.shared, first.keys[len(first.keys)-1].id)
	}
	for i := range tortureWriters {
		tt.writers = append(tt.writers, &writer{
			torture: tt, name: fmt.Sprintf("writer %d", i), random: rand.New(rand.NewPCG(seed, uint64(i)+2)),
		})
	}
	return tt
}

// write lets all writers work, and kills the server when some changes are acknowledged.
func (tt *torture) write(kill func()) {
	goal := tt.acknowledged.Load() + tortureChanges + int64(tt.random.IntN(20))
	ctx, stop := context.WithCancel(tt.t.Context())
	defer stop()
	var work sync.WaitGroup
	for _, w := range tt.writers {
		work.Go(func() {
			for ctx.Err() == nil && !w.lost {
				w.change()
				if tt.acknowledged.Load() >= goal {
					stop()
				}
			}
			stop() // the server is gone, or something is wrong
		})
	}
	<-ctx.Done()
	// The others are in the middle of something now.
	time.Sleep(time.Duration(tt.random.IntN(3000)) * time.Microsecond) // which moment it is, is what is tried
	kill()
	work.Wait()
}

// writer changes keys of its own, one after the other.
type writer struct {
	*torture
	name   string
	random *rand.Rand
	serial int
	keys   []*tortured
	// doubt is what was asked for when the answer was lost, and lost says that one was.
	doubt *doubt
	lost  bool
	// nonces are those of forms whose answers came.
	nonces []url.Values
}

// tortured is a key as its writer was told that it is.
type tortured struct {
	id     keys.KeyID
	state  keyState
	tokens map[int64]string
	// renewal is the number of the newer token of an open renewal.
	renewal int64
}

// doubt is a change of which nobody knows whether it was made: a new key of a name, or a key that is as it
// was or as then says. A token that was made in doubt has a number that nobody was told.
type doubt struct {
	name   string
	key    *tortured
	then   keyState
	minted bool
}

// try sends a form. Without an answer the writer is lost, and in doubt about the change.
func (w *writer) try(path string, form url.Values, d doubt) (status int, body string, ok bool) {
	status, body = w.post(path, form)
	if status == 0 || status == http.StatusServiceUnavailable {
		w.lost, w.doubt = true, &d
		return 0, "", false
	}
	return status, body, true
}

// post returns the answer to a form, or 0 when there is none.
func (w *writer) post(path string, form url.Values) (int, string) {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Error(err)
		return 0, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(r)
}

func (w *writer) do(r *http.Request) (int, string) {
	answer, err := w.http.Do(r)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(body)
}

// change makes one change.
func (w *writer) change() {
	if w.random.IntN(10) == 0 {
		w.toggleShared()
		return
	}
	live := slices.DeleteFunc(slices.Clone(w.keys), func(k *tortured) bool { return k.state.Deleted })
	if len(live) == 0 || w.random.IntN(6) == 0 {
		w.generate()
		return
	}
	k := live[w.random.IntN(len(live))]
	overlap := len(k.state.Tokens) == 2
	switch n := w.random.IntN(12); {
	case n == 0:
		then := k.state.clone()
		then.Deleted, then.Tokens, then.Roles = true, nil, nil
		w.form(k, "/delete", url.Values{"understood": {"on"}}, then)
	case n <= 2 && k.state.Active:
		then := k.state.clone()
		then.Active = false
		w.form(k, "/deactivate", nil, then)
	case n <= 2:
		then := k.state.clone()
		then.Active = true
		w.form(k, "/activate", nil, then)
	case n <= 4:
		w.edit(k)
	case n <= 6 && overlap:
		then := k.state.clone()
		then.Tokens = then.Tokens[1:]
		w.form(k, "/renew/undo", nil, then)
	case n <= 7 && overlap:
		then := k.state.clone()
		then.Tokens = then.Tokens[:1]
		w.form(k, "/old-token/delete", nil, then)
	case n <= 9 && overlap:
		then := k.state.clone()
		then.Tokens = then.Tokens[:1]
		w.form(k, fmt.Sprintf("/renew/%d", k.renewal), url.Values{"old": {"now"}}, then)
	case overlap:
		w.form(k, fmt.Sprintf("/renew/%d", k.renewal), url.Values{"old": {"later"}}, k.state)
	default:
		w.renew(k)
	}
}

var (
	shownKey   = regexp.MustCompile(`id="key"[^>]*>(appkey-acme-[0-9A-Z]{8})<`)
	shownToken = regexp.MustCompile(`id="token"[^>]*>(lkt_[0-9A-Za-z]{49})<`)
	shownRenew = regexp.MustCompile(`action="[^"]*/renew/(\d+)[?"]`)
	shownVer   = regexp.MustCompile(`name="version" value="(\d+)"`)
)

func (w *writer) generate() {
	w.serial++
	name := fmt.Sprintf("%s key %d", w.name, w.serial)
	form := url.Values{"name": {name}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}}
	status, body, ok := w.try(pathList+"/new", form, doubt{name: name})
	if !ok {
		return
	}
	id, token := shownKey.FindStringSubmatch(body), shownToken.FindStringSubmatch(body)
	if status != http.StatusOK || id == nil || token == nil {
		w.t.Errorf("%s generates: %d", w.name, status)
		w.lost = true
		return
	}
	w.acknowledged.Add(1)
	w.nonces = append(w.nonces, form)
	k := &tortured{id: keys.KeyID(id[1]), state: keyState{Name: name, Active: true, Roles: []string{"orders-viewer"}}, tokens: map[int64]string{}}
	k.state.Tokens = []string{token[1][len(token[1])-4:]}
	k.tokens[0] = token[1]
	w.keys = append(w.keys, k)
}

func (w *writer) renew(k *tortured) {
	form := url.Values{"nonce": {secret.NewNonce()}}
	status, body, ok := w.try(pathList+"/"+string(k.id)+"/renew", form, doubt{key: k, then: k.state, minted: true})
	if !ok {
		return
	}
	token, number := shownToken.FindStringSubmatch(body), shownRenew.FindStringSubmatch(body)
	if status != http.StatusOK || token == nil || number == nil {
		w.t.Errorf("%s renews %s: %d", w.name, k.id, status)
		w.lost = true
		return
	}
	w.acknowledged.Add(1)
	k.state.Tokens = append([]string{token[1][len(token[1])-4:]}, k.state.Tokens...)
	_, _ = fmt.Sscan(number[1], &k.renewal)
	k.tokens[k.renewal] = token[1]
	w.nonces = append(w.nonces, form)
}

func (w *writer) edit(k *tortured) {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+pathList+"/"+string(k.id)+"/edit", nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	_, body := w.do(r)
	version := shownVer.FindStringSubmatch(body)
	if version == nil {
		w.lost = true // nothing was asked for yet
		return
	}
	w.serial++
	then := k.state.clone()
	then.Name, then.Roles = fmt.Sprintf("%s edit %d", w.name, w.serial), []string{"catalog-viewer", "orders-viewer"}
	if w.random.IntN(2) == 0 {
		then.Roles = []string{"catalog-viewer"}
	}
	form := url.Values{"name": {then.Name}, "roles": then.Roles, "version": {version[1]}}
	if then.Active {
		form.Set("active", "on")
	}
	w.form(k, "/edit", form, then)
}

// form sends a form about a key, which makes it what then says.
func (w *writer) form(k *tortured, action string, form url.Values, then keyState) {
	status, _, ok := w.try(pathList+"/"+string(k.id)+action, form, doubt{key: k, then: then})
	switch {
	case !ok:
	case status == http.StatusSeeOther:
		w.acknowledged.Add(1)
		k.state = then
	default:
		w.t.Errorf("%s: %s of %s answered %d", w.name, action, k.id, status)
		w.lost = true
	}
}

// toggleShared switches a key that others switch, too.
func (w *writer) toggleShared() {
	action := "/deactivate"
	if w.random.IntN(2) == 0 {
		action = "/activate"
	}
	status, _ := w.post(pathList+"/"+string(w.shared[w.random.IntN(len(w.shared))])+action, nil)
	if status == 0 || status == http.StatusServiceUnavailable {
		w.lost = true
	}
}
