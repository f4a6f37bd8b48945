package views

import "latchkey/views/ui"

func sampleLanguages() []LanguageChoice {
	return []LanguageChoice{{Tag: "en", Name: "English", Chosen: true}, {Tag: "es", Name: "Español"}}
}

func samplePreferences(problems ...ui.Problem) AccountPreferences {
	return AccountPreferences{
		Shell: sampleShell("Preferences"), URL: "/preferences", PasswordURL: "/password", SessionsURL: "/sessions",
		Language: "es", Languages: sampleLanguages(), Zone: "Europe/Lisbon", AccountZone: "America/Sao_Paulo", Zones: []string{"UTC", "Europe/Lisbon"},
		Theme: "dark", Problems: problems,
	}
}

func sampleSessions() AccountSessions {
	return AccountSessions{
		Shell: sampleShell("Your sessions"), BackURL: "/preferences", EverywhereURL: "/sessions/end", PasswordURL: "/password",
		Sessions: []AccountSession{
			{Browser: "Chromium on Linux", Address: "192.0.2.17", Began: sampleTime(), Used: sampleAgo(), Current: true},
			{Browser: "Firefox on Windows", Address: "2001:db8::7", Began: sampleTime(), Used: sampleAgo(), EndURL: "/sessions/x/end", EndLabel: "Sign out Firefox on Windows, 2001:db8::7"},
		},
	}
}
