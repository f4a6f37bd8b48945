package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// durations says how long each of the key's tokens is still valid, with the chips beside it. The new
// token comes first.
func (s *Server) durations(c echo.Context, account keys.Account, key keys.Key) (all []views.KeyDuration) {
	waits := key.Link.Waits(s.now())
	switch {
	case len(key.Tokens) == 0 && waits:
		return []views.KeyDuration{{Left: t(c, "duration.no-token-yet"), Chips: []ui.Chip{s.linkChip(c, key.Link.ExpiresAt)}}}
	case len(key.Tokens) == 0:
		return []views.KeyDuration{{Chips: []ui.Chip{{Tone: "warning", Icon: "circle-alert", Text: t(c, "chip.no-token")}}}}
	}
	for i, token := range key.Tokens {
		validity := account.Judge(token.CreatedAt, s.now())
		line := views.KeyDuration{Left: sayDaysLeft(c, validity), Chips: chipsOf(c, validity.Standing)}
		if key.Renewing() {
			line.Label = t(c, []string{"duration.new-token", "duration.old-token"}[i])
		}
		all = append(all, line)
	}
	if waits {
		all[0].Chips = append(all[0].Chips, s.linkChip(c, key.Link.ExpiresAt))
	}
	return all
}

// linkChip says how long a link that was not opened can still be opened, to the nearest hour.
func (s *Server) linkChip(c echo.Context, expiresAt time.Time) ui.Chip {
	chip, left := ui.Chip{Tone: "info", Icon: "link", Text: t(c, "chip.link-soon")}, expiresAt.Sub(s.now())
	if left >= time.Hour {
		chip.Text = n(c, "chip.link-waits", int(left.Round(time.Hour)/time.Hour))
	}
	return chip
}

// sayDuration says how long tokens of an account are valid, or until when they count as fresh.
func sayDuration(c echo.Context, account keys.Account) string {
	id := "duration.marked-"
	if account.EnforceExpiry {
		id = "duration.valid-"
	}
	return n(c, id+string(account.Duration.Unit), account.Duration.Amount)
}

func sayDaysLeft(c echo.Context, v keys.Validity) string {
	switch {
	case v.DaysLeft > 0:
		return n(c, "duration.days-left", v.DaysLeft)
	case v.DaysLeft == 0:
		return t(c, "duration.last-day")
	case v.DaysLeft == -1:
		return t(c, "duration.ended-today")
	default:
		return n(c, "duration.ended-days-ago", -v.DaysLeft-1)
	}
}

func chipsOf(c echo.Context, standing keys.Standing) []ui.Chip {
	switch standing {
	case keys.StandingRenewSoon:
		return []ui.Chip{{Tone: "info", Icon: "clock", Text: t(c, "chip.renew-soon")}}
	case keys.StandingExpired:
		return []ui.Chip{{Tone: "danger", Icon: "circle-x", Text: t(c, "chip.expired")}}
	case keys.StandingOutdated:
		return []ui.Chip{
			{Tone: "warning", Icon: "triangle-alert", Text: t(c, "chip.outdated")},
			{Tone: "warning", Icon: "circle-alert", Text: t(c, "chip.renewal-recommended")},
		}
	case keys.StandingLongPast:
		return []ui.Chip{
			{Tone: "danger", Icon: "triangle-alert", Text: t(c, "chip.outdated")},
			{Tone: "danger", Icon: "circle-alert", Text: t(c, "chip.renewal-highly-recommended")},
		}
	case keys.StandingFine:
	}
	return nil
}
