package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/store/storetest"
)

// openNode opens a node on a PostgreSQL database.
func openNode(t *testing.T, url, name string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Now: time.Now, Node: store.NodeIdentity{Name: name, Version: "v1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestTheFeedShowsTheHeartbeatsOfItsOwnNode(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := openNode(t, url, "a"), openNode(t, url, "b")
	follow := func(s *store.Store) int64 {
		t.Helper()
		return must[keys.FeedChanges](t)(s.FollowFeed(t.Context(), keys.FeedMark{})).Beat
	}
	if got := follow(a); got != 0 {
		t.Errorf("before its first heartbeat the feed shows %d; want 0", got)
	}
	for want := int64(1); want <= 3; want++ {
		beat := must[keys.Beat](t)(a.Beat(t.Context(), keys.Heartbeat{Applied: keys.FeedMark{Seq: want}, MaxStaleness: time.Minute}))
		if beat.Number != want || follow(a) != want || follow(b) != 0 {
			t.Errorf("heartbeat %d, shown to its node as %d and to the other as %d; want %d, %d and 0", beat.Number, follow(a), follow(b), want, want)
		}
		if beat.ClockOffset.Abs() > time.Minute {
			t.Errorf("the database's clock is %s ahead of this machine's, which is the same", beat.ClockOffset)
		}
	}
	for s, want := range map[*store.Store]int64{a: 3, b: 0} {
		lost := must[keys.FeedChanges](t)(s.FollowFeed(t.Context(), keys.FeedMark{Seq: 7, EventID: "gone"}))
		loaded := must[keys.FeedPlace](t)(s.LoadFeed(t.Context(), store.Nothing{}))
		if !lost.Lost || lost.Beat != want || loaded.Beat != want {
			t.Errorf("a feed that is lost shows heartbeat %d, and a load %d; want %d", lost.Beat, loaded.Beat, want)
		}
	}
}

// A heartbeat that failed may have been committed all the same, at once or later. What then shows it must not be
// taken for proof of another one.
func TestTheNumberOfAHeartbeatThatFailedIsNotUsedAgain(t *testing.T) {
	url := storetest.Postgres(t)
	s := openNode(t, url, "a")
	never, cancel := context.WithCancel(t.Context())
	cancel()
	for want := int64(2); want <= 4; want += 2 {
		if _, err := s.Beat(never, keys.Heartbeat{}); err == nil {
			t.Fatal("it was committed though nobody waited for it")
		}
		if got := must[keys.Beat](t)(s.Beat(t.Context(), keys.Heartbeat{})).Number; got != want {
			t.Errorf("after %d that failed, a heartbeat has number %d; want %d", want/2, got, want)
		}
	}
	storetest.OpenRaw(t, url).Do(`UPDATE node SET beat = 9`)
	must[keys.Beat](t)(s.Beat(t.Context(), keys.Heartbeat{}))
	if got := must[keys.FeedChanges](t)(s.FollowFeed(t.Context(), keys.FeedMark{})).Beat; got != 9 {
		t.Errorf("an earlier heartbeat that comes late takes back what is shown: heartbeat %d, want 9", got)
	}
}

func TestNodesAreThoseThatSendHeartbeats(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := openNode(t, url, "a"), openNode(t, url, "b")
	command := must[*store.Store](t)(store.Open(t.Context(), url, store.Options{Now: time.Now}))
	defer func() { _ = command.Close() }()
	names := func() (all []string) {
		t.Helper()
		for _, n := range must[store.Nodes](t)(command.Nodes(t.Context(), keys.Heartbeat{})).All {
			all = append(all, n.Name)
		}
		return all
	}
	if beat := must[keys.Beat](t)(command.Beat(t.Context(), keys.Heartbeat{})); beat != (keys.Beat{}) || len(names()) != 0 {
		t.Errorf("a command sent heartbeat %+v, and the nodes are %q; want none", beat, names())
	}
	must[keys.Beat](t)(b.Beat(t.Context(), keys.Heartbeat{Applied: keys.FeedMark{Seq: 7}, ProofAge: 3 * time.Second, MaxStaleness: time.Minute}))
	must[keys.Beat](t)(a.Beat(t.Context(), keys.Heartbeat{Applied: keys.FeedMark{Seq: 9}, ProofAge: 2 * time.Minute, MaxStaleness: time.Minute}))
	if got := names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("the nodes are %q; want a and b", got)
	}
	// Who refuses everything, and sends a heartbeat again, may answer again.
	heard := must[store.Nodes](t)(command.Nodes(t.Context(), keys.Heartbeat{}))
	if n := heard.All[0]; !n.CutOff(heard.At) || n.Knows(10, heard.At) {
		t.Errorf("%+v knows change 10: %v", n, n.Knows(10, heard.At))
	}
	storetest.OpenRaw(t, url).Do(`UPDATE node SET beat_at = proved_at WHERE name = 'a'`)
	nodes := must[store.Nodes](t)(command.Nodes(t.Context(), keys.Heartbeat{}))
	for i, want := range []struct {
		applied       int64
		cutOff, knows bool
	}{{9, true, true}, {7, false, false}} {
		n := nodes.All[i]
		if n.Applied != want.applied || n.CutOff(nodes.At) != want.cutOff || n.Knows(10, nodes.At) != want.knows || n.Version != "v1" {
			t.Errorf("%s is %+v, cut off %v, knows change 10 %v; want %+v", n.Name, n, n.CutOff(nodes.At), n.Knows(10, nodes.At), want)
		}
	}
	if err := a.Leave(t.Context()); err != nil || !slices.Equal(names(), []string{"b"}) {
		t.Errorf("after one has left, with %v, the nodes are %q; want b", err, names())
	}
}

