package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// keysDeleteForm asks whether a key shall be deleted for ever.
func (s *Server) keysDeleteForm(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	return s.renderDelete(c, http.StatusOK, key, nil)
}

// keysDelete deletes a key when the person says that they know what that means.
func (s *Server) keysDelete(c echo.Context) error {
	id, in, err := rowAction(c)
	if err != nil {
		return err
	}
	if in.Understood != "on" {
		return s.askAgain(c)
	}
	key, err := s.store.DeleteKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.deleted", words.Args{"Name": key.Name})}
	if isHX(c) {
		return s.answerGone(c, flash)
	}
	return s.flashRedirect(c, listQuery(c).path(), flash)
}

// askAgain answers a form whose box was not checked; in place, the dialog stays.
func (s *Server) askAgain(c echo.Context) error {
	key, err := s.keyOfPath(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set("HX-Retarget", "#dlg")
	c.Response().Header().Set("HX-Reswap", "innerHTML")
	return s.renderDelete(c, http.StatusUnprocessableEntity, key, problemsOf(c, keys.Problem("understood", keys.ReasonNotUnderstood)))
}

// answerGone takes the row of a deleted key off the page. When it was the last one there, the list is
// opened anew: it then shows another page, or that there is no key.
func (s *Server) answerGone(c echo.Context, flash ui.Flash) error {
	from := listQuery(c)
	left, err := s.readKeys(c, from)
	if err != nil || len(left.Keys) == 0 || left.Fallback {
		return s.flashRedirect(c, from.first().path(), flash)
	}
	return s.render(c, http.StatusOK, views.KeysRowGone(views.KeysGone{Count: countOf(left, from), Flash: flash}))
}

func (s *Server) renderDelete(c echo.Context, status int, key keys.Key, problems []ui.Problem) error {
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		return err
	}
	view := views.KeyDelete{KeyConfirm: s.confirmView(c, "delete.heading", key, pathKeyDelete)}
	view.Failed, view.Problems, view.LastUse = len(problems) > 0, problems, s.sayLastUse(c, usage.Last)
	if key.Active() {
		view.Used, view.DeactivateURL = s.sayRecentUse(c, "delete.used", usage.Last), pathKeyDeactivate(key.ID, listQuery(c))
	}
	return s.renderEither(c, status, views.KeysDeletePage(view), views.KeysDeleteDialog(view))
}
