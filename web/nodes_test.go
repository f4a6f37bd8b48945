package web

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/store/storetest"
)

// cluster is a kit on PostgreSQL, whose server is node-1, with rows of other nodes.
type cluster struct {
	*kit
	db *sql.DB
}

func newClusterKit(t *testing.T) *cluster {
	t.Helper()
	url := storetest.Postgres(t)
	k := newKitOn(t, url)
	k.addAccounts()
	db, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return &cluster{k, db}
}

// newest is the number of the newest change.
func (c *cluster) newest() (seq int64) {
	c.t.Helper()
	must(c.t, c.db.QueryRowContext(c.t.Context(), `SELECT MAX(seq) FROM change_log`).Scan(&seq))
	return seq
}

// eventAt is the id of a change, or none of one that there is not.
func (c *cluster) eventAt(seq int64) (id string) {
	c.t.Helper()
	must(c.t, c.db.QueryRowContext(c.t.Context(), `SELECT COALESCE((SELECT event_id FROM change_log WHERE seq = $1), '')`, seq).Scan(&id))
	return id
}

// answers says how far this server is, and sends a heartbeat that knows less.
func (c *cluster) answers(applied int64) {
	c.t.Helper()
	c.health = Health{Loaded: true, Current: true, Age: 300 * time.Millisecond, MaxStaleness: time.Minute, Applied: keys.FeedMark{Seq: applied, EventID: c.eventAt(applied)}}
	_, err := c.store.Beat(c.t.Context(), keys.Heartbeat{Applied: keys.FeedMark{Seq: applied - 1, EventID: c.eventAt(applied - 1)}, ProofAge: 20 * time.Second, MaxStaleness: time.Minute})
	must(c.t, err)
}

// beats writes the heartbeat of another node, whose last proof is as old, and which refuses everything a minute
// after it.
func (c *cluster) beats(name string, applied int64, proofAge time.Duration) {
	c.t.Helper()
	_, err := c.db.ExecContext(c.t.Context(), `
		INSERT INTO node (id, name, version, beat, beat_at, applied, applied_event, proved_at, max_staleness)
		SELECT $1, $1, 'v2', 1, now - $3, $2, $4, now - $3, 60000000
		FROM (SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now) AS clock
		ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, applied = excluded.applied,
			applied_event = excluded.applied_event, proved_at = excluded.proved_at`,
		name, applied, proofAge.Microseconds(), c.eventAt(applied))
	must(c.t, err)
}

func TestTheSettingsTellOfEveryNode(t *testing.T) {
	c := newClusterKit(t)
	b := c.signIn("ana@acme.example")
	b.generate("Order sync")
	a := b.get(pathSettings())
	a.is(http.StatusOK)
	a.says(`section[aria-labelledby="nodes"]`, "No node has reported yet.")

	seq := c.newest()
	c.answers(seq)
	c.beats("node-2", seq, 2*time.Second)
	c.beats("node-3", seq-1, 30*time.Second)
	c.beats("node-4", seq-2, 3*time.Minute)
	a = b.get(pathSettings())
	a.is(http.StatusOK)
	part := `section[aria-labelledby="nodes"] `
	a.says(part+"h2", "Nodes")
	a.says(part, fmt.Sprintf("Change %d is confirmed on 3 of 4 nodes.", seq))
	if a.Find(part+".hint.warning svg.icon").Length() != 1 || a.Find(part+".hint.success").Length() != 0 {
		t.Error("a change that is not confirmed everywhere has not the icon of one")
	}
	if got := a.texts(part + "thead th[scope=col]"); !slices.Equal(got, []string{"Node", "Version", "Newest change", "Last proof", "State"}) {
		t.Errorf("the columns are %q", got)
	}
	for i, want := range [][5]string{
		{"node-1 Made this page", "test", fmt.Sprint(seq), "^just now$", "Current"},
		{"node-2", "v2", fmt.Sprint(seq), "^[1-9][0-9]? s ago$", "Current"},
		{"node-3", "v2", fmt.Sprint(seq - 1), "^[345][0-9] s ago$", "Behind: may lack changes"},
		{"node-4", "v2", fmt.Sprint(seq - 2), "^3 minutes ago$", "Cut off: refuses everything"},
	} {
		got := a.events()[i]
		if cells := [5]string{got["Node"], got["Version"], got["Newest change"], want[3], got["State"]}; cells != want || !regexp.MustCompile(want[3]).MatchString(got["Last proof"]) {
			t.Errorf("the node is %q; want %q", got, want)
		}
	}
	if len(a.events()) != 4 {
		t.Errorf("%d nodes; want 4", len(a.events()))
	}
	if a.Find(part+"tbody .tag svg.icon").Length() != 4 || a.Find(part+"tbody td time[datetime][title]").Length() != 4 || a.Find(part+"tbody td:not([data-l])").Length() != 0 {
		t.Error("a state has no icon, a proof is no time, or a cell has no label")
	}
	again, _ := a.Find(part + `a:contains("Look again")`).Attr("href")
	if !strings.HasPrefix(again, pathSettings()+"?at=") || !strings.HasSuffix(again, "#nodes") {
		t.Errorf("to look again leads to %q", again)
	}
	b.get(again).is(http.StatusOK)

	c.beats("node-3", seq, 0)
	a = b.get(pathSettings())
	a.says(part, fmt.Sprintf("Change %d is confirmed on 4 of 4 nodes.", seq))
	if a.Find(part+".hint.success svg.icon").Length() != 1 || a.Find(part+".hint.warning").Length() != 0 {
		t.Error("a change that is confirmed everywhere has not the icon of one")
	}

	c.accepts = "pt-BR"
	portuguese := c.signIn("ana@acme.example").get(pathSettings())
	portuguese.says(part, fmt.Sprintf("A alteração %d está confirmada em 4 de 4 nós.", seq))
}

