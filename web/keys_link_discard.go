package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// keysLinkDiscardForm asks whether the link of a key shall be taken back.
func (s *Server) keysLinkDiscardForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	if _, err := key.Renewal().After(keys.EventDiscard, s.now()); err != nil {
		return atKey(err, key.ID)
	}
	view := views.KeyTokenConfirm{KeyConfirm: s.confirmView(c, "discard.heading", key, pathKeyDiscard), Since: momentOf(c, key.Link.CreatedAt)}
	return s.renderEither(c, http.StatusOK, views.KeysLinkDiscardPage(view), views.KeysLinkDiscardDialog(view))
}

// keysLinkDiscard takes back the link of a key.
func (s *Server) keysLinkDiscard(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return err
	}
	key, err := s.store.DiscardLink(c.Request().Context(), actor(c), id)
	if err != nil {
		return atKey(err, id)
	}
	return s.answerRow(c, key, ui.Flash{Tone: toneSuccess, Text: t(c, "flash.link-discarded")})
}
