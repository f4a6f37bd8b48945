package web

import (
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/views/words"
)

// userAgentName is what a part of a User-Agent header stands for.
type userAgentName struct{ part, name string }

// The order matters: almost every browser claims to be others as well, and Android claims to be Linux.
var (
	browserNames = []userAgentName{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"HeadlessChrome/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
		{"Go-http-client/", "Go"},
	}
	systemNames = []userAgentName{
		{"Windows NT", "Windows"},
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

// nameIn is the name of the first of the parts that a User-Agent header has, or empty.
func nameIn(userAgent string, names []userAgentName) string {
	for _, n := range names {
		if strings.Contains(userAgent, n.part) {
			return n.name
		}
	}
	return ""
}

// sayBrowser names a browser and its system for people. It only ever says names of ours: a User-Agent
// header is what a client makes of it.
func sayBrowser(c echo.Context, userAgent string) string {
	browser, system := nameIn(userAgent, browserNames), nameIn(userAgent, systemNames)
	switch {
	case browser == "" && system == "":
		return t(c, "browser.unknown")
	case browser == "":
		return t(c, "browser.on", words.Args{"Browser": t(c, "browser.unknown"), "System": system})
	case system == "":
		return browser
	default:
		return t(c, "browser.on", words.Args{"Browser": browser, "System": system})
	}
}
