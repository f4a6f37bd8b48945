package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// keysUndoForm asks whether the new token of a renewal, or the link for it, shall end.
func (s *Server) keysUndoForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	if _, err := key.Renewal().After(keys.EventUndo, s.now()); err != nil {
		return atKey(err, key.ID)
	}
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		return err
	}
	view := views.KeyTokenConfirm{KeyConfirm: s.confirmView(c, "undo.heading", key, pathKeyUndo), Link: key.Pending(s.now())}
	if view.Link {
		view.Since = momentOf(c, key.Link.CreatedAt)
	} else {
		view.Since = timeOf(c, key.Tokens[0].CreatedAt, currentViewer(c).zone())
		view.LastUse = s.sayNewTokenUse(c, usage.Tokens[key.Tokens[0].Number])
	}
	return s.renderEither(c, http.StatusOK, views.KeysUndoPage(view), views.KeysUndoDialog(view))
}

// keysUndo ends the new token of a renewal, or the link for it.
func (s *Server) keysUndo(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return err
	}
	key, err := s.store.UndoRenewal(c.Request().Context(), actor(c), id)
	if err != nil {
		return atKey(err, id)
	}
	return s.answerRow(c, key, ui.Flash{Tone: toneSuccess, Text: t(c, "flash.renewal-undone")})
}
