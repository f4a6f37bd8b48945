package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// backedUp makes a backup of a folder and returns its path.
func backedUp(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	cli(t, "", "backup", path, "--data", folder).ok(t)
	return path
}

// exported exports the audit log of a folder and returns the path.
func exported(t *testing.T, folder string, more ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	cli(t, "", append([]string{"audit", "export", path, "--data", folder}, more...)...).ok(t)
	return path
}

// restored restores a backup with an export of the audit log, and returns the new folder and what was said.
func restored(t *testing.T, backup, export string) (folder, said string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "restored")
	return folder, cli(t, "", "restore", backup, "--audit", export, "--data", folder).ok(t).stdout
}

// restoredForReview restores a backup without an export.
func restoredForReview(t *testing.T, backup string) (folder string, r result) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "restored")
	return folder, cli(t, "", "restore", backup, "--data", folder)
}

func TestABackupIsOneCheckedFileThatItsDigestAndItsHeadIdentify(t *testing.T) {
	folder, _ := guarded(t, 2)
	path := filepath.Join(t.TempDir(), "backup.db")
	said := cli(t, "", "backup", path, "--data", folder).ok(t).stdout
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("its mode is %v, %v", info.Mode(), err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db := rawDB(t, folder)
	var head string
	if err := db.QueryRowContext(t.Context(), `SELECT seq || ':' || hash FROM audit WHERE seq = (SELECT MAX(seq) - 1 FROM audit)`).Scan(&head); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{hex.EncodeToString(secret.Sum(content).Bytes()), fmt.Sprint(len(content)), head} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %s: %s", want, said)
		}
	}
	if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(names) != 1 {
		t.Errorf("it leaves %q, %v", names, err)
	}
	if n := number(t, db, `SELECT COUNT(*) FROM audit WHERE action = 'backup.made' AND actor = 'latchkey backup' AND object = 'backup.db'`); n != 1 {
		t.Errorf("the audit log has %d events of it", n)
	}
	before := contents(t, filepath.Dir(path))
	cli(t, "", "backup", path, "--data", folder).refused(t, "exists already", "left as it is")
	if after := contents(t, filepath.Dir(path)); after["backup.db"] != before["backup.db"] || len(after) != len(before) {
		t.Error("a second backup changed the first")
	}
}

func TestNeitherABackupNorAnExportHoldsASecret(t *testing.T) {
	folder, all := guarded(t, 5)
	for _, path := range []string{backedUp(t, folder), exported(t, folder)} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if secretShape.Match(content) {
			t.Errorf("%s holds something of the shape of a secret", path)
		}
		for _, k := range all {
			if !strings.Contains(string(content), string(k.id)) {
				t.Errorf("%s does not hold %s", path, k.id)
			}
			if strings.Contains(string(content), hex.EncodeToString([]byte(k.token))) {
				t.Errorf("%s holds a token in hex", path)
			}
		}
	}
}

func TestAnExportHasEveryEventWholeAndInOrder(t *testing.T) {
	folder, _ := guarded(t, 3)
	lines := func(path string) (all []store.ExportedEvent) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			var e store.ExportedEvent
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		return all
	}
	db := rawDB(t, folder)
	all := lines(exported(t, folder))
	if n := number(t, db, `SELECT COUNT(*) FROM audit`); int64(len(all)) != n || n < 7 {
		t.Fatalf("it has %d events of %d", len(all), n)
	}
	for i, e := range all {
		if e.Seq != int64(i+1) || e.Hash == "" || i > 0 && e.Prev != all[i-1].Hash {
			t.Errorf("line %d is %+v", i+1, e)
		}
	}
	if later := lines(exported(t, folder, "--after", "3")); !slices.Equal(later, all[3:]) {
		t.Errorf("after 3 there are %d", len(later))
	}
	said := cli(t, "", "audit", "export", "-", "--data", folder).ok(t).stdout
	if strings.Count(said, "\n") != len(all) {
		t.Errorf("standard output has %d lines", strings.Count(said, "\n"))
	}
}

