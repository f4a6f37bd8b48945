package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// keysActivateForm shows the warning of the menu on a page of its own.
func (s *Server) keysActivateForm(c echo.Context) error {
	key, err := s.keyToChange(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeysActivatePage(s.confirmView(c, "activate.heading", key, pathKeyActivate)))
}

// keysActivate lets a stopped key in again.
func (s *Server) keysActivate(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return err
	}
	key, changed, err := s.store.ActivateKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.activated", words.Args{"Name": key.Name})}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.was-active", words.Args{"Name": key.Name})}
	}
	return s.answerRow(c, key, flash)
}
