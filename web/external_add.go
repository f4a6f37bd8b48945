package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// externalAddFields is what the form for a key of another account sends.
type externalAddFields struct {
	Key   string   `form:"key"`
	Owner string   `form:"owner"`
	Roles []string `form:"roles"`
}

// externalAddForm shows the form for a key of another account.
func (s *Server) externalAddForm(c echo.Context) error {
	return s.renderExternalAdd(c, http.StatusOK, externalAddFields{}, nil)
}

// externalAdd gives a key of another account roles of this one.
func (s *Server) externalAdd(c echo.Context) error {
	var in externalAddFields
	if err := bind(c, &in); err != nil {
		return err
	}
	added, err := s.store.AddExternalKey(c.Request().Context(), actor(c), store.NewExternalKey{
		ID: keys.KeyID(in.Key), Owner: in.Owner, Roles: in.Roles,
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderExternalAdd(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.external-added", words.Args{"Key": string(added.ID)})}
	return s.flashRedirect(c, list("").externalAt(added.ID), flash)
}

func (s *Server) renderExternalAdd(c echo.Context, status int, in externalAddFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	shell := s.shell(c, "external.add-heading")
	shell.Failed = len(problems) > 0
	view := views.ExternalAdd{
		Shell: shell, URL: pathExternalAdd(), CancelURL: pathExternal(), KeyID: in.Key, Owner: in.Owner,
		Roles: roleChoices(actor(c), sayRoles(c, roles), in.Roles), Problems: problems,
	}
	return s.renderEither(c, status, views.ExternalAddPage(view), views.ExternalAddForm(view))
}
