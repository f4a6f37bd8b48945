package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// externalEditFields is what the Edit form of an external key sends.
type externalEditFields struct {
	Roles   []string `form:"roles"`
	Version int64    `form:"version"`
}

// externalEditForm shows the form for the roles of an external key.
func (s *Server) externalEditForm(c echo.Context) error {
	key, err := s.externalToChange(c)
	if err != nil {
		return err
	}
	in := externalEditFields{Version: key.Version}
	for _, role := range key.Roles {
		in.Roles = append(in.Roles, role.Slug)
	}
	return s.renderExternalEdit(c, http.StatusOK, key, in, nil)
}

// externalEdit saves the form, unless the external key changed after the form was opened.
func (s *Server) externalEdit(c echo.Context) error {
	var in externalEditFields
	if err := bind(c, &in); err != nil {
		return err
	}
	key, err := s.externalToChange(c)
	if err != nil {
		return err
	}
	_, changed, err := s.store.EditExternalKey(c.Request().Context(), actor(c), store.EditExternalKey{ID: key.ID, Version: in.Version, Roles: in.Roles})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderExternalEdit(c, http.StatusUnprocessableEntity, key, in, problems)
	}
	if keys.ReasonOf(err) == keys.ReasonKeyChanged {
		return retryAt(err, pathExternalEdit(key.ID, listQuery(c)), "error.back.retry")
	}
	if err != nil {
		return atExternal(err)
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.changes-saved")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, listQuery(c).externalAt(key.ID), flash)
}

// externalToChange is externalOfPath, or Forbidden when the key has more than the viewer does.
func (s *Server) externalToChange(c echo.Context) (keys.ExternalKey, error) {
	key, err := s.externalOfPath(c)
	if err != nil {
		return keys.ExternalKey{}, err
	}
	return key, atExternal(actor(c).MayGrant(key.Roles))
}

func (s *Server) renderExternalEdit(c echo.Context, status int, key keys.ExternalKey, in externalEditFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	from := listQuery(c)
	shell := s.shell(c, "external.edit-heading")
	shell.Failed = len(problems) > 0
	view := views.ExternalEdit{
		Shell: shell, URL: pathExternalEdit(key.ID, from), CancelURL: from.externalAt(key.ID), KeyID: string(key.ID), Owner: key.Owner,
		Active: key.Active, Version: in.Version, Roles: roleChoices(actor(c), sayRoles(c, roles), in.Roles), Problems: problems,
	}
	return s.renderEither(c, status, views.ExternalEditPage(view), views.ExternalEditForm(view))
}