func TestOneEmbeddedDatabaseIsOneNode(t *testing.T) {
	if storetest.OnPostgres(t) {
		t.Skip("it is about SQLite; TestTheSettingsTellOfEveryNode is about PostgreSQL")
	}
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	a := b.get(pathSettings())
	a.says(`section[aria-labelledby="nodes"]`, "This installation runs on one node with an embedded database.")
	if a.Find(`section[aria-labelledby="nodes"] :is(table, a)`).Length() != 0 || strings.Contains(a.text("main"), "confirmed") {
		t.Error("one node is told of as one of several")
	}
	b.post(pathKeyDeactivate(id, ""), nil).is(http.StatusSeeOther)
	if a := b.get(pathKeyShow(id)); strings.Contains(a.text("main"), "onfirmed") || a.Find(`main a[href*="#nodes"]`).Length() != 0 {
		t.Error("the page of a key tells of nodes")
	}
}

func TestTheKeysPageSaysOnHowManyNodesItsChangeHolds(t *testing.T) {
	c := newClusterKit(t)
	b := c.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	says := func(want string) {
		t.Helper()
		page := b.get(pathKeyShow(id))
		line := page.Find(".head .hint")
		if got := page.text(".head .hint"); got != want || line.Length() > 1 {
			t.Errorf("the page says %q; want %q", got, want)
		}
		if want == "" {
			return
		}
		var known, all int
		_, err := fmt.Sscanf(want, "Confirmed on %d of %d", &known, &all)
		must(t, err)
		href, _ := line.Find("a").Attr("href")
		if href != pathNodes() || line.Find("svg.icon").Length() != 1 || line.Is(".success") != (known == all) || line.Is(".warning") == (known == all) {
			t.Errorf("%q leads to %q, with the classes %q", want, href, line.AttrOr("class", ""))
		}
	}
	says("")
	c.answers(c.newest())
	says("") // one node alone

	c.beats("node-2", c.newest(), 0)
	says("Confirmed on 2 of 2 nodes")
	b.post(pathKeyDeactivate(id, ""), nil).is(http.StatusSeeOther)
	change := c.newest()
	c.answers(change)
	c.beats("node-3", change-1, 30*time.Second)
	says("Confirmed on 1 of 3 nodes; not yet on node-2, node-3")
	b.generate("Another") // of which nobody has to know for this key
	c.beats("node-2", change, 0)
	says("Confirmed on 2 of 3 nodes; not yet on node-3")
	c.beats("node-3", change-1, 2*time.Minute)
	says("Confirmed on 3 of 3 nodes")

	c.clock.advance(justChanged)
	b = c.signIn("ana@acme.example")
	says("Confirmed on 3 of 3 nodes") // it is inactive
	b.post(pathKeyActivate(id, ""), nil).is(http.StatusSeeOther)
	for _, name := range []string{"node-2", "node-3", "node-4", "node-5"} {
		c.beats(name, change, 0)
	}
	says("Confirmed on 0 of 5 nodes")
	c.clock.advance(justChanged)
	b = c.signIn("ana@acme.example")
	says("")
}

