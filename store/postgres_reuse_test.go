package store_test

import (
	"fmt"
	"testing"

	"latchkey/store/storetest"
)

// When the host of the database is lost without a word, the idle connections to it look as good as ever. Nobody
// may wait for each of them until the own deadline is over.
func TestConnectionsToALostHostAreDroppedSoon(t *testing.T) {
	database := storetest.MigratedPostgres(t)
	wire := storetest.NewWire(t, database)
	s, raw := openNode(t, wire.URL(), "a"), storetest.OpenRaw(t, database)
	holder, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), `UPDATE head SET number = number`); err != nil {
		t.Fatal(err)
	}
	changed := make(chan error, 10)
	for i := range cap(changed) {
		go func() { changed <- addAccount(t.Context(), s, fmt.Sprint("acme", i)) }()
	}
	until(t, "there are many connections", func() bool { return waiting(raw) == cap(changed) })
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range cap(changed) {
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
	}
	wire.Swallow()
	failed := 0
	until(t, "it reads again", func() bool {
		_, err := s.Accounts(t.Context())
		if err != nil {
			failed++
		}
		return err == nil
	})
	// One that was used a moment ago is used without a question: at most that of the opening.
	if failed > 1 {
		t.Errorf("%d reads failed until one came through; want 1 at most", failed)
	}
}
