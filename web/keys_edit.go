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
	List    string   `form:"list"`
}

// keysEditForm shows the form for a key's name, roles and status.
func (s *Server) keysEditForm(c echo.Context) error {
	key, err := s.keyToEdit(c)
	if err != nil {
		return err
	}
	in := editFields{Name: key.Name, Version: key.Version, List: string(listQuery(c))}
	if key.Active() {
		in.Active = "on"
	}
	for _, role := range key.Roles {
		in.Roles = append(in.Roles, role.Slug)
	}
	return s.renderEdit(c, http.StatusOK, key.ID, in, nil)
}

func (s *Server) keyToEdit(c echo.Context) (keys.Key, error) {
	id, err := keyParam(c)
	if err != nil {
		return keys.Key{}, err
	}
	key, err := s.store.Key(c.Request().Context(), actor(c), id)
	if err != nil {
		return keys.Key{}, err
	}
	return key, actor(c).MayGrant(key.Roles)
}

// keysEdit saves the form, unless the key changed after the form was opened.
func (s *Server) keysEdit(c echo.Context) error {
	id, err := keyParam(c)
	if err != nil {
		return err
	}
	var in editFields
	if err := bind(c, &in); err != nil {
		return err
	}
	in.Name = keys.NormalName(in.Name)
	from := parseList(in.List)
	changed, err := s.edit(c, id, in)
	if problems := problemsOf(c, err); problems != nil {
		return s.renderEdit(c, http.StatusUnprocessableEntity, id, in, problems)
	}
	if keys.ReasonOf(err) == keys.ReasonKeyChanged {
		return retryAt(err, pathKeyEdit(id, from))
	}
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.changes-saved")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, from.at(id), flash)
}

func (s *Server) edit(c echo.Context, id keys.KeyID, in editFields) (bool, error) {
	if err := keys.CheckName(in.Name); err != nil {
		return false, err
	}
	_, changed, err := s.store.EditKey(c.Request().Context(), actor(c), store.EditKey{
		ID: id, Version: in.Version, Name: in.Name, Roles: in.Roles, Active: in.Active == "on",
	})
	return changed, err
}

func (s *Server) renderEdit(c echo.Context, status int, id keys.KeyID, in editFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	from := parseList(in.List)
	shell := s.shell(c, "edit.title")
	shell.Failed = len(problems) > 0
	view := views.KeysEdit{
		Shell: shell, URL: pathKeyEdit(id, ""), CancelURL: from.at(id), KeyID: string(id), Name: in.Name,
		List: string(from), Version: in.Version, Roles: roleChoices(actor(c), roles, in.Roles),
		Active: in.Active == "on", Problems: problems,
	}
	return s.renderEither(c, status, views.KeysEditPage(view), views.KeysEditForm(view))
}
