package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// rowFields is what the form of a row action sends.
type rowFields struct {
	List string `form:"list"`
	// Understood is the checkbox of what cannot be undone.
	Understood string `form:"understood"`
}

// keysDeactivateForm asks whether a key shall be stopped.
func (s *Server) keysDeactivateForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	from := listQuery(c)
	view := views.KeysDeactivate{
		Shell: s.shell(c, "deactivate.title"), URL: pathKeyDeactivate(key.ID, ""), CancelURL: from.at(key.ID),
		KeyID: string(key.ID), Name: key.Name, List: string(from),
	}
	return s.renderEither(c, http.StatusOK, views.KeysDeactivatePage(view), views.KeysDeactivateDialog(view))
}

// keysDeactivate stops a key. It asks for no version: an emergency must not fail on a stale page.
func (s *Server) keysDeactivate(c echo.Context) error {
	id, in, err := rowAction(c)
	if err != nil {
		return err
	}
	key, changed, err := s.store.DeactivateKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	args := words.Args{"Name": key.Name}
	if !changed {
		return s.answerRow(c, key, parseList(in.List), ui.Flash{Tone: toneInfo, Text: t(c, "flash.was-inactive", args)})
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.deactivated", args)}
	if actor(c).MayGrant(key.Roles) == nil {
		flash.Action = &ui.Action{Label: t(c, "flash.activate"), URL: pathKeyActivate(key.ID, ""), Post: true}
	}
	return s.answerRow(c, key, parseList(in.List), flash)
}

// keyOfPath is the key that the path names, in the viewer's account.
func (s *Server) keyOfPath(c echo.Context) (keys.Key, error) {
	id, err := keyParam(c)
	if err != nil {
		return keys.Key{}, err
	}
	return s.store.Key(c.Request().Context(), actor(c), id)
}

// rowAction reads what every action on a row comes with.
func rowAction(c echo.Context) (keys.KeyID, rowFields, error) {
	id, err := keyParam(c)
	if err != nil {
		return "", rowFields{}, err
	}
	var in rowFields
	err = bind(c, &in)
	return id, in, err
}
