package keys

import "slices"

// Theme says whether pages are light or dark.
type Theme string

// The themes that can be chosen. The empty theme follows the device.
const (
	ThemeLight Theme = "light"
	ThemeDark  Theme = "dark"
)

// Preferences are how a user wants to see the console. They change nothing for anybody else, and not
// what a key or a token may do.
type Preferences struct {
	// Language is one of Languages, or empty for the one that the browser asks for.
	Language string
	// Zone is the IANA name of the zone in which moments are shown, or empty for the account's. The
	// account's days still end by its own zone.
	Zone string
	// Theme is the one of pages, or empty for the device's.
	Theme Theme
}

// Languages returns the tags of the languages that the console speaks.
func Languages() []string { return []string{"en", "pt-BR", "es"} }

// CheckPreferences returns an Invalid error for each of the fields "language", "zone" and "theme" that
// is neither empty nor one to choose from.
func CheckPreferences(p Preferences) error {
	var language, zone, theme error
	if p.Language != "" && !slices.Contains(Languages(), p.Language) {
		language = Problem("language", ReasonLanguageUnknown)
	}
	if p.Zone != "" {
		zone = CheckZone(p.Zone)
	}
	if p.Theme != "" && p.Theme != ThemeLight && p.Theme != ThemeDark {
		theme = Problem("theme", ReasonThemeUnknown)
	}
	return Problems(language, zone, theme)
}
