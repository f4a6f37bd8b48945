package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// recently is how long ago a use may be so that whatever ends now is still in use, by all appearance.
const recently = 24 * time.Hour

// usageOf is how a key of the viewer's account was used.
func (s *Server) usageOf(c echo.Context, id keys.KeyID) (keys.KeyUsage, error) {
	return s.store.KeyUsage(c.Request().Context(), actor(c), id)
}

// sayLastUse says when a key or a token was last used, if it was in the days that are shown.
func (s *Server) sayLastUse(c echo.Context, use keys.LastUse) views.Sentence {
	switch {
	case !use.Within(keys.UsageDays*24*time.Hour, s.now()):
		return views.Sentence{Text: n(c, "use.none", keys.UsageDays)}
	case use.IP == "":
		return sayTimes(c, "use.last", words.Args{"Ago": s.ago(c, use.At)})
	default:
		return sayTimes(c, "use.last-from", words.Args{"Ago": s.ago(c, use.At), "Address": use.IP})
	}
}

// sayNewTokenUse says when the new token of a renewal was last used.
func (s *Server) sayNewTokenUse(c echo.Context, use keys.LastUse) views.Sentence {
	switch {
	case use.Never():
		return views.Sentence{Text: t(c, "use.new-token-none")}
	case use.IP == "":
		return sayTimes(c, "use.new-token", words.Args{"Ago": s.ago(c, use.At)})
	default:
		return sayTimes(c, "use.new-token-from", words.Args{"Ago": s.ago(c, use.At), "Address": use.IP})
	}
}

// sayRecentUse says that something was used recently, in the words with the id, or nothing when it was
// not.
func (s *Server) sayRecentUse(c echo.Context, id string, use keys.LastUse) views.Sentence {
	if !use.Within(recently, s.now()) {
		return views.Sentence{}
	}
	return sayTimes(c, id, words.Args{"Ago": s.ago(c, use.At)})
}

// sayTimes is t for a sentence with moments in it, which args holds as ui.Time.
func sayTimes(c echo.Context, id string, args words.Args) (said views.Sentence) {
	texts := words.Args{}
	for name, value := range args {
		if at, isTime := value.(ui.Time); isTime {
			said.Times, value = append(said.Times, at), at.Text
		}
		texts[name] = value
	}
	said.Text = t(c, id, texts)
	return said
}

// ago is a moment as the time that has passed since, in the reader's zone when it is shown in full.
func (s *Server) ago(c echo.Context, at time.Time) ui.Time {
	moment := momentOf(c, at)
	moment.Text = sayAgo(c, s.now().Sub(at))
	return moment
}

// momentOf is a moment in full, in the reader's zone.
func momentOf(c echo.Context, at time.Time) ui.Time {
	moment := timeOf(c, at, currentViewer(c).zone())
	moment.Text = moment.Title
	return moment
}

// sayAgo says how long ago something was, in its largest whole unit.
func sayAgo(c echo.Context, passed time.Duration) string {
	switch {
	case passed < time.Minute:
		return t(c, "ago.now")
	case passed < time.Hour:
		return n(c, "ago.minutes", int(passed.Minutes()))
	case passed < 24*time.Hour:
		return n(c, "ago.hours", int(passed.Hours()))
	default:
		return n(c, "ago.days", int(passed.Hours())/24)
	}
}
