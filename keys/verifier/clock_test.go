package verifier

import (
	"net/http"
	"testing"
	"time"
)

func TestWhatAClockThatJumpsChangesAndWhatNot(t *testing.T) {
	f := newFront(t)
	f.settle(f.acme, 90, true)
	k, revoked := f.key(f.acme, "orders-viewer"), f.key(f.acme, "orders-viewer")
	old := f.key(f.acme, "orders-viewer")
	d := f.guard(HandlerOptions{})
	for _, jump := range []time.Duration{-25 * time.Hour, 25 * time.Hour, -10 * 365 * 24 * time.Hour} {
		f.advance(jump)
		d.verify(k.pair()).want(http.StatusNoContent) // nothing unexpired dies
		f.advance(-jump)
	}
	f.advance(10 * 365 * 24 * time.Hour)
	d.verify(k.pair()).wantProblem(wantExpired)
	f.activate(f.acme, revoked, false)
	renewed := f.renew(f.acme, old)
	f.complete(f.acme, renewed, false)
	f.advance(-10 * 365 * 24 * time.Hour)
	d.verify(k.pair()).want(http.StatusNoContent) // only the jump had expired it
	d.verify(revoked.pair()).wantProblem(wantInactive)
	d.verify(renewed.pair()).want(http.StatusNoContent)
	if got := d.verify(old.pair()); got.status != http.StatusUnauthorized {
		t.Errorf("what was replaced answers %d", got.status)
	}
}
