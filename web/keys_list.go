package web

import (
	"net/http"

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
		err = &keys.Error{Kind: keys.KindUnavailable, Reason: reasonNotLoaded, Cause: err}
		return retryAt(err, from.path(), "error.back.again")
	case err != nil:
		return err
	}
	view, err := s.keysListView(c, found, from)
	if err != nil {
		return err
	}
	if isHX(c) {
		c.Response().Header().Set("HX-Push-Url", from.path())
	}
	return s.renderEither(c, http.StatusOK, views.KeysListPage(view), views.KeysListResults(view))
}

func (s *Server) readKeys(c echo.Context, from list) (store.KeyPage, error) {
	return s.store.Keys(c.Request().Context(), actor(c), from.ask())
}

func (s *Server) keysListView(c echo.Context, found store.KeyPage, from list) (views.KeysList, error) {
	v := currentViewer(c)
	view := views.KeysList{
		Shell: s.shell(c, "keys.heading"), Tabs: tabs(c, pathKeys()), None: found.Total == 0, Count: countOf(found, from),
		ClearURL: from.unfiltered().path(), ExportURL: from.exportPath(),
	}
	if v.actor.May(keys.EditAPIKeys) {
		view.GenerateURL = pathKeysGenerate()
		view.Bulk = bulkBar(from)
	}
	if view.None {
		return view, nil
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
	var err error
	view.Find, err = s.findForm(c, from)
	return view, err
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