func TestWithTheAuditLogWhatWasRevokedAfterTheBackupStaysRevoked(t *testing.T) {
	folder, all := guarded(t, 9)
	var renewed issued
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		made, err := s.RenewKey(t.Context(), by, all[5].id, secret.NewNonce())
		if err != nil {
			t.Fatal(err)
		}
		renewed = issued{all[5].id, made.Renewal, made.Token.Reveal()}
	})
	backup := backedUp(t, folder)
	var lost issued
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := s.DeactivateKey(t.Context(), by, all[0].id)
		must(err)
		_, err = s.DeleteKey(t.Context(), by, all[1].id)
		must(err)
		_, _, err = s.DeactivateKey(t.Context(), by, all[2].id)
		must(err)
		_, _, err = s.ActivateKey(t.Context(), by, all[2].id)
		must(err)
		key, err := s.Key(t.Context(), by, all[3].id)
		must(err)
		_, _, err = s.EditKey(t.Context(), by, store.EditKey{ID: key.ID, Version: key.Version, Name: key.Name, Active: true, Roles: []string{"catalog-viewer"}})
		must(err)
		// A renewal after the backup, completed: the old token is gone, and the new one is in no backup.
		made, err := s.RenewKey(t.Context(), by, all[4].id, secret.NewNonce())
		must(err)
		_, err = s.CompleteRenewal(t.Context(), by, all[4].id, made.Renewal, false)
		must(err)
		// A renewal that was open in the backup, and that was undone.
		_, err = s.UndoRenewal(t.Context(), by, all[5].id)
		must(err)
		lost = issue(t, s, by, 1)[0]
	})
	cli(t, goodPassword+" again\n", "user", "reset", "ana@acme.example", "--password-file", "-", "--data", folder).ok(t)
	export := exported(t, folder)
	fresh, said := restored(t, backup, export)
	for _, words := range []string{
		"applied again: key.deactivated " + string(all[0].id), "applied again: key.deleted " + string(all[1].id),
		"applied again: key.edited " + string(all[3].id), "not in the backup: " + string(lost.id), "ana@acme.example",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q: %s", words, said)
		}
	}
	if strings.Contains(said, string(all[2].id)) {
		t.Errorf("it speaks of a key that was activated again: %s", said)
	}
	cli(t, "", "audit", "verify", "--data", fresh).ok(t)
	db := rawDB(t, fresh)
	exportedLines, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, `SELECT COUNT(*) FROM audit`); n != int64(strings.Count(string(exportedLines), "\n"))+1 {
		t.Errorf("the audit log has %d rows; want those of the export and one", n)
	}
	if n := number(t, db, `SELECT COUNT(*) FROM session`); n != 0 {
		t.Errorf("%d sessions live on", n)
	}
	if n := number(t, db, `SELECT key_count FROM account`); n != 8 {
		t.Errorf("the account counts %d keys", n)
	}
	s := serveFolder(t, fresh)
	c := newCaller(t, s.url)
	for name, row := range map[string]struct {
		key    issued
		status int
		says   string
	}{
		"deactivated":                  {all[0], 401, `error_description="inactive"`},
		"deleted":                      {all[1], 401, `error="invalid_token"`},
		"activated again":              {all[2], 204, ""},
		"role taken away":              {all[3], 403, `scope="orders.read"`},
		"old token of a renewal":       {all[4], 401, `error_description="rotated"`},
		"token of an undone renewal":   {renewed, 401, `error_description="rotated"`},
		"its old token":                {all[5], 204, ""},
		"untouched":                    {all[6], 204, ""},
		"generated after the backup":   {lost, 401, `error="invalid_token"`},
		"another that was not touched": {all[8], 204, ""},
	} {
		got := c.get("/v1/verify?resource=orders.read", row.key.pair())
		if got.status != row.status || !strings.Contains(got.header.Get("WWW-Authenticate"), row.says) {
			t.Errorf("%s: %d %s; want %d %s", name, got.status, got.header.Get("WWW-Authenticate"), row.status, row.says)
		}
	}
	b := newBrowser(t, s.url)
	for _, password := range []string{goodPassword, goodPassword + " again", "!"} {
		if got := b.post("/login", map[string][]string{"email": {"ana@acme.example"}, "password": {password}}); got.status != http.StatusUnprocessableEntity {
			t.Errorf("a password from before the restore answers %d", got.status)
		}
	}
	cli(t, goodPassword+"\n", "user", "reset", "ana@acme.example", "--password-file", "-", "--data", fresh).ok(t)
	newBrowser(t, s.url).signIn("ana@acme.example", goodPassword)
	inStore(t, fresh, func(s *store.Store, by keys.Actor) {
		if made := issue(t, s, by, 1)[0]; made.number <= lost.number {
			t.Errorf("the token number %d comes again", made.number)
		}
	})
}

