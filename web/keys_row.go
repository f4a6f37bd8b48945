package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// keyRow is a key as a row of the table. Its roles must carry their resources: they decide which
// actions the viewer has.
func (s *Server) keyRow(c echo.Context, v viewer, key keys.Key, from list) views.KeyRow {
	row := views.KeyRow{
		ID: string(key.ID), Name: key.Name, URL: pathKeyShow(key.ID), Active: key.Active(), Pending: key.Renewing(),
		Durations: s.durations(c, v.account, key),
		Created:   timeOf(c, key.CreatedAt, v.zone()), Menu: keyMenu(v.actor, key, from),
	}
	for _, role := range key.Roles {
		row.Roles = append(row.Roles, roleName(c, role))
	}
	return row
}

// keyMenu holds what the viewer may do with a key, or is nil when that is nothing. A key with more
// console resources than the viewer's can still be stopped by them.
func keyMenu(who keys.Actor, key keys.Key, from list) *views.KeyMenu {
	var menu views.KeyMenu
	mayGrant := who.MayGrant(key.Roles) == nil
	if who.May(keys.EditAPIKeys) {
		editItems(&menu, key, from, mayGrant)
	}
	switch {
	case !who.May(keys.RenewAPIToken):
	case key.Renewing():
		menu.UndoURL = pathKeyUndo(key.ID, from)
	case mayGrant:
		menu.RenewURL = pathKeyRenew(key.ID, from)
	}
	if menu == (views.KeyMenu{}) {
		return nil
	}
	return &menu
}

// editItems are the items of the menu that need Edit API Keys.
func editItems(menu *views.KeyMenu, key keys.Key, from list, mayGrant bool) {
	menu.DeleteURL = pathKeyDelete(key.ID, from)
	if mayGrant {
		menu.EditURL = pathKeyEdit(key.ID, from)
	}
	switch {
	case key.Active():
		menu.DeactivateURL = pathKeyDeactivate(key.ID, from)
	case mayGrant:
		menu.ActivateURL = pathKeyActivate(key.ID, from)
	}
	if key.Renewing() {
		menu.DeleteOldURL = pathKeyDeleteOld(key.ID, from)
	}
}

// label names the page that at leads to.
func (l list) label(c echo.Context, id keys.KeyID) string {
	if l == fromKey {
		return string(id)
	}
	return t(c, "keys.heading")
}

// timeOf is a moment as pages show it, in the reader's zone.
func timeOf(c echo.Context, at time.Time, loc *time.Location) ui.Time {
	ctx := speaking(c)
	local := at.In(loc)
	return ui.Time{Datetime: local.Format(time.RFC3339), Title: words.Moment(ctx, local), Text: words.Day(ctx, local)}
}

// answerRow answers a row action: htmx gets the new row and the flash, everybody else the list.
func (s *Server) answerRow(c echo.Context, key keys.Key, flash ui.Flash) error {
	from := listQuery(c)
	if !isHX(c) {
		return s.flashRedirect(c, from.at(key.ID), flash)
	}
	row := s.keyRow(c, currentViewer(c), key, from)
	c.Response().Header().Add(echo.HeaderVary, "HX-Request")
	return s.render(c, 200, views.KeysRowSwap(row, flash))
}

// rowFields is what the form of a row action sends.
type rowFields struct {
	// Understood is the checkbox of what cannot be undone.
	Understood string `form:"understood"`
}

// rowAction reads what every action on a row comes with.
func rowAction(c echo.Context) (keys.KeyID, rowFields, error) {
	id, err := keyParam(c)
	if err != nil {
		return "", rowFields{}, err
	}
	var in rowFields
	err = bind(c, &in)
	return id, in, err
}

// keyOfPath is the key that the path names, in the viewer's account.
func (s *Server) keyOfPath(c echo.Context) (keys.Key, error) {
	id, err := keyParam(c)
	if err != nil {
		return keys.Key{}, err
	}
	return s.store.Key(c.Request().Context(), actor(c), id)
}

// keyToChange is keyOfPath, or Forbidden when the key holds more than the viewer does.
func (s *Server) keyToChange(c echo.Context) (keys.Key, error) {
	key, err := s.keyOfPath(c)
	if err != nil {
		return keys.Key{}, err
	}
	return key, actor(c).MayGrant(key.Roles)
}

// confirmView is the view-model of a page that asks before an action on a key.
func (s *Server) confirmView(c echo.Context, titleID string, key keys.Key, path func(keys.KeyID, list) string) views.KeyConfirm {
	from := listQuery(c)
	return views.KeyConfirm{
		Shell: s.shell(c, titleID), URL: path(key.ID, from), CancelURL: from.at(key.ID), KeyID: string(key.ID), Name: key.Name,
		BackLabel: from.label(c, key.ID),
	}
}