// A node that ended without a word is named until its name is borne again.
func TestANodeThatWasStartedAgainStandsOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var stores []*store.Store
	for _, name := range []string{"a", "a", "b", "c", "c"} {
		stores = append(stores, openNode(t, url, name))
	}
	var marks []int64
	for i, age := range []time.Duration{2 * time.Minute, time.Second, 2 * time.Minute, time.Second, time.Second} {
		mark := addedAccount(t, stores[i], fmt.Sprint("acme", i))
		must[keys.Beat](t)(stores[i].Beat(t.Context(), keys.Heartbeat{Applied: mark, ProofAge: age, MaxStaleness: time.Minute}))
		marks = append(marks, mark.Seq)
	}
	nodes := must[store.Nodes](t)(stores[2].Nodes(t.Context(), keys.Heartbeat{}))
	var shown []string
	for _, n := range nodes.All {
		shown = append(shown, fmt.Sprint(n.Name, slices.Index(marks, n.Applied), " ", n.State(nodes.At)))
		if own := n.ID == nodes.Own; own != (n.Name == "b") {
			t.Errorf("%s is the node that asks: %v", n.Name, own)
		}
	}
	slices.Sort(shown)
	if want := []string{"a1 current", "b2 cut off", "c3 current", "c4 current"}; !slices.Equal(shown, want) {
		t.Errorf("the nodes are %q; want %q", shown, want)
	}
}

// addedAccount adds an account and returns the newest change.
func addedAccount(t *testing.T, s *store.Store, slug string) keys.FeedMark {
	t.Helper()
	if err := addAccount(t.Context(), s, slug); err != nil {
		t.Fatal(err)
	}
	return must[keys.FeedChanges](t)(s.FollowFeed(t.Context(), keys.FeedMark{})).Mark
}

