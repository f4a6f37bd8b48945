package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// keyRow is a key as a row of the table. Its roles must carry their resources: they decide which
// actions the viewer has.
func (s *Server) keyRow(c echo.Context, v viewer, key keys.Key, from list) views.KeyRow {
	row := views.KeyRow{
		ID: string(key.ID), Name: key.Name, Active: key.Active(),
		Created: timeOf(c, key.CreatedAt, v.account.Location()), Menu: keyMenu(v.actor, key, from),
	}
	for _, role := range key.Roles {
		row.Roles = append(row.Roles, role.Name)
	}
	row.Duration, row.Chips = s.duration(c, v.account, key)
	return row
}

// keyMenu holds what the viewer may do with a key, or is nil when that is nothing. A key with more
// console resources than the viewer's can still be stopped by them.
func keyMenu(who keys.Actor, key keys.Key, from list) *views.KeyMenu {
	if !who.May(keys.EditAPIKeys) {
		return nil
	}
	menu := &views.KeyMenu{DeleteURL: pathKeyDelete(key.ID, from), List: string(from)}
	mayGrant := who.MayGrant(key.Roles) == nil
	if mayGrant {
		menu.EditURL = pathKeyEdit(key.ID, from)
	}
	switch {
	case key.Active():
		menu.DeactivateURL = pathKeyDeactivate(key.ID, from)
	case mayGrant:
		menu.ActivateURL = pathKeyActivate(key.ID, "")
	}
	return menu
}

// duration says how long the key's token is still valid, with the chips beside it.
func (s *Server) duration(c echo.Context, account keys.Account, key keys.Key) (string, []ui.Chip) {
	if len(key.Tokens) == 0 {
		return t(c, "duration.no-token"), nil
	}
	validity := account.Judge(key.Tokens[0].CreatedAt, s.now())
	return sayDaysLeft(c, validity), chipsOf(c, validity.Standing)
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

// timeOf is a moment as pages show it, in the reader's zone.
func timeOf(c echo.Context, at time.Time, loc *time.Location) ui.Time {
	ctx := words.With(c.Request().Context(), language)
	local := at.In(loc)
	return ui.Time{Datetime: local.Format(time.RFC3339), Title: words.Moment(ctx, local), Text: words.Day(ctx, local)}
}

// answerRow answers a row action: htmx gets the new row and the flash, everybody else the list.
func (s *Server) answerRow(c echo.Context, key keys.Key, from list, flash ui.Flash) error {
	if !isHX(c) {
		return s.flashRedirect(c, from.at(key.ID), flash)
	}
	row := s.keyRow(c, currentViewer(c), key, from)
	c.Response().Header().Add(echo.HeaderVary, "HX-Request")
	c.Response().Header().Set("HX-Trigger", "dialog-close")
	return s.render(c, 200, views.KeysRowSwap(row, flash))
}
