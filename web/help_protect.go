package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/deploy"
	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// guardedURL is where the configurations have the proxy listen.
const guardedURL = "http://127.0.0.1:8000/"

// helpProtect shows how a proxy guards an API: the configurations of package deploy with the addresses of this
// installation.
func (s *Server) helpProtect(c echo.Context) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	resources := resourcesOf(roles)
	resource := c.QueryParam("resource")
	if !slices.Contains(resources, resource) {
		resource = ""
		if len(resources) > 0 {
			resource = resources[0]
		}
	}
	view := views.HelpProtect{
		Shell: s.shell(c, "protect.heading"), URL: pathHelpProtect(), BackURL: pathHelp(), Verifier: s.verifier,
		Resource: resource, Resources: resources,
	}
	place := deploy.Place{
		Verifier: s.verifier, Account: currentViewer(c).account.Slug, Resource: resource, KeyHeader: s.keyHeader, TokenHeader: s.tokenHeader,
	}
	copyIt := t(c, "snippet.copy")
	for _, r := range deploy.Recipes(place) {
		view.Recipes = append(view.Recipes, ui.Snippet{
			ID: "recipe-" + r.Slug, Group: "recipes", Label: r.Name, Hint: t(c, "protect.recipe", words.Args{"File": r.File}), Code: r.Text, Copy: copyIt,
		})
	}
	view.Try = ui.Snippet{
		ID: "try-curl", Group: "try", Label: "curl", Hint: t(c, "protect.hint"), Copy: copyIt,
		Code: "curl -i " + shellHeader(s.keyHeader, "$API_KEY") + " " + shellHeader(s.tokenHeader, "$API_TOKEN") + " " + guardedURL + "\ncurl -i " + guardedURL,
	}
	return s.render(c, http.StatusOK, views.HelpProtectPage(view))
}

// resourcesOf are the account's own resources that its roles hold, sorted.
func resourcesOf(roles []keys.Role) (slugs []string) {
	for _, role := range roles {
		for _, slug := range role.Resources {
			if !keys.IsConsole(slug) {
				slugs = append(slugs, slug)
			}
		}
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}