// What a node has of changes that the database does not know is no proof of those that have their numbers now.
func TestANodeWithChangesThatWereLostConfirmsNothing(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := openNode(t, url, "a"), openNode(t, url, "b")
	older, newest := addedAccount(t, a, "acme"), addedAccount(t, a, "globex")
	skipped := newest.Seq - 1 // a user's event, which is not in the feed
	if branch := must[keys.FeedPlace](t)(a.LoadFeed(t.Context(), store.Nothing{})).Branch; skipped <= older.Seq || slices.ContainsFunc(branch, func(m keys.FeedMark) bool { return m.Seq == skipped }) {
		t.Fatalf("between %d and %d no number is left out: %v", older.Seq, newest.Seq, branch)
	}
	heartbeat := func(seq int64, event string) keys.Heartbeat {
		return keys.Heartbeat{Applied: keys.FeedMark{Seq: seq, EventID: event}, MaxStaleness: time.Minute}
	}
	for _, c := range []struct {
		name  string
		says  keys.Heartbeat
		state keys.NodeState
		knows bool
	}{
		{"the newest change", heartbeat(newest.Seq, newest.EventID), keys.NodeCurrent, true},
		{"another change of that number", heartbeat(newest.Seq, "lost"), keys.NodeBehind, false},
		{"another change of an older number", heartbeat(older.Seq, "lost"), keys.NodeBehind, false},
		{"a change that there is not yet", heartbeat(newest.Seq+1, "lost"), keys.NodeBehind, false},
		{"a change of a number that is of no change now", heartbeat(skipped, "lost"), keys.NodeBehind, false},
		{"a change that is not kept any more", heartbeat(0, "old"), keys.NodeCurrent, false},
	} {
		must[keys.Beat](t)(b.Beat(t.Context(), heartbeat(newest.Seq, newest.EventID)))
		ofItself := must[store.Nodes](t)(b.Nodes(t.Context(), c.says))
		must[keys.Beat](t)(b.Beat(t.Context(), c.says))
		must[keys.Beat](t)(a.Beat(t.Context(), heartbeat(newest.Seq, newest.EventID)))
		ofAnother := must[store.Nodes](t)(a.Nodes(t.Context(), heartbeat(newest.Seq, newest.EventID)))
		for _, nodes := range []store.Nodes{ofItself, ofAnother} {
			n := nodes.All[len(nodes.All)-1]
			if n.Name != "b" || n.Applied != c.says.Applied.Seq || n.State(nodes.At) != c.state || n.Knows(newest.Seq, nodes.At) != c.knows {
				t.Errorf("with %s, %s has %d, is %s and knows the newest: %v; want %s and %v",
					c.name, n.Name, n.Applied, n.State(nodes.At), n.Knows(newest.Seq, nodes.At), c.state, c.knows)
			}
		}
		if first := ofAnother.All[0]; first.Name != "a" || !first.Knows(newest.Seq, ofAnother.At) {
			t.Errorf("with %s, the other node is %+v", c.name, first)
		}
	}
}

func TestAChangeGivesListenersAHint(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := openNode(t, url, "a"), openNode(t, url, "b")
	hints := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		b.Listen(ctx, func() { hints <- struct{}{} })
		close(ended)
	}()
	<-hints // it listens
	if _, _, err := a.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "x"}); err != nil {
		t.Fatal(err)
	}
	<-hints
	cancel()
	<-ended
}

func TestEveryNodeHasACodeToSetUpTheInstallation(t *testing.T) {
	url := storetest.Postgres(t)
	nodes := []*store.Store{openNode(t, url, "a"), openNode(t, url, "b")}
	var codes []secret.Digest
	for _, n := range nodes {
		code := secret.New(secret.KindSetup).Digest()
		if err := n.PutSetupCode(t.Context(), code, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, code)
	}
	for i, code := range codes {
		if !must[bool](t)(nodes[1-i].SetupCodeRight(t.Context(), code)) {
			t.Errorf("the code of node %d is not right on the other", i)
		}
	}
	claim := func(n *store.Store, code secret.Digest) error {
		_, _, err := n.ClaimSetup(t.Context(), keys.Actor{Kind: keys.ActorNobody}, code,
			store.NewAccount{Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "x"},
			store.SessionStart{Session: secret.New(secret.KindSession).Digest(), Device: secret.New(secret.KindDevice).Digest()})
		return err
	}
	if err := claim(nodes[0], codes[1]); err != nil {
		t.Errorf("the code of b claims nothing on a: %v", err)
	}
	if err := claim(nodes[1], codes[0]); keys.KindOf(err) != keys.KindNotFound {
		t.Errorf("a second claim got %v; want that the setup is closed", err)
	}
}

