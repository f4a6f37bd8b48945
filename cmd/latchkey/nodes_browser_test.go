package main

import (
	"fmt"
	"testing"

	"latchkey/store/storetest"
)

// The part about nodes, and the line on a key's page, with a node in each state.
func TestB38B39TheNodesAreShownOnEveryScreen(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: a browser")
	}
	cluster := storetest.NewCluster(t)
	all := newDatabase(t, cluster.URL("postgres"), 1)
	n := startNode(t, cluster.URL("postgres"), "node-1")
	// What lies in the future stays current for as long as the test takes.
	for name, ahead := range map[string]string{"node-2": "600", "node-3-of-the-warehouse-in-the-north.example.com": "-30", "node-4": "-300"} {
		cluster.Exec("postgres", fmt.Sprintf(`
			INSERT INTO node (id, name, version, beat, beat_at, applied, applied_event, proved_at, max_staleness)
			SELECT '%[1]s', '%[1]s', 'v1.4.2-17-gabcdef0', 1, now + 600000000, newest.seq, newest.event_id, now + %[2]s * 1000000, 120000000
			FROM (SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now) AS clock,
				(SELECT seq, event_id FROM change_log ORDER BY seq DESC LIMIT 1) AS newest`, name, ahead))
	}
	w := &walk{tab: newTab(t, n.url)}
	w.open("/login")
	w.signIn("ana@acme.example", goodPassword)
	w.page("the settings of an installation with nodes", "/account/api-keys/settings")
	w.says("main", "is confirmed on 4 of 4 nodes.")
	w.leads(func() { w.choose("main", "Look again") })
	w.says("#nodes", "Nodes")
	w.page("a key that was just made", pathList+"/"+string(all[0].id))
	w.leads(func() { w.choose("main", "Confirmed on 4 of 4 nodes") })
	w.says("h1", "API Keys")
}
