package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// usageView adds the hours of a key's use up to days of the account, today the last, so that everybody
// who looks sees the same numbers, whatever their own zone. An hour that the
// local midnight cuts in two counts to the day in which it begins. Without a request there is no day.
func usageView(c echo.Context, loc *time.Location, now time.Time, hours []keys.HourUsage) (view views.KeyUsage) {
	days := lastDays(now.In(loc))
	place := make(map[string]int, len(days))
	for i, day := range days {
		place[day.Format(time.DateOnly)] = i
		view.Days = append(view.Days, usageDay(c, day))
	}
	requests := false
	for _, hour := range hours {
		if i, shown := place[hour.Hour.In(loc).Format(time.DateOnly)]; shown {
			view.Days[i].Accepted += int(hour.Accepted)
			view.Days[i].Refused += int(hour.Refused)
			requests = true
		}
	}
	if !requests {
		return views.KeyUsage{}
	}
	view.Most = busiest(view.Days)
	return view
}

// lastDays are noon of each day that a key's page shows. Noon in UTC is of the same day whatever a
// zone's clocks did.
func lastDays(now time.Time) (days []time.Time) {
	year, month, day := now.Date()
	for back := keys.UsageDays - 1; back >= 0; back-- {
		days = append(days, time.Date(year, month, day-back, 12, 0, 0, 0, time.UTC))
	}
	return days
}

func usageDay(c echo.Context, day time.Time) views.UsageDay {
	ctx := speaking(c)
	text := words.Day(ctx, day)
	return views.UsageDay{
		Day: ui.Time{Datetime: day.Format(time.DateOnly), Title: text, Text: text}, Short: words.ShortDay(ctx, day),
	}
}

// busiest is the place of the first of the days with most requests.
func busiest(days []views.UsageDay) (most int) {
	for i, day := range days {
		if day.Accepted+day.Refused > days[most].Accepted+days[most].Refused {
			most = i
		}
	}
	return most
}
