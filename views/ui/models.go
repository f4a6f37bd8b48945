// Package ui holds the parts that screens are made of: buttons, fields, tags,
// menus, alerts and the like. It knows no product word: every text is handed in
// by the screen that uses the part.
package ui

// Time is a moment for a reader: Datetime is RFC 3339 for machines, Title the
// full date, time and zone, Text the short form that is drawn.
type Time struct{ Datetime, Title, Text string }

// Flash is the one message above a page that says how the last action went.
// Tone is "success", "info", "warning" or "danger". Action is optional.
type Flash struct {
	Tone   string
	Text   string
	Action *Action
}

// Action is what a reader may do about a Flash: a link, or, when Post is set, a
// button that posts to URL.
type Action struct {
	Label, URL string
	Post       bool
}

// Chip is a small tag. Tone is "neutral", "success", "info", "warning" or
// "danger"; Icon is a name known to Icon, or "" for none; Text says it in words,
// because colour alone never does.
type Chip struct{ Tone, Icon, Text string }

// Tab is one link of a row of tabs. Current marks the one being shown.
type Tab struct {
	Label, URL string
	Current    bool
}

// Problem is what is wrong with one input of a form: Field is the id of the
// input, Text says what to do about it.
type Problem struct{ Field, Text string }

// ProblemOf returns the text of the first problem of the field, or "".
func ProblemOf(problems []Problem, field string) string {
	for _, p := range problems {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}
