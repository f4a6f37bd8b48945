package verifier

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// These are the cases of bad input to a verification, by their numbers in the security specification.

// badInput is a door and a live key of the guarded account.
func badInput(t *testing.T) (door, held) {
	t.Helper()
	f := newFront(t)
	return f.guard(HandlerOptions{IdentityHeaders: true, RefusalsPerMinute: DefaultRefusalsPerMinute}), f.key(f.acme, "orders-viewer")
}

func TestBadInput01NoCredentials(t *testing.T) {
	d, _ := badInput(t)
	got := d.verify(nil).wantProblem(wantMissing)
	if strings.Contains(got.header.Get("WWW-Authenticate"), "error") {
		t.Error("it speaks of an error")
	}
}

func TestBadInput02ATokenThatWasNeverIssued(t *testing.T) {
	d, k := badInput(t)
	d.verify(pair(k.id, secret.New(secret.KindToken).Reveal())).wantProblem(wantUnknown)
}

func TestBadInput03OneCharacterChanged(t *testing.T) {
	d, k := badInput(t)
	want := d.verify(pair(k.id, secret.New(secret.KindToken).Reveal())).withoutID()
	before := d.store.Queries()
	for at := range len(k.token) {
		changed := []byte(k.token)
		if changed[at]++; changed[at] == ',' || changed[at] == 0x7f {
			changed[at]++
		}
		for _, header := range []http.Header{pair(k.id, string(changed)), {"Authorization": {"Bearer " + string(changed)}}} {
			got := d.verify(header)
			if at < len("lkt_") && header["Authorization"] != nil {
				got.wantProblem(wantMissing)
			} else if got.withoutID() != want {
				t.Errorf("character %d: %s", at, got.withoutID())
			}
		}
	}
	if after := d.store.Queries(); after != before {
		t.Errorf("the database was asked %d times", after-before)
	}
}