func TestWithoutTheAuditLogEveryActiveKeyWaitsForAReview(t *testing.T) {
	folder, all := guarded(t, 3)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, all[2].id); err != nil {
			t.Fatal(err)
		}
	})
	backup := backedUp(t, folder)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, all[0].id); err != nil {
			t.Fatal(err)
		}
	})
	fresh, r := restoredForReview(t, backup)
	if r.code != exitReview || !strings.Contains(r.stderr, "review required") || !strings.Contains(r.stderr, "acme") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("it ended with %d and %q", r.code, r.stderr)
	}
	for _, k := range all[:2] {
		if !strings.Contains(r.stdout, string(k.id)) {
			t.Errorf("it does not list %s: %s", k.id, r.stdout)
		}
	}
	if strings.Contains(r.stdout, string(all[2].id)) {
		t.Errorf("it lists a key that was inactive: %s", r.stdout)
	}
	cli(t, "", "audit", "verify", "--data", fresh).ok(t)
	s := serveFolder(t, fresh)
	c := newCaller(t, s.url)
	for _, k := range all[:2] {
		if got := c.get("/v1/verify", k.pair()); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("a key that nobody can know about answers %d", got.status)
		}
	}
	c.get("/v1/verify", all[2].pair()).is(t, http.StatusUnauthorized)
	c.get("/v1/verify", issued{id: all[0].id, token: secret.New(secret.KindToken).Reveal()}.pair()).is(t, http.StatusUnauthorized)
	if health := c.get("/healthz", nil); !strings.Contains(health.body, "1 restored accounts wait for a review") {
		t.Errorf("/healthz says %s", health.body)
	}
	inStore(t, fresh, func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, all[0].id); err != nil {
			t.Fatal(err)
		}
	})
	cli(t, "", "account", "confirm", "acme", "--data", fresh).ok(t)
	eventually(t, "the confirmed key comes in", func() bool { return c.get("/v1/verify", all[1].pair()).status == http.StatusNoContent })
	c.get("/v1/verify", all[0].pair()).is(t, http.StatusUnauthorized)
	if health := c.get("/healthz", nil); strings.Contains(health.body, "review") {
		t.Errorf("/healthz says %s", health.body)
	}
	cli(t, "", "account", "confirm", "acme", "--data", fresh).refused(t, "do not wait for a review")
	cli(t, "", "account", "confirm", "globex", "--data", fresh).refused(t, "no such account")
	cli(t, "", "audit", "verify", "--data", fresh).ok(t)
}

func TestARestoreRefusesWhatItMustNotTouch(t *testing.T) {
	folder, _ := guarded(t, 1)
	backup := backedUp(t, folder)
	live, _ := guarded(t, 1)
	s := serveFolder(t, live)
	put := func(name, content string) func(folder string) {
		return func(folder string) { write(t, filepath.Join(folder, name), content) }
	}
	for name, row := range map[string]struct {
		prepare func(folder string)
		words   string
	}{
		"other files":          {put("notes.txt", "x"), "holds other files"},
		"a leftover wal":       {put("latchkey.db-wal", "x"), "leftover latchkey.db-wal"},
		"a leftover shm":       {put("latchkey.db-shm", "x"), "leftover latchkey.db-shm"},
		"a leftover journal":   {put("latchkey.db-journal", "x"), "leftover latchkey.db-journal"},
		"a database":           {put("latchkey.db", "x"), "holds a Latchkey already"},
		"a marker alone":       {put("instance", "x"), "is gone"},
		"a lost+found is fine": {nil, ""},
	} {
		target := t.TempDir()
		if row.prepare == nil {
			if err := os.Mkdir(filepath.Join(target, "lost+found"), 0o700); err != nil {
				t.Fatal(err)
			}
			if r := cli(t, "", "restore", backup, "--data", target); r.code != exitReview {
				t.Errorf("%s: %d %s", name, r.code, r.stderr)
			}
			continue
		}
		row.prepare(target)
		before := contents(t, target)
		cli(t, "", "restore", backup, "--data", target).refused(t, row.words)
		if after := contents(t, target); !mapsEqual(before, after) {
			t.Errorf("%s: the folder was changed: %v", name, after)
		}
	}
	before := contents(t, live)
	cli(t, "", "restore", backup, "--data", live).refused(t, "holds a Latchkey already")
	if after := contents(t, live); after[databaseFile] != before[databaseFile] {
		t.Error("a live folder was changed")
	}
	cli(t, "", "restore", filepath.Join(live, databaseFile), "--data", filepath.Join(t.TempDir(), "x")).refused(t, "in use and no backup")
	s.stop()
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, content := range a {
		if other, ok := b[name]; !ok || other != content {
			return false
		}
	}
	return true
}

