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
	return s.renderDelete(c, http.StatusOK, key, listQuery(c), nil)
}

// keysDelete deletes a key when the person says that they know what that means.
func (s *Server) keysDelete(c echo.Context) error {
	id, in, err := rowAction(c)
	if err != nil {
		return err
	}
	from := parseList(in.List)
	if in.Understood != "on" {
		key, err := s.store.Key(c.Request().Context(), actor(c), id)
		if err != nil {
			return err
		}
		c.Response().Header().Set("HX-Retarget", "#dlg")
		c.Response().Header().Set("HX-Reswap", "innerHTML")
		problems := problemsOf(c, keys.Problem("understood", keys.ReasonNotUnderstood))
		return s.renderDelete(c, http.StatusUnprocessableEntity, key, from, problems)
	}
	key, err := s.store.DeleteKey(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	return s.answerGone(c, key, from, ui.Flash{Tone: toneSuccess, Text: t(c, "flash.deleted", words.Args{"Name": key.Name})})
}

// answerGone answers htmx by taking the row away, and everybody else with the list. When that was the
// page's last row, htmx too goes to the list, which then shows another page or that there is no key.
func (s *Server) answerGone(c echo.Context, key keys.Key, from list, flash ui.Flash) error {
	left, err := s.readKeys(c, from)
	if !isHX(c) || err != nil || len(left.Keys) == 0 {
		return s.flashRedirect(c, from.path(), flash)
	}
	c.Response().Header().Set("HX-Trigger", "dialog-close")
	return s.render(c, http.StatusOK, views.KeysRowGone(views.KeysGone{ID: string(key.ID), Total: left.Total, Flash: flash}))
}

func (s *Server) renderDelete(c echo.Context, status int, key keys.Key, from list, problems []ui.Problem) error {
	shell := s.shell(c, "delete.title")
	shell.Failed = len(problems) > 0
	view := views.KeysDelete{
		Shell: shell, URL: pathKeyDelete(key.ID, ""), CancelURL: from.at(key.ID), KeyID: string(key.ID),
		Name: key.Name, List: string(from), Problems: problems,
	}
	return s.renderEither(c, status, views.KeysDeletePage(view), views.KeysDeleteDialog(view))
}
