package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/views"
)

// resourceList shows the account's catalogue.
func (s *Server) resourceList(c echo.Context) error {
	catalogue, err := s.store.Resources(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.ResourceListPage(views.ResourceList{
		Shell: s.shell(c, "role.tab.permissions"), Tabs: roleTabs(c, pathResources()), AddURL: pathResourceAdd(),
		Groups: permissionGroups(c, catalogue, nil),
	}))
}
