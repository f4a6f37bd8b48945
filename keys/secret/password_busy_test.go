package secret_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/keys/secret"
)

// The tests of this file run on synctest's clock, which moves only when every
// goroutine waits: two seconds take no time and are two seconds exactly.

// queue is a Passwords whose hashes end when the test says so.
type queue struct {
	*secret.Passwords
	finish chan struct{}
	wait   sync.WaitGroup
	mu     sync.Mutex
	errs   map[error]int
	most   int // hashes at one time
	now    int
}

func newQueue() *queue {
	q := &queue{Passwords: secret.NewPasswords(), finish: make(chan struct{}), errs: map[error]int{}}
	q.SetDerive(func(_, _ []byte, _, _ uint32, _ uint8, n uint32) []byte {
		q.count(1)
		defer q.count(-1)
		<-q.finish
		return zeros(n)
	})
	return q
}

func (q *queue) count(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now += n
	q.most = max(q.most, q.now)
}

// add starts callers, half of them for unknown users, and returns when each of
// them hashes, waits or has its answer.
func (q *queue) add(ctx context.Context, callers int) {
	for i := range callers {
		q.wait.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = q.Hash(ctx, "any")
			} else {
				_, _, err = q.Verify(ctx, "", "any")
			}
			q.mu.Lock()
			defer q.mu.Unlock()
			q.errs[err]++
		})
	}
	synctest.Wait()
}

// expect fails the test when the answers so far and the hashes begun are not these.
func (q *queue) expect(t *testing.T, when string, good, busy int, ran int64) {
	t.Helper()
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.errs[nil] != good || q.errs[secret.ErrBusy] != busy || q.Ran() != ran {
		t.Errorf("%s: answers %v and %d hashes begun, want %d good, %d busy and %d begun", when, q.errs, q.Ran(), good, busy, ran)
	}
}

func TestFourHashSixteenWaitAndTheRestAreBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.add(t.Context(), 20)
		q.expect(t, "20 callers", 0, 0, 4)
		q.add(t.Context(), 7)
		q.expect(t, "7 more", 0, 7, 4)
		q.finish <- struct{}{}
		q.expect(t, "one hash has ended", 1, 7, 5)
		q.add(t.Context(), 2)
		q.expect(t, "2 more for one free place", 1, 8, 5)
		close(q.finish)
		q.wait.Wait()
		q.expect(t, "all have ended", 21, 8, 21)
		if q.most != 4 {
			t.Errorf("%d hashes at one time, want 4", q.most)
		}
	})
}

func TestWaitingEndsAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.add(t.Context(), 20)
		early := time.After(2*time.Second - time.Nanosecond)
		late := time.After(2 * time.Second)
		<-early
		q.expect(t, "before two seconds", 0, 0, 4)
		<-late
		q.expect(t, "after two seconds", 0, 16, 4)
		q.add(t.Context(), 16)
		q.expect(t, "the places to wait are free again", 0, 16, 4)
		close(q.finish)
		q.wait.Wait()
		q.expect(t, "at the end", 20, 16, 20)
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.add(t.Context(), 4)
		gone := errors.New("the caller has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		q.add(ctx, 16)
		cancel(gone)
		q.expect(t, "cancelled", 0, 0, 4)
		if q.errs[gone] != 16 {
			t.Errorf("answers %v, want 16 of %v", q.errs, gone)
		}
		q.add(ctx, 1) // has ended before it asks
		close(q.finish)
		q.wait.Wait()
		q.add(ctx, 1) // the same although nobody is in the way
		q.expect(t, "at the end", 4, 0, 4)
		if q.errs[gone] != 18 {
			t.Errorf("answers %v, want 18 of %v", q.errs, gone)
		}
	})
}

func TestAHashThatHasBegunRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		ctx, cancel := context.WithCancel(t.Context())
		q.add(ctx, 1)
		cancel()
		q.expect(t, "cancelled", 0, 0, 1)
		close(q.finish)
		q.wait.Wait()
		q.expect(t, "at the end", 1, 0, 1)
	})
}
