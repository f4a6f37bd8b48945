package keys

import (
	"testing"
	"time"
)

func TestTheStateOfANodeIsTheAgeOfItsProof(t *testing.T) {
	at := time.Date(2026, 9, 12, 10, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]NodeState{
		0: NodeCurrent, -time.Second: NodeCurrent, CurrentFor: NodeCurrent,
		CurrentFor + time.Microsecond: NodeBehind, time.Minute: NodeBehind,
		time.Minute + time.Microsecond: NodeCutOff, time.Hour: NodeCutOff,
	} {
		n := Node{Applied: 7, ProvedAt: at.Add(-age), MaxStaleness: time.Minute}
		if got := n.State(at); got != want {
			t.Errorf("with a proof of %s before, it is %s; want %s", age, got, want)
		}
		if n.CutOff(at) != (want == NodeCutOff) || !n.Knows(7, at) || n.Knows(8, at) != (want == NodeCutOff) {
			t.Errorf("with a proof of %s before, it knows change 7: %v, and 8: %v", age, n.Knows(7, at), n.Knows(8, at))
		}
	}
	strayed := Node{Applied: 7, Strayed: true, ProvedAt: at, MaxStaleness: time.Minute}
	if got := strayed.State(at); got != NodeBehind || strayed.Knows(7, at) || strayed.Knows(1, at) {
		t.Errorf("with changes that were lost it is %s, and knows change 7: %v, and 1: %v", got, strayed.Knows(7, at), strayed.Knows(1, at))
	}
	if late := at.Add(time.Hour); strayed.State(late) != NodeCutOff || !strayed.Knows(8, late) {
		t.Error("with changes that were lost it is not cut off after an hour")
	}
	heard := Node{Applied: 7, ProvedAt: at.Add(-time.Hour), BeatAt: at.Add(-time.Second), MaxStaleness: time.Minute}
	if !heard.CutOff(at) || heard.Knows(8, at) || !heard.Knows(7, at) {
		t.Error("who refused everything and is heard of again, so may answer again, knows what it lacks")
	}
	short := Node{ProvedAt: at.Add(-4 * time.Second), MaxStaleness: 3 * time.Second}
	if got := short.State(at); got != NodeCutOff {
		t.Errorf("past a bound shorter than that it is %s; want %s", got, NodeCutOff)
	}
}
