package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// keysDeleteOldForm asks whether the old token of a renewal shall end.
func (s *Server) keysDeleteOldForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	if _, err := key.Renewal().After(keys.EventDeleteOld, s.now()); err != nil {
		return atKey(err, key.ID)
	}
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		return err
	}
	view := views.KeyTokenConfirm{
		KeyConfirm: s.confirmView(c, "oldtoken.heading", key, pathKeyDeleteOld),
		Since:      timeOf(c, key.Tokens[1].CreatedAt, currentViewer(c).zone()),
	}
	view.LastUse = s.sayLastUse(c, usage.Tokens[key.Tokens[1].Number])
	return s.renderEither(c, http.StatusOK, views.KeysDeleteOldPage(view), views.KeysDeleteOldDialog(view))
}

// keysDeleteOld ends the old token of a renewal.
func (s *Server) keysDeleteOld(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return err
	}
	key, err := s.store.DeleteOldToken(c.Request().Context(), actor(c), id)
	if err != nil {
		return atKey(err, id)
	}
	return s.answerRow(c, key, ui.Flash{Tone: toneSuccess, Text: t(c, "flash.old-token-deleted")})
}