func TestBadInput04AnotherAccountsKey(t *testing.T) {
	d, k := badInput(t)
	foreign := d.key(d.globex, "orders-viewer")
	want := d.verify(pair(k.id, secret.New(secret.KindToken).Reveal())).withoutID()
	for _, header := range []http.Header{pair(foreign.id, k.token), pair(k.id, foreign.token)} {
		if got := d.verify(header).wantProblem(wantUnknown).withoutID(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, number := range []int64{k.renewal, foreign.renewal} {
		if used := d.used(number); !used.Last.Never() || used.Accepted != 0 {
			t.Errorf("it counts as a use: %+v", used)
		}
	}
	d.verify(k.pair()).want(http.StatusNoContent)
	if used := d.used(k.renewal); used.Last.IP != "127.0.0.1" || used.Accepted != 1 {
		t.Errorf("a right use is counted as %+v", used)
	}
}

func TestBadInput05HalfAPair(t *testing.T) {
	d, k := badInput(t)
	d.verify(http.Header{keys.DefaultKeyHeader: {k.id}}).wantProblem(wantMalformed)
	d.verify(http.Header{keys.DefaultTokenHeader: {k.token}}).wantProblem(wantMalformed)
	d.verify(pair(k.id, "")).wantProblem(wantMalformed)
	d.verify(pair("", k.token)).wantProblem(wantMalformed)
}

func TestBadInput06TwoTokens(t *testing.T) {
	d, k := badInput(t)
	for _, tokens := range [][]string{{k.token, someToken}, {someToken, k.token}, {k.token, k.token}, {k.token, ""}, {"", k.token}} {
		d.verify(http.Header{keys.DefaultKeyHeader: {k.id}, keys.DefaultTokenHeader: tokens}).wantProblem(wantMalformed)
	}
	// The same header in two spellings is two values of one header, too.
	d.verify(with(k.pair(), http.Header{strings.ToLower(keys.DefaultTokenHeader): {k.token}})).wantProblem(wantMalformed)
}

func TestBadInput07PairAndBearer(t *testing.T) {
	d, k := badInput(t)
	d.verify(with(k.pair(), k.bearer())).wantProblem(wantMalformed)
	d.verify(with(k.pair(), http.Header{"Authorization": {"Basic YTpi", "bearer " + k.token}})).wantProblem(wantMalformed)
	d.verify(with(k.pair(), http.Header{"Authorization": {"Bearer of-the-application"}})).want(http.StatusNoContent)
}

func TestBadInput08BearerLists(t *testing.T) {
	d, k := badInput(t)
	for value, want := range map[string]problem{
		"Bearer a, Bearer b": wantMissing, "Bearer": wantMissing, "Bearer  ": wantMissing,
		"Bearer " + k.token + ", Bearer " + k.token: wantMalformed, "Bearer " + k.token + ",": wantMalformed,
		"Bearer  " + k.token: wantUnknown, "Bearer " + k.token + " x": wantUnknown,
	} {
		d.verify(http.Header{"Authorization": {value}}).wantProblem(want)
	}
	for _, scheme := range []string{"bearer ", "Bearer ", "BEARER "} {
		d.verify(http.Header{"Authorization": {scheme + k.token}}).want(http.StatusNoContent)
	}
}

func TestBadInput09TheTokenInTheQuery(t *testing.T) {
	d, k := badInput(t)
	d.ask(PathVerify+"?token="+k.token, nil).wantProblem(wantMissing)
	d.ask(PathVerify+"?access_token="+k.token+"&key="+k.id, http.Header{"Cookie": {"token=" + k.token}}).wantProblem(wantMissing)
	d.send(http.MethodPost, PathVerify, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "token="+k.token).wantProblem(wantMissing)
	d.ask("/v1/"+k.token, nil).want(http.StatusNotFound)
	log := d.log.String()
	if !strings.Contains(log, "verification refused") {
		t.Fatal("nothing was logged")
	}
	if strings.Contains(log, k.token[4:]) {
		t.Errorf("the token is in the log:\n%s", log)
	}
}

func TestBadInput10DeactivatedAndActivated(t *testing.T) {
	d, k := badInput(t)
	d.activate(d.acme, k, false)
	d.verify(k.pair()).wantProblem(wantInactive)
	d.verify(k.bearer()).wantProblem(wantInactive)
	d.activate(d.acme, k, true)
	d.verify(k.pair()).want(http.StatusNoContent)
	d.verify(k.bearer()).want(http.StatusNoContent)
}

func TestBadInput11TheOldTokenOfARenewal(t *testing.T) {
	d, k := badInput(t)
	now := d.renew(d.acme, k)
	d.complete(d.acme, now, false)
	d.verify(k.pair()).wantProblem(wantRotated)
	d.verify(now.pair()).want(http.StatusNoContent)
	alarms := d.refused(keys.ActionTokenReuse)
	for alarm, count := range alarms {
		if !alarm.Alarm || alarm.Key != keys.KeyID(k.id) || alarm.AccountID != d.acme.AccountID || count != 1 {
			t.Errorf("%d of %+v", count, alarm)
		}
	}
	if len(alarms) != 1 {
		t.Errorf("%d alarms", len(alarms))
	}

	old := d.key(d.acme, "orders-viewer")
	later := d.renew(d.acme, old)
	d.complete(d.acme, later, true)
	for state, one := range map[string]held{"retiring": old, "current": later} {
		if got := d.verify(one.pair()).want(http.StatusNoContent).header.Get("X-Latchkey-Token-State"); got != state {
			t.Errorf("the state is %s, want %s", got, state)
		}
	}
	if got := d.refused(keys.ActionTokenReuse); len(got) != 1 {
		t.Errorf("a normal use raised an alarm: %v", got)
	}
}

func TestBadInput12LongHeaders(t *testing.T) {
	f := newFront(t)
	k := f.key(f.acme, "orders-viewer")
	d := door{f, httptest.NewUnstartedServer(NewHandler(f.verifier, HandlerOptions{IdentityHeaders: true}))}
	d.server.Config.MaxHeaderBytes = 16 << 10
	d.server.Start()
	t.Cleanup(d.server.Close)
	long := strings.Repeat("a", 10<<10)
	d.verify(pair(k.id, strings.Repeat("a", 24<<10))).want(http.StatusRequestHeaderFieldsTooLarge)
	d.verify(pair(k.id, long)).wantProblem(wantUnknown)
	d.verify(pair(long, k.token)).wantProblem(wantUnknown)
	d.verify(pair(k.id, k.token+long)).wantProblem(wantUnknown)
	d.verify(http.Header{"Authorization": {"Bearer lkt_" + long}}).wantProblem(wantUnknown)
	d.verify(http.Header{"Authorization": {"Bearer " + long}}).wantProblem(wantMissing)
	d.verify(k.pair()).want(http.StatusNoContent)
}
