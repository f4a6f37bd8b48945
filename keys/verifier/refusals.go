package verifier

import (
	"context"
	"encoding/hex"
	"maps"
	"net/netip"
	"sync/atomic"
	"time"

	"latchkey/keys"
)

// The bounds of what waits to be written to the audit log. What is more is dropped and counted.
const (
	refusalQueue = 4096
	refusalKinds = 1000
)

// alarmEvery is how many minutes pass between two alarms about one token.
const alarmEvery = 60

// refusal is something to be written to the audit log. It is small and holds nothing to be looked up,
// so that queueing it costs little.
type refusal struct {
	action    keys.Action
	reason    string
	accountID string
	key       *keyRecord
	owner     *account
	resource  string
	digest    [4]byte
	from      netip.Addr
	alarm     bool
}

// refusals is the queue of what is to be audited.
type refusals struct {
	queue   chan refusal
	waiting map[keys.Refusal]int
	dropped atomic.Uint64
	reuses  atomic.Uint64
}

func newRefusals() *refusals {
	return &refusals{queue: make(chan refusal, refusalQueue), waiting: map[keys.Refusal]int{}}
}

// put queues a refusal, or drops it when the queue is full.
func (r *refusals) put(one refusal) bool {
	select {
	case r.queue <- one:
		return true
	default:
		r.dropped.Add(1)
		return false
	}
}

// The reasons that the audit log tells. Callers are told less.
var refusalReasons = [codes]string{
	CodeUnknown: "unknown token", CodeDeleted: "deleted key", CodeRotated: "rotated", CodeExpired: "expired",
	CodeInactive: "inactive", CodeForbidden: "forbidden",
}

// refuseJunk queues a token that is not even well-formed.
func (v *Verifier) refuseJunk(from netip.Addr) {
	v.refusals.put(refusal{action: keys.ActionVerifyRefused, reason: "malformed token", from: from})
}

// refuse queues what the audit log must say about an answer.
func (v *Verifier) refuse(x *index, q *question, a *answer, from netip.Addr) {
	one := refusal{action: keys.ActionVerifyRefused, reason: refusalReasons[a.Code], from: from}
	switch {
	case !a.found:
		one.digest = [4]byte(q.digest[:4])
		if a.guarded != nil {
			one.accountID = a.guarded.id
		}
	case a.Code == CodeUnknown:
		one.reason = "another key or account"
		one.owner, one.key, one.accountID = a.owner, a.key, a.owner.id
	default:
		one.owner, one.key, one.accountID = a.owner, a.key, a.owner.id
	}
	if a.Code == CodeForbidden {
		// What an external key may do is for the guarded account to say, and none of its owner's business.
		one.accountID = a.guarded.id
		if keys.IsResourceSlug(q.Resource) {
			one.resource = q.Resource
		}
	}
	if a.Code == CodeRotated {
		v.refusals.reuses.Add(1)
		v.raiseAlarm(one, x.alarm(a.place), q.now)
		return
	}
	v.refusals.put(one)
}

// raiseAlarm queues the alarm about a rotated token, once an hour for each token. alarm is the minute of
// its last one.
func (v *Verifier) raiseAlarm(one refusal, alarm *atomic.Uint32, now time.Time) {
	minute := uint32(now.Unix() / 60)
	last := alarm.Load()
	if last != 0 && minute >= last && minute-last < alarmEvery || !alarm.CompareAndSwap(last, minute) {
		return
	}
	one.action, one.alarm = keys.ActionTokenReuse, true
	if !v.refusals.put(one) {
		alarm.CompareAndSwap(minute, last)
	}
}

// reportFlood queues the word that an address is refused too often.
func (v *Verifier) reportFlood(from netip.Addr) {
	v.refusals.put(refusal{action: keys.ActionVerifyFlooded, reason: "too many refusals", from: from})
}

// flushRefusals writes what is queued. What cannot be written waits for the next time.
func (v *Verifier) flushRefusals(ctx context.Context) error {
	r := v.refusals
	for {
		select {
		case one := <-r.queue:
			r.wait(one.words())
			continue
		default:
		}
		break
	}
	if len(r.waiting) == 0 {
		return nil
	}
	if err := v.sink.RecordRefusals(ctx, maps.Clone(r.waiting)); err != nil {
		return err
	}
	clear(r.waiting)
	return nil
}

func (r *refusals) wait(one keys.Refusal) {
	if _, known := r.waiting[one]; !known && len(r.waiting) >= refusalKinds && !one.Alarm {
		r.dropped.Add(1)
		return
	}
	r.waiting[one]++
}

// words is a refusal as the audit log takes it.
func (one refusal) words() keys.Refusal {
	words := keys.Refusal{Action: one.action, AccountID: one.accountID, Route: "verify", Reason: one.reason, Alarm: one.alarm}
	if one.from.IsValid() {
		words.IP = one.from.String()
	}
	if one.key != nil {
		words.Key = one.key.id(one.owner)
	}
	switch {
	case one.resource != "":
		words.Detail = "resource " + one.resource
	case one.digest != [4]byte{}:
		words.Detail = "digest " + hex.EncodeToString(one.digest[:])
	}
	return words
}
