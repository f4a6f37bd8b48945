package verifier

import (
	"context"

	"latchkey/keys"
)

// This file is for a database that does not know any more what it had acknowledged: after a failover to a
// server that was behind, or after a restore. What was revoked must not come back to life by that.

// hasForked says whether the database does not know the newest change that the index has.
func (v *Verifier) hasForked(ctx context.Context) (bool, error) {
	old := v.index.Load()
	if old == nil {
		return false, nil
	}
	changes, err := v.changesAfter(ctx, *old.mark.Load(), v.beat.Load())
	return changes.Forked, err
}

// writeBack has what the index knows to be over, and next does not, written down again. It returns how much was.
func (v *Verifier) writeBack(ctx context.Context, next *index) (written int, err error) {
	old := v.index.Load()
	mark := old.mark.Load()
	for _, l := range old.missingIn(next) {
		l.Change, l.Branch = mark.Seq, old.branch
		done, err := v.source.DeactivateLost(ctx, l)
		if err != nil {
			return written, err
		}
		if done {
			written++
			v.stats.lost.Add(1)
			v.options.Log.Error("a revocation was lost, so the key is deactivated", "key", l.Key)
		}
	}
	return written, nil
}

// tellOfFork says how a fork ended.
func (v *Verifier) tellOfFork(revocations int) {
	v.stats.forks.Add(1)
	v.options.Log.Error("the database has lost changes that it had acknowledged", "change", v.index.Load().mark.Load().Seq, "revocations", revocations)
}

// missingIn are the keys and tokens that are over in x and alive in next.
func (x *index) missingIn(next *index) (lost []keys.LostRevocation) {
	book := x.book.Load()
	for place := range uint32(x.keyCount.Load()) {
		key := x.key(place)
		id := key.id(book.accounts[key.account])
		if key.word&(keyActive|keyDeleted) != keyActive && next.lets(key.number, id) {
			lost = append(lost, keys.LostRevocation{Key: id})
		}
	}
	for place := range uint32(x.tokenCount.Load()) {
		token := x.token(place)
		if state, _ := unpackState(token.state.Load()); state != tokenRotated {
			continue // it is alive, or over with its key, which is named
		}
		if at, ok := next.find(&token.digest); ok && next.lives(at) {
			key := next.key(next.token(at).key)
			id := key.id(next.book.Load().accounts[key.account])
			lost = append(lost, keys.LostRevocation{Key: id, Token: *next.tokenNumber(at)})
		}
	}
	return lost
}

// lets says whether a key of this number and id is active.
func (x *index) lets(number int64, id keys.KeyID) bool {
	place, ok := x.byNumber.find(number, x.keyNumber)
	if !ok {
		return false
	}
	key := x.key(place)
	return key.word&(keyActive|keyDeleted) == keyActive && key.id(x.book.Load().accounts[key.account]) == id
}

// lives says whether a token is alive, with its key.
func (x *index) lives(place uint32) bool {
	state, _ := unpackState(x.token(place).state.Load())
	return state < tokenRotated && x.token(place).word.Load()&(keyActive|keyDeleted) == keyActive
}
