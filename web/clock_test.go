package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAClockThatWentBackIsToldUntilItHasCaughtUp(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	healthy := func(want bool) {
		t.Helper()
		a := b.get("/healthz")
		a.is(http.StatusOK)
		if told := strings.Contains(a.body, "the clock is behind a time that it showed before"); told == want {
			t.Errorf("/healthz says %s", a.body)
		}
	}
	healthy(true)
	k.clock.advance(-time.Second)
	healthy(true)
	k.clock.advance(-25 * time.Hour)
	healthy(false)
	b.get(pathKeys()).is(http.StatusOK) // the session does not die of it
	k.clock.advance(24 * time.Hour)
	healthy(false)
	k.clock.advance(2 * time.Hour)
	healthy(true)
	if n := strings.Count(k.log.String(), "clock.backwards"); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
}

func TestSessionsThatAForwardJumpEndedStayEnded(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, _ := b.generate("Order sync")
	k.clock.advance(10 * 365 * 24 * time.Hour)
	b.get(pathKeys()).is(http.StatusSeeOther)
	k.clock.advance(-10 * 365 * 24 * time.Hour)
	b.get(pathKeys()).is(http.StatusSeeOther)
	k.signIn("ana@acme.example").get(pathKeyShow(id)).is(http.StatusOK)
}
