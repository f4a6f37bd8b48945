package web

import (
	_ "embed"
	"strings"
)

// zonesText lists the IANA zones that have a place on the map, and UTC. Go can load a zone by name
// but cannot list them.
//
//go:embed zones.txt
var zonesText string

func zones() []string { return strings.Fields(zonesText) }
