package web

import (
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// roleFields is what the form of a role sends.
type roleFields struct {
	Name        string   `form:"name"`
	Description string   `form:"description"`
	Resources   []string `form:"resources"`
	Version     int64    `form:"version"`
}

// roleForm is the form of a role: of the one in used, or of a new one when that is nil.
func (s *Server) roleForm(c echo.Context, status int, used *store.UsedRole, in roleFields, problems []ui.Problem) error {
	catalogue, err := s.store.Resources(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	titleID := "role.create"
	if used != nil {
		titleID = "role.edit-heading"
	}
	shell, mine := s.shell(c, titleID), offered(actor(c), catalogue)
	shell.Failed = len(problems) > 0
	view := views.RoleForm{
		Shell: shell, URL: pathRoleCreate(), CancelURL: pathRoles(), BackLabel: t(c, "role.tab.roles"),
		Name: in.Name, Description: in.Description, Version: in.Version, AddURL: pathResourceAdd(),
		Groups: permissionGroups(c, mine, in.Resources), Withheld: len(mine) < len(catalogue), Problems: problems,
	}
	if used != nil {
		view.Slug, view.URL, view.CancelURL = used.Slug, pathRoleEdit(used.Slug), pathRolesAt(used.Slug)
		if used.Use.Any() {
			view.Applies = t(c, "role.applies", words.Args{"Holders": sayHolders(c, used.Use)})
		}
	}
	return s.render(c, status, views.RoleFormPage(view))
}

// roleProblems are what is wrong with the form of a role. That nobody is left who may manage users lies at
// the permissions, in this form.
func roleProblems(c echo.Context, err error) []ui.Problem {
	problems := problemsOf(c, err)
	for i := range problems {
		if keys.ReasonOf(err) == keys.ReasonLastAdministrator {
			problems[i].Field = "resources"
		}
	}
	return problems
}