func TestARestoreRefusesWhatIsNoBackup(t *testing.T) {
	folder, _ := guarded(t, 1)
	content, err := os.ReadFile(backedUp(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	newer := backedUp(t, folder)
	sqlExec(t, rawFile(t, newer), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
	garbage := slices.Clone(content)
	copy(garbage[8192:], strings.Repeat("garbage!", 1024))
	for name, row := range map[string]struct {
		content []byte
		words   string
	}{
		"empty":        {nil, "is empty"},
		"text":         {[]byte("a backup of our keys\n"), "is not a database"},
		"cut":          {content[:len(content)/2+100], "damaged"},
		"garbage":      {garbage, "damaged"},
		"zero header":  {append(make([]byte, 100), content[100:]...), "is not a database"},
		"newer":        {readAll(t, newer), "start a newer version"},
		"another file": {foreignDatabase(t), "is not a Latchkey database"},
	} {
		path := filepath.Join(t.TempDir(), "backup.db")
		write(t, path, string(row.content))
		target := filepath.Join(t.TempDir(), "target")
		cli(t, "", "restore", path, "--data", target).refused(t, row.words)
		if string(readAll(t, path)) != string(row.content) {
			t.Errorf("%s: the file was changed", name)
		}
		if left := contents(t, target); left[databaseFile] != "" || len(left) > 2 { // the folder and its lock
			t.Errorf("%s: it leaves %v", name, left)
		}
	}
	cli(t, "", "restore", filepath.Join(t.TempDir(), "none"), "--data", filepath.Join(t.TempDir(), "x")).refused(t, "cannot be read")
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func foreignDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	sqlExec(t, rawFile(t, path), `CREATE TABLE notes (text TEXT)`)
	return readAll(t, path)
}

func TestARestoreRefusesAnExportThatIsNotTheBackups(t *testing.T) {
	folder, all := guarded(t, 3)
	early := exported(t, folder)
	backup := backedUp(t, folder)
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		if _, _, err := s.DeactivateKey(t.Context(), by, all[0].id); err != nil {
			t.Fatal(err)
		}
	})
	lines := slices.Collect(strings.Lines(string(readAll(t, exported(t, folder)))))
	other, _ := guarded(t, 6)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		write(t, path, text)
		return path
	}
	last := len(lines) - 1
	forged := slices.Clone(lines)
	forged[last] = strings.Replace(forged[last], "key.deactivated", "key.activated", 1)
	for name, row := range map[string]struct{ path, words string }{
		"of another installation":       {exported(t, other), "does not go on where the backup's audit log ends"},
		"made before the backup":        {early, "the export ends with row"},
		"empty":                         {file(""), "is empty"},
		"no JSON":                       {file("seq,id\n"), "line 1 of"},
		"cut in the middle of a line":   {file(strings.Join(lines, "")[:len(strings.Join(lines, ""))-20]), fmt.Sprintf("line %d of", len(lines))},
		"an event changed":              {file(strings.Join(forged, "")), fmt.Sprintf("row %d was changed: action", len(lines))},
		"an event left out":             {file(strings.Join(slices.Delete(slices.Clone(lines), last-1, last), "")), "is missing"},
		"two swapped":                   {file(strings.Join(lines[:last-1], "") + lines[last] + lines[last-1]), "damaged"},
		"begins after the backup's end": {file(lines[last]), "does not go on where the backup's audit log ends"},
		"not there":                     {filepath.Join(t.TempDir(), "none"), "cannot read the export"},
	} {
		target := filepath.Join(t.TempDir(), "target")
		cli(t, "", "restore", backup, "--audit", row.path, "--data", target).refused(t, row.words)
		if left := contents(t, target); left[databaseFile] != "" || len(left) > 2 {
			t.Errorf("%s: it leaves %v", name, left)
		}
	}
	// An export that goes on right after the backup is enough.
	made := number(t, rawFile(t, backup), `SELECT MAX(seq) FROM audit`)
	restored(t, backup, exported(t, folder, "--after", fmt.Sprint(made)))
}

