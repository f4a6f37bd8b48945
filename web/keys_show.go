package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/words"
)

// historyLength is how many events the key's page shows.
const historyLength = 20

// alarmDays is how long the key's page shows an alarm.
const alarmDays = keys.UsageDays

// keysShow shows the key's own page: its tokens, its roles, how it was used and what happened to it.
func (s *Server) keysShow(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		return err
	}
	events, err := s.store.KeyHistory(c.Request().Context(), actor(c), key.ID, historyLength)
	if err != nil {
		return err
	}
	view := s.keyShowView(c, key, usage, events)
	since := s.now().Add(-alarmDays * 24 * time.Hour)
	alarm, found, err := s.store.KeyAlarm(c.Request().Context(), actor(c), key.ID, since)
	if err != nil {
		return err
	}
	if found {
		view.Alarm, view.AlarmAdvice = sayAlarm(c, alarm)
	}
	if view.Confirmed, err = s.keyConfirmed(c, key, events); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeysShowPage(view))
}

func (s *Server) keyShowView(c echo.Context, key keys.Key, usage keys.KeyUsage, events []keys.AuditEvent) views.KeyShow {
	v := currentViewer(c)
	shell := s.bareShell(c, key.Name)
	shell.Flash = s.takeFlash(c)
	view := views.KeyShow{
		Shell: shell, ID: string(key.ID), Name: key.Name, BackURL: pathKeys(), ProtectURL: pathHelpProtect(), CreatedBy: key.CreatedBy,
		Active: key.Active(), Created: timeOf(c, key.CreatedAt, v.zone()),
		Renewal: s.showRenewal(c, key, usage), Link: s.showLink(c, key), Tokens: s.showTokens(c, v.account, key, usage),
		Usage:      usageView(c, v.account.Location(), s.now(), usage.Hours),
		QuickStart: s.quickStart(c, key.ID), History: showHistory(c, events),
	}
	if v.actor.May(keys.ViewAuditLog) {
		view.HistoryURL = auditAsk{target: string(key.ID)}.path(pathAudit(), "", "")
	}
	for _, role := range sayRoles(c, key.Roles) {
		view.Roles = append(view.Roles, views.KeyShowRole{Name: role.Name, Description: role.Description})
	}
	if menu := s.keyMenu(v.actor, key, fromKey); menu != nil {
		// These two are buttons of their own; the menu holds the others.
		view.EditURL, view.RenewURL = menu.EditURL, menu.RenewURL
		menu.EditURL, menu.RenewURL = "", ""
		if *menu != (views.KeyMenu{}) {
			view.Menu = menu
		}
	}
	return view
}

func (s *Server) showTokens(c echo.Context, account keys.Account, key keys.Key, usage keys.KeyUsage) (all []views.KeyShowToken) {
	for i, token := range key.Tokens {
		validity, last := account.Judge(token.CreatedAt, s.now()), usage.Tokens[token.Number]
		shown := views.KeyShowToken{
			Which: t(c, []string{"token.current", "token.old"}[i]), Hint: token.Hint, Left: sayDaysLeft(c, validity),
			Created: timeOf(c, token.CreatedAt, currentViewer(c).zone()), Chips: chipsOf(c, validity.Standing),
		}
		if !last.Never() {
			shown.Used, shown.From = s.ago(c, last.At), last.IP
		}
		all = append(all, shown)
	}
	return all
}

// showRenewal says which token of an open renewal is still used, and when the old one is safe to delete.
// It is nil when no renewal is open.
func (s *Server) showRenewal(c echo.Context, key keys.Key, usage keys.KeyUsage) *views.KeyShowRenewal {
	if !key.Renewing() {
		return nil
	}
	renewed, old := usage.Tokens[key.Tokens[0].Number], usage.Tokens[key.Tokens[1].Number]
	advice := keys.AdviseRenewal(old, renewed, s.now())
	id := "advice." + string(advice.Need)
	text := id + ".text"
	if advice.Need == keys.NeedNone && old.Never() {
		text = id + ".never"
	}
	return &views.KeyShowRenewal{
		Safe: advice.Need == keys.NeedNone, Heading: t(c, id+".heading"),
		Text: sayTimes(c, text, words.Args{
			"Old": momentOf(c, old.At), "New": momentOf(c, renewed.At), "Safe": momentOf(c, advice.SafeFrom),
		}),
	}
}

