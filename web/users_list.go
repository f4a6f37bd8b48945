package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// openedShown is how long the list says that a link was opened, and from where.
const openedShown = 7 * 24 * time.Hour

// usersList shows the users of the account.
func (s *Server) usersList(c echo.Context) error {
	users, err := s.store.AccountUsers(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	view := views.UsersList{Shell: s.shell(c, "users.heading"), InviteURL: pathUsersInvite()}
	for _, user := range users {
		view.Rows = append(view.Rows, s.userRow(c, user))
	}
	return s.render(c, http.StatusOK, views.UsersListPage(view))
}

func (s *Server) userRow(c echo.Context, user store.AccountUser) views.UserRow {
	v := currentViewer(c)
	row := views.UserRow{
		ID: strconv.FormatInt(user.Number, 10), Email: user.Email, You: user.ID == v.actor.UserID,
		State: sayUserState(c, user.User), On: user.Active() && user.HasPassword, Chips: s.userChips(c, user),
		Menu: s.userMenu(c, user),
	}
	if !user.LastSignInAt.IsZero() {
		row.SignedIn = timeOf(c, user.LastSignInAt, v.zone())
	}
	row.Roles = roleNames(c, user.Roles)
	if opened := user.Link.OpenedAt; !opened.IsZero() && s.now().Sub(opened) < openedShown {
		row.Note = sayTimes(c, "users.note.opened", words.Args{"Ago": s.ago(c, opened), "Address": user.Link.OpenedIP})
	}
	return row
}

// sayUserState is the one word about whether a user can sign in.
func sayUserState(c echo.Context, user keys.User) string {
	switch {
	case !user.Active():
		return t(c, "users.state.inactive")
	case user.HasPassword:
		return t(c, "users.state.active")
	case user.LastSignInAt.IsZero():
		return t(c, "users.state.invited")
	default:
		return t(c, "users.state.no-password")
	}
}

// userChips say what else keeps a user waiting.
func (s *Server) userChips(c echo.Context, user store.AccountUser) (chips []ui.Chip) {
	switch {
	case user.Link.Waits(s.now()):
		chips = append(chips, s.linkChip(c, user.Link.ExpiresAt))
	case user.Active() && !user.HasPassword:
		chips = append(chips, ui.Chip{Tone: "warning", Icon: "triangle-alert", Text: t(c, "users.chip.no-link")})
	}
	if user.Locked {
		chips = append(chips, ui.Chip{Tone: "warning", Icon: "lock", Text: t(c, "users.chip.locked")})
	}
	return chips
}

// userMenu holds what the viewer may do with a user, or is nil when that is nothing. A user with more console
// resources than the viewer's can still be stopped by them. Nobody is offered to lock themselves out.
func (s *Server) userMenu(c echo.Context, user store.AccountUser) *views.UserMenu {
	var menu views.UserMenu
	who := actor(c)
	mayGrant, self := who.MayGrant(user.Roles) == nil, user.ID == who.UserID
	if mayGrant {
		menu.EditURL = pathUserEdit(user.Number)
	}
	switch {
	case !user.Active() && mayGrant:
		menu.ActivateURL = pathUserActivate(user.Number)
	case user.Active() && !self:
		menu.DeactivateURL = pathUserDeactivate(user.Number)
	}
	if user.Active() && !self && mayGrant {
		menu.ResetURL, menu.ResetLabel = pathUserReset(user.Number), t(c, "users.menu.reset")
		if !user.HasPassword {
			menu.ResetLabel = t(c, "users.menu.relink")
		}
	}
	if user.Link.Waits(s.now()) {
		menu.DiscardURL = pathUserLinkDiscard(user.Number)
	}
	if menu == (views.UserMenu{}) {
		return nil
	}
	return &menu
}

// userParam is the number of the user that the path names. What is no number is no user.
func userParam(c echo.Context) (int64, error) {
	text := c.Param("uid")
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != text {
		return 0, keys.NotFound(keys.ReasonUserNotFound)
	}
	return number, nil
}

// userOfPath is the user that the path names, in the viewer's account.
func (s *Server) userOfPath(c echo.Context) (store.AccountUser, error) {
	number, err := userParam(c)
	if err != nil {
		return store.AccountUser{}, atUsers(err)
	}
	user, err := s.store.AccountUser(c.Request().Context(), actor(c), number)
	return user, atUsers(err)
}

// userToChange is userOfPath, or Forbidden when the user holds more than the viewer does.
func (s *Server) userToChange(c echo.Context) (store.AccountUser, error) {
	user, err := s.userOfPath(c)
	if err != nil {
		return store.AccountUser{}, err
	}
	return user, atUsers(actor(c).MayGrant(user.Roles))
}

// atUsers leads from a refusal that is about a user back to the list.
func atUsers(err error) error {
	switch keys.KindOf(err) {
	case keys.KindNotFound, keys.KindConflict, keys.KindForbidden:
		return retryAt(err, pathUsers(), "error.back.users")
	default:
		return err
	}
}

// userConfirm is the view-model of a page that asks before an action on a user.
func (s *Server) userConfirm(c echo.Context, title string, user store.AccountUser, url string, problems []ui.Problem) views.UserConfirm {
	shell := s.shell(c, title)
	shell.Failed = len(problems) > 0
	return views.UserConfirm{Shell: shell, URL: url, CancelURL: pathUserRow(user.Number), Email: user.Email, Problems: problems}
}

// ofNoField are problems as a page shows them that has no field for them.
func ofNoField(problems []ui.Problem) []ui.Problem {
	for i := range problems {
		problems[i].Field = ""
	}
	return problems
}

// nothing is a form without a field.
type nothing struct{}

// userAction reads what every action on a user comes with that has no field.
func userAction(c echo.Context) (int64, error) {
	number, err := userParam(c)
	if err != nil {
		return 0, atUsers(err)
	}
	return number, bind(c, &nothing{})
}
