package keys

import "time"

// Node is a server of the installation as it stood at its last heartbeat. All times are by the database's
// clock.
type Node struct {
	// ID is that of one run of the server, and Name what its operator calls it.
	ID, Name, Version string
	// Applied is the newest change that it has taken in, by its number.
	Applied int64
	// Strayed says that the database does not have that change: a failover has lost it. The numbers that the
	// node counts then are not those of the changes there, until it has loaded everything anew.
	Strayed bool
	// BeatAt is when its last heartbeat was committed.
	BeatAt time.Time
	// ProvedAt is the moment up to which it was known to have every change.
	ProvedAt time.Time
	// MaxStaleness is how long after ProvedAt it goes on answering verifications.
	MaxStaleness time.Duration
}

// Knows says whether nothing that was committed up to the change with this number can be missed by a
// verification of the node that starts at a moment of the database's clock: the node has the change, or it has
// not proved for so long that it is current that it refuses everything, and nothing has been heard of it since.
func (n Node) Knows(change int64, at time.Time) bool {
	return n.Applied >= change && !n.Strayed || n.CutOff(at) && n.silent()
}

// silent says whether the node has sent no heartbeat since it refuses everything. It needs one to answer again, so
// one that has may have done so already.
func (n Node) silent() bool { return !n.BeatAt.After(n.ProvedAt.Add(n.MaxStaleness)) }

// CutOff says whether the node refuses every verification, because it could not prove for too long that it
// is current.
func (n Node) CutOff(at time.Time) bool { return at.Sub(n.ProvedAt) > n.MaxStaleness }

// NodeState says what a node's verifications are worth.
type NodeState string

// The states of a node.
const (
	// NodeCurrent: it proved a moment ago that it has every change.
	NodeCurrent NodeState = "current"
	// NodeBehind: it has strayed, or its last proof is so old that it may lack changes, but not so old that it
	// refuses.
	NodeBehind NodeState = "behind"
	// NodeCutOff: it refuses every verification.
	NodeCutOff NodeState = "cut off"
)

// CurrentFor is how long after its last proof a node still counts as current. A node that reaches the database
// proves itself twice a second, and says so once a second.
const CurrentFor = 5 * time.Second

// State is the state of the node at a moment of the database's clock.
func (n Node) State(at time.Time) NodeState {
	switch {
	case n.CutOff(at):
		return NodeCutOff
	case n.Strayed || at.Sub(n.ProvedAt) > CurrentFor:
		return NodeBehind
	}
	return NodeCurrent
}

// Heartbeat is what a node says of itself.
type Heartbeat struct {
	// Applied is the newest change that it has taken in.
	Applied FeedMark
	// ProofAge is how long ago it was last known to have every change.
	ProofAge     time.Duration
	MaxStaleness time.Duration
}

// Beat is a committed heartbeat.
type Beat struct {
	// Number is what FeedChanges.Beat must have reached for a read of the feed to prove anything. It is 0
	// where every read does, as of a file that all read alike.
	Number int64
	// ClockOffset is what to add to the node's clock to have the database's.
	ClockOffset time.Duration
}

// LostRevocation is something that a node knew to be over, and that the database does not know to be: a
// failover, or a restore, has lost the change that was acknowledged.
type LostRevocation struct {
	Key KeyID
	// Token is the number of the token that was over, or 0 when the whole key was.
	Token int64
	// Change is the newest change that the node had taken in when it saw that the database had lost some, and
	// Branch the changes that led to it. What came after tells of those who know what was lost.
	Change int64
	Branch FeedBranch
}
