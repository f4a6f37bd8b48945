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
	key, err := s.keyToEdit(c)
	if err != nil {
		return err
	}
	from := listQuery(c)
	return s.render(c, http.StatusOK, views.KeysActivatePage(views.KeysActivate{
		Shell: s.shell(c, "activate.title"), URL: pathKeyActivate(key.ID, ""), CancelURL: from.at(key.ID),
		KeyID: string(key.ID), Name: key.Name, List: string(from),
	}))
}

// keysActivate lets a stopped key in again.
func (s *Server) keysActivate(c echo.Context) error {
	id, in, err := rowAction(c)
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
	return s.answerRow(c, key, parseList(in.List), flash)
}