// A server that may only be read was the primary: what still has a connection to it must look for another.
func TestAServerThatTurnsReadOnlyIsLeft(t *testing.T) {
	cluster := storetest.NewCluster(t)
	s := openNode(t, cluster.URL("postgres"), "a")
	account := func(slug string) error {
		_, _, err := s.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{Slug: slug, Zone: "UTC", Email: "ana@" + slug + ".example", PasswordPHC: "x"})
		return err
	}
	connections := func() string {
		return cluster.Text("postgres", `SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'latchkey'`)
	}
	if err := account("acme"); err != nil {
		t.Fatal(err)
	}
	before := connections()
	cluster.Exec("postgres", `ALTER SYSTEM SET default_transaction_read_only = on`)
	cluster.Reload("default_transaction_read_only", "on")
	if err := account("globex"); keys.KindOf(err) != keys.KindUnavailable {
		t.Errorf("a change on a server that may only be read got %v; want unavailable", err)
	}
	if after := connections(); before == "" || after != "" {
		t.Errorf("the connections to it were %q, and are %q; want none", before, after)
	}
	cluster.Exec("postgres", `ALTER SYSTEM RESET default_transaction_read_only`)
	cluster.Reload("default_transaction_read_only", "off")
	if err := account("globex"); err != nil {
		t.Errorf("when it may be written to again: %v", err)
	}
}

func TestNodesThatStartAtOnceMakeOneSchema(t *testing.T) {
	url := storetest.Postgres(t)
	var starting sync.WaitGroup
	nodes := make([]*store.Store, 6)
	failed := make([]error, len(nodes))
	for i := range nodes {
		starting.Go(func() {
			nodes[i], failed[i] = store.Open(t.Context(), url, store.Options{Now: time.Now, Node: store.NodeIdentity{Name: fmt.Sprint(i)}})
		})
	}
	starting.Wait()
	for i, n := range nodes {
		if failed[i] != nil {
			t.Errorf("node %d does not start: %v", i, failed[i])
			continue
		}
		if err := errors.Join(n.Check(t.Context()), n.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestTLSOptionsOfTheURLHold(t *testing.T) {
	cluster := storetest.NewCluster(t)
	certificate, key := selfSigned(t, "127.0.0.1")
	cluster.Put("server.crt", certificate)
	cluster.Put("server.key", key)
	cluster.Exec("postgres", `ALTER SYSTEM SET ssl = on`)
	cluster.Reload("ssl", "on")
	root, other := filepath.Join(t.TempDir(), "root.crt"), filepath.Join(t.TempDir(), "other.crt")
	stranger, _ := selfSigned(t, "127.0.0.1")
	if err := errors.Join(os.WriteFile(root, certificate, 0o600), os.WriteFile(other, stranger, 0o600)); err != nil {
		t.Fatal(err)
	}
	verified := func(root string) string {
		return strings.Replace(cluster.URL("postgres"), "sslmode=disable", "sslmode=verify-full&sslrootcert="+root, 1)
	}
	s, err := store.Open(t.Context(), verified(root), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := cluster.Text("postgres", `SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'latchkey'`); got != "true" {
		t.Errorf("its connections are encrypted: %q; want true", got)
	}
	if s, err := store.Open(t.Context(), verified(other), store.Options{Now: time.Now}); err == nil {
		t.Error("it talks to a server whose certificate it does not know")
		_ = s.Close()
	}
}

// selfSigned is a certificate for an address and its key, in PEM.
func selfSigned(t *testing.T, address string) (certificate, key []byte) {
	t.Helper()
	private := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(address)}, IsCA: true, BasicConstraintsValid: true,
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))
	encoded := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(private))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// By the clock of a node that is ahead every other one seems to have gone.
func TestANodeWhoseClockIsAheadForgetsNoOther(t *testing.T) {
	url := storetest.Postgres(t)
	a := openNode(t, url, "a")
	gone := openNode(t, url, "gone")
	for _, s := range []*store.Store{gone, a} {
		must[keys.Beat](t)(s.Beat(t.Context(), keys.Heartbeat{MaxStaleness: time.Minute}))
	}
	raw := storetest.OpenRaw(t, url)
	raw.Do(`UPDATE node SET beat_at = beat_at - 90000000000 WHERE name = 'gone'`)
	ahead := must[*store.Store](t)(store.Open(t.Context(), url, store.Options{Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }}))
	defer func() { _ = ahead.Close() }()
	if err := ahead.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := raw.Texts(`SELECT name FROM node`); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after the sweep the nodes are %q; want a, which sent a heartbeat a moment ago", got)
	}
}
