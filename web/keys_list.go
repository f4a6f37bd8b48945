package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// pageSize is how many keys a page of the table shows.
const pageSize = 25

// keysList shows the Generated tab.
func (s *Server) keysList(c echo.Context) error {
	from := parseList(c.Request().URL.RawQuery)
	if from == fromKey {
		return s.redirect(c, pathKeys())
	}
	found, err := s.readKeys(c, from)
	if keys.KindOf(err) == keys.KindMalformed {
		return s.redirect(c, pathKeys())
	}
	if keys.KindOf(err) == keys.KindUnavailable {
		err = &keys.Error{Kind: keys.KindUnavailable, Reason: reasonNotLoaded, Cause: err}
		return retryAt(err, from.path(), "error.back.again")
	}
	if err != nil {
		return err
	}
	if found.Fallback {
		return s.redirect(c, pathKeys())
	}
	return s.render(c, http.StatusOK, views.KeysListPage(s.keysListView(c, found, from)))
}

func (s *Server) readKeys(c echo.Context, from list) (store.KeyPage, error) {
	after, before := from.cursors()
	return s.store.Keys(c.Request().Context(), actor(c), store.KeyAsk{After: after, Before: before, Limit: pageSize})
}

func (s *Server) keysListView(c echo.Context, found store.KeyPage, from list) views.KeysList {
	v := currentViewer(c)
	view := views.KeysList{Shell: s.shell(c, "keys.heading"), Tabs: tabs(c, pathKeys()), Total: found.Total, ExportURL: pathKeysExport(formatXLSX)}
	if v.actor.May(keys.EditAPIKeys) {
		view.GenerateURL = pathKeysGenerate()
	}
	if found.Newer != "" {
		view.NewerURL = pathKeys() + "?before=" + url.QueryEscape(found.Newer)
	}
	if found.Older != "" {
		view.OlderURL = pathKeys() + "?after=" + url.QueryEscape(found.Older)
	}
	for _, key := range found.Keys {
		view.Rows = append(view.Rows, s.keyRow(c, v, key, from))
	}
	return view
}

// tabs are the tabs of the API Keys page that exist.
func tabs(c echo.Context, current string) []ui.Tab {
	return []ui.Tab{
		{Label: t(c, "keys.tab.generated"), URL: pathKeys(), Current: current == pathKeys()},
		{Label: t(c, "keys.tab.settings"), URL: pathSettings(), Current: current == pathSettings()},
	}
}
