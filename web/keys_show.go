package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/words"
)

// historyLength is how many events the key's page shows.
const historyLength = 20

// keysShow shows the key's own page: its tokens, its roles and what happened to it.
func (s *Server) keysShow(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	events, err := s.store.KeyHistory(c.Request().Context(), actor(c), key.ID, historyLength)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeysShowPage(s.keyShowView(c, key, events)))
}

func (s *Server) keyShowView(c echo.Context, key keys.Key, events []keys.AuditEvent) views.KeyShow {
	v := currentViewer(c)
	shell := s.bareShell(c, key.Name)
	shell.Flash = s.takeFlash(c)
	view := views.KeyShow{
		Shell: shell, ID: string(key.ID), Name: key.Name, BackURL: pathKeys(), CreatedBy: key.CreatedBy,
		Active: key.Active(), Created: timeOf(c, key.CreatedAt, v.account.Location()), Pending: key.Renewing(),
		Tokens: s.showTokens(c, v.account, key), History: showHistory(c, v.account, events),
	}
	for _, role := range key.Roles {
		view.Roles = append(view.Roles, views.KeyShowRole{Name: role.Name, Description: role.Description})
	}
	if menu := keyMenu(v.actor, key, fromKey); menu != nil {
		// These two are buttons of their own; the menu holds the others.
		view.EditURL, view.RenewURL = menu.EditURL, menu.RenewURL
		menu.EditURL, menu.RenewURL = "", ""
		if *menu != (views.KeyMenu{}) {
			view.Menu = menu
		}
	}
	return view
}

func (s *Server) showTokens(c echo.Context, account keys.Account, key keys.Key) (all []views.KeyShowToken) {
	for i, token := range key.Tokens {
		validity := account.Judge(token.CreatedAt, s.now())
		all = append(all, views.KeyShowToken{
			Which: t(c, []string{"token.current", "token.old"}[i]), Hint: token.Hint, Left: sayDaysLeft(c, validity),
			Created: timeOf(c, token.CreatedAt, account.Location()), Chips: chipsOf(c, validity.Standing),
		})
	}
	return all
}

// showHistory puts what happened in words. A command on the machine has no address.
func showHistory(c echo.Context, account keys.Account, events []keys.AuditEvent) (all []views.KeyShowEvent) {
	for _, e := range events {
		hint, _ := e.Details["hint"].(string)
		all = append(all, views.KeyShowEvent{
			At: timeOf(c, e.At, account.Location()), Text: t(c, "history."+string(e.Action), words.Args{"Hint": hint}),
			By: e.Actor, From: e.IP,
		})
	}
	return all
}
