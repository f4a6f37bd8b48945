package store_test

import (
	"fmt"
	"testing"

	"latchkey/keys"
	"latchkey/store/storetest"
)

// Changes that wait for each other take every connection there is for them. A node must hear of revocations, and
// be heard of, all the same.
func TestChangesThatWaitDoNotHoldUpTheFeed(t *testing.T) {
	database := storetest.MigratedPostgres(t)
	s, raw := openNode(t, database, "a"), storetest.OpenRaw(t, database)
	mark := addedAccount(t, s, "acme")
	holder, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), `UPDATE head SET number = number`); err != nil {
		t.Fatal(err)
	}
	changed := make(chan error, 12)
	for i := range cap(changed) {
		go func() { changed <- addAccount(t.Context(), s, fmt.Sprint("globex", i)) }()
	}
	until(t, "the changes have all connections", func() bool { return waiting(raw) == 10 })
	if changes, err := s.FollowFeed(t.Context(), mark); err != nil || changes.Mark != mark {
		t.Errorf("the feed shows %+v, %v; want %+v", changes, err, mark)
	}
	if beat, err := s.Beat(t.Context(), keys.Heartbeat{Applied: mark}); err != nil || beat.Number != 1 {
		t.Errorf("the heartbeat is %+v, %v; want the first", beat, err)
	}
	if got := waiting(raw); got != 10 {
		t.Errorf("%d changes wait in the server; want 10", got)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range cap(changed) {
		if err := <-changed; err != nil {
			t.Error(err)
		}
	}
}
