package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// keysDeactivateForm asks whether a key shall be stopped.
func (s *Server) keysDeactivateForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		return err
	}
	view := s.confirmView(c, "deactivate.heading", key, pathKeyDeactivate)
	view.LastUse = s.sayLastUse(c, usage.Last)
	return s.renderEither(c, http.StatusOK, views.KeysDeactivatePage(view), views.KeysDeactivateDialog(view))
}

// keysDeactivate stops a key. It asks for no version: an emergency must not fail on a stale page.
func (s *Server) keysDeactivate(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return err
	}
	key, changed, err := s.store.DeactivateKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	args := words.Args{"Name": key.Name}
	if !changed {
		return s.answerRow(c, key, ui.Flash{Tone: toneInfo, Text: t(c, "flash.was-inactive", args)})
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.deactivated", args)}
	if actor(c).MayGrant(key.Roles) == nil {
		flash.Action = &ui.Action{Label: t(c, "flash.activate"), URL: pathKeyActivate(key.ID, listQuery(c)), Post: true}
	}
	return s.answerRow(c, key, flash)
}
