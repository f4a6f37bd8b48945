package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// externalRemoveForm asks whether an external key shall lose its roles.
func (s *Server) externalRemoveForm(c echo.Context) error {
	key, err := s.externalOfPath(c)
	if err != nil {
		return err
	}
	from := listQuery(c)
	view := views.ExternalRemove{KeyConfirm: views.KeyConfirm{
		Shell: s.shell(c, "external.remove-heading"), URL: pathExternalRemove(key.ID, from), CancelURL: from.externalAt(key.ID),
		KeyID: string(key.ID), Name: key.Owner, BackLabel: t(c, "external.heading"),
	}}
	return s.renderEither(c, http.StatusOK, views.ExternalRemovePage(view), views.ExternalRemoveDialog(view))
}

// externalRemove takes from an external key what it may do here. It asks for no version: an emergency must
// not fail on a stale page.
func (s *Server) externalRemove(c echo.Context) error {
	id, _, err := rowAction(c)
	if err != nil {
		return atExternal(err)
	}
	removed, err := s.store.RemoveExternalKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return atExternal(err)
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.external-removed", words.Args{"Key": string(removed.ID)})}
	if isHX(c) {
		return s.answerExternalGone(c, flash)
	}
	return s.flashRedirect(c, listQuery(c).external(), flash)
}

// answerExternalGone takes the row of a removed key off the page. When it was the last one there, the list
// is opened anew.
func (s *Server) answerExternalGone(c echo.Context, flash ui.Flash) error {
	left, err := s.readExternal(c, listQuery(c))
	if err != nil || len(left.Keys) == 0 || left.Fallback {
		return s.flashRedirect(c, pathExternal(), flash)
	}
	return s.render(c, http.StatusOK, views.ExternalRowGone(views.ExternalGone{Total: left.Total, Flash: flash}))
}
