package web

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// pageSize is how many keys a page of the table shows.
const pageSize = 25

// keysList shows the Generated tab. A search that htmx asks for gets the table alone, and the address that
// the page has then.
func (s *Server) keysList(c echo.Context) error {
	from := parseList(c.Request().URL.RawQuery)
	if from == fromKey {
		return s.redirect(c, pathKeys())
	}
	found, err := s.readKeys(c, from)
	switch {
	case keys.KindOf(err) == keys.KindMalformed, found.Fallback:
		return s.redirectEither(c, from.first().path())
	case keys.KindOf(err) == keys.KindUnavailable:
		return s.keysNotLoaded(c, from, err)
	case err != nil:
		return err
	}
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return s.keysNotLoaded(c, from, err)
	}
	view := s.keysListView(c, found, roles, from)
	if isHX(c) {
		c.Response().Header().Set("HX-Push-Url", from.path())
	}
	return s.renderEither(c, http.StatusOK, views.KeysListPage(view), views.KeysListResults(view))
}

func (s *Server) readKeys(c echo.Context, from list) (store.KeyPage, error) {
	return s.store.Keys(c.Request().Context(), actor(c), from.ask())
}

// keysNotLoaded is the failure of a list that could not be read. Its page keeps what was looked for, with the
// names of the roles if at least these can be read.
func (s *Server) keysNotLoaded(c echo.Context, from list, cause error) error {
	err := &keys.Error{Kind: keys.KindUnavailable, Reason: reasonNotLoaded, Cause: cause}
	return failed{err, from.path(), "error.back.again", func(f views.Failure) templ.Component {
		roles, _ := s.store.Roles(c.Request().Context(), actor(c))
		return views.KeysNotLoadedPage(views.KeysNotLoaded{
			Failure: f, Tabs: tabs(c, pathKeys()), Find: findForm(c, roles, from), ClearURL: from.unfiltered().path(),
		})
	}}
}

func (s *Server) keysListView(c echo.Context, found store.KeyPage, roles []keys.Role, from list) views.KeysList {
	v := currentViewer(c)
	view := views.KeysList{
		Shell: s.shell(c, "keys.heading"), Tabs: tabs(c, pathKeys()), None: found.Total == 0, Count: countOf(found, from),
		ClearURL: from.unfiltered().path(), Exports: from.exports(),
	}
	if v.actor.May(keys.EditAPIKeys) {
		view.GenerateURL = pathKeysGenerate()
		view.Bulk = bulkBar(from)
	}
	if view.None {
		return view
	}
	if found.Previous != "" {
		view.PreviousURL = from.with(paramBefore, found.Previous).path()
	}
	if found.Next != "" {
		view.NextURL = from.with(paramAfter, found.Next).path()
	}
	for _, key := range found.Keys {
		view.Rows = append(view.Rows, s.keyRow(c, v, key, from))
	}
	view.Sorts = sorts(from)
	view.Find = findForm(c, roles, from)
	return view
}

// countOf is how many keys were found.
func countOf(found store.KeyPage, from list) views.KeysCount {
	return views.KeysCount{Total: found.Matches, More: found.More, Filtered: from.filtered()}
}

// tabs are the tabs of the API Keys page that exist.
func tabs(c echo.Context, current string) []ui.Tab {
	return []ui.Tab{
		{Label: t(c, "keys.tab.generated"), URL: pathKeys(), Current: current == pathKeys()},
		{Label: t(c, "keys.tab.external"), URL: pathExternal(), Current: current == pathExternal()},
		{Label: t(c, "keys.tab.settings"), URL: pathSettings(), Current: current == pathSettings()},
	}
}
