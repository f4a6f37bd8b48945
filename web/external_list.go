package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
)

// externalList shows the External tab.
func (s *Server) externalList(c echo.Context) error {
	from := parseList(c.Request().URL.RawQuery)
	found, err := s.readExternal(c, from)
	if keys.KindOf(err) == keys.KindMalformed || found.Fallback {
		return s.redirect(c, pathExternal())
	}
	if keys.KindOf(err) == keys.KindUnavailable {
		err = &keys.Error{Kind: keys.KindUnavailable, Reason: reasonNotLoaded, Cause: err}
		return retryAt(err, from.external(), "error.back.again")
	}
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.ExternalListPage(s.externalListView(c, found, from)))
}

func (s *Server) readExternal(c echo.Context, from list) (store.ExternalKeyPage, error) {
	after, before := from.cursors()
	return s.store.ExternalKeys(c.Request().Context(), actor(c), store.KeyAsk{After: after, Before: before, Limit: pageSize})
}

func (s *Server) externalListView(c echo.Context, found store.ExternalKeyPage, from list) views.ExternalList {
	view := views.ExternalList{Shell: s.shell(c, "keys.heading"), Tabs: tabs(c, pathExternal()), Total: found.Total}
	view.Exports = views.KeysExports{CSVURL: pathKeysExport(formatCSV) + "?sheet=" + sheetExternal, XLSXURL: pathKeysExport(formatXLSX)}
	if actor(c).May(keys.EditAPIKeys) {
		view.AddURL = pathExternalAdd()
	}
	if found.Newer != "" {
		view.NewerURL = pathExternal() + "?before=" + url.QueryEscape(found.Newer)
	}
	if found.Older != "" {
		view.OlderURL = pathExternal() + "?after=" + url.QueryEscape(found.Older)
	}
	for _, key := range found.Keys {
		view.Rows = append(view.Rows, externalRow(c, key, from))
	}
	return view
}

// externalRow is an external key as a row of the table. Whoever may edit keys can remove one that has more
// console resources than they have, but not edit it.
func externalRow(c echo.Context, key keys.ExternalKey, from list) views.ExternalRow {
	v := currentViewer(c)
	row := views.ExternalRow{
		ID: string(key.ID), Owner: key.Owner, Roles: roleNames(c, key.Roles), Added: timeOf(c, key.AddedAt, v.zone()), Active: key.Active,
	}
	if v.actor.May(keys.EditAPIKeys) {
		row.RemoveURL = pathExternalRemove(key.ID, from)
		if v.actor.MayGrant(key.Roles) == nil {
			row.EditURL = pathExternalEdit(key.ID, from)
		}
	}
	return row
}

// externalOfPath is the external key that the path names, in the viewer's account.
func (s *Server) externalOfPath(c echo.Context) (keys.ExternalKey, error) {
	id, err := keyParam(c)
	if err != nil {
		return keys.ExternalKey{}, atExternal(err)
	}
	key, err := s.store.ExternalKey(c.Request().Context(), actor(c), id)
	return key, atExternal(err)
}

// atExternal leads back to the External tab from the page of an error, if there is one.
func atExternal(err error) error {
	if err == nil {
		return nil
	}
	return retryAt(err, pathExternal(), "error.back.external")
}