// TestABackupDuringWritesIsOneMoment makes backups while a process changes keys as fast as it can. What it was
// told before a backup began is in it, and nothing in it is half done.
func TestABackupDuringWritesIsOneMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: some thousand changes")
	}
	folder, _ := guarded(t, 0)
	var mu sync.Mutex
	var made []keys.KeyID // in the order of their acknowledgements
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	var changes atomic.Int64
	begin := time.Now()
	writers.Go(func() {
		inStore(t, folder, func(s *store.Store, by keys.Actor) {
			for ctx.Err() == nil {
				k, err := s.GenerateKey(ctx, by, store.NewKey{Name: "Order sync", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce()})
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				made = append(made, k.Key.ID)
				mu.Unlock()
				changes.Add(1)
			}
		})
	})
	acknowledged := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(made)
	}
	type taken struct {
		path          string
		before, after int
	}
	var backups []taken
	for range 5 {
		n := acknowledged()
		eventually(t, "there are more keys", func() bool { return acknowledged() >= n+50 })
		b := taken{path: filepath.Join(t.TempDir(), "backup.db"), before: acknowledged()}
		// A process of its own: one file must not be open twice in one.
		out, err := exec.CommandContext(t.Context(), binary(t), "backup", b.path, "--data", folder).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b.after = acknowledged() + 1 // one that was not acknowledged yet can be in it
		backups = append(backups, b)
	}
	stop()
	writers.Wait()
	rate := float64(changes.Load()) / time.Since(begin).Seconds()
	t.Logf("note: %d backups during %d changes, %.0f a second", len(backups), changes.Load(), rate)
	for _, b := range backups {
		fresh, r := restoredForReview(t, b.path)
		if r.code != exitReview {
			t.Fatalf("%d %s", r.code, r.stderr)
		}
		cli(t, "", "audit", "verify", "--data", fresh).ok(t)
		db := rawDB(t, fresh)
		n := int(number(t, db, `SELECT COUNT(*) FROM api_key`))
		if n < b.before || n > b.after {
			t.Errorf("%d keys were acknowledged before a backup began and %d when it had ended; it has %d", b.before, b.after, n)
		}
		for _, id := range made[:b.before] {
			if number(t, db, `SELECT COUNT(*) FROM api_key JOIN api_token ON api_token.key_id = api_key.id WHERE app_key = $1`, string(id)) != 1 {
				t.Errorf("%s is not in it", id)
			}
		}
		for query, want := range map[string]int{
			`SELECT key_count FROM account`: n, `SELECT COUNT(*) FROM api_token`: n, `SELECT COUNT(*) FROM form_nonce`: n,
			`SELECT COUNT(*) FROM audit WHERE action = 'key.generated'`: n, `SELECT COUNT(*) FROM audit WHERE action = 'token.minted'`: n,
			`SELECT COUNT(*) FROM change_log WHERE object_kind = 'key'`: n,
		} {
			if got := int(number(t, db, query)); got != want {
				t.Errorf("%s: %d; want %d", query, got, want)
			}
		}
	}
}

// A restore or a backup that is killed leaves nothing, or all of it.
func TestAKilledBackupOrRestoreLeavesNothingHalf(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: forty processes")
	}
	folder, _ := guarded(t, 20)
	backup := backedUp(t, folder)
	finished, killed := 0, 0
	for i := range 40 {
		target := filepath.Join(t.TempDir(), "target")
		file := filepath.Join(t.TempDir(), "backup.db")
		args := []string{"restore", backup, "--data", target}
		if i%2 == 1 {
			args = []string{"backup", file, "--data", folder}
		}
		p := start(t, args...)
		select { // the moment of the kill is what is tried
		case <-p.ended:
		case <-time.After(time.Duration(i) * 2 * time.Millisecond):
		}
		_ = p.cmd.Process.Kill()
		<-p.ended
		if i%2 == 1 {
			if _, err := os.Stat(file); err != nil {
				killed++
				continue
			}
			finished++
			if r := cli(t, "", "restore", file, "--data", target); r.code != exitReview {
				t.Errorf("a backup that has its name cannot be restored: %s", r.stderr)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(target, databaseFile)); err != nil {
			killed++
			if r := cli(t, "", "restore", backup, "--data", target); r.code != exitReview {
				t.Errorf("a killed restore is in the way of the next: %s", r.stderr)
			}
		} else {
			finished++
		}
		cli(t, "", "audit", "verify", "--data", target).ok(t)
	}
	t.Logf("note: backups and restores killed: %d before they had their name, %d after", killed, finished)
	if killed == 0 || finished == 0 {
		t.Errorf("%d were killed in time and %d too late", killed, finished)
	}
}
