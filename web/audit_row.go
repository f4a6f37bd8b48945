package web

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/words"
)

// auditRow puts an event in words.
func (s *Server) auditRow(c echo.Context, e store.LoggedEvent) views.AuditRow {
	row := views.AuditRow{
		ID: strconv.FormatInt(e.Seq, 10), At: momentOf(c, e.At), Who: safe(e.Actor), Action: sayEvent(c, e.AuditEvent), Alarm: e.Alarm,
		Source: safe(e.IP), OK: e.Result == "ok", Result: t(c, "audit.refused"), Fields: auditFields(c, e),
	}
	if row.OK {
		row.Result = t(c, "audit.done")
	}
	switch e.ActorKind {
	case keys.ActorCommand, keys.ActorSystem, keys.ActorNobody:
		row.WhoKind = t(c, "audit.who."+string(e.ActorKind))
	case keys.ActorUser:
	}
	row.Kind, row.Target, row.TargetURL = s.auditTarget(c, e)
	return row
}

// auditTarget is to what an event happened: the kind in words, the name, and the page of the key when that
// exists and the reader may see it.
func (s *Server) auditTarget(c echo.Context, e store.LoggedEvent) (kind, name, url string) {
	if e.ObjectKind == "" {
		return "", "", ""
	}
	name = e.Object
	if name == "" {
		name = e.ObjectID
	}
	if e.Key != "" && e.KeyName != "" && actor(c).May(keys.ViewAPIKeys) {
		url = pathKeyShow(e.Key)
	}
	return sayOr(c, "audit.kind."+dashed(e.ObjectKind), e.ObjectKind), safe(name), url
}

// auditFields are what else is known of an event: first what it changed, then the rest.
func auditFields(c echo.Context, e store.LoggedEvent) (fields []views.AuditField) {
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		field := views.AuditField{Label: sayOr(c, "audit.field."+dashed(name), name)}
		if change, is := e.Details[name].(map[string]any); is && len(change) == 2 && change["before"] != nil && change["after"] != nil {
			field.Change, field.Before, field.After = true, sayValue(c, change["before"]), sayValue(c, change["after"])
			fields = slices.Insert(fields, changesOf(fields), field)
			continue
		}
		field.After = sayDetail(c, e, name)
		fields = append(fields, field)
	}
	if e.Result != "ok" {
		fields = append(fields, views.AuditField{Label: t(c, "audit.field.result"), After: sayOr(c, "error."+e.Result+".heading", safe(e.Result))})
	}
	if e.Key != "" {
		fields = append(fields, views.AuditField{Label: t(c, "audit.field.key"), After: string(e.Key)})
	}
	if e.RequestID != "" {
		fields = append(fields, views.AuditField{Label: t(c, "audit.field.request"), After: safe(e.RequestID)})
	}
	return slices.CompactFunc(fields, func(a, b views.AuditField) bool { return a == b })
}

// sayDetail is one of an event's details as people read it: a moment in their zone, a code in words.
func sayDetail(c echo.Context, e store.LoggedEvent, name string) string {
	value, said := e.Details[name], sayValue(c, e.Details[name])
	switch name {
	case "since":
		if micros, is := value.(float64); is {
			return momentOf(c, time.UnixMicro(int64(micros))).Text
		}
	case "expires_at":
		if at, err := time.Parse(time.RFC3339, said); err == nil {
			return momentOf(c, at).Text
		}
	case "reason", "kind":
		if name == "reason" && e.WrittenAgain() {
			return t(c, "audit.value.lost")
		}
		return sayOr(c, "audit."+name+"."+strings.ReplaceAll(said, " ", "-"), said)
	}
	return said
}

// changesOf is how many of the first fields are changes.
func changesOf(fields []views.AuditField) int {
	n := slices.IndexFunc(fields, func(f views.AuditField) bool { return !f.Change })
	if n < 0 {
		return len(fields)
	}
	return n
}

// sayValue is a value of an event's details as people read it.
func sayValue(c echo.Context, value any) string {
	switch v := value.(type) {
	case nil:
		return t(c, "audit.value.none")
	case bool:
		if v {
			return t(c, "audit.value.yes")
		}
		return t(c, "audit.value.no")
	case string:
		if v == "" {
			return t(c, "audit.value.none")
		}
		return safe(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = words.Isolate(sayValue(c, one))
		}
		if len(texts) == 0 {
			return t(c, "audit.value.none")
		}
		return strings.Join(texts, ", ")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return safe(string(text))
}

// auditAlarm says what is wrong and what to do about it.
func (s *Server) auditAlarm(c echo.Context, e store.LoggedEvent) views.AuditAlarm {
	_, name, link := s.auditTarget(c, e)
	if e.Key != "" && e.KeyName != "" {
		name = safe(e.KeyName)
	}
	if e.WrittenAgain() {
		text, advice := sayLost(c, e.AuditEvent)
		return views.AuditAlarm{Name: name, URL: link, Text: text, Advice: advice}
	}
	what := sayTimes(c, "audit.alarm.at", words.Args{"What": sayAction(c, e.Action), "At": momentOf(c, e.At)})
	if e.IP != "" {
		what = sayTimes(c, "audit.alarm.at-from", words.Args{"What": sayAction(c, e.Action), "At": momentOf(c, e.At), "Address": safe(e.IP)})
	}
	id := "audit.advice." + dashed(string(e.Action))
	return views.AuditAlarm{Name: name, URL: link, Text: what, Advice: sayOr(c, id, t(c, "audit.advice"))}
}

// sayEvent says what happened.
func sayEvent(c echo.Context, e keys.AuditEvent) string {
	if e.WrittenAgain() {
		return t(c, "audit.lost")
	}
	return sayAction(c, e.Action)
}

// sayOr says what the catalogue has for an id, or the other text where it has nothing.
func sayOr(c echo.Context, id, other string) string {
	if said := t(c, id); said != id {
		return said
	}
	return other
}

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

// safe is text without what has the shape of a secret. The audit log never holds one; this is the second lock.
func safe(text string) string { return secret.Redact(text) }