// showLink says what became of the newest link of a key, as long as that explains what tokens it has. It is
// nil when there is nothing to say.
func (s *Server) showLink(c echo.Context, key keys.Key) *views.KeyShowLink {
	link := key.Link
	made := slices.IndexFunc(key.Tokens, func(token keys.Token) bool { return token.Number == link.Token })
	args := words.Args{"By": link.CreatedBy, "Made": momentOf(c, link.CreatedAt), "Expires": momentOf(c, link.ExpiresAt)}
	switch {
	case link.ID == "", slices.ContainsFunc(key.Tokens, func(token keys.Token) bool { return token.Number > link.Token }):
		return nil
	case link.Waits(s.now()):
		return &views.KeyShowLink{Waits: true, Text: sayTimes(c, "link.was-waits", args)}
	case !link.OpenedAt.IsZero() && made >= 0:
		id := "link.was-opened"
		if link.OpenedIP == "" {
			id = "link.was-opened-nowhere"
		}
		args["Opened"], args["Address"], args["Hint"] = momentOf(c, link.OpenedAt), link.OpenedIP, key.Tokens[made].Hint
		return &views.KeyShowLink{Text: sayTimes(c, id, args)}
	case !link.OpenedAt.IsZero():
		return nil
	case !link.VoidedAt.IsZero() && link.VoidedAt.Before(link.ExpiresAt):
		args["Voided"] = momentOf(c, link.VoidedAt)
		return &views.KeyShowLink{Text: sayTimes(c, "link.was-voided", args)}
	}
	return &views.KeyShowLink{Text: sayTimes(c, "link.was-expired", args)}
}

// sayAlarm says what an alarm is about, when and from where it was last raised, and what to do.
func sayAlarm(c echo.Context, alarm keys.AuditEvent) (text views.Sentence, advice string) {
	id, advice := "alarm.reuse", t(c, "alarm.reuse-advice")
	switch {
	case alarm.WrittenAgain():
		return sayLost(c, alarm)
	case alarm.Action == keys.ActionLinkWrongSecret:
		id, advice = "alarm.link-guessed", t(c, "alarm.link-advice")
	}
	args := words.Args{"At": momentOf(c, alarm.At)}
	if alarm.IP != "" {
		id, args["Address"] = id+"-from", alarm.IP
	}
	return sayTimes(c, id, args), advice
}

// sayLost is sayAlarm for a revocation that the database had lost.
func sayLost(c echo.Context, alarm keys.AuditEvent) (text views.Sentence, advice string) {
	return sayTimes(c, "alarm.lost", words.Args{"At": momentOf(c, alarm.At)}), t(c, "alarm.lost-advice")
}

// showHistory puts what happened in words. A command on the machine has no address.
func showHistory(c echo.Context, events []keys.AuditEvent) (all []views.KeyShowEvent) {
	for _, e := range events {
		hint, _ := e.Details["hint"].(string)
		id := historyID(e.Action)
		if e.WrittenAgain() {
			id = "history.lost"
		}
		all = append(all, views.KeyShowEvent{
			At: timeOf(c, e.At, currentViewer(c).zone()), Text: t(c, id, words.Args{"Hint": hint}),
			By: e.Actor, From: e.IP,
		})
	}
	return all
}

// historyID is the id of the words for an action.
func historyID(action keys.Action) string {
	return "history." + strings.ReplaceAll(string(action), "_", "-")
}
