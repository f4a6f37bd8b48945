package main

import (
	"errors"
	"math"
	"time"

	"latchkey/keys"
)

// The names of the figures.
const (
	keyMemory       = "key-bytes"
	loadingMemory   = "loading-bytes"
	processMemory   = "process-gib"
	verifyCPU       = "verify-cpu-us"
	loadSQLite      = "load-us-sqlite"
	loadPostgres    = "load-us-postgres"
	keySQLite       = "key-disk-sqlite"
	keyPostgres     = "key-disk-postgres"
	eventSQLite     = "event-disk-sqlite"
	eventPostgres   = "event-disk-postgres"
	useSQLite       = "use-disk-sqlite"
	usePostgres     = "use-disk-postgres"
	usesPerSecond   = "uses-per-second"
	changesSQLite   = "changes-sqlite"
	changesPostgres = "changes-postgres"
	beatLog         = "beat-log"
	changeLog       = "change-log"
	connections     = "connections"
)

// The rules of the page.
const (
	// busy is the share of a node's processor that verification may take: what is left is for bursts, for the
	// console, for loading an index, and for the kernel's work that is not counted.
	busy = 0.60
	// spare is how many nodes may fail without the others being busier than that.
	spare = 1
	// useDays is how long hours of use are kept.
	useDays = int(keys.UsageMemory / (24 * time.Hour))
	// beatsPerSecond is how often a node proves that it is current.
	beatsPerSecond = 1
)

const (
	gib        = 1 << 30
	secondsDay = 86_400
)

// assumptions are what no benchmark can know of an installation.
type assumptions struct {
	// Cores is how many cores a node has.
	Cores int
	// Active is how many percent of the keys are used in an hour, and Events how many events of the audit log a
	// key makes in a year.
	Active, Events float64
}

func (a assumptions) check() error {
	switch {
	case a.Cores < 1:
		return errors.New("-cores must be 1 or more")
	case !(a.Active > 0) || a.Active > 100:
		return errors.New("-active must be above 0 and at most 100")
	case !(a.Events >= 0) || a.Events > 1e6:
		return errors.New("-events must be 0 or more")
	}
	return nil
}

// ofKeys is what so many keys take.
type ofKeys struct {
	// Index is the memory of one index, and Memory what a node needs, in bytes.
	Index, Memory float64
	// LoadSQLite and LoadPostgres are how long a node loads after its start, in seconds.
	LoadSQLite, LoadPostgres float64
	// Used is how many keys are used in an hour: so many rows of use come each hour.
	Used float64
	// What is on disk, with indexes, in bytes: the keys, their uses of useDays, their events of a year.
	SQLite, Postgres disk
}

type disk struct{ Keys, Uses, Events float64 }

// Sum is all of it.
func (d disk) Sum() float64 { return d.Keys + d.Uses + d.Events }

func forKeys(f *figures, a assumptions, held float64) ofKeys {
	index := held * f.value(keyMemory)
	// While a node loads everything anew, it goes on with the old index.
	memory := f.value(processMemory)*gib + index + held*f.value(loadingMemory)
	used := held * a.Active / 100
	uses, events := used*24*float64(useDays), held*a.Events
	return ofKeys{
		Index: index, Memory: memory, Used: used,
		LoadSQLite: held * f.value(loadSQLite) / 1e6, LoadPostgres: held * f.value(loadPostgres) / 1e6,
		SQLite:   disk{held * f.value(keySQLite), uses * f.value(useSQLite), events * f.value(eventSQLite)},
		Postgres: disk{held * f.value(keyPostgres), uses * f.value(usePostgres), events * f.value(eventPostgres)},
	}
}

// ofRate is what so many verifications a second take.
type ofRate struct {
	// Cores is how many cores verify, without any headroom.
	Cores float64
	// Nodes is how many nodes serve it, of which spare may fail. Usual and Failed are how busy each is, as a share
	// of its processor, when all are there and when that many are not.
	Nodes         int
	Usual, Failed float64
	// Connections is how many connections to the database all of them hold at most.
	Connections int
	// BeatLog is how much their heartbeats write to the log of the database, in bytes a day.
	BeatLog float64
}

func forRate(f *figures, a assumptions, rate float64) ofRate {
	cores := rate * f.value(verifyCPU) / 1e6
	// What fits exactly fits, whatever a binary fraction makes of it.
	serving := max(1, int(math.Ceil(cores/(busy*float64(a.Cores))-1e-9)))
	nodes := serving + spare
	return ofRate{
		Cores: cores, Nodes: nodes, Usual: cores / float64(nodes*a.Cores), Failed: cores / float64(serving*a.Cores),
		Connections: nodes * int(f.value(connections)), BeatLog: float64(nodes) * beatsPerSecond * secondsDay * f.value(beatLog),
	}
}

// singleNode is how many verifications a second one node alone serves.
func singleNode(f *figures, a assumptions) float64 {
	return busy * float64(a.Cores) * 1e6 / f.value(verifyCPU)
}

// ofUse is what counting uses takes, where so many keys are used and all nodes get as much of each.
type ofUse struct {
	// Rows is how many rows a second the nodes would write if the database could take them.
	Rows float64
	// Late is after how many seconds a use is counted at the latest: a second, or longer when the database takes
	// fewer rows. Meanwhile the counts wait in memory, and none is lost but by a node that is killed.
	Late float64
}

func forUse(f *figures, a assumptions, held, rate float64) ofUse {
	used, nodes := forKeys(f, a, held).Used, float64(forRate(f, a, rate).Nodes)
	// Of used keys that are asked about evenly, so many are among those that a node is asked about in a time.
	rows := func(seconds float64) float64 { return nodes * used * -math.Expm1(-rate*seconds/nodes/used) }
	most := f.value(usesPerSecond)
	late := 1.0
	// A round of writing takes as long as its rows do, and counts what came meanwhile in the next.
	for range 200 {
		late = max(1, rows(late)/most)
	}
	return ofUse{rows(1), late}
}