func TestReadyzTellsOfNodesWithoutTheDatabase(t *testing.T) {
	c := newClusterKit(t)
	at := time.Date(2026, 9, 12, 10, 0, 0, 0, time.UTC)
	node := func(name string, applied int64, age time.Duration) keys.Node {
		return keys.Node{ID: name, Name: name, Version: "v2", Applied: applied, ProvedAt: at.Add(-age), MaxStaleness: time.Minute}
	}
	c.health = Health{
		Loaded: true, Current: true, Age: time.Second, MaxStaleness: time.Minute, Applied: keys.FeedMark{Seq: 7}, Node: "node-1", NodesAge: 1500 * time.Millisecond,
		Nodes: store.Nodes{At: at, Newest: 7, All: []keys.Node{node("node-1", 7, 300*time.Millisecond), node("node-2", 6, 20*time.Second), node("node-3", 5, time.Hour)}},
	}
	must(t, c.store.Close())
	a := c.browser().get("/readyz")
	a.is(http.StatusOK)
	var got struct {
		Bound string `json:"revocation_bound"`
		Node  string `json:"node"`
		Age   *int64 `json:"nodes_age_ms"`
		Nodes []struct {
			Name, Version, State string
			Applied              int64
			ProofAge             int64 `json:"proof_age_ms"`
		}
	}
	must(t, json.Unmarshal([]byte(a.body), &got))
	if got.Node != "node-1" || got.Age == nil || *got.Age != 1500 {
		t.Errorf("it says %s", a.body)
	}
	if want := "[{node-1 v2 current 7 300} {node-2 v2 behind 6 20000} {node-3 v2 cut off 5 3600000}]"; fmt.Sprint(got.Nodes) != want {
		t.Errorf("the nodes are %v; want %s", got.Nodes, want)
	}
	if !strings.Contains(got.Bound, "on every other node within 1s while the database is reachable") || !strings.Contains(got.Bound, "could not prove for 60s") {
		t.Errorf("the bound is %q", got.Bound)
	}
	c.health.Nodes, c.health.NodesAge = store.Nodes{}, 0
	if a := c.browser().get("/readyz"); strings.Contains(a.body, `"nodes`) {
		t.Errorf("before anybody has looked it says %s", a.body)
	}
}

// What the database lost and was told again is said as such, and stands among the alarms.
func TestALostRevocationIsAnAlarmInWords(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	other, _ := b.generate("Price feed")
	b.post(pathKeyDeactivate(other, ""), nil).is(http.StatusSeeOther)
	_, err := k.store.DeactivateLost(t.Context(), keys.LostRevocation{Key: id, Change: 4711})
	must(t, err)
	for language, want := range map[string]struct {
		alarm, advice, history, action string
		details                        []string
	}{
		"en": {
			"The database lost a revocation of this key in a failover; it was written down again, as a deactivation, on 12 Sep 2026, 10:00 UTC.",
			"Nobody gets in with the key.", "the database lost a revocation in a failover, and it was written down again",
			"Key deactivated: the database had lost a revocation",
			[]string{"ReasonLost in a failover and written down again", "Newest change before the loss4711"},
		},
		"pt-BR": {
			"O banco de dados perdeu uma revogação desta chave em um failover; ela foi registrada de novo, como inativação, em 12 de set. de 2026, 10:00 UTC.",
			"Ninguém entra com a chave.", "o banco de dados perdeu uma revogação em um failover, e ela foi registrada de novo",
			"Chave inativada: o banco de dados havia perdido uma revogação",
			[]string{"Perdida em um failover e registrada de novo", "Alteração mais nova antes da perda4711"},
		},
		"es": {
			"La base de datos perdió una revocación de esta clave en una conmutación por error; se registró de nuevo, como desactivación, el 12 sept. 2026, 10:00 UTC.",
			"Nadie entra con la clave.", "la base de datos perdió una revocación en una conmutación por error y se registró de nuevo",
			"Clave desactivada: la base de datos había perdido una revocación",
			[]string{"Perdida en una conmutación por error y registrada de nuevo", "Cambio más nuevo antes de la pérdida4711"},
		},
	} {
		k.accepts = language
		b := k.signIn("ana@acme.example")
		page := b.get(pathKeyShow(id))
		page.says("main .alert.danger", want.alarm)
		page.says("main .alert.danger", want.advice)
		page.says(`section[aria-labelledby="history"] li:first-child`, want.history)
		log := b.get(pathAudit())
		log.says(".alarms", "Order sync")
		log.says(".alarms", want.alarm)
		log.says(".alarms", want.advice)
		row := log.texts("table.log tbody tr:has(td:contains('" + want.action + "'))")
		if len(row) != 1 {
			t.Fatalf("%s: %q of the log say %q", language, row, want.action)
		}
		for _, part := range want.details {
			if !strings.Contains(row[0], part) {
				t.Errorf("%s: the row says %q; want %q", language, row[0], part)
			}
		}
		if foreign := b.get(pathKeyShow(other)); foreign.Find(".alert.danger").Length() != 0 || strings.Contains(foreign.text("main"), want.history) {
			t.Errorf("%s: a deactivation by hand is said to be lost", language)
		}
	}
}
