package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// resourceFields is what the form of a new permission sends.
type resourceFields struct {
	Slug        string `form:"slug"`
	Product     string `form:"product"`
	Name        string `form:"name"`
	Description string `form:"description"`
}

// resourceAddForm shows the form for a new permission.
func (s *Server) resourceAddForm(c echo.Context) error {
	return s.renderResourceAdd(c, http.StatusOK, resourceFields{}, nil)
}

// resourceAdd adds the permission to the account's catalogue.
func (s *Server) resourceAdd(c echo.Context) error {
	var in resourceFields
	if err := bind(c, &in); err != nil {
		return err
	}
	added, err := s.store.AddResource(c.Request().Context(), actor(c), store.NewResource{
		Slug: in.Slug, Product: in.Product, Name: in.Name, Description: in.Description,
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderResourceAdd(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	return s.flashRedirect(c, pathResources(), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.permission-added", words.Args{"Name": added.Slug})})
}

func (s *Server) renderResourceAdd(c echo.Context, status int, in resourceFields, problems []ui.Problem) error {
	shell := s.shell(c, "catalogue.add")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.ResourceAddPage(views.ResourceAdd{
		Shell: shell, URL: pathResourceAdd(), CancelURL: pathResources(), BackLabel: t(c, "role.tab.permissions"),
		Slug: in.Slug, Product: in.Product, Name: in.Name, Description: in.Description, Problems: problems,
	}))
}
