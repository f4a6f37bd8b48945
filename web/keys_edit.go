package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// editFields is what the Edit form sends.
type editFields struct {
	Name    string   `form:"name"`
	Roles   []string `form:"roles"`
	Active  string   `form:"active"`
	Version int64    `form:"version"`
}

// keysEditForm shows the form for a key's name, roles and status.
func (s *Server) keysEditForm(c echo.Context) error {
	key, err := s.keyToChange(c)
	if err != nil {
		return err
	}
	in := editFields{Name: key.Name, Version: key.Version}
	if key.Active() {
		in.Active = "on"
	}
	for _, role := range key.Roles {
		in.Roles = append(in.Roles, role.Slug)
	}
	return s.renderEdit(c, http.StatusOK, key.ID, in, nil)
}

// keysEdit saves the form, unless the key changed after the form was opened.
func (s *Server) keysEdit(c echo.Context) error {
	var in editFields
	if err := bind(c, &in); err != nil {
		return err
	}
	key, err := s.keyToChange(c)
	if err != nil {
		return err
	}
	_, changed, err := s.store.EditKey(c.Request().Context(), actor(c), store.EditKey{
		ID: key.ID, Version: in.Version, Name: in.Name, Roles: in.Roles, Active: in.Active == "on",
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderEdit(c, http.StatusUnprocessableEntity, key.ID, in, problems)
	}
	if keys.ReasonOf(err) == keys.ReasonKeyChanged {
		return retryAt(err, pathKeyEdit(key.ID, listQuery(c)), "error.back.retry")
	}
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.changes-saved")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, listQuery(c).at(key.ID), flash)
}

func (s *Server) renderEdit(c echo.Context, status int, id keys.KeyID, in editFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	usage, err := s.usageOf(c, id)
	if err != nil {
		return err
	}
	from := listQuery(c)
	shell := s.shell(c, "edit.heading")
	shell.Failed = len(problems) > 0
	view := views.KeysEdit{
		Shell: shell, URL: pathKeyEdit(id, from), CancelURL: from.at(id), BackLabel: from.label(c, id), KeyID: string(id), Name: in.Name,
		Version: in.Version, Roles: roleChoices(c, actor(c), roles, in.Roles), Active: in.Active == "on", LastUse: s.sayLastUse(c, usage.Last), Problems: problems,
	}
	return s.renderEither(c, status, views.KeysEditPage(view), views.KeysEditForm(view))
}
