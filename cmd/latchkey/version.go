package main

import (
	"runtime/debug"
	"strings"
)

// buildVersion is set by the linker: -ldflags "-X main.buildVersion=v1.2.3".
var buildVersion string

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version, and the Go release that built it.
func (*versionCmd) Run(p *program) error { //nolint:unparam // kong wants an error
	text := "latchkey " + version()
	if info, ok := debug.ReadBuildInfo(); ok {
		text += " (" + info.GoVersion + ")"
	}
	p.say("%s", text)
	return nil
}

// version is what the linker was told, else the module's version, else the commit, else "dev".
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return setting.Value[:12]
		}
	}
	return "dev"
}
