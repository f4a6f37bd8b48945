package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/words"
)

// auditPageSize is how many events a page shows.
const auditPageSize = 50

// auditAlarms is how many alarms stand on top of the audit log.
const auditAlarms = 5

// auditAsk is what the address of the audit log says.
type auditAsk struct {
	actor, action, target, from, to string
	alarm                           bool
	after, before                   string
}

// parseAudit keeps of a query what the audit log understands. A day or an action that is none is dropped.
func parseAudit(query url.Values) auditAsk {
	text := func(name string) string {
		value := strings.TrimSpace(query.Get(name))
		if !keys.IsText(value) {
			return ""
		}
		return value
	}
	a := auditAsk{
		actor: text("actor"), action: text("action"), target: text("target"), from: text("from"), to: text("to"),
		alarm: query.Get("alarm") == "1", after: query.Get("after"), before: query.Get("before"),
	}
	if strings.Contains(a.actor, "@") {
		a.actor = keys.NormalEmail(a.actor)
	}
	if !slices.Contains(auditActions(), keys.Action(a.action)) {
		a.action = ""
	}
	for _, day := range []*string{&a.from, &a.to} {
		if _, err := time.Parse(time.DateOnly, *day); err != nil {
			*day = ""
		}
	}
	return a
}

// filters are the filters alone, by name. Those that want everything are left out.
func (a auditAsk) filters() map[string]string {
	all := map[string]string{"actor": a.actor, "action": a.action, "target": a.target, "from": a.from, "to": a.to}
	if a.alarm {
		all["alarm"] = "1"
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// path is an address with the filters and, when it has a name, a cursor.
func (a auditAsk) path(path, cursor, value string) string {
	query := url.Values{}
	for name, value := range a.filters() {
		query.Set(name, value)
	}
	if cursor != "" {
		query.Set(cursor, value)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// here is the address of the page of the audit log that was asked for.
func (a auditAsk) here() string {
	if a.after != "" {
		return a.path(pathAudit(), "after", a.after)
	}
	if a.before != "" {
		return a.path(pathAudit(), "before", a.before)
	}
	return a.path(pathAudit(), "", "")
}

// filter is what the store is asked for. Days are those of a zone, and the last one is among them.
func (a auditAsk) filter(zone *time.Location) store.AuditFilter {
	f := store.AuditFilter{Actor: a.actor, Action: keys.Action(a.action), Target: a.target, Alarms: a.alarm}
	if from, err := time.ParseInLocation(time.DateOnly, a.from, zone); err == nil {
		f.From = from
	}
	if to, err := time.ParseInLocation(time.DateOnly, a.to, zone); err == nil {
		f.Until = to.AddDate(0, 0, 1)
	}
	return f
}

// audit shows a page of the audit log. To filters in place it answers with the table alone, and the address
// that the page has then.
func (s *Server) audit(c echo.Context) error {
	ask, v := parseAudit(c.QueryParams()), currentViewer(c)
	page, err := s.store.AuditLog(c.Request().Context(), v.actor, store.AuditAsk{
		AuditFilter: ask.filter(v.zone()), After: ask.after, Before: ask.before, Limit: auditPageSize,
	})
	if keys.KindOf(err) == keys.KindMalformed || err == nil && len(page.Events) == 0 && ask.after != "" {
		return s.redirectEither(c, ask.path(pathAudit(), "", ""))
	}
	if err != nil {
		return retryAt(err, ask.path(pathAudit(), "", ""), "error.back.again")
	}
	alarms, err := s.store.AuditAlarms(c.Request().Context(), v.actor, s.now().Add(-alarmDays*24*time.Hour))
	if err != nil {
		return retryAt(err, ask.path(pathAudit(), "", ""), "error.back.again")
	}
	if isHX(c) {
		c.Response().Header().Set("HX-Push-Url", ask.here())
	}
	view := s.auditView(c, ask, page, alarms)
	return s.renderEither(c, http.StatusOK, views.AuditPage(view), views.AuditResults(view))
}

func (s *Server) auditView(c echo.Context, ask auditAsk, page store.AuditPage, alarms []store.LoggedEvent) views.Audit {
	view := views.Audit{
		Shell: s.shell(c, "audit.heading"), URL: pathAudit(), Filtered: len(ask.filters()) > 0,
		Actor: ask.actor, Target: ask.target, From: ask.from, To: ask.to, Alarm: ask.alarm, Zone: currentViewer(c).zone().String(),
		CSVURL: ask.path(pathAuditExport(formatCSV), "", ""), XLSXURL: ask.path(pathAuditExport(formatXLSX), "", ""),
	}
	for _, action := range auditActions() {
		view.Actions = append(view.Actions, views.AuditAction{
			Value: string(action), Label: sayAction(c, action), Chosen: string(action) == ask.action,
		})
	}
	slices.SortFunc(view.Actions, func(a, b views.AuditAction) int { return strings.Compare(a.Label, b.Label) })
	if page.Newer != "" {
		view.NewerURL = ask.path(pathAudit(), "before", page.Newer)
	}
	if page.Older != "" {
		view.OlderURL = ask.path(pathAudit(), "after", page.Older)
	}
	for _, e := range page.Events {
		view.Rows = append(view.Rows, s.auditRow(c, e))
	}
	if len(alarms) > auditAlarms {
		alarms, view.AlarmsURL = alarms[:auditAlarms], auditAsk{alarm: true}.path(pathAudit(), "", "")
	}
	for _, e := range alarms {
		view.Alarms = append(view.Alarms, s.auditAlarm(c, e))
	}
	return view
}

// auditActions are the actions that have words.
func auditActions() (all []keys.Action) {
	for _, id := range words.IDs() {
		if name, found := strings.CutPrefix(id, "audit.action."); found {
			all = append(all, keys.Action(strings.ReplaceAll(name, "-", "_")))
		}
	}
	return all
}

// actionID is the id of the words for an action.
func actionID(action keys.Action) string {
	return "audit.action." + strings.ReplaceAll(string(action), "_", "-")
}

func sayAction(c echo.Context, action keys.Action) string { return t(c, actionID(action)) }
