package store_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/store/storetest"
)

// breakage is a way to break the frame of transactions so that nobody notices who does one thing after the
// other, and the cases that must notice it.
type breakage struct {
	name  string
	edits []edit
	// cases are of the groups that their names begin with; says is what the failure of one of them says.
	cases []string
	says  string
}

// edit replaces a text that a file holds once.
type edit struct{ file, old, broken string }

var breakages = []breakage{
	{
		name: "a sequence gives the positions",
		edits: []edit{
			{"migrations/00001_first.sql", "CREATE TABLE head (", "CREATE SEQUENCE position INCREMENT BY 100;\n\nCREATE TABLE head ("},
			{
				"audit.go", "`UPDATE head SET seq = seq + $1 WHERE id = 1 RETURNING seq, chain`, len(t.events))",
				"`SELECT nextval('position'), chain FROM head WHERE id = 1`)",
			},
		},
		cases: []string{"feed/a reader that pages by its number while 8 writers work misses nothing"},
		says:  "the reader saw",
	},
	{
		name: "a key is read before it is locked",
		edits: []edit{{"key.go", `	k, err := scanKey(t.row(ctx, ` + "`" + `
		UPDATE api_key SET version = version + 1
		WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL
		RETURNING ` + "`" + `+keyColumns, t.by.AccountID, string(id)))
	if err != nil {
		return keyRow{}, orNotFound(err, keys.ReasonKeyNotFound)
	}
	return k, t.completeKey(ctx, &k)
`, `	k, err := t.keyOfID(ctx, t.by.AccountID, id)
	if err != nil {
		return keyRow{}, err
	}
	if err := t.completeKey(ctx, &k); err != nil {
		return keyRow{}, err
	}
	k.Version++
	_, err = t.exec(ctx, "UPDATE api_key SET version = version + 1 WHERE id = $1", k.id)
	return k, err
`}},
		cases: []string{
			"race/an undo, the end of the old token, both completions and a deactivation leave a state of the table",
			"race/no token lives on when the key is deleted while its renewal ends or begins",
			"race/of 20 undos of one renewal one wins",
		},
		says: "of them live",
	},
	{
		name: "an account is read and not locked",
		edits: []edit{{
			"account.go", "UPDATE account SET version = version + 1 WHERE id = $1 RETURNING `+accountColumns,",
			"SELECT `+accountColumns+` FROM account WHERE id = $1`,",
		}},
		cases: []string{
			"race/20 submits of one form make one key",
			"race/of 20 changes of the settings of one version one wins",
			"role/20 new ones whose names are written alike have 20 slugs",
		},
		says: "won",
	},
}

// A conformance suite can only be believed if it sees the mistakes that the rules of change.go are there for.
// They show on PostgreSQL alone: SQLite has one writer at a time.
func TestConformanceSeesABrokenFrame(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it builds the store three times")
	}
	storetest.Postgres(t) // which there must be
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			report := b.run(t)
			for _, c := range b.cases {
				if !strings.Contains(report, "--- FAIL: TestPostgres/"+strings.ReplaceAll(c, " ", "_")+" (") {
					t.Errorf("%q does not see it:\n%s", c, report)
				}
			}
			if !strings.Contains(report, b.says) {
				t.Errorf("nothing says %q:\n%s", b.says, report)
			}
			if !t.Failed() {
				t.Logf("note: seen by: %s", strings.Join(b.cases, "; "))
			}
		})
	}
}

// run runs the cases twice with the broken store, as a test of its own, and returns what it says.
func (b breakage) run(t *testing.T) string {
	t.Helper()
	var groups, names []string
	for _, c := range b.cases {
		group, name, _ := strings.Cut(c, "/")
		groups, names = append(groups, group), append(names, regexp.QuoteMeta(strings.ReplaceAll(name, " ", "_")))
	}
	run := "^TestPostgres$/^(" + strings.Join(groups, "|") + ")$/^(" + strings.Join(names, "|") + ")$"
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", b.overlay(t), "-count=2", "-timeout=5m", "-run", run, ".")
	report, err := command.CombinedOutput()
	if err == nil {
		t.Fatalf("with the broken store the tests pass:\n%s", report)
	}
	return string(report)
}

// overlay makes the broken files and the list of what they stand for.
func (b breakage) overlay(t *testing.T) (path string) {
	t.Helper()
	folder, replaced := t.TempDir(), map[string]string{}
	for _, e := range b.edits {
		text := string(read(t, e.file))
		if strings.Count(text, e.old) != 1 {
			t.Fatalf("%s does not hold once what is to be broken:\n%s", e.file, e.old)
		}
		source, err := filepath.Abs(e.file)
		if err != nil {
			t.Fatal(err)
		}
		replaced[source] = filepath.Join(folder, filepath.Base(e.file))
		write(t, replaced[source], []byte(strings.Replace(text, e.old, e.broken, 1)))
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(folder, "overlay.json")
	write(t, path, list)
	return path
}
